"""Whether somebody still speaks for the person whose code they show, asked at every scan of a family code."""

from app.kit.database import Connection
from codes.showing.grants.ports import FindsGuardians
from codes.verdict import Reason
from codes.verification.ports import Holder


class MandateCheck:
    """The end of a mandate voids its grants in the same transaction; this finds also those that ended by themselves.

    And those that do not name the scenario: an offline verifier, which cannot ask, learns of neither.
    """

    def __init__(self, guardians: FindsGuardians) -> None:
        self._guardians = guardians

    async def reason(self, connection: Connection, holder: Holder, scenario: int, /) -> Reason | None:
        """REVOKED when whoever shows the code does not speak for the holder here and now."""
        if holder.guardian_id is None:
            return None
        counts = await self._guardians.may_show(
            connection,
            mandate_id=holder.mandate_id,
            agent_id=holder.guardian_id,
            principal_id=holder.subject_id,
            scenario=scenario,
        )
        return None if counts else Reason.REVOKED
