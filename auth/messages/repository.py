"""Rows of notices, of what people chose about them, and of their deliveries outside the app."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import convert
from auth.messages.models import Delivery, DeliveryState, Message, Preferences

INSERT_MESSAGE = "insert into auth.message (id, person_id, kind, created_at, about_id) values ($1, $2, $3, $4, $5)"


async def insert_message(connection: Connection, message: Message) -> None:
    """A new notice."""
    await connection.execute(
        INSERT_MESSAGE, message.id, message.person_id, message.kind, message.created_at, message.about_id
    )


LIST_MESSAGES = """
select id, person_id, kind, created_at, read_at, about_id from auth.message
 where person_id = $1 and ($2::uuid is null or id < $2) and (not $4::boolean or read_at is null)
 order by id desc limit $3
"""


async def list_messages(
    connection: Connection, person_id: UUID, *, after: UUID | None, limit: int, unread: bool
) -> list[Message]:
    """The person's notices, newest first, older than `after`."""
    return [convert(row, Message) for row in await connection.fetch(LIST_MESSAGES, person_id, after, limit, unread)]


FIND_MESSAGE = "select id, person_id, kind, created_at, read_at, about_id from auth.message where id = $1"


async def find_message(connection: Connection, message_id: UUID) -> Message | None:
    """The notice, whosever it is."""
    row = await connection.fetchrow(FIND_MESSAGE, message_id)
    return convert(row, Message) if row else None


COUNT_UNREAD = "select count(*) from auth.message where person_id = $1 and read_at is null"


async def count_unread(connection: Connection, person_id: UUID) -> int:
    """How many notices the person has not read."""
    return int(await connection.fetchval(COUNT_UNREAD, person_id))


MARK_READ = "update auth.message set read_at = $3 where person_id = $1 and id <= $2 and read_at is null"


async def mark_read(connection: Connection, person_id: UUID, newest: UUID, now: datetime) -> None:
    """That notice and every older one of this person is read; what was read before stays as it is."""
    await connection.execute(MARK_READ, person_id, newest, now)


FIND_PREFERENCES = """
select language, urgent_by, important_by, quiet_from, quiet_until from auth.message_preference where person_id = $1
"""


async def find_preferences(connection: Connection, person_id: UUID) -> Preferences | None:
    """What the person chose, if they did."""
    row = await connection.fetchrow(FIND_PREFERENCES, person_id)
    return convert(row, Preferences) if row else None


SAVE_PREFERENCES = """
insert into auth.message_preference
       (person_id, language, urgent_by, important_by, quiet_from, quiet_until, changed_at)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (person_id) do update
   set language = $2, urgent_by = $3, important_by = $4, quiet_from = $5, quiet_until = $6, changed_at = $7
"""


async def insert_preferences(connection: Connection, person_id: UUID, chosen: Preferences, now: datetime) -> None:
    """What the person chose, in place of what they chose before."""
    await connection.execute(
        SAVE_PREFERENCES,
        person_id,
        chosen.language,
        chosen.urgent_by,
        chosen.important_by,
        chosen.quiet_from,
        chosen.quiet_until,
        now,
    )


INSERT_DELIVERY = """
insert into auth.delivery
       (id, message_id, alert_id, channel, state, phone_sealed, language, created_at, due_at, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""


async def insert_delivery(connection: Connection, delivery: Delivery) -> None:
    """A new delivery."""
    await connection.execute(
        INSERT_DELIVERY,
        delivery.id,
        delivery.message_id,
        delivery.alert_id,
        delivery.channel,
        delivery.state,
        delivery.phone_sealed,
        delivery.language,
        delivery.created_at,
        delivery.due_at,
        delivery.expires_at,
    )


DELIVERY_COLUMNS = """id, channel, state, language, created_at, due_at, expires_at, message_id, alert_id, phone_sealed,
       attempts, tried, sent_at, ended_at"""

LIST_DELIVERIES = f"select {DELIVERY_COLUMNS} from auth.delivery where message_id = $1 order by id"  # noqa: S608 - our own text


async def list_deliveries(connection: Connection, message_id: UUID) -> list[Delivery]:
    """What became of a notice outside the app."""
    return [convert(row, Delivery) for row in await connection.fetch(LIST_DELIVERIES, message_id)]


FIND_DELIVERY = f"select {DELIVERY_COLUMNS} from auth.delivery where id = $1 for update"  # noqa: S608 - our own text


async def find_delivery_for_update(connection: Connection, delivery_id: UUID) -> Delivery | None:
    """The delivery as it stands; locked for the caller's transaction."""
    row = await connection.fetchrow(FIND_DELIVERY, delivery_id)
    return convert(row, Delivery) if row else None


TAKE_DELIVERY = f"""
update auth.delivery set attempts = attempts + 1, due_at = $3
 where id = $1 and state = 'waiting' and due_at <= $2
returning {DELIVERY_COLUMNS}
"""  # noqa: S608 - our own text


async def take_delivery(
    connection: Connection, delivery_id: UUID, *, now: datetime, leased_until: datetime
) -> Delivery | None:
    """The delivery, if it is due and nobody else has it in hand."""
    row = await connection.fetchrow(TAKE_DELIVERY, delivery_id, now, leased_until)
    return convert(row, Delivery) if row else None


MARK_SENT = """
update auth.delivery set state = 'sent', sent_at = $3, tried = array_append(tried, $2)
 where id = $1 and state = 'waiting'
"""


async def mark_sent(connection: Connection, delivery_id: UUID, vendor: str, now: datetime) -> None:
    """A vendor took it. Whoever was told more of it meanwhile, by a quick receipt, keeps what they were told."""
    await connection.execute(MARK_SENT, delivery_id, vendor, now)


MARK_ENDED = """
update auth.delivery set state = $2, ended_at = $3, sent_at = coalesce(sent_at, $4), phone_sealed = null
 where id = $1 and ended_at is null
"""


async def mark_ended(
    connection: Connection, delivery_id: UUID, state: DeliveryState, now: datetime, *, sent_at: datetime | None = None
) -> None:
    """Nothing more will be sent; the phone is forgotten. The first end counts."""
    await connection.execute(MARK_ENDED, delivery_id, state, now, sent_at)


MARK_WAITING = "update auth.delivery set state = 'waiting', due_at = $2 where id = $1 and ended_at is null"


async def mark_waiting(connection: Connection, delivery_id: UUID, due_at: datetime) -> None:
    """To be tried again."""
    await connection.execute(MARK_WAITING, delivery_id, due_at)


MARK_OVERDUE = """
update auth.delivery set due_at = $2
 where id in (select id from auth.delivery where state = 'waiting' and due_at < $1
               order by due_at limit 500 for update skip locked)
returning id
"""


async def mark_overdue(connection: Connection, before: datetime, due_at: datetime) -> list[UUID]:
    """Those that should have left long ago: whoever had them in hand is gone. They are due at `due_at` now."""
    return [row["id"] for row in await connection.fetch(MARK_OVERDUE, before, due_at)]


FORGET_PHONES = """
update auth.delivery set phone_sealed = null where state = 'sent' and sent_at < $1 and phone_sealed is not null
"""


async def forget_phones(connection: Connection, before: datetime) -> None:
    """No receipt will come any more."""
    await connection.execute(FORGET_PHONES, before)


MARK_CANCELLED = """
update auth.delivery d set state = 'withheld', ended_at = $2, phone_sealed = null
  from auth.message m
 where m.id = d.message_id and d.state = 'waiting' and (m.person_id = any($1) or m.about_id = any($1))
"""


async def mark_cancelled(connection: Connection, person_ids: Sequence[UUID], now: datetime) -> None:
    """Nothing more leaves the app to these people, or about them."""
    await connection.execute(MARK_CANCELLED, person_ids, now)


LIST_DELIVERIES_TO = """
select d.id, d.message_id, d.channel, d.state, d.created_at, d.due_at, d.sent_at, d.ended_at
  from auth.delivery d join auth.message m on m.id = d.message_id
 where m.person_id = $1 order by d.id desc limit 10000
"""


async def list_deliveries_to(connection: Connection, person_id: UUID) -> list[dict[str, Any]]:
    """Everything that left the app to this person, newest first, without where it went."""
    return [dict(row) for row in await connection.fetch(LIST_DELIVERIES_TO, person_id)]


DELETE_TRACES = (
    "delete from auth.message where person_id = $1 or about_id = $1",
    "delete from auth.message_preference where person_id = $1",
    "delete from auth.trusted_contact where person_id = $1 or contact_id = $1",
)


async def delete_traces(connection: Connection, person_id: UUID) -> None:
    """Everything that the message centre has of this person; deliveries go with their messages."""
    for statement in DELETE_TRACES:
        await connection.execute(statement, person_id)


DELETE_OLD_MESSAGES = "delete from auth.message where created_at < $1"


async def delete_old_messages(connection: Connection, before: datetime) -> None:
    """Forgets notices from before then, read or not, with their deliveries."""
    await connection.execute(DELETE_OLD_MESSAGES, before)
