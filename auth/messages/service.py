"""The message centre: notices written with the deed, read in the app, and told outside it by their weight.

Whatever leaves the app is planned in the same transaction as the notice, so that it leaves if and only if the deed was
done; nothing here sends anything.
"""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.ids import new_id
from app.kit.listing import cut
from app.kit.outbox import Outbox
from auth.messages import repository
from auth.messages.contacts.repository import list_told
from auth.messages.errors import MessageUnknown, QuietHoursInvalid
from auth.messages.models import (
    DELIVERY_TOPIC,
    Delivery,
    DeliveryView,
    Message,
    MessageReceipts,
    MessageView,
    Preferences,
    SetPreferences,
    Unread,
)
from auth.messages.planning import LONGEST_QUIET, Planned, plan, quiet_span
from auth.messages.ports import KnowsPeople
from auth.messages.texts import MessageKind, Texts
from auth.principal import Principal
from auth.subject_keys.service import SubjectVault

PHONE_PURPOSE: Final = "delivery-phone"
MOST_PHONES: Final = 3
UNCHOSEN: Final = Preferences()


class Messages:
    """Writes notices, and shows people theirs."""

    def __init__(
        self,
        *,
        texts: Texts,
        people: KnowsPeople,
        outbox: Outbox,
        subject_vault: SubjectVault,
        clock: Clock,
        city_offset: timedelta,
    ) -> None:
        self._texts = texts
        self._people = people
        self._outbox = outbox
        self._subject_vault = subject_vault
        self._clock = clock
        self._city_offset = city_offset

    async def write(self, connection: Connection, person_id: UUID, kind: MessageKind, now: datetime) -> None:
        """Tells the person, if and only if the caller's transaction commits. `kind` is a block of `texts.toml`.

        Its weight decides who is told where: see `planning`. A notice about a new phone is written before the change.
        """
        weight = self._texts[kind].weight
        await self._tell(connection, person_id, kind, now)
        if weight == "ordinary":
            return
        for contact_id in await list_told(connection, person_id, urgent=weight == "urgent"):
            await self._tell(connection, contact_id, kind, now, about_id=person_id)

    async def list_messages(
        self, connection: Connection, person_id: UUID, *, after: UUID | None, limit: int, unread: bool = False
    ) -> tuple[list[MessageView], UUID | None]:
        """A page of the person's notices, newest first, older than `after`, and the `after` of the next page."""
        rows = await repository.list_messages(connection, person_id, after=after, limit=limit + 1, unread=unread)
        page, following = cut(rows, limit)
        return [await self._view_of(connection, row) for row in page], following

    async def get_receipts(self, connection: Connection, person_id: UUID, message_id: UUID) -> MessageReceipts:
        """One of the person's notices, and what became of it outside the app; raises `MessageUnknown`."""
        message = await self._get_own(connection, person_id, message_id)
        deliveries = await repository.list_deliveries(connection, message_id)
        return MessageReceipts(
            message=await self._view_of(connection, message), deliveries=[_receipt_of(row) for row in deliveries]
        )

    async def count_unread(self, connection: Connection, person_id: UUID) -> Unread:
        """How many notices the person has not read."""
        return Unread(unread=await repository.count_unread(connection, person_id))

    async def read_up_to(self, connection: Connection, person_id: UUID, newest: UUID) -> Unread:
        """That notice and every older one is read; what is left. Raises `MessageUnknown`."""
        await self._get_own(connection, person_id, newest)
        await repository.mark_read(connection, person_id, newest, self._clock.now())
        return await self.count_unread(connection, person_id)

    async def get_preferences(self, connection: Connection, person_id: UUID) -> Preferences:
        """What the person chose, or what holds until they choose."""
        return await repository.find_preferences(connection, person_id) or UNCHOSEN

    async def set_preferences(
        self, connection: Connection, principal: Principal, chosen: SetPreferences
    ) -> Preferences:
        """Holds for every notice from now on; the person is told by what held before. Raises `QuietHoursInvalid`."""
        _require_possible(chosen)
        now, person_id = self._clock.now(), principal.subject_id
        await self.write(connection, person_id, "message_preferences_changed", now)
        preferences = Preferences(
            language=chosen.language,
            urgent_by=chosen.urgent_by,
            important_by=chosen.important_by,
            quiet_from=chosen.quiet_from,
            quiet_until=chosen.quiet_until,
        )
        await repository.insert_preferences(connection, person_id, preferences, now)
        await audit.record(
            connection,
            clock_now=now,
            actor=principal.actor,
            action="message_preferences.changed",
            subject=principal.subject,
            detail={"urgent_by": chosen.urgent_by, "important_by": chosen.important_by},
        )
        return preferences

    async def person_ended(self, connection: Connection, person_id: UUID, now: datetime) -> None:
        """Nothing more leaves the app to this person or about them."""
        await repository.mark_cancelled(connection, [person_id], now)

    async def _get_own(self, connection: Connection, person_id: UUID, message_id: UUID) -> Message:
        message = await repository.find_message(connection, message_id)
        if message is None or message.person_id != person_id:
            raise MessageUnknown
        return message

    async def _tell(
        self,
        connection: Connection,
        person_id: UUID,
        kind: MessageKind,
        now: datetime,
        *,
        about_id: UUID | None = None,
    ) -> None:
        message = Message(id=new_id(), person_id=person_id, kind=kind, created_at=now, about_id=about_id)
        await repository.insert_message(connection, message)
        weight = self._texts[kind].weight
        if weight == "ordinary":
            return
        chosen = await self.get_preferences(connection, person_id)
        planned = plan(weight, chosen, now, self._city_offset)
        if planned is None:
            return
        phones = await self._people.list_phones(connection, person_id)
        for phone in phones[:MOST_PHONES] if weight == "urgent" else phones[-1:]:
            await self._send_later(connection, message, planned, phone, chosen)

    async def _send_later(
        self, connection: Connection, message: Message, planned: Planned, phone: str, chosen: Preferences
    ) -> None:
        delivery_id = new_id()
        sealed = await self._subject_vault.seal(
            connection, message.person_id, PHONE_PURPOSE, phone.encode(), context=delivery_id.bytes
        )
        delivery = Delivery(
            id=delivery_id,
            message_id=message.id,
            channel=planned.channel,
            state="waiting",
            phone_sealed=sealed,
            language=chosen.language,
            created_at=message.created_at,
            due_at=planned.due_at,
            expires_at=planned.expires_at,
        )
        await repository.insert_delivery(connection, delivery)
        payload = {"delivery_id": str(delivery_id)}
        await self._outbox.enqueue(connection, topic=DELIVERY_TOPIC, payload=payload, now=planned.due_at)

    async def _view_of(self, connection: Connection, message: Message) -> MessageView:
        about = None
        if message.about_id is not None:
            known = await self._people.disclose(connection, message.about_id, frozenset({"display_name"}))
            about = str(known.get("display_name", "*"))
        return MessageView(
            id=message.id,
            kind=message.kind,
            weight=self._texts.weight_of(message.kind),
            text=self._texts.text_of(message.kind),
            about=about,
            created_at=message.created_at,
            read_at=message.read_at,
        )


def _require_possible(chosen: SetPreferences) -> None:
    if chosen.quiet_from is None and chosen.quiet_until is None:
        return
    if chosen.quiet_from is None or chosen.quiet_until is None or chosen.quiet_from == chosen.quiet_until:
        raise QuietHoursInvalid
    if quiet_span(chosen.quiet_from, chosen.quiet_until) > LONGEST_QUIET:
        raise QuietHoursInvalid


def _receipt_of(delivery: Delivery) -> DeliveryView:
    return DeliveryView(
        channel=delivery.channel,
        state=delivery.state,
        due_at=delivery.due_at,
        sent_at=delivery.sent_at,
        ended_at=delivery.ended_at,
    )
