"""Reads what stands on a wall: the signature first, as offline, then the status of this moment, then the register.

Never raises for a code, whatever its text; what is wrong with it is a reason. Reads only: whoever looks, nothing of it
is written down.
"""

from collections.abc import Mapping

from app.kit.clock import Clock
from app.kit.database import Connection
from codes.envelope.claims import PRINTED, Kind
from codes.offline import Judged, StatusFound, checks_of, examine, freshness_of, judge
from codes.status.models import StatusPointer
from codes.status.service import Statuses
from codes.stickers.models import Reading, Sticker
from codes.stickers.ports import DescribesCodes
from codes.trust.models import CodeFormat, ScenarioPolicy
from codes.trust.service import TrustLists
from codes.verdict import Reason

ANYBODY = ScenarioPolicy(number=0, kinds=PRINTED, freshness_seconds=0, fails_open=True)
"""A passer-by with a camera: reads what is registered and public, so an old list closes nothing."""
SKIPPED = ("device_signature", "freshness", "scanner", "holder", "replay")
READ_ONLY = "set transaction read only"


class CodeReader:
    """Tells whether a code is the city's own and counts now, in the scenario of a policy."""

    def __init__(self, *, trust_lists: TrustLists, statuses: Statuses, clock: Clock, code_format: CodeFormat) -> None:
        self._trust_lists = trust_lists
        self._statuses = statuses
        self._clock = clock
        self._code_format = code_format

    async def prepare(self, connection: Connection) -> None:
        """Has the trust list at hand: a city's very first caller publishes it, and `read` then only reads."""
        await self._trust_lists.current(connection)

    async def read(self, connection: Connection, text: str, policy: ScenarioPolicy) -> Reading:
        """What `text` is worth in the scenario of `policy`, now."""
        now = self._clock.now()
        trust_list = (await self._trust_lists.current(connection)).verified
        examined = examine(text, trust_list, self._code_format, now)
        claims = examined.claims if examined.reason is Reason.OK else None
        status = StatusFound(status=None)
        judged = Judged(reason=examined.reason, failed_step=examined.failed_step)
        if claims is not None and examined.shown is not None:
            pointer = StatusPointer(shard=claims.shard, index=claims.index)
            status = StatusFound(status=await self._statuses.find_status(connection, pointer), as_of=now)
            judged = judge(examined.shown, trust_list, status, policy, now)
        return Reading(
            reason=judged.reason,
            claims=claims,
            checks=checks_of(judged, policy.number, examined.shown, skipped=SKIPPED),
            freshness=freshness_of(trust_list, status, None, now),
        )


class PublicReader:
    """What anybody's camera is told of a code, by the register of its kind."""

    def __init__(self, codes: CodeReader, registers: Mapping[Kind, DescribesCodes]) -> None:
        self._codes = codes
        self._registers = registers

    async def read(self, connection: Connection, text: str) -> Sticker:
        """The description of a code that counts; of any other only the reason. PostgreSQL itself refuses to write.

        So no trigger, no counter and no later change of ours can keep a record of who stood before a sticker.
        """
        await self._codes.prepare(connection)
        await connection.execute(READ_ONLY)
        reading = await self._codes.read(connection, text, ANYBODY)
        if reading.reason is not Reason.OK or reading.claims is None:
            return Sticker(reason=reading.reason)
        register = self._registers.get(reading.claims.kind)
        description = None if register is None else await register.describe(connection, reading.claims.cti)
        return Sticker(reason=Reason.STATUS_UNKNOWN if description is None else Reason.OK, description=description)
