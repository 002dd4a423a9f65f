"""Whom a code on a wall speaks of, by the registers of such codes."""

from app.kit.database import Connection
from codes.enterprises import repository as enterprises
from codes.enterprises.models import EnterpriseCode
from codes.envelope.claims import Kind
from codes.places import repository as places
from codes.places.models import Place
from codes.verification.ports import Holder


class StaticCodes:
    """Enterprise codes, and places and things; what stands in no register is found nowhere."""

    async def find_holder(self, connection: Connection, kind: Kind, cti: bytes, /) -> Holder | None:
        """The organization behind the code, or None. A thing has no holder but whoever keeps it."""
        code: EnterpriseCode | Place | None = None
        if kind is Kind.E:
            code = await enterprises.find_code_by_cti(connection, cti)
        elif kind is Kind.V:
            code = await places.find_place_by_cti(connection, cti)
        return None if code is None else Holder(subject_type="organization", subject_id=code.organization_id)
