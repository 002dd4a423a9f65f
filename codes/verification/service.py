"""One scan, one verdict: signatures, status, time, scenario, scanner, holder, replay; then what may leave, and the row.

The row is the guard: of all scans of one presentation, on all workers, exactly one is accepted. A refused scan is
remembered too, and discloses nothing. Every carrier goes this way; they differ only in how they are read.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any, TypeAlias

from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.ids import new_id
from codes.offline import Challenge, Judged, examine
from codes.scenarios.catalogue import Scenarios
from codes.trust.models import CodeFormat
from codes.trust.service import TrustLists
from codes.verdict import Reason, VerificationResult
from codes.verification import repository
from codes.verification.answers import Answers, Scan, challenge_of
from codes.verification.disclosing import Disclosures
from codes.verification.holders import Holders
from codes.verification.judging import judge_code, judge_holder, refused
from codes.verification.models import Asked, VerifyCode
from codes.verification.ports import AdmitsScans, Holder, IssuesTickets, Scans
from codes.verification.reading import Guard, Reading, ReadsCodes, guard_of, unread
from codes.verification.standing import NOT_READ, Standings

USED_UP = frozenset({Reason.STALE_CODE, Reason.REPLAYED})
"""What a code comes to be by being accepted and growing old: the same request is told its first answer again."""
SPENT_STAY = timedelta(days=1)

Read: TypeAlias = Callable[[Scan], Awaitable[Reading]]


class Verifications:
    """Verdicts online."""

    def __init__(
        self,
        *,
        trust_lists: TrustLists,
        scenarios: Scenarios,
        holders: Holders,
        disclosures: Disclosures,
        standings: Standings,
        answers: Answers,
        clock: Clock,
        code_format: CodeFormat,
        readers: Sequence[ReadsCodes] = (),
        admission: AdmitsScans | None = None,
        tickets: IssuesTickets | None = None,
    ) -> None:
        self._trust_lists = trust_lists
        self._scenarios = scenarios
        self._holders = holders
        self._disclosures = disclosures
        self._standings = standings
        self._answers = answers
        self._clock = clock
        self._code_format = code_format
        self._readers = readers
        self._admission = admission
        self._tickets = tickets

    async def verify(self, connection: Connection, scanner: Scans, request: VerifyCode) -> VerificationResult:
        """The verdict on what `scanner` read. Raises `ScenarioUnknown`; a bad code is a verdict, never an error."""

        async def read(scan: Scan) -> Reading:
            return await self._read(connection, scan, request.code)

        return await self.answer(connection, scanner, request, read, challenge_of(scanner, request))

    async def answer(
        self, connection: Connection, scanner: Scans, asked: Asked, read: Read, challenge: Challenge | None = None
    ) -> VerificationResult:
        """The verdict on whatever `read` finds, recorded in the caller's transaction. Raises `ScenarioUnknown`.

        A scanner that may not ask at all is told so before `read` is called.
        """
        scan = Scan(
            id=new_id(),
            now=self._clock.now(),
            scanner=scanner,
            scenario=self._scenarios.get(asked.scenario),
            trust_list=(await self._trust_lists.current(connection)).verified,
            request_id=asked.request_id,
            holder_checked=asked.holder_checked,
            item=asked.item,
            challenge=challenge,
        )
        result = await self._ruling(connection, scan, read)
        if self._admission is not None:
            await self._admission.learn(connection, scanner, scan.scenario, result, scan.now)
        return result

    async def forget_spent(self, connection: Connection) -> None:
        """Forgets used-up grants that have ended since; a periodic job."""
        await repository.delete_spent(connection, self._clock.now() - SPENT_STAY)

    async def _ruling(self, connection: Connection, scan: Scan, read: Read) -> VerificationResult:
        reading = await self._turned_away(connection, scan) or await read(scan)
        judged = await self._judge(connection, scan, reading)
        if judged.reason in USED_UP and (earlier := await self._find_earlier(connection, scan, reading.guard)):
            return earlier
        return await self._conclude(connection, scan, reading, judged)

    async def _turned_away(self, connection: Connection, scan: Scan) -> Reading | None:
        if self._admission is None:
            return None
        refusal = await self._admission.refusal(connection, scan.scanner, scan.scenario, scan.now)
        return None if refusal is None else unread(refusal, "scanner")

    async def _read(self, connection: Connection, scan: Scan, text: str) -> Reading:
        for reader in self._readers:
            if reader.recognises(text):
                return await reader.read(connection, scan.scanner, text, scan.scenario.number, scan.now)
        examined = examine(text, scan.trust_list, self._code_format, scan.now)
        if examined.reason is not Reason.OK or examined.claims is None:
            return Reading(examined=examined, standing=NOT_READ, guard=guard_of(examined))
        standing = await self._standings.find(connection, examined.claims, scan.now)
        return Reading(examined=examined, standing=standing, guard=guard_of(examined))

    async def _judge(self, connection: Connection, scan: Scan, reading: Reading) -> Judged:
        judged = judge_code(scan, reading)
        if judged.reason is not Reason.OK:
            return judged
        assert reading.standing.holder is not None
        holder = await self._holders.standing(connection, reading.standing.holder, scan.scenario, scan.now)
        return judge_holder(scan, reading, judged, holder)

    async def _conclude(
        self, connection: Connection, scan: Scan, reading: Reading, judged: Judged
    ) -> VerificationResult:
        disclosed: dict[str, Any] = {}
        ticket: str | None = None
        holder = reading.standing.holder
        if judged.reason is Reason.OK and holder is not None:
            disclosed = await self._disclosures.disclose(connection, scan, reading, holder)
            ticket = await self._issue_ticket(connection, scan, holder)
        result = self._answers.result(scan, reading, judged, disclosed, ticket)
        if await self._remember(connection, scan, reading, result):
            return result
        return await self._answer_again(connection, scan, reading, judged)

    async def _issue_ticket(self, connection: Connection, scan: Scan, holder: Holder) -> str | None:
        return None if self._tickets is None else await self._tickets.issue(connection, scan, holder, scan.now)

    async def _remember(self, connection: Connection, scan: Scan, reading: Reading, result: VerificationResult) -> bool:
        """Whether the row stands; False when what it would use up was used up before."""
        guard = reading.guard
        if result.reason is Reason.OK and guard is not None and guard.spent_until is not None:
            spent = await repository.insert_spent(connection, guard.cti, scan.now, guard.spent_until)
            if not spent:
                return False
        return await repository.insert_verification(connection, self._answers.row(scan, reading, result))

    async def _answer_again(
        self, connection: Connection, scan: Scan, reading: Reading, judged: Judged
    ) -> VerificationResult:
        """The presentation was accepted before: the same request gets its answer again, any other is a replay."""
        if earlier := await self._find_earlier(connection, scan, reading.guard):
            return earlier
        result = self._answers.result(scan, reading, refused(judged, Reason.REPLAYED, "replay"), {})
        await repository.insert_verification(connection, self._answers.row(scan, reading, result))
        return result

    async def _find_earlier(self, connection: Connection, scan: Scan, guard: Guard | None) -> VerificationResult | None:
        """What this scanner was told on the same request in the same scenario, if it may still ask there."""
        if guard is None or scan.request_id is None or scan.scanner.refusal_of(scan.scenario.number) is not None:
            return None
        answer = await repository.find_answer(connection, guard.cti, guard.iat)
        if answer is None or (answer.scanner_id, answer.request_id) != (scan.scanner.id, scan.request_id):
            return None
        earlier = self._answers.open(answer)
        return earlier if earlier is not None and earlier.scenario == scan.scenario.number else None
