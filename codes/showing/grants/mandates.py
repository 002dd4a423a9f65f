"""Whether a guardian still speaks for a child, asked at every scan of a family code."""

from datetime import datetime

from app.kit.database import Connection
from codes.showing.grants.ports import FindsGuardians
from codes.verdict import Reason
from codes.verification.ports import Holder


class MandateCheck:
    """The end of a mandate voids its grants in the same transaction; this finds also those that ended by themselves."""

    def __init__(self, guardians: FindsGuardians) -> None:
        self._guardians = guardians

    async def reason(self, connection: Connection, holder: Holder, _now: datetime, /) -> Reason | None:
        """REVOKED when whoever shows the code is no longer the holder's guardian."""
        if holder.guardian_id is None:
            return None
        children = await self._guardians.list_child_ids(connection, holder.guardian_id)
        return None if holder.subject_id in children else Reason.REVOKED
