"""Corrections on their way: taken here, decided by the authority that keeps the record, shown to the person.

The city changes nothing by itself: what it knows of a name it knows from the registry. No transaction is open while the
authority is asked.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import msgspec

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection, Database
from app.kit.ids import new_id
from app.kit.listing import cut
from app.kit.outbox import Outbox
from app.kit.structs import Text
from auth.messages.service import Messages
from auth.messages.texts import MessageKind
from auth.people.service import People
from auth.principal import Principal
from auth.privacy.corrections import repository
from auth.privacy.corrections.errors import TooManyCorrections
from auth.privacy.corrections.models import AskCorrection, Claim, Correction, CorrectionView
from auth.privacy.corrections.ports import CorrectionAnswer, CorrectionSent, CorrectsRecords
from auth.privacy.ports import OpenCase
from auth.registries.errors import RegistryUnavailable
from auth.registries.ports import PersonNamed
from auth.subject_keys.service import SubjectVault

TOPIC: Final = "privacy.correction"
CLAIM_PURPOSE: Final = "correction-claim"
ANSWER_PURPOSE: Final = "correction-answer"
MOST_OPEN: Final = 5
ASK_AGAIN: Final = timedelta(seconds=15)
DECIDED: Final[dict[str, MessageKind]] = {"accepted": "correction_accepted", "refused": "correction_refused"}
OPEN: Final = Text(
    zh="有一项更正申请尚未办结，请等待来源机关答复。", en="A correction is under way; wait for the authority's answer."
)


class Corrections:
    """Takes corrections, hands them in, asks after them."""

    def __init__(
        self,
        *,
        database: Database,
        people: People,
        authority: CorrectsRecords,
        messages: Messages,
        outbox: Outbox,
        subject_vault: SubjectVault,
        clock: Clock,
    ) -> None:
        self._database = database
        self._people = people
        self._authority = authority
        self._messages = messages
        self._outbox = outbox
        self._subject_vault = subject_vault
        self._clock = clock

    async def ask_correction(self, connection: Connection, principal: Principal, ask: AskCorrection) -> CorrectionView:
        """A correction that goes to the authority after the commit. Raises `TooManyCorrections`."""
        person_id = principal.subject_id
        if len(await repository.list_open_ids(connection, person_id)) >= MOST_OPEN:
            raise TooManyCorrections(most=MOST_OPEN)
        now, correction_id = self._clock.now(), new_id()
        claim = msgspec.json.encode(Claim(claimed=ask.claimed, explanation=ask.explanation))
        correction = Correction(
            id=correction_id,
            person_id=person_id,
            field=ask.field,
            claim_sealed=await self._subject_vault.seal(
                connection, person_id, CLAIM_PURPOSE, claim, context=correction_id.bytes
            ),
            state="pending",
            requested_at=now,
        )
        await repository.insert_correction(connection, correction)
        await self._outbox.enqueue(connection, topic=TOPIC, payload={"correction_id": str(correction_id)}, now=now)
        await self._record(connection, principal.actor, "correction.requested", correction)
        return await self._view(connection, correction)

    async def list_corrections(
        self, connection: Connection, principal: Principal, *, after: UUID | None, limit: int
    ) -> tuple[list[CorrectionView], UUID | None]:
        """A page of the caller's corrections, newest first, and the `after` of the next page."""
        rows = await repository.list_corrections(connection, principal.subject_id, after, limit + 1)
        page, following = cut(rows, limit)
        return [await self._view(connection, row) for row in page], following

    async def deliver(self, payload: dict[str, Any]) -> None:
        """Hands a correction in; the handler of the outbox topic. Raises `RegistryUnavailable`, to be tried again."""
        correction_id = UUID(payload["correction_id"])
        async with self._database.acquire() as connection:
            sent = await self._prepare(connection, correction_id)
        if sent is None:
            return
        await self._authority.send_correction(sent)
        async with self._database.transaction() as connection:
            correction = await repository.find_correction(connection, correction_id)
            if correction is not None and await repository.mark_sent(connection, correction_id, self._clock.now()):
                await self._messages.write(connection, correction.person_id, "correction_sent", self._clock.now())
                await self._record(connection, "system", "correction.sent", correction)

    async def ask_after_all(self) -> None:
        """Asks the authority about what it has not decided; the round of a job. A silent one is asked again later."""
        now = self._clock.now()
        async with self._database.transaction() as connection:
            waiting = await repository.lease_waiting(connection, now, asked_before=now - ASK_AGAIN)
        for correction_id in waiting:
            try:
                answer = await self._authority.find_correction(correction_id)
            except RegistryUnavailable:
                return
            if answer.state != "open":
                await self._conclude(correction_id, answer)

    async def list_open_cases(self, connection: Connection, person_id: UUID) -> Sequence[OpenCase]:
        """What is under way keeps an account open."""
        waiting = await repository.list_open_ids(connection, person_id)
        return [OpenCase(kind="correction", id=correction_id, text=OPEN) for correction_id in waiting]

    @property
    def export_name(self) -> str:
        """Its part of a copy."""
        return "corrections"

    async def export_person(self, connection: Connection, person_id: UUID) -> Any:
        """Every correction, opened."""
        rows = await repository.list_corrections(connection, person_id, None, 1000)
        return [await self._view(connection, row) for row in rows]

    async def erase_person(self, connection: Connection, person_id: UUID, _now: Any) -> None:
        """Deletes them."""
        await repository.delete_corrections(connection, person_id)

    async def _prepare(self, connection: Connection, correction_id: UUID) -> CorrectionSent | None:
        """What the authority is sent; None when it has it, when the person is no more, or was never named here."""
        correction = await repository.find_correction(connection, correction_id)
        if correction is None or correction.state != "pending":
            return None
        identity = await self._people.find_identity(connection, correction.person_id)
        if identity is None:
            return None
        claim = await self._claim(connection, correction)
        holder = PersonNamed(
            name=identity.name, document_type=identity.document_type, document_number=identity.document_number
        )
        return CorrectionSent(
            reference=correction.id,
            holder=holder,
            field=correction.field,
            claimed=claim.claimed,
            explanation=claim.explanation,
        )

    async def _conclude(self, correction_id: UUID, answer: CorrectionAnswer) -> None:
        now = self._clock.now()
        async with self._database.transaction() as connection:
            correction = await repository.find_correction(connection, correction_id)
            if correction is None:
                return
            sealed = await self._subject_vault.seal(
                connection, correction.person_id, ANSWER_PURPOSE, answer.reason.encode(), context=correction_id.bytes
            )
            if await repository.mark_decided(connection, correction_id, answer.state, now=now, answer_sealed=sealed):
                await self._messages.write(connection, correction.person_id, DECIDED[answer.state], now)
                await self._record(connection, "system", f"correction.{answer.state}", correction)

    async def _claim(self, connection: Connection, correction: Correction) -> Claim:
        opened = await self._subject_vault.open(
            connection, correction.person_id, CLAIM_PURPOSE, correction.claim_sealed, context=correction.id.bytes
        )
        return msgspec.json.decode(opened, type=Claim)

    async def _view(self, connection: Connection, correction: Correction) -> CorrectionView:
        claim, reason = await self._claim(connection, correction), None
        if correction.answer_sealed is not None:
            opened = await self._subject_vault.open(
                connection, correction.person_id, ANSWER_PURPOSE, correction.answer_sealed, context=correction.id.bytes
            )
            reason = opened.decode()
        return CorrectionView(
            id=correction.id,
            field=correction.field,
            claimed=claim.claimed,
            explanation=claim.explanation,
            state=correction.state,
            requested_at=correction.requested_at,
            sent_at=correction.sent_at,
            decided_at=correction.decided_at,
            reason=reason,
        )

    async def _record(self, connection: Connection, actor: str, action: str, correction: Correction) -> None:
        await audit.record(
            connection,
            clock_now=self._clock.now(),
            actor=actor,
            action=action,
            subject=f"person:{correction.person_id}",
            detail={"correction_id": str(correction.id), "field": correction.field},
        )
