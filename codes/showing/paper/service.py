"""Issues paper codes, prints them again, and voids them on loss.

What stands on paper is a masked name and the tail of a document, for the person who compares; whoever finds one learns
no more. Refuses to name anybody whose document the city has not seen.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.ids import new_id
from app.kit.keyring import Keyring
from app.kit.listing import cut
from app.kit.structs import Model
from app.kit.vault import Vault
from auth.principal import Principal
from codes.envelope.claims import CTI_BYTES, Claims, Kind
from codes.envelope.paper_code import PaperFacts, encode_paper_code, facts_of
from codes.errors import CodesFrozen
from codes.keys import signer_of
from codes.showing.freezes.errors import NamedHolderUnknown
from codes.showing.grants import repository as grants
from codes.showing.paper import repository
from codes.showing.paper.errors import (
    HolderNotNamed,
    PaperCodeEnded,
    PaperCodeUnknown,
    TooManyPaperCodes,
)
from codes.showing.paper.models import (
    MOST_LIVING,
    PHOTO_CHECK,
    IssueAtCounter,
    IssuePaperCode,
    NamedHolder,
    NewPaperCode,
    PaperCode,
    PaperCodeList,
    PaperCodeSummary,
    PaperCodeView,
    VoidAtCounter,
    VoidedView,
    expiry_of,
)
from codes.showing.paper.ports import NamesPeople, Notice, TellsPeople
from codes.status.models import StatusPointer
from codes.status.service import Statuses
from codes.trust.models import CodeFormat
from codes.verification.ports import Holder

KEY_PURPOSE: Final = "paper_code"
SEAL_PURPOSE: Final = "codes.paper"
AT_COUNTER: Final = timedelta(minutes=30)
ENDED_STAY: Final = timedelta(days=30)
PRINTED: Final = frozenset({"display_name", "id_number"})


class Sealed(Model):
    """What is needed to print a code again; it names somebody, so it lies sealed."""

    carrier: str
    facts: PaperFacts


class PaperCodes:
    """The register of paper codes (an `EndsCodes`, a `SuspendsCodes` and a `FindsPaper`)."""

    def __init__(
        self,
        *,
        people: NamesPeople,
        statuses: Statuses,
        keyring: Keyring,
        vault: Vault,
        clock: Clock,
        code_format: CodeFormat,
        messages: TellsPeople | None = None,
    ) -> None:
        self._people = people
        self._statuses = statuses
        self._keyring = keyring
        self._vault = vault
        self._clock = clock
        self._format = code_format
        self._messages = messages

    async def issue(self, connection: Connection, principal: Principal, request: IssuePaperCode) -> PaperCodeView:
        """A code for the caller. Raises `CodesFrozen`, `HolderNotNamed`, `TooManyPaperCodes`."""
        return await self._issue(connection, principal, principal.subject_id, request.days)

    async def issue_at_counter(
        self, connection: Connection, principal: Principal, request: IssueAtCounter
    ) -> PaperCodeView | NamedHolderUnknown:
        """A code for who stands before the official, and a notice to them: it may have been somebody else.

        A name and number of nobody's is returned, to be remembered. Raises `CodesFrozen`, `HolderNotNamed`,
        `TooManyPaperCodes`.
        """
        person_id = await self._find_named(connection, principal, request.holder)
        if person_id is None:
            return NamedHolderUnknown()
        view = await self._issue(connection, principal, person_id, request.days)
        await self._tell(connection, person_id, "paper_code_issued")
        return view

    async def list_page(
        self, connection: Connection, principal: Principal, *, after: UUID | None, limit: int
    ) -> PaperCodeList:
        """A page of the caller's codes, latest first."""
        now = self._clock.now()
        rows = await repository.list_paper_codes(connection, principal.subject_id, after, limit + 1)
        page, following = cut(rows, limit)
        return PaperCodeList(items=[_summary_of(row, now) for row in page], next=following)

    async def read(self, connection: Connection, principal: Principal, code_id: UUID) -> PaperCodeView:
        """The caller's code, to print again; an official's, as long as its holder stands at the counter.

        Raises `PaperCodeUnknown`, `PaperCodeEnded`.
        """
        now = self._clock.now()
        if principal.subject_type == "official":
            code = await repository.find_issued(connection, code_id, principal.actor, now - AT_COUNTER)
        else:
            code = await repository.find_paper_code(connection, code_id, principal.subject_id)
        if code is None:
            raise PaperCodeUnknown
        if code.state(now) != "valid":
            raise PaperCodeEnded
        return _view_of(code, self._open(code))

    async def void(self, connection: Connection, principal: Principal, code_id: UUID) -> PaperCodeSummary:
        """Ends the caller's code, once. Raises `PaperCodeUnknown`."""
        now = self._clock.now()
        await self._void(connection, principal.subject_id, principal.actor, now, code_id)
        code = await repository.find_paper_code(connection, code_id, principal.subject_id)
        if code is None:
            raise PaperCodeUnknown
        return _summary_of(code, now)

    async def void_at_counter(
        self, connection: Connection, principal: Principal, request: VoidAtCounter
    ) -> VoidedView | NamedHolderUnknown:
        """Ends every paper code of who stands before the official, who is told; as `issue_at_counter`."""
        person_id = await self._find_named(connection, principal, request.holder)
        if person_id is None:
            return NamedHolderUnknown()
        now = self._clock.now()
        voided = await self._void(connection, person_id, principal.actor, now)
        if voided:
            await self._tell(connection, person_id, "paper_code_voided")
        return VoidedView(voided=voided, voided_at=now)

    async def find_holder(self, connection: Connection, cti: bytes, /) -> Holder | None:
        """Whom the paper with this pointer speaks of."""
        code = await repository.find_by_cti(connection, cti)
        return None if code is None else Holder(subject_type="person", subject_id=code.person_id)

    async def end_codes(self, connection: Connection, person_id: UUID, now: datetime, /) -> int:
        """Ends every paper code of this person, in the caller's transaction; how many those were."""
        return await self._void(connection, person_id, f"person:{person_id}", now)

    async def end_codes_of_device(self, _connection: Connection, _device_id: UUID, _now: datetime, /) -> int:
        """Paper belongs to no device."""
        return 0

    async def suspend_codes(self, connection: Connection, person_id: UUID, now: datetime, /) -> None:
        """Takes every living code out of the status lists; what is void stays void. The caller locked the person."""
        for code in await repository.list_living(connection, person_id, now):
            await self._statuses.suspend(connection, [_place_of(code)], expires_at=code.expires_at, now=now)

    async def restore_codes(self, connection: Connection, person_id: UUID, now: datetime, /) -> None:
        """Undoes `suspend_codes`."""
        for code in await repository.list_living(connection, person_id, now):
            await self._statuses.restore(connection, _place_of(code))

    async def forget_expired(self, connection: Connection) -> None:
        """Forgets codes whose time is long over; a periodic job."""
        await repository.delete_expired(connection, self._clock.now() - ENDED_STAY)

    async def _issue(self, connection: Connection, principal: Principal, person_id: UUID, days: int) -> PaperCodeView:
        now = self._clock.now()
        await self._require_room(connection, person_id, now)
        facts = await self._facts_of(connection, person_id)
        code, sealed = await self._make(connection, principal, person_id, facts, days)
        await repository.insert_paper_code(connection, code)
        await self._record(connection, principal.actor, "paper_code.issued", person_id, {"paper_code_id": str(code.id)})
        return _view_of(code, sealed)

    async def _require_room(self, connection: Connection, person_id: UUID, now: datetime) -> None:
        """Whoever freezes the person, or issues to them, waits until the caller's transaction ends."""
        await repository.lock_holder(connection, person_id)
        if await grants.has_freeze(connection, [person_id]):
            raise CodesFrozen
        if await repository.count_living(connection, person_id, now) >= MOST_LIVING:
            raise TooManyPaperCodes

    async def _facts_of(self, connection: Connection, person_id: UUID) -> PaperFacts:
        known = await self._people.disclose(connection, person_id, PRINTED)
        name, number = known.get("display_name"), known.get("id_number")
        if not name or not number:
            raise HolderNotNamed
        return facts_of(str(name), str(number))

    async def _make(
        self, connection: Connection, principal: Principal, person_id: UUID, facts: PaperFacts, days: int
    ) -> tuple[NewPaperCode, Sealed]:
        now, code_id, cti = self._clock.now(), new_id(), secrets.token_bytes(CTI_BYTES)
        expires_at, place = expiry_of(now, days), await self._statuses.draw(connection)
        claims = Claims(
            expires_at=int(expires_at.timestamp()), cti=cti, shard=place.shard, index=place.index, kind=Kind.L
        )
        signer = signer_of(self._keyring.active(KEY_PURPOSE))
        carrier = encode_paper_code(claims, facts, signer, self._format.environment, self._format.prefix)
        sealed = Sealed(carrier=carrier, facts=facts)
        code = NewPaperCode(
            id=code_id,
            person_id=person_id,
            cti=cti,
            shard=place.shard,
            index=place.index,
            carrier_sealed=self._vault.seal(SEAL_PURPOSE, msgspec.json.encode(sealed), context=code_id.bytes),
            issued_at=now,
            issued_by=principal.actor,
            expires_at=expires_at,
        )
        return code, sealed

    def _open(self, code: PaperCode) -> Sealed:
        opened = self._vault.open(SEAL_PURPOSE, code.carrier_sealed, context=code.id.bytes)
        return msgspec.json.decode(opened, type=Sealed)

    async def _find_named(self, connection: Connection, principal: Principal, holder: NamedHolder) -> UUID | None:
        """The person; that an official asked for nobody stays in the log."""
        person_id = await self._people.find_named(
            connection,
            name=holder.name,
            document_type=holder.document_type,
            document_number=holder.document_number,
        )
        if person_id is None:
            now = self._clock.now()
            await audit.record(
                connection,
                clock_now=now,
                actor=principal.actor,
                action="paper_code.holder_unknown",
                subject=principal.subject,
                detail={},
            )
        return person_id

    async def _void(
        self, connection: Connection, person_id: UUID, actor: str, now: datetime, code_id: UUID | None = None
    ) -> int:
        ended = await repository.mark_voided(connection, person_id, now, voided_by=actor, code_id=code_id)
        await self._take_out(connection, ended, now)
        for code in ended:
            await self._record(connection, actor, "paper_code.voided", person_id, {"paper_code_id": str(code.id)})
        return len(ended)

    async def _take_out(self, connection: Connection, codes: Sequence[PaperCode], now: datetime) -> None:
        for code in codes:
            await self._statuses.revoke(connection, [_place_of(code)], expires_at=code.expires_at, now=now)

    async def _tell(self, connection: Connection, person_id: UUID, notice: Notice) -> None:
        if self._messages is not None:
            await self._messages.write(connection, person_id, notice, self._clock.now())

    async def _record(
        self, connection: Connection, actor: str, action: str, person_id: UUID, detail: dict[str, Any]
    ) -> None:
        await audit.record(
            connection,
            clock_now=self._clock.now(),
            actor=actor,
            action=action,
            subject=f"person:{person_id}",
            detail=detail,
        )


def _place_of(code: NewPaperCode) -> StatusPointer:
    return StatusPointer(shard=code.shard, index=code.index)


def _summary_of(code: PaperCode, now: datetime) -> PaperCodeSummary:
    return PaperCodeSummary(
        id=code.id,
        state=code.state(now),
        issued_at=code.issued_at,
        issued_at_counter=code.issued_by != f"person:{code.person_id}",
        expires_at=code.expires_at,
        voided_at=code.voided_at,
    )


def _view_of(code: NewPaperCode, sealed: Sealed) -> PaperCodeView:
    return PaperCodeView(
        id=code.id,
        carrier=sealed.carrier,
        display_name=sealed.facts.display_name,
        document_tail=sealed.facts.document_tail,
        photo_check=PHOTO_CHECK,
        issued_at=code.issued_at,
        expires_at=code.expires_at,
    )
