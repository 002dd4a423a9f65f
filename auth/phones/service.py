"""A person's phones from proof to farewell. A number is an address: it is lent, shared and handed on.

A number is added only by who is surely the person and holds it; their old phones are told, and it waits. Whoever holds
a recycled number says so with nothing but the number: the old account keeps all that is its own, and loses the address.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.errors import RateLimited, SuishenError
from app.kit.ids import new_id
from app.kit.masking import mask_phone
from auth.devices.service import Devices
from auth.locks import lock_key
from auth.login.otp.codes import OneTimeCodes
from auth.login.otp.models import ChallengeView, ShownCode
from auth.login.standing import Standing
from auth.messages.service import Messages
from auth.people.service import PHONE_PURPOSE
from auth.phones import repository
from auth.phones.errors import (
    LastPhone,
    PhoneChangeWaiting,
    PhoneHeldAlready,
    PhoneShared,
    PhoneUnknown,
    TooManyPhones,
)
from auth.phones.models import (
    AttachPhone,
    DisownAccount,
    Disowned,
    FreedNumber,
    PhoneChange,
    PhoneChangeView,
    PhoneHolder,
    PhoneList,
    PhoneView,
    StoredPhone,
)
from auth.principal import Principal
from auth.sessions.service import Sessions
from auth.settings import AuthSettings
from auth.subject_keys.service import SubjectVault

LABEL_PURPOSE: Final = "phone-label"
MOST_PHONES: Final = 3
MOST_SHARING: Final = 5
MOST_AT_ONCE: Final = 100
DISOWNED: Final = "number_disowned"
DETACHED: Final = "phone_detached"
REPLACED: Final = "phone_replaced"


class Phones:
    """Adds, lists, shares and takes away phones."""

    def __init__(
        self,
        *,
        codes: OneTimeCodes,
        standing: Standing,
        sessions: Sessions,
        devices: Devices,
        messages: Messages,
        subject_vault: SubjectVault,
        clock: Clock,
        settings: AuthSettings,
    ) -> None:
        self._codes = codes
        self._standing = standing
        self._sessions = sessions
        self._devices = devices
        self._messages = messages
        self._subject_vault = subject_vault
        self._clock = clock
        self._wait = timedelta(seconds=settings.further_device_wait_seconds)

    async def list_holders(self, connection: Connection, phone_index: bytes) -> list[PhoneHolder]:
        """Whom a phone opens at this moment, the longest-standing first."""
        for change in await repository.take_due_changes_of(connection, phone_index, self._clock.now()):
            await self._attach(connection, change)
        return await repository.list_holders(connection, phone_index)

    async def list_labels(self, connection: Connection, holders: list[PhoneHolder]) -> list[str]:
        """What the people who share a phone call themselves, in order; a number where they said nothing."""
        return [await self._label(connection, holder) or str(place) for place, holder in enumerate(holders, 1)]

    async def list_phones(self, connection: Connection, principal: Principal) -> PhoneList:
        """The caller's phones; none of them in a session that stands on a phone alone."""
        if not await self._standing.is_sure(connection, principal):
            return PhoneList(items=[], waiting=None)
        change = await repository.find_change(connection, principal.subject_id)
        items = [
            PhoneView(id=phone.id, phone=mask_phone(await self._open(connection, phone)), attached_at=phone.attached_at)
            for phone in await repository.list_phones(connection, principal.subject_id)
        ]
        return PhoneList(items=items, waiting=None if change is None else await self._view(connection, change))

    async def find_address(self, connection: Connection, person_id: UUID) -> str | None:
        """The phone that the person has had longest, in its digits, for who sends something there."""
        phones = await repository.list_phones(connection, person_id)
        return await self._open(connection, phones[0]) if phones else None

    async def send_code(
        self, connection: Connection, principal: Principal, phone: str, *, address: str
    ) -> ChallengeView | RateLimited:
        """A code to the new number, or the refusal, which is remembered. Raises `StepUpRequired`, `PhoneInvalid`."""
        await self._standing.require(connection, principal)
        return await self._codes.send(
            connection, phone, purpose="attach", address=address, session_id=principal.session_id
        )

    async def attach(
        self, connection: Connection, principal: Principal, request: AttachPhone, *, address: str
    ) -> PhoneChangeView | SuishenError:
        """The change, which waits, or the refusal, which is remembered. The person, and who shares the number, is told.

        Raises `StepUpRequired`, `PhoneUnknown`, `PhoneChangeWaiting`, `PhoneHeldAlready`,
        `TooManyPhones`, `PhoneShared`.
        """
        await self._standing.require(connection, principal)
        shown = await self._codes.check(
            connection,
            request.challenge_id,
            request.code,
            purpose="attach",
            address=address,
            session_id=principal.session_id,
        )
        if not isinstance(shown, ShownCode):
            return shown
        await self._codes.use_up(connection, shown)
        await self._refuse_unfit(connection, principal, request, shown)
        change = await self._new_change(connection, principal.subject_id, request, shown)
        if not await repository.insert_change(connection, change):
            raise PhoneChangeWaiting
        now = self._clock.now()
        await self._messages.write(connection, principal.subject_id, "phone_change_begun", now)
        for holder in await repository.list_holders(connection, shown.phone_index):
            await self._messages.write(connection, holder.person_id, "phone_shared", now)
        await self._record(connection, principal.actor, "phone.change_begun", principal.subject_id, change.id)
        return await self._view(connection, change)

    async def attach_now(
        self, connection: Connection, person_id: UUID, shown: ShownCode, *, in_place_of_others: bool, actor: str
    ) -> datetime:
        """For a counter: the number is the person's at once, and what waited or stood before is gone, if so wished.

        The person, and who shares the number, is told.
        """
        now = self._clock.now()
        for holder in await self.list_holders(connection, shown.phone_index):
            if holder.person_id != person_id:
                await self._messages.write(connection, holder.person_id, "phone_shared", now)
        await self._messages.write(connection, person_id, "phone_changed_at_counter", now)  # where they still are
        await repository.delete_changes(connection, person_id)
        for phone in await repository.list_phones(connection, person_id) if in_place_of_others else []:
            await self._take(connection, person_id, phone.id, actor=actor, reason=REPLACED)
        sealed = await self._subject_vault.seal(
            connection, person_id, PHONE_PURPOSE, shown.phone.encode(), context=shown.phone_index
        )
        change = PhoneChange(
            id=new_id(),
            person_id=person_id,
            phone_index=shown.phone_index,
            phone_sealed=sealed,
            label_sealed=None,
            replaces_id=None,
            asked_at=now,
            due_at=now,
        )
        await self._attach(connection, change, actor=actor)
        return now

    async def stop_change(self, connection: Connection, principal: Principal, change_id: UUID) -> None:
        """Stops the caller's own change while it waits. Raises `StepUpRequired`, `PhoneUnknown`."""
        await self._standing.require(connection, principal)
        if not await repository.delete_change(connection, change_id, principal.subject_id):
            raise PhoneUnknown
        await self._messages.write(connection, principal.subject_id, "phone_change_stopped", self._clock.now())
        await self._record(connection, principal.actor, "phone.change_stopped", principal.subject_id, change_id)

    async def detach(self, connection: Connection, principal: Principal, phone_id: UUID) -> None:
        """Takes one of the caller's phones away, at once, and with it what a number alone had opened.

        The caller's own session stays. Raises `StepUpRequired`, `PhoneUnknown`, `LastPhone`.
        """
        await self._standing.require(connection, principal)
        await lock_key(connection, principal.subject_id.bytes)  # two at once would each leave the other one
        phones = await repository.list_phones(connection, principal.subject_id)
        if phone_id not in {phone.id for phone in phones}:
            raise PhoneUnknown
        if len(phones) == 1 and not await self._devices.guards(connection, principal.subject_id):
            raise LastPhone
        own = await self._sessions.list_own(connection, principal.session_id)
        await self._take(connection, principal.subject_id, phone_id, actor=principal.actor, reason=DETACHED, but=own)
        await self._messages.write(connection, principal.subject_id, "phone_detached", self._clock.now())
        await self._record(connection, principal.actor, "phone.detached", principal.subject_id, phone_id)

    async def disown(self, connection: Connection, request: DisownAccount, *, address: str) -> Disowned | SuishenError:
        """Takes a number from every account that it opens, for who holds it now; or the refusal, which is remembered.

        Sessions that such a number alone had opened end with it; nothing else of those accounts is touched or shown.
        """
        freed = await self.free(connection, request, address=address)
        return Disowned(accounts=freed.accounts) if isinstance(freed, FreedNumber) else freed

    async def free(self, connection: Connection, request: DisownAccount, *, address: str) -> FreedNumber | SuishenError:
        """As `disown`, and which number it was: its holder may go on with it as somebody of their own."""
        shown = await self._codes.check(
            connection, request.challenge_id, request.code, purpose="disown", address=address
        )
        if not isinstance(shown, ShownCode):
            return shown
        await self._codes.use_up(connection, shown)
        holders = await self.list_holders(connection, shown.phone_index)
        for holder in holders:
            await self._take_from(connection, holder)
        return FreedNumber(phone=shown.phone, accounts=len(holders))

    async def send_disowning_code(
        self, connection: Connection, phone: str, *, address: str
    ) -> ChallengeView | RateLimited:
        """A code for `disown`; the answer is the same for every phone. Raises `PhoneInvalid`."""
        return await self._codes.send(connection, phone, purpose="disown", address=address)

    async def settle(self, connection: Connection) -> int:
        """Attaches numbers whose wait is over; how many. A periodic job, beside whoever signs in with one sooner."""
        due = await repository.take_due_changes(connection, self._clock.now(), MOST_AT_ONCE)
        for change in due:
            await self._attach(connection, change)
        return len(due)

    async def _refuse_unfit(
        self, connection: Connection, principal: Principal, request: AttachPhone, shown: ShownCode
    ) -> None:
        phones = await repository.list_phones(connection, principal.subject_id)
        if request.replaces_id is not None and request.replaces_id not in {phone.id for phone in phones}:
            raise PhoneUnknown
        if shown.phone_index in {phone.phone_index for phone in phones}:
            raise PhoneHeldAlready
        if request.replaces_id is None and len(phones) >= MOST_PHONES:
            raise TooManyPhones(most=MOST_PHONES)
        if len(await repository.list_holders(connection, shown.phone_index)) >= MOST_SHARING:
            raise PhoneShared(most=MOST_SHARING)

    async def _new_change(
        self, connection: Connection, person_id: UUID, request: AttachPhone, shown: ShownCode
    ) -> PhoneChange:
        now = self._clock.now()
        label = None
        if request.label is not None:
            label = await self._subject_vault.seal(
                connection, person_id, LABEL_PURPOSE, request.label.encode(), context=shown.phone_index
            )
        return PhoneChange(
            id=new_id(),
            person_id=person_id,
            phone_index=shown.phone_index,
            phone_sealed=await self._subject_vault.seal(
                connection, person_id, PHONE_PURPOSE, shown.phone.encode(), context=shown.phone_index
            ),
            label_sealed=label,
            replaces_id=request.replaces_id,
            asked_at=now,
            due_at=now + self._wait,
        )

    async def _attach(self, connection: Connection, change: PhoneChange, *, actor: str = "system") -> None:
        await repository.insert_phone(connection, change, self._clock.now())
        if change.replaces_id is not None:
            await self._take(connection, change.person_id, change.replaces_id, actor=actor, reason=REPLACED)
        await self._messages.write(connection, change.person_id, "phone_changed", self._clock.now())
        await self._record(connection, actor, "phone.attached", change.person_id, change.id)

    async def _take_from(self, connection: Connection, holder: PhoneHolder) -> None:
        await self._take(connection, holder.person_id, holder.id, actor="system", reason=DISOWNED)
        await self._messages.write(connection, holder.person_id, "phone_disowned", self._clock.now())
        await self._record(connection, "anonymous", "phone.disowned", holder.person_id, holder.id)

    async def _take(
        self,
        connection: Connection,
        person_id: UUID,
        phone_id: UUID,
        *,
        actor: str,
        reason: str,
        but: Collection[UUID] = (),
    ) -> None:
        """Takes a number away, and with it the sessions that it alone had opened, except those named."""
        phone_index = await repository.delete_phone(connection, phone_id)
        if phone_index is None:
            return
        known = await self._standing.is_known_by_more(connection, person_id)
        for session_id in await repository.list_sessions_on_a_phone(
            connection, person_id, phone_index, known_by_more=known
        ):
            session = None if session_id in but else await self._sessions.find_living(connection, session_id)
            if session is not None:
                await self._sessions.end_one(connection, session, actor=actor, reason=reason)

    async def _label(self, connection: Connection, holder: PhoneHolder) -> str | None:
        if holder.label_sealed is None:
            return None
        opened = await self._subject_vault.open(
            connection, holder.sealed_for, LABEL_PURPOSE, holder.label_sealed, context=holder.phone_index
        )
        return opened.decode()

    async def _open(self, connection: Connection, phone: StoredPhone) -> str:
        opened = await self._subject_vault.open(
            connection, phone.person_id, PHONE_PURPOSE, phone.phone_sealed, context=phone.phone_index
        )
        return opened.decode()

    async def _view(self, connection: Connection, change: PhoneChange) -> PhoneChangeView:
        opened = await self._subject_vault.open(
            connection, change.person_id, PHONE_PURPOSE, change.phone_sealed, context=change.phone_index
        )
        return PhoneChangeView(
            id=change.id,
            phone=mask_phone(opened.decode()),
            replaces_id=change.replaces_id,
            asked_at=change.asked_at,
            due_at=change.due_at,
        )

    async def _record(self, connection: Connection, actor: str, action: str, person_id: UUID, phone_id: UUID) -> None:
        await audit.record(
            connection,
            clock_now=self._clock.now(),
            actor=actor,
            action=action,
            subject=f"person:{person_id}",
            detail={"phone_id": str(phone_id)},
        )
