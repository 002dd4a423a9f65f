"""Reads what stands on a sticker: the signature first, as offline, then the row and the status of this moment.

Never raises for a code, whatever its text; what is wrong with it is a reason.
"""

from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.structs import Model
from codes.enterprise_ports import FindsOrganizations
from codes.enterprises import repository
from codes.enterprises.models import Sticker, sticker_of
from codes.envelope.claims import Kind
from codes.offline import Examined, Judged, StatusFound, checks_of, examine, freshness_of, judge
from codes.status.models import StatusPointer
from codes.status.service import Statuses
from codes.trust.models import CodeFormat, ScenarioPolicy
from codes.trust.service import TrustLists
from codes.verdict import Check, Freshness, Reason

ANYBODY = ScenarioPolicy(number=0, kinds=frozenset({Kind.E}), freshness_seconds=0, fails_open=True)
"""A passer-by with a camera: reads registered facts, so an old list closes nothing."""
SKIPPED = ("device_signature", "freshness", "scanner", "holder", "replay")


class Reading(Model):
    """A sticker with the steps that led there and the age of what they rest on."""

    sticker: Sticker
    checks: list[Check]
    freshness: Freshness


class StickerReader:
    """Tells whether a sticker is ours, good, and whose it is."""

    def __init__(
        self,
        *,
        trust_lists: TrustLists,
        statuses: Statuses,
        organizations: FindsOrganizations,
        clock: Clock,
        code_format: CodeFormat,
    ) -> None:
        self._trust_lists = trust_lists
        self._statuses = statuses
        self._organizations = organizations
        self._clock = clock
        self._code_format = code_format

    async def read(self, connection: Connection, text: str, policy: ScenarioPolicy = ANYBODY) -> Reading:
        """What `text` is worth in the scenario of `policy`, now."""
        now = self._clock.now()
        trust_list = (await self._trust_lists.current(connection)).verified
        examined = examine(text, trust_list, self._code_format, now)
        status = StatusFound(status=None)
        judged = Judged(reason=examined.reason, failed_step=examined.failed_step)
        if examined.reason is Reason.OK and examined.claims is not None and examined.code is not None:
            pointer = StatusPointer(shard=examined.claims.shard, index=examined.claims.index)
            status = StatusFound(status=await self._statuses.find_status(connection, pointer), as_of=now)
            judged = judge(examined.code, trust_list, status, policy, now)
        return Reading(
            sticker=await self._find(connection, examined, judged.reason),
            checks=checks_of(judged, policy.number, examined.code, skipped=SKIPPED),
            freshness=freshness_of(trust_list, status, None, now),
        )

    async def _find(self, connection: Connection, examined: Examined, reason: Reason) -> Sticker:
        """Whose sticker it is; only a right signature is looked up."""
        if examined.reason is not Reason.OK or examined.claims is None:
            return Sticker(reason=reason)
        code = await repository.find_code_by_cti(connection, examined.claims.cti)
        if code is None:
            return Sticker(reason=Reason.STATUS_UNKNOWN if reason is Reason.OK else reason)
        organization = await self._organizations.get_organization(connection, code.organization_id)
        return sticker_of(reason, code, organization)
