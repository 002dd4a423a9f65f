"""The development stand-in for an SMS vendor: messages land in a table that a page shows. Never in production."""

from datetime import datetime
from typing import Final, Literal, Protocol, TypeAlias
from uuid import UUID

from app.kit.clock import Clock
from app.kit.database import Connection, Database
from app.kit.masking import mask_phone
from app.kit.structs import Model, convert
from app.kit.vault import Vault
from auth.sms.ports import Handed, SmsMessage

PHONE_PURPOSE: Final = "demo-inbox-phone"
TEXT_PURPOSE: Final = "demo-inbox-text"
MOST_SHOWN: Final = 50

DemoChannel: TypeAlias = Literal["sms", "voice"]


class InboxMessage(Model):
    """A message as stored."""

    id: UUID
    phone_index: bytes
    phone_sealed: bytes
    text_sealed: bytes
    sent_at: datetime
    channel: DemoChannel


class Inbox(Protocol):
    """Where the messages of a development city can be read."""

    async def list_messages(self, phone: str | None) -> list["InboxView"]:
        """The latest messages, newest first: of one phone, or of all with masked numbers."""
        ...

    async def close(self) -> None:
        """Ends what it holds open."""
        ...


class InboxView(Model):
    """A message as shown; only the page of one phone shows its number in full."""

    id: UUID
    phone: str
    text: str
    sent_at: datetime
    channel: DemoChannel


INSERT_MESSAGE = """
insert into auth.demo_inbox (id, phone_index, phone_sealed, text_sealed, sent_at, channel)
values ($1, $2, $3, $4, $5, $6)
on conflict (id) do nothing
"""

LIST_MESSAGES = """
select id, phone_index, phone_sealed, text_sealed, sent_at, channel from auth.demo_inbox
 where $1::bytea is null or phone_index = $1
 order by sent_at desc, id desc limit $2
"""

DELETE_OLD = "delete from auth.demo_inbox where sent_at < $1"


class DemoInbox:
    """An `Sms` that keeps messages where everybody can read them, which is why production never builds one."""

    def __init__(
        self, database: Database, vault: Vault, clock: Clock, *, environment: str, channel: DemoChannel = "sms"
    ) -> None:
        if environment == "production":
            raise RuntimeError("The demo inbox shows one-time codes to everybody; production needs an SMS vendor.")
        self._database = database
        self._vault = vault
        self._clock = clock
        self._environment = environment
        self._channel = channel

    @property
    def name(self) -> str:
        """What receipts call the vendor."""
        return f"demo-{self._channel}"

    @property
    def voice(self) -> "DemoInbox":
        """The same inbox, for calls."""
        return DemoInbox(self._database, self._vault, self._clock, environment=self._environment, channel="voice")

    async def close(self) -> None:
        """Holds nothing open."""

    async def send(self, message: SmsMessage) -> Handed:
        """Puts the message into the inbox, once for its id: it is there at once."""
        index = self._vault.blind_index(PHONE_PURPOSE, message.phone)
        phone_sealed = self._vault.seal(PHONE_PURPOSE, message.phone.encode(), context=message.id.bytes)
        text_sealed = self._vault.seal(TEXT_PURPOSE, message.text.encode(), context=message.id.bytes)
        async with self._database.acquire() as connection:
            await connection.execute(
                INSERT_MESSAGE, message.id, index, phone_sealed, text_sealed, self._clock.now(), self._channel
            )
        return Handed(vendor=self.name, delivered=True)

    async def list_messages(self, phone: str | None) -> list[InboxView]:
        """The latest messages, newest first: of one phone, or of all with masked numbers."""
        index = None if phone is None else self._vault.blind_index(PHONE_PURPOSE, phone)
        async with self._database.acquire() as connection:
            rows = await connection.fetch(LIST_MESSAGES, index, MOST_SHOWN)
        return [self._view(convert(row, InboxMessage), masked=phone is None) for row in rows]

    async def forget_before(self, connection: Connection, before: datetime) -> None:
        """Deletes old messages."""
        await connection.execute(DELETE_OLD, before)

    def _view(self, message: InboxMessage, *, masked: bool) -> InboxView:
        phone = self._vault.open(PHONE_PURPOSE, message.phone_sealed, context=message.id.bytes).decode()
        text = self._vault.open(TEXT_PURPOSE, message.text_sealed, context=message.id.bytes).decode()
        return InboxView(
            id=message.id,
            phone=mask_phone(phone) if masked else phone,
            text=text,
            sent_at=message.sent_at,
            channel=message.channel,
        )
