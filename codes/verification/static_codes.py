"""Whom a code on a wall speaks of, by the registers of such codes."""

from app.kit.database import Connection
from codes.enterprise.enterprises import repository as enterprises
from codes.envelope.claims import Kind
from codes.places import repository as places
from codes.verification.ports import Holder

FIND_BY_CTI = {Kind.E: enterprises.find_code_by_cti, Kind.V: places.find_place_by_cti}


class StaticCodes:
    """Enterprise codes, and places and things; what stands in no register is found nowhere."""

    async def find_holder(self, connection: Connection, kind: Kind, cti: bytes, /) -> Holder | None:
        """The organization behind the code, or None. A thing has no holder but whoever keeps it."""
        find = FIND_BY_CTI.get(kind)
        code = None if find is None else await find(connection, cti)
        return None if code is None else Holder(subject_type="organization", subject_id=code.organization_id)
