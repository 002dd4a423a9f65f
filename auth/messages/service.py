"""The first room of the message centre: notices written with the deed, read by the person."""

from datetime import datetime
from uuid import UUID

from app.kit.database import Connection
from app.kit.ids import new_id
from app.kit.structs import convert
from auth.messages.models import Message, MessageKind, MessageView
from auth.messages.texts import Texts, load_texts

INSERT_MESSAGE = "insert into auth.message (id, person_id, kind, created_at) values ($1, $2, $3, $4)"

LIST_MESSAGES = """
select id, kind, created_at from auth.message
 where person_id = $1 and ($2::uuid is null or id < $2)
 order by id desc limit $3
"""


class Messages:
    """Writes and lists notices."""

    def __init__(self, texts: Texts | None = None) -> None:
        self._texts = texts or load_texts()

    async def write(self, connection: Connection, person_id: UUID, kind: MessageKind, now: datetime) -> None:
        """Tells the person, if and only if the caller's transaction commits. `kind` is a block of `texts.toml`."""
        _ = self._texts[kind]
        await connection.execute(INSERT_MESSAGE, new_id(), person_id, kind, now)

    async def list_messages(
        self, connection: Connection, person_id: UUID, *, after: UUID | None, limit: int
    ) -> list[MessageView]:
        """The person's notices, newest first, older than `after`."""
        rows = await connection.fetch(LIST_MESSAGES, person_id, after, limit)
        return [self._view_of(convert(row, Message)) for row in rows]

    def _view_of(self, message: Message) -> MessageView:
        text = self._texts.text_of(message.kind)
        return MessageView(id=message.id, kind=message.kind, text=text, created_at=message.created_at)
