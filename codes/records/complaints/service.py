"""Takes complaints about scans, hands them to the hotline, brings the answer back. Changes no scan and no verdict."""

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection, Database
from app.kit.ids import new_id
from app.kit.listing import cut
from app.kit.outbox import Outbox
from app.kit.vault import Vault
from auth.principal import Principal
from codes.records.complaints import repository
from codes.records.complaints.errors import ComplaintAnswered, ComplaintUnknown, ScanUnknown
from codes.records.complaints.models import (
    AnswerComplaint,
    Complaint,
    ComplaintCase,
    ComplaintCases,
    ComplaintList,
    ComplaintView,
    FileComplaint,
    ScanFacts,
    State,
)
from codes.records.complaints.ports import TOPIC, AnswersComplaints, HotlineUnavailable, TakesComplaints
from codes.scenarios.catalogue import Scenarios
from codes.scenarios.models import NO_LONGER_LISTED
from codes.verification.models import RecordedScan, ScenarioName
from codes.verification.scans import ScanRecords

log = structlog.get_logger()

SEAL_PURPOSE: Final = "codes.complaint"
ANSWERED_STAY: Final = timedelta(days=365)
HANDED_OVER_WITHIN: Final = timedelta(minutes=10)
"""After that the outbox has given up, and what was not taken is brought anew."""
ASKED_AT_ONCE: Final = 100
HOTLINE: Final = "hotline"


class Complaints:
    """Complaints of holders. Guaranteed: one for each holder and scan, however often they tap."""

    def __init__(
        self,
        *,
        scans: ScanRecords,
        scenarios: Scenarios,
        vault: Vault,
        clock: Clock,
        database: Database,
        outbox: Outbox,
        hotline: TakesComplaints | None,
        answers: AnswersComplaints | None = None,
    ) -> None:
        self._scans = scans
        self._scenarios = scenarios
        self._vault = vault
        self._clock = clock
        self._database = database
        self._outbox = outbox
        self._hotline = hotline
        self._answers = answers
        self._asked_until: UUID | None = None

    def hand_to(self, hotline: TakesComplaints, answers: AnswersComplaints) -> None:
        """From now on complaints go to this hotline, and its answers come back. Called at composition."""
        self._hotline, self._answers = hotline, answers
        self._outbox.handle(TOPIC, self.deliver)

    async def file(self, connection: Connection, principal: Principal, request: FileComplaint) -> ComplaintView:
        """The complaint, or the one that this holder filed about this scan before. Raises `ScanUnknown`."""
        scan = await self._scans.find_scan(connection, principal, request.verification_id)
        if scan is None:
            raise ScanUnknown
        complaint = self._complaint_of(principal, scan, request)
        if await repository.insert_complaint(connection, complaint):
            await self._forward(connection, complaint)
            await self._record(connection, principal.actor, "complaint.filed", complaint)
            return self._view(complaint)
        earlier = await repository.find_of_scan(connection, scan.id, principal.subject_id)
        assert earlier is not None
        return self._view(earlier)

    async def list_own(
        self, connection: Connection, principal: Principal, *, after: UUID | None, limit: int
    ) -> ComplaintList:
        """A page, newest first."""
        subject = (principal.subject_type, principal.subject_id)
        rows = await repository.list_own(connection, subject, after, limit + 1)
        page, following = cut(rows, limit)
        return ComplaintList(items=[self._view(row) for row in page], next=following)

    async def list_open(self, connection: Connection, *, after: UUID | None, limit: int) -> ComplaintCases:
        """A page of what waits for an answer, oldest first; nobody sees who filed it."""
        rows = await repository.list_open(connection, after, limit + 1)
        page, following = cut(rows, limit)
        return ComplaintCases(items=[self._case(row) for row in page], next=following)

    async def answer(
        self, connection: Connection, principal: Principal, complaint_id: UUID, request: AnswerComplaint
    ) -> ComplaintCase:
        """The answer that the holder reads. Raises `ComplaintUnknown`, `ComplaintAnswered`."""
        complaint = await repository.find_complaint(connection, complaint_id)
        if complaint is None:
            raise ComplaintUnknown
        sealed, now = self._seal(complaint_id, "answer", request.text), self._clock.now()
        if not await repository.mark_answered(connection, complaint_id, sealed, now):
            raise ComplaintAnswered
        await self._record(connection, principal.actor, "complaint.answered", complaint)
        answered = await repository.find_complaint(connection, complaint_id)
        assert answered is not None
        return self._case(answered)

    async def deliver(self, payload: dict[str, Any]) -> None:
        """Hands one complaint to the hotline; what the outbox calls. No connection is held meanwhile.

        Raises `HotlineUnavailable`, so that it is tried again.
        """
        assert self._hotline is not None
        complaint_id = UUID(payload["complaint_id"])
        async with self._database.acquire() as connection:
            complaint = await repository.find_complaint(connection, complaint_id)
        if complaint is None or complaint.state != "filed":
            return
        reference = await self._hotline.take(self._case(complaint))
        async with self._database.transaction() as connection:
            await repository.mark_forwarded(connection, complaint_id, reference)

    async def hear(self) -> None:
        """One round of a job: brings what the hotline did not take at first, and its answers for a page of the rest.

        Any worker may do it at any time: a complaint is taken once by its id, and answered once. Holds no connection
        while the hotline thinks. A hotline that is away is asked in the next round.
        """
        if self._hotline is None or self._answers is None:
            return
        try:
            for complaint in await self._list("filed", self._clock.now() - HANDED_OVER_WITHIN, None):
                await self.deliver({"complaint_id": str(complaint.id)})
            await self._hear_page(self._answers)
        except HotlineUnavailable as error:
            log.info("complaints.hotline_away", cause=str(error))

    async def _hear_page(self, hotline: AnswersComplaints) -> None:
        """The next hundred that wait at the hotline, and after the last of them the first again."""
        waiting = await self._list("forwarded", self._clock.now(), self._asked_until)
        self._asked_until = waiting[-1].id if len(waiting) == ASKED_AT_ONCE else None
        by_reference = {complaint.reference: complaint for complaint in waiting if complaint.reference is not None}
        if not by_reference:
            return
        for reference, text in (await hotline.find_answers(list(by_reference))).items():
            await self._take_answer(by_reference[reference], text)

    async def _take_answer(self, complaint: Complaint, text: str) -> None:
        sealed, now = self._seal(complaint.id, "answer", text), self._clock.now()
        async with self._database.transaction() as connection:
            if await repository.mark_answered(connection, complaint.id, sealed, now):
                await self._record(connection, HOTLINE, "complaint.answered", complaint)

    async def _list(self, state: State, before: datetime, after: UUID | None) -> list[Complaint]:
        async with self._database.acquire() as connection:
            return await repository.list_in_state(connection, state, before=before, after=after, limit=ASKED_AT_ONCE)

    async def forget_old(self, connection: Connection) -> None:
        """Forgets complaints a year after their answer; a periodic job."""
        await repository.delete_old(connection, self._clock.now() - ANSWERED_STAY)

    def _complaint_of(self, principal: Principal, scan: RecordedScan, request: FileComplaint) -> Complaint:
        complaint_id = new_id()
        assert principal.subject_type != "official"
        return Complaint(
            id=complaint_id,
            verification_id=scan.id,
            subject_type=principal.subject_type,
            subject_id=principal.subject_id,
            organization_id=scan.organization_id,
            scanned_by=scan.scanned_by,
            scanned_at=scan.verified_at,
            scenario=scan.scenario,
            verdict=scan.verdict,
            reason=scan.reason,
            disclosed=scan.disclosed,
            concern=request.concern,
            text_sealed=None if request.text is None else self._seal(complaint_id, "text", request.text),
            state="filed",
            filed_at=self._clock.now(),
        )

    async def _forward(self, connection: Connection, complaint: Complaint) -> None:
        """Without a hotline the city's own audit officers find it in their list."""
        if self._hotline is not None:
            payload = {"complaint_id": str(complaint.id)}
            await self._outbox.enqueue(connection, topic=TOPIC, payload=payload, now=complaint.filed_at)

    async def _record(self, connection: Connection, actor: str, action: str, complaint: Complaint) -> None:
        await audit.record(
            connection,
            clock_now=self._clock.now(),
            actor=actor,
            action=action,
            subject=f"complaint:{complaint.id}",
            detail={"verification": str(complaint.verification_id), "concern": complaint.concern},
        )

    def _view(self, complaint: Complaint) -> ComplaintView:
        return ComplaintView(
            id=complaint.id,
            scan=self._facts(complaint),
            concern=complaint.concern,
            text=self._open(complaint.id, "text", complaint.text_sealed),
            state=complaint.state,
            filed_at=complaint.filed_at,
            reference=complaint.reference,
            answer=self._open(complaint.id, "answer", complaint.answer_sealed),
            answered_at=complaint.answered_at,
        )

    def _case(self, complaint: Complaint) -> ComplaintCase:
        return ComplaintCase(
            id=complaint.id,
            organization_id=complaint.organization_id,
            scan=self._facts(complaint),
            concern=complaint.concern,
            text=self._open(complaint.id, "text", complaint.text_sealed),
            state=complaint.state,
            filed_at=complaint.filed_at,
            reference=complaint.reference,
        )

    def _facts(self, complaint: Complaint) -> ScanFacts:
        scenario = self._scenarios.find(complaint.scenario)
        names = scenario.names if scenario else NO_LONGER_LISTED
        return ScanFacts(
            verification_id=complaint.verification_id,
            at=complaint.scanned_at,
            scanner=complaint.scanned_by,
            scenario=ScenarioName(number=complaint.scenario, names=names),
            verdict=complaint.verdict,
            reason=complaint.reason,
            disclosed=complaint.disclosed,
        )

    def _seal(self, complaint_id: UUID, part: str, text: str) -> bytes:
        return self._vault.seal(SEAL_PURPOSE, text.encode(), context=complaint_id.bytes + part.encode())

    def _open(self, complaint_id: UUID, part: str, sealed: bytes | None) -> str | None:
        if sealed is None:
            return None
        return self._vault.open(SEAL_PURPOSE, sealed, context=complaint_id.bytes + part.encode()).decode()
