"""Freezing, death and closing: what ends with an account, and how a mistake is undone.

Every change of status goes through here. It locks the person's row, so that nobody signs in beside it, tells everybody
who gave something to the person in the same transaction, and leaves an event that the holder reads.
"""

from typing import Any, Final
from uuid import UUID

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.errors import SuishenError
from app.kit.ids import new_id
from app.kit.listing import cut
from app.kit.structs import Model
from auth.devices.service import Devices
from auth.login.passkeys.repository import mark_all_revoked as end_passkeys
from auth.messages.service import Messages
from auth.messages.texts import MessageKind
from auth.organizations.service import Organizations
from auth.people.life import repository
from auth.people.life.errors import (
    AccountNotActive,
    AccountNotFrozen,
    NamedPersonUnknown,
    NotDeceased,
    PersonNotChecked,
    SecondOfficialNeeded,
)
from auth.people.life.models import (
    AT_THE_HOLDERS_WISH,
    ENDED_BY,
    PHONE_GONE,
    AccountEvent,
    AccountEventList,
    AccountEventView,
    AccountState,
    EventKind,
    FreezeAccount,
    NamedPerson,
    RecordDeath,
    ReverseDeath,
    Source,
    UnfreezeAccount,
    may_unfreeze,
    status_after_death_reversed,
)
from auth.people.models import FACE_CHECKED, NAME_CHECKED
from auth.people.ports import EndReason, PersonListener, PersonReturnListener
from auth.people.service import People
from auth.principal import Principal
from auth.sessions.service import Sessions

SYSTEM: Final = "system"
PHONE_FOUND: Final = "phone_found"
KIND_OF_END: Final[dict[EndReason, EventKind]] = {
    "frozen": "frozen",
    "died": "died",
    "closed": "closed",
    "merged": "merged",
}
NOTICES: Final[dict[EndReason, MessageKind]] = {
    "frozen": "account_frozen",
    "died": "account_ended_by_death",
}
"""Closing and merging are told by who does them."""
RELEASES_PHONES: Final[frozenset[EndReason]] = frozenset({"died", "closed"})


class Cause(Model):
    """Why something is done with an account, and who answers for it."""

    actor: str
    source: Source
    reason: str
    organization_id: UUID | None = None


class PersonLife:
    """The lives of everybody's accounts."""

    def __init__(
        self,
        *,
        people: People,
        organizations: Organizations,
        sessions: Sessions,
        devices: Devices,
        messages: Messages,
        clock: Clock,
    ) -> None:
        self._people = people
        self._organizations = organizations
        self._sessions = sessions
        self._devices = devices
        self._messages = messages
        self._clock = clock
        self._listeners: list[PersonListener] = []
        self._return_listeners: list[PersonReturnListener] = []

    def tell(self, listener: PersonListener) -> None:
        """From now on `listener` hears of every account that ends, in its transaction."""
        self._listeners.append(listener)

    def tell_returns(self, listener: PersonReturnListener) -> None:
        """From now on `listener` hears of every account that comes back, in its transaction."""
        self._return_listeners.append(listener)

    async def freeze(
        self, connection: Connection, principal: Principal, request: FreezeAccount
    ) -> AccountState | SuishenError:
        """Puts an account to sleep: sessions end, codes are refused, nobody signs in. The holder is told.

        Every refusal of a named person is returned, to be remembered: an official looked.
        """
        person_id = await self.find_named(connection, principal, request.holder)
        if person_id is None:
            return NamedPersonUnknown()
        if await repository.lock_status(connection, person_id) != "active":
            return await self.refuse(connection, principal, person_id, AccountNotActive())
        event = await self.end(connection, person_id, "frozen", cause_of(principal, request.reason))
        return await self.state_after(connection, event)

    async def unfreeze(
        self, connection: Connection, principal: Principal, request: UnfreezeAccount
    ) -> AccountState | SuishenError:
        """Wakes an account, with the person at the counter: that is identity level 3.

        Raises `PersonNotChecked`; refusals of a named person are returned.
        """
        if not request.holder_checked:
            raise PersonNotChecked
        person_id = await self.find_named(connection, principal, request.holder)
        if person_id is None:
            return NamedPersonUnknown()
        frozen = await self._find_frozen(connection, person_id)
        if frozen is None:
            return await self.refuse(connection, principal, person_id, AccountNotFrozen())
        if not may_unfreeze(frozen, actor=principal.actor):
            return await self.refuse(connection, principal, person_id, SecondOfficialNeeded())
        await self.raise_level(connection, person_id)
        cause = cause_of(principal, PHONE_FOUND if request.phone_found else "holder_checked")
        return await self.state_after(connection, await self._wake(connection, frozen, cause))

    async def unfreeze_by_face(self, connection: Connection, person_id: UUID) -> bool:
        """Wakes an account whose holder's face was just checked; False when it sleeps for another's reason, or not."""
        status = await repository.lock_status(connection, person_id)
        frozen = await repository.find_last(connection, person_id, "frozen")
        if status != "frozen" or frozen is None or frozen.reason not in AT_THE_HOLDERS_WISH:
            return False
        await self.raise_level(connection, person_id)
        await self._wake(connection, frozen, Cause(actor=f"person:{person_id}", source="face", reason="face_checked"))
        return True

    async def record_death(
        self, connection: Connection, principal: Principal, request: RecordDeath
    ) -> AccountState | SuishenError:
        """Ends codes, sessions, devices and mandates of somebody who died. Refusals of a named person are returned."""
        person_id = await self.find_named(connection, principal, request.holder)
        if person_id is None:
            return NamedPersonUnknown()
        if await repository.lock_status(connection, person_id) not in {"active", "frozen"}:
            return await self.refuse(connection, principal, person_id, AccountNotActive())
        event = await self.end(connection, person_id, "died", cause_of(principal, request.reason))
        return await self.state_after(connection, event)

    async def hear_of_death(self, connection: Connection, holder: NamedPerson) -> bool:
        """As `record_death`, by the register's own word; False when there is nobody, or nothing, to end."""
        person_id = await self._find(connection, holder)
        if person_id is None or await repository.lock_status(connection, person_id) not in {"active", "frozen"}:
            return False
        await self.end(connection, person_id, "died", Cause(actor=SYSTEM, source="registry", reason="register"))
        return True

    async def reverse_death(
        self, connection: Connection, principal: Principal, request: ReverseDeath
    ) -> AccountState | SuishenError:
        """Brings somebody back who lives, checked at the counter by another official than the one who recorded it.

        Phones come back unless somebody took the number; devices are enrolled anew. Raises `PersonNotChecked`;
        refusals of a named person are returned.
        """
        if not request.holder_checked:
            raise PersonNotChecked
        person_id = await self.find_named(connection, principal, request.holder)
        if person_id is None:
            return NamedPersonUnknown()
        died = await repository.find_last(connection, person_id, "died")
        if await repository.lock_status(connection, person_id) != "deceased" or died is None:
            return await self.refuse(connection, principal, person_id, NotDeceased())
        if died.actor == principal.actor:
            return await self.refuse(connection, principal, person_id, SecondOfficialNeeded())
        status = status_after_death_reversed(await repository.list_kinds(connection, person_id))
        await repository.mark_status(connection, person_id, status)
        await repository.retake_phones(connection, person_id)
        await self._tell_return(connection, person_id, "died")
        await self._messages.write(connection, person_id, "death_reversed", self._clock.now())
        event = await self.record(connection, person_id, "death_reversed", cause_of(principal, request.reason))
        return await self.state_after(connection, event)

    async def close_account(self, connection: Connection, person_id: UUID, *, actor: str) -> None:
        """Ends an account at its holder's wish, for good; whoever asks has checked what must be handed over first.

        Raises `AccountNotActive`.
        """
        if await repository.lock_status(connection, person_id) != "active":
            raise AccountNotActive
        await self.end(connection, person_id, "closed", Cause(actor=actor, source="self", reason="holder_request"))

    async def raise_level(self, connection: Connection, person_id: UUID) -> None:
        """Face or counter confirmed the person: level 3, for them and for the sessions that know them by name."""
        await repository.mark_level(connection, person_id, FACE_CHECKED)
        await self._sessions.raise_level_of_person(connection, person_id, from_level=NAME_CHECKED, ial=FACE_CHECKED)

    async def end(
        self,
        connection: Connection,
        person_id: UUID,
        reason: EndReason,
        cause: Cause,
        *,
        merged_into: UUID | None = None,
    ) -> AccountEvent:
        """Ends a locked account and tells everybody who must withdraw something."""
        now = self._clock.now()
        event = await self.record(connection, person_id, KIND_OF_END[reason], cause)
        if notice := NOTICES.get(reason):
            await self._messages.write(connection, person_id, notice, now)
        await repository.mark_status(connection, person_id, ENDED_BY[reason], merged_into=merged_into)
        await self._sessions.end_sessions_of(connection, person_id, actor=cause.actor, reason=f"account_{reason}")
        await repository.delete_phone_changes(connection, person_id)
        ended_as = f"account_{reason}"
        if reason == "frozen":
            await self._devices.end_waiting_devices_of(connection, person_id, actor=cause.actor, reason=ended_as)
        else:
            await self._end_keys(connection, person_id, actor=cause.actor, reason=ended_as)
        for listener in self._listeners:
            await listener.person_ended(connection, person_id, reason, now)
        if reason in RELEASES_PHONES:
            await repository.release_phones(connection, person_id, now)
        return event

    async def bring_back(self, connection: Connection, person_id: UUID, reason: EndReason) -> None:
        """Makes a locked account active again; what only slept wakes."""
        await repository.mark_status(connection, person_id, "active")
        await self._tell_return(connection, person_id, reason)

    async def record(self, connection: Connection, person_id: UUID, kind: EventKind, cause: Cause) -> AccountEvent:
        """Leaves what was done where the holder and the auditor read it."""
        event = AccountEvent(
            id=new_id(),
            person_id=person_id,
            kind=kind,
            reason=cause.reason,
            source=cause.source,
            actor=cause.actor,
            organization_id=cause.organization_id,
            at=self._clock.now(),
        )
        await repository.insert_event(connection, event)
        detail = {"reason": cause.reason, "source": cause.source}
        await self._audit(connection, cause.actor, f"person.{kind}", f"person:{person_id}", detail)
        return event

    async def find_named(self, connection: Connection, principal: Principal, holder: NamedPerson) -> UUID | None:
        """Whom an official means. That they asked for nobody is written down; the caller must let that commit."""
        person_id = await self._find(connection, holder)
        if person_id is None:
            await self._audit(connection, principal.actor, "person.named_unknown", principal.subject, {})
        return person_id

    async def refuse(
        self, connection: Connection, principal: Principal, person_id: UUID, refusal: SuishenError
    ) -> SuishenError:
        """An official named somebody and nothing came of it, but they know now who is here: it stands in the log.

        The refusal, for the caller to return, so that this commits.
        """
        detail = {"reason": refusal.slug, "organization_id": str(principal.organization_id)}
        await self._audit(connection, principal.actor, "person.named_in_vain", f"person:{person_id}", detail)
        return refusal

    async def list_events(
        self, connection: Connection, person_id: UUID, *, after: UUID | None, limit: int
    ) -> AccountEventList:
        """What was done with an account, newest first."""
        rows, following = cut(await repository.list_events(connection, person_id, after, limit + 1), limit)
        return AccountEventList(items=[await self._view(connection, row) for row in rows], next=following)

    async def _find(self, connection: Connection, holder: NamedPerson) -> UUID | None:
        return await self._people.find_named(
            connection,
            name=holder.name,
            document_type=holder.document_type,
            document_number=holder.document_number,
        )

    async def _find_frozen(self, connection: Connection, person_id: UUID) -> AccountEvent | None:
        status = await repository.lock_status(connection, person_id)
        return await repository.find_last(connection, person_id, "frozen") if status == "frozen" else None

    async def _wake(self, connection: Connection, frozen: AccountEvent, cause: Cause) -> AccountEvent:
        person_id, now = frozen.person_id, self._clock.now()
        if frozen.reason in PHONE_GONE and cause.reason != PHONE_FOUND:
            await self._end_keys(connection, person_id, actor=cause.actor, reason="phone_gone")
        await self.bring_back(connection, person_id, "frozen")
        await self._messages.write(connection, person_id, "account_unfrozen", now)
        return await self.record(connection, person_id, "unfrozen", cause)

    async def _end_keys(self, connection: Connection, person_id: UUID, *, actor: str, reason: str) -> None:
        """Whatever a phone could prove for the person."""
        await self._devices.end_devices_of(connection, person_id, actor=actor, reason=reason)
        count = await end_passkeys(connection, "person", person_id, now=self._clock.now(), reason=reason)
        if count:
            detail = {"reason": reason, "count": count}
            await self._audit(connection, actor, "passkeys.revoked", f"person:{person_id}", detail)

    async def _tell_return(self, connection: Connection, person_id: UUID, reason: EndReason) -> None:
        for listener in self._return_listeners:
            await listener.person_returned(connection, person_id, reason, self._clock.now())

    async def state_after(self, connection: Connection, event: AccountEvent) -> AccountState:
        """The account as the official who did this sees it now."""
        person = await self._people.get_person(connection, event.person_id)
        name = await self._people.disclose(connection, event.person_id, frozenset({"display_name"}))
        return AccountState(
            event_id=event.id,
            display_name=str(name["display_name"]) if name else None,
            status=person.status,
            at=event.at,
        )

    async def _view(self, connection: Connection, event: AccountEvent) -> AccountEventView:
        office = None
        if event.organization_id is not None:
            office = (await self._organizations.get_organization(connection, event.organization_id)).name
        return AccountEventView(
            id=event.id,
            kind=event.kind,
            reason=event.reason,
            source=event.source,
            organization_name=office,
            at=event.at,
        )

    async def _audit(
        self, connection: Connection, actor: str, action: str, subject: str, detail: dict[str, Any]
    ) -> None:
        await audit.record(
            connection, clock_now=self._clock.now(), actor=actor, action=action, subject=subject, detail=detail
        )


def cause_of(principal: Principal, reason: str) -> Cause:
    """An official's act: whoever has no counter's role speaks for the hotline."""
    return Cause(
        actor=principal.actor,
        source="counter" if "counter" in principal.roles else "hotline",
        reason=reason,
        organization_id=principal.organization_id,
    )
