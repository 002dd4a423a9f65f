"""Accepts, in groups, the codes that are good in every usual way: a few statements and one commit for many scans.

Whatever is not plainly good is not judged here: None sends the scan the long way, where it is looked at from the
beginning. So this module can be wrong in one direction only, and every rule it asks is the long way's own.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from app.kit.clock import Clock
from app.kit.database import Connection, Database
from app.kit.ids import new_id
from app.kit.structs import Model
from codes.envelope.claims import PRESENTED
from codes.offline import Examined, Judged, examine
from codes.scenarios.catalogue import Scenarios
from codes.scenarios.models import NAMING, Scenario
from codes.showing.grants.pointers import GrantPointer, Pointers
from codes.status.models import StatusPointer
from codes.trust.models import CodeFormat
from codes.trust.service import TrustLists
from codes.verdict import Reason, VerificationResult
from codes.verification import repository
from codes.verification.answers import Answers, Scan, challenge_of
from codes.verification.disclosing import Disclosures
from codes.verification.holders import Holders
from codes.verification.judging import judge_code, judge_holder
from codes.verification.lane.groups import Groups
from codes.verification.models import GrantKey, VerifyCode
from codes.verification.ports import AdmitsScans, Scans
from codes.verification.reading import Reading, guard_of
from codes.verification.standing import standing_of

LARGEST_GROUP: Final = 32
HANDS: Final = 1
"""One group at a time: whoever comes while it is being committed makes the next one larger, and so cheaper."""


class Usual(Model):
    """A scan of a personal code whose signatures hold; what it is worth, only the books can still say."""

    scan: Scan
    examined: Examined
    pointer: GrantPointer
    key: GrantKey


class Good(Model):
    """A scan that is accepted if nobody was faster."""

    scan: Scan
    reading: Reading
    judged: Judged


class Lane:
    """The fast lane of one worker. An answer is given only after its row is durable."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        trust_lists: TrustLists,
        scenarios: Scenarios,
        pointers: Pointers,
        holders: Holders,
        disclosures: Disclosures,
        answers: Answers,
        admission: AdmitsScans,
        code_format: CodeFormat,
    ) -> None:
        self._database = database
        self._clock = clock
        self._trust_lists = trust_lists
        self._scenarios = scenarios
        self._pointers = pointers
        self._holders = holders
        self._disclosures = disclosures
        self._answers = answers
        self._admission = admission
        self._code_format = code_format
        self._groups = Groups(self._accept, largest=LARGEST_GROUP, hands=HANDS)

    async def accept(self, scanner: Scans, request: VerifyCode) -> VerificationResult | None:
        """ACCEPT, recorded and committed; None for every scan that has to go the long way, of which nothing is kept."""
        usual = self._recognise(scanner, request)
        return None if usual is None else await self._groups.ask(usual)

    def _recognise(self, scanner: Scans, request: VerifyCode) -> Usual | None:
        scenario, trust_list = self._scenarios.find(request.scenario), self._trust_lists.held()
        if scenario is None or trust_list is None or not is_plain(scenario, request):
            return None
        scan = Scan(
            id=new_id(),
            now=self._clock.now(),
            scanner=scanner,
            scenario=scenario,
            trust_list=trust_list.verified,
            request_id=request.request_id,
            holder_checked=request.holder_checked,
            challenge=challenge_of(scanner, request),
        )
        examined = examine(request.code, scan.trust_list, self._code_format, scan.now)
        claims, presentation = examined.claims, examined.presentation
        if examined.reason is not Reason.OK or claims is None or presentation is None or claims.kind not in PRESENTED:
            return None
        pointer = self._pointers.open(claims.cti)
        if pointer is None or presentation.cnonce is not None:  # which would use the whole grant up
            return None
        place = StatusPointer(shard=claims.shard, index=claims.index)
        key = GrantKey(batch=pointer.batch, place=place, cti=claims.cti)
        return Usual(scan=scan, examined=examined, pointer=pointer, key=key)

    async def _accept(self, group: Sequence[Usual]) -> list[VerificationResult | None]:
        async with self._database.acquire() as connection:
            good = await self._judge(connection, group)
            results = {one.scan.id: await self._conclude(connection, one) for one in good}
            rows = [self._answers.row(one.scan, one.reading, results[one.scan.id]) for one in good]
            # Committed when it returns, before anybody is told.
            standing = await repository.insert_verifications(connection, rows) if rows else set[UUID]()
        return [results[usual.scan.id] if usual.scan.id in standing else None for usual in group]

    async def _judge(self, connection: Connection, group: Sequence[Usual]) -> list[Good]:
        now = self._clock.now()
        admitted = await self._admission.list_admitted(connection, [usual.scan for usual in group], now)
        grants = await repository.list_standings(connection, [usual.key for usual in group])
        readings = [
            Reading(
                examined=usual.examined,
                standing=standing_of(grant, usual.pointer, usual.scan.now),
                guard=guard_of(usual.examined),
            )
            for usual, grant in zip(group, grants, strict=True)
        ]
        good = [
            Good(scan=usual.scan, reading=reading, judged=judged)
            for usual, reading, free in zip(group, readings, admitted, strict=True)
            if free and (judged := judge_code(usual.scan, reading)).reason is Reason.OK
        ]
        return await self._in_good_hands(connection, good)

    async def _in_good_hands(self, connection: Connection, good: Sequence[Good]) -> list[Good]:
        asked = [(one.reading.standing.holder, one.scan.scenario) for one in good]
        reasons = await self._holders.list_standings(
            connection, [(holder, scenario) for holder, scenario in asked if holder is not None]
        )
        return [
            one
            for one, reason in zip(good, reasons, strict=True)
            if reason is not None and judge_holder(one.scan, one.reading, one.judged, reason).reason is Reason.OK
        ]

    async def _conclude(self, connection: Connection, one: Good) -> VerificationResult:
        holder = one.reading.standing.holder
        assert holder is not None
        disclosed = await self._disclosures.disclose(connection, one.scan, one.reading, holder)
        return self._answers.result(one.scan, one.reading, one.judged, disclosed)


def is_plain(scenario: Scenario, request: VerifyCode) -> bool:
    """Whether an acceptance here is a row and nothing else: no name that is counted, no operator, no form ticket."""
    return NAMING.isdisjoint(scenario.discloses) and not scenario.operator_required and request.item is None
