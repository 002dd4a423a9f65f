"""The first room of the message centre: notices written with the deed, read by the person."""

from datetime import datetime
from uuid import UUID

from app.kit.database import Connection
from app.kit.ids import new_id
from app.kit.structs import convert
from auth.messages.models import TEXTS, Message, MessageKind, MessageView

INSERT_MESSAGE = "insert into auth.message (id, person_id, kind, created_at) values ($1, $2, $3, $4)"

LIST_MESSAGES = """
select id, kind, created_at from auth.message
 where person_id = $1 and ($2::uuid is null or id < $2)
 order by id desc limit $3
"""


class Messages:
    """Writes and lists notices."""

    async def write(self, connection: Connection, person_id: UUID, kind: MessageKind, now: datetime) -> None:
        """Tells the person, if and only if the caller's transaction commits."""
        await connection.execute(INSERT_MESSAGE, new_id(), person_id, kind, now)

    async def list_messages(
        self, connection: Connection, person_id: UUID, *, after: UUID | None, limit: int
    ) -> list[MessageView]:
        """The person's notices, newest first, older than `after`."""
        rows = await connection.fetch(LIST_MESSAGES, person_id, after, limit)
        return [_view_of(convert(row, Message)) for row in rows]


def _view_of(message: Message) -> MessageView:
    return MessageView(id=message.id, kind=message.kind, text=TEXTS[message.kind], created_at=message.created_at)
