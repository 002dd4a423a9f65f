"""The step of the ladder for who can show no code at all: staff type the number of the document in their hand.

A permission of the city for that device and scenario, a holder in front of it, few numbers an hour; the holder reads
it in 用码记录 like every scan. A scenario that rests on consent is refused: typing a number asks nobody.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection
from auth.documents import document_number_is_valid, normalize_document_number
from auth.people.models import Identity
from auth.principal import Principal
from codes.attempts import take_attempt
from codes.offline import Examined, Shown, StatusFound
from codes.scenarios.catalogue import Scenarios
from codes.scenarios.models import PERSONAL_KINDS, Scenario
from codes.status.models import Status
from codes.venues.documents import repository
from codes.venues.documents.errors import DocumentEntryUnknown, DocumentScenariosInvalid
from codes.venues.documents.models import PER_ORGANIZATION, PER_SCANNER, AllowDocuments, DocumentEntry, VerifyDocument
from codes.venues.documents.ports import FindsOwners
from codes.venues.scanners.repository import get_scanner
from codes.verdict import Reason, VerificationResult
from codes.verification.answers import Scan
from codes.verification.ports import Holder, Scans
from codes.verification.reading import Reading, unread
from codes.verification.service import Verifications
from codes.verification.standing import NOT_FOUND, NOT_READ, Standing

A_DOCUMENT = Shown(kind=None)


class TypedDocuments:
    """Verdicts on typed numbers."""

    def __init__(self, verifications: Verifications, people: FindsOwners) -> None:
        self._verifications = verifications
        self._people = people

    async def verify(self, connection: Connection, scanner: Scans, request: VerifyDocument) -> VerificationResult:
        """The verdict, of the same shape and recorded the same way as on a code. Raises `ScenarioUnknown`."""

        async def read(scan: Scan) -> Reading:
            return await self._read(connection, scan, request)

        return await self._verifications.answer(connection, scanner, request, read)

    async def _read(self, connection: Connection, scan: Scan, request: VerifyDocument) -> Reading:
        """Nothing is looked up before the scanner may, the holder is there, and a try is left."""
        if refusal := await _refusal_of(connection, scan):
            return refusal
        number = normalize_document_number(request.document_number)
        if not document_number_is_valid(request.document_type, number):
            examined = Examined(reason=Reason.MALFORMED, failed_step="format", shown=A_DOCUMENT)
            return Reading(examined=examined, standing=NOT_READ)
        if not await _take_try(connection, scan.scanner, scan.now):
            return unread(Reason.RATE_LIMITED, "scanner", A_DOCUMENT)
        identity = Identity(name="", document_type=request.document_type, document_number=number)
        return Reading(
            examined=Examined(reason=Reason.OK, failed_step=None, shown=A_DOCUMENT),
            standing=_standing_of(await self._people.find_owner(connection, identity), scan.now),
        )


class DocumentEntries:
    """Who may type numbers: given and taken back by the city's system administrators, never by the venue itself."""

    def __init__(self, scenarios: Scenarios, clock: Clock) -> None:
        self._scenarios = scenarios
        self._clock = clock

    async def allow(
        self, connection: Connection, principal: Principal, scanner_id: UUID, request: AllowDocuments
    ) -> DocumentEntry:
        """Allows one scanner to type, in place of what it was allowed before.

        Raises `ScannerUnknown`, `DocumentScenariosInvalid`.
        """
        await get_scanner(connection, scanner_id)
        known = [self._scenarios.find(number) for number in request.scenarios]
        if len(set(request.scenarios)) != len(known) or not all(
            scenario and may_be_typed_in(scenario) for scenario in known
        ):
            raise DocumentScenariosInvalid
        entry = DocumentEntry(
            scanner_id=scanner_id,
            scenarios=sorted(request.scenarios),
            legal_basis=request.legal_basis,
            granted_by=principal.actor,
            granted_at=self._clock.now(),
        )
        await repository.insert_entry(connection, entry)
        detail = {"scenarios": list(entry.scenarios), "legal_basis": entry.legal_basis}
        await self._record(connection, principal, "document_entry.allowed", scanner_id, detail)
        return entry

    async def read(self, connection: Connection, scanner_id: UUID) -> DocumentEntry:
        """The permission, also one that has ended; raises `DocumentEntryUnknown`."""
        entry = await repository.find_entry(connection, scanner_id)
        if entry is None:
            raise DocumentEntryUnknown
        return entry

    async def end(self, connection: Connection, principal: Principal, scanner_id: UUID) -> DocumentEntry:
        """Takes the permission back, at once everywhere; raises `DocumentEntryUnknown`."""
        if await repository.mark_revoked(connection, scanner_id, self._clock.now()):
            await self._record(connection, principal, "document_entry.ended", scanner_id, {})
        return await self.read(connection, scanner_id)

    async def _record(
        self, connection: Connection, principal: Principal, action: str, scanner_id: UUID, detail: dict[str, Any]
    ) -> None:
        await audit.record(
            connection,
            clock_now=self._clock.now(),
            actor=principal.actor,
            action=action,
            subject=f"scanner:{scanner_id}",
            detail=detail,
        )


def may_be_typed_in(scenario: Scenario) -> bool:
    """A person shows a code there, and what is told of them does not rest on their consent."""
    return not PERSONAL_KINDS.isdisjoint(scenario.kinds) and scenario.basis_kind != "consent"


async def _refusal_of(connection: Connection, scan: Scan) -> Reading | None:
    number = scan.scenario.number
    if refusal := scan.scanner.refusal_of(number):
        return unread(refusal, "scanner", A_DOCUMENT)
    entry = await repository.find_entry(connection, scan.scanner.id)
    if entry is None or entry.revoked_at is not None or number not in entry.scenarios:
        return unread(Reason.SCANNER_NOT_ALLOWED, "scanner", A_DOCUMENT)
    if not may_be_typed_in(scan.scenario):
        return unread(Reason.CONSENT_REQUIRED, "scenario", A_DOCUMENT)
    return None if scan.holder_checked else unread(Reason.HOLDER_CHECK_REQUIRED, "holder", A_DOCUMENT)


async def _take_try(connection: Connection, scanner: Scans, now: datetime) -> bool:
    """Counted for the device and for its organization, always in this order, and never given back."""
    return await take_attempt(connection, scanner.id, "document", PER_SCANNER, now) and await take_attempt(
        connection, scanner.organization_id, "document", PER_ORGANIZATION, now
    )


def _standing_of(person_id: UUID | None, now: datetime) -> Standing:
    if person_id is None:
        return NOT_FOUND
    holder = Holder(subject_type="person", subject_id=person_id)
    return Standing(holder=holder, status=StatusFound(status=Status.VALID, as_of=now))
