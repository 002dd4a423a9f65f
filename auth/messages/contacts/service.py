"""Trusted contacts: invited by phone, agreed to by whoever holds that phone and is known by name, ended by either.

An invitation is the same whether the phone has an account or not. A contact reads the person's notices and nothing
else; they can do nothing for the person.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Final, Protocol
from uuid import UUID

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.errors import RateLimited
from app.kit.ids import new_id
from app.kit.masking import mask_phone
from auth.attempts import Limit, spend_attempt
from auth.documents import normalize_phone
from auth.locks import lock_key
from auth.messages.contacts import repository
from auth.messages.contacts.errors import ContactInvited, ContactOneself, ContactUnknown, TooManyContacts
from auth.messages.contacts.models import (
    ContactList,
    ContactView,
    DecideInvitation,
    InviteContact,
    TrustedContact,
    TrustEnded,
    TrustList,
    TrustView,
)
from auth.messages.service import Messages
from auth.people.errors import PhoneInvalid
from auth.principal import Principal
from auth.settings import DAY_SECONDS
from auth.subject_keys.service import SubjectVault

PHONE_PURPOSE: Final = "trusted-contact-phone"
MOST_CONTACTS: Final = 3
INVITATION_LIVES: Final = timedelta(days=7)
INVITATIONS_A_DAY: Final = Limit(kind="contact_invitation", most=10, window_seconds=DAY_SECONDS)


class KnowsPeople(Protocol):
    """People by their phones, and their masked names."""

    def phone_index(self, phone: str) -> bytes:
        """What finds a phone."""
        ...

    async def find_id_by_phone_index(self, connection: Connection, phone_index: bytes) -> UUID | None:
        """Whom a phone opens, if anybody."""
        ...

    async def disclose(
        self, connection: Connection, person_id: UUID, attributes: frozenset[str], /
    ) -> dict[str, str | bool]:
        """The named attributes that are known."""
        ...


class Contacts:
    """Invites, answers, lists and ends."""

    def __init__(self, *, people: KnowsPeople, messages: Messages, subject_vault: SubjectVault, clock: Clock) -> None:
        self._people = people
        self._messages = messages
        self._subject_vault = subject_vault
        self._clock = clock

    async def invite(
        self, connection: Connection, principal: Principal, request: InviteContact
    ) -> ContactView | RateLimited:
        """The invitation, or the refusal, which is remembered.

        Raises `PhoneInvalid`, `ContactOneself`, `ContactInvited`, `TooManyContacts`. Invitations of one person take
        turns.
        """
        phone = normalize_phone(request.phone)
        if phone is None:
            raise PhoneInvalid
        now, person_id, index = self._clock.now(), principal.subject_id, self._people.phone_index(phone)
        if (wait := await spend_attempt(connection, INVITATIONS_A_DAY, person_id.bytes, now)) is not None:
            return RateLimited(retry_after=wait)
        if index in await repository.list_phone_indexes(connection, person_id):
            raise ContactOneself
        await lock_key(connection, hashlib.sha256(b"contact" + person_id.bytes).digest())
        await repository.mark_expired(connection, now, person_id)
        if len(await repository.list_of_person(connection, person_id, now)) >= MOST_CONTACTS:
            raise TooManyContacts(most=MOST_CONTACTS)
        contact = await self._new_contact(connection, principal, request, phone, index)
        if not await repository.insert_contact(connection, contact):
            raise ContactInvited
        invited = await self._people.find_id_by_phone_index(connection, index)
        if invited is not None:
            await self._messages.write(connection, invited, "trusted_contact_invited", now)
        await self._record(connection, principal, "trusted_contact.invited", contact)
        return await self._view(connection, contact)

    async def list_contacts(self, connection: Connection, person_id: UUID) -> ContactList:
        """Whom the person invited, or has."""
        rows = await repository.list_of_person(connection, person_id, self._clock.now())
        return ContactList(items=[await self._view(connection, row) for row in rows])

    async def list_trust(self, connection: Connection, contact_id: UUID) -> TrustList:
        """Who trusts this person, and who asks to."""
        indexes = await repository.list_phone_indexes(connection, contact_id)
        rows = await repository.list_of_contact(connection, contact_id, indexes, self._clock.now())
        return TrustList(items=[await self._trust_view(connection, row) for row in rows])

    async def decide(
        self, connection: Connection, principal: Principal, contact_id: UUID, request: DecideInvitation
    ) -> TrustView:
        """The answer of whoever holds the invited phone; raises `ContactUnknown`."""
        contact = await repository.find_contact_for_update(connection, contact_id)
        now, answering = self._clock.now(), principal.subject_id
        if contact is None or contact.state != "invited" or contact.expires_at <= now:
            raise ContactUnknown
        if contact.person_id == answering:
            raise ContactUnknown
        if contact.phone_index not in await repository.list_phone_indexes(connection, answering):
            raise ContactUnknown
        if request.decision == "accepted":
            await repository.mark_accepted(connection, contact_id, answering, now)
        else:
            await repository.mark_declined(connection, contact_id, now)
        await self._messages.write(connection, contact.person_id, f"trusted_contact_{request.decision}", now)
        await self._record(connection, principal, f"trusted_contact.{request.decision}", contact)
        return await self._trust_view(connection, await self._read(connection, contact_id))

    async def end(self, connection: Connection, principal: Principal, contact_id: UUID) -> TrustEnded:
        """Ends it, at the wish of either; raises `ContactUnknown`.

        The person hears when a contact leaves. A contact is not told that they were removed: whoever frees themself
        from somebody need not explain it to them.
        """
        contact = await repository.find_contact_for_update(connection, contact_id)
        caller = principal.subject_id
        if contact is None or contact.state not in {"invited", "active"}:
            raise ContactUnknown
        if caller not in {contact.person_id, contact.contact_id}:
            raise ContactUnknown
        now = self._clock.now()
        await repository.mark_ended(connection, contact_id, now)
        if caller == contact.contact_id:
            await self._messages.write(connection, contact.person_id, "trusted_contact_left", now)
        await self._record(connection, principal, "trusted_contact.ended", contact)
        return TrustEnded()

    async def person_ended(self, connection: Connection, person_id: UUID, now: datetime) -> None:
        """Whoever this person trusted, and whoever trusted them, is told nothing more."""
        await repository.mark_all_ended(connection, person_id, now)

    async def forget(self, connection: Connection, now: datetime) -> None:
        """Ends invitations that nobody answered; a periodic job."""
        await repository.mark_expired(connection, now)

    async def _new_contact(
        self, connection: Connection, principal: Principal, request: InviteContact, phone: str, index: bytes
    ) -> TrustedContact:
        contact_id, now = new_id(), self._clock.now()
        sealed = await self._subject_vault.seal(
            connection, principal.subject_id, PHONE_PURPOSE, phone.encode(), context=contact_id.bytes
        )
        return TrustedContact(
            id=contact_id,
            person_id=principal.subject_id,
            phone_index=index,
            phone_sealed=sealed,
            told_of=request.told_of,
            state="invited",
            invited_at=now,
            expires_at=now + INVITATION_LIVES,
        )

    async def _read(self, connection: Connection, contact_id: UUID) -> TrustedContact:
        contact = await repository.find_contact_for_update(connection, contact_id)
        assert contact is not None
        return contact

    async def _view(self, connection: Connection, contact: TrustedContact) -> ContactView:
        phone = None
        if contact.phone_sealed is not None:
            opened = await self._subject_vault.open(
                connection, contact.person_id, PHONE_PURPOSE, contact.phone_sealed, context=contact.id.bytes
            )
            phone = mask_phone(opened.decode())
        return ContactView(
            id=contact.id,
            phone=phone,
            display_name=None if contact.contact_id is None else await self._name(connection, contact.contact_id),
            told_of=contact.told_of,
            state=contact.state,
            invited_at=contact.invited_at,
            expires_at=contact.expires_at,
            answered_at=contact.answered_at,
        )

    async def _trust_view(self, connection: Connection, contact: TrustedContact) -> TrustView:
        return TrustView(
            id=contact.id,
            display_name=await self._name(connection, contact.person_id),
            told_of=contact.told_of,
            state=contact.state,
            invited_at=contact.invited_at,
            expires_at=contact.expires_at,
        )

    async def _name(self, connection: Connection, person_id: UUID) -> str | None:
        name = (await self._people.disclose(connection, person_id, frozenset({"display_name"}))).get("display_name")
        return None if name is None else str(name)

    async def _record(self, connection: Connection, principal: Principal, action: str, contact: TrustedContact) -> None:
        await audit.record(
            connection,
            clock_now=self._clock.now(),
            actor=principal.actor,
            action=action,
            subject=f"person:{contact.person_id}",
            detail={"trusted_contact_id": str(contact.id), "told_of": contact.told_of},
        )
