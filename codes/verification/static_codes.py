"""Whom a code on a wall speaks of, by the registers of such codes."""

from app.kit.database import Connection
from codes.enterprises import repository as enterprises
from codes.envelope.claims import Kind
from codes.verification.ports import Holder


class StaticCodes:
    """Enterprise codes so far; codes of other kinds are in nobody's register yet, so they are found nowhere."""

    async def find_holder(self, connection: Connection, kind: Kind, cti: bytes, /) -> Holder | None:
        """The organization behind an E code, or None."""
        code = await enterprises.find_code_by_cti(connection, cti) if kind is Kind.E else None
        return None if code is None else Holder(subject_type="organization", subject_id=code.organization_id)
