"""Notices to a person, what the person chose about them, and the receipts of what left the app.

A kind has a fixed text; nothing personal stands in one.
"""

from datetime import datetime
from typing import Annotated, Final, Literal, TypeAlias
from uuid import UUID

from msgspec import Meta

from app.kit.structs import Model, Request, Text
from auth.messages.texts import MessageKind, Weight

DELIVERY_TOPIC: Final = "message.deliver"

Language: TypeAlias = Literal["zh", "en"]
Channel: TypeAlias = Literal["sms", "voice", "staff"]
DeliveryState: TypeAlias = Literal["waiting", "sent", "delivered", "failed", "expired", "unneeded", "withheld"]
"""unneeded: read in the app before it left. withheld: this person was told too often outside the app that day."""
UrgentBy: TypeAlias = Literal["sms", "voice"]
ImportantBy: TypeAlias = Literal["sms", "voice", "app"]
HourMinute: TypeAlias = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9](?![\s\S])")]


class Message(Model):
    """A row. `about_id` is somebody who trusts the reader, and whose notice this is."""

    id: UUID
    person_id: UUID
    kind: MessageKind
    created_at: datetime
    read_at: datetime | None = None
    about_id: UUID | None = None


class Preferences(Model):
    """What a person chose. Nobody can choose not to be told of what is urgent."""

    language: Language = "zh"
    urgent_by: UrgentBy = "sms"
    important_by: ImportantBy = "sms"
    quiet_from: HourMinute | None = "22:00"
    quiet_until: HourMinute | None = "07:00"


class SetPreferences(Request):
    """All of it at once. Quiet hours are the city's clock; null twice for none."""

    language: Language
    urgent_by: UrgentBy
    important_by: ImportantBy
    quiet_from: HourMinute | None
    quiet_until: HourMinute | None


class Delivery(Model):
    """A row: one message or alert on one way. `tried` names the vendors that took it, the last one last."""

    id: UUID
    channel: Channel
    state: DeliveryState
    language: Language
    created_at: datetime
    due_at: datetime
    expires_at: datetime
    message_id: UUID | None = None
    alert_id: UUID | None = None
    phone_sealed: bytes | None = None
    attempts: int = 0
    tried: tuple[str, ...] = ()
    sent_at: datetime | None = None
    ended_at: datetime | None = None


class DeliveryView(Model):
    """A receipt: when it left, and what the vendor said became of it."""

    channel: Channel
    state: DeliveryState
    due_at: datetime
    sent_at: datetime | None
    ended_at: datetime | None


class MessageView(Model):
    """A notice in both languages. `about` is the masked name of the person who wants the reader to know of theirs."""

    id: UUID
    kind: MessageKind
    weight: Weight
    text: Text
    about: str | None
    created_at: datetime
    read_at: datetime | None


class MessageReceipts(Model):
    """A notice, and what became of it outside the app."""

    message: MessageView
    deliveries: list[DeliveryView]


class ReadUpTo(Request):
    """The newest notice that the person has seen; that and everything older is read."""

    newest: UUID


class Unread(Model):
    """How many notices nobody has read."""

    unread: int
