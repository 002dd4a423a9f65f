"""Rows of consents, of the words that were read, and of what children asked for. No consent is deleted while its

person has an account: what was allowed once stays readable.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Final
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import convert
from auth.consents.models import Consent, ConsentRequest, ShownConsent
from auth.consents.texts import ConsentText

COLUMNS: Final = """
id, person_id, department_id, purpose, fields, text_version, granted_at, separate, guardian_id, expires_at, withdrawn_at
"""

INSERT_CONSENT = """
insert into auth.consent
       (id, person_id, department_id, purpose, fields, text_version, granted_at, separate, guardian_id, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""


async def insert_consent(connection: Connection, consent: Consent) -> None:
    """A new consent."""
    await connection.execute(
        INSERT_CONSENT,
        consent.id,
        consent.person_id,
        consent.department_id,
        consent.purpose,
        list(consent.fields),
        consent.text_version,
        consent.granted_at,
        consent.separate,
        consent.guardian_id,
        consent.expires_at,
    )


FIND_IN_FORCE = f"""
select {COLUMNS} from auth.consent
 where person_id = $1 and department_id = $2 and purpose = any($3::text[])
   and withdrawn_at is null and (expires_at is null or expires_at > $4)
"""  # noqa: S608 - constants of this module


async def list_in_force(
    connection: Connection, person_id: UUID, department_id: UUID, purposes: Collection[str], now: datetime
) -> list[Consent]:
    """The consents in force among these purposes."""
    rows = await connection.fetch(FIND_IN_FORCE, person_id, department_id, list(purposes), now)
    return [convert(row, Consent) for row in rows]


MARK_REPLACED = """
update auth.consent set withdrawn_at = $4
 where person_id = $1 and department_id = $2 and purpose = $3 and withdrawn_at is null
"""


async def mark_replaced(
    connection: Connection, person_id: UUID, department_id: UUID, purpose: str, now: datetime
) -> None:
    """Ends what a new consent takes the place of."""
    await connection.execute(MARK_REPLACED, person_id, department_id, purpose, now)


MARK_WITHDRAWN = f"""
update auth.consent set withdrawn_at = $3
 where id = $1 and person_id = $2 and withdrawn_at is null
returning {COLUMNS}
"""  # noqa: S608 - constants of this module


async def mark_withdrawn(connection: Connection, consent_id: UUID, person_id: UUID, now: datetime) -> Consent | None:
    """Ends the person's own consent; None when it is not theirs or has ended before."""
    row = await connection.fetchrow(MARK_WITHDRAWN, consent_id, person_id, now)
    return convert(row, Consent) if row else None


# Locked in one order, so that two withdrawals of everything never wait for each other.
MARK_ALL_WITHDRAWN = f"""
with ending as (select id from auth.consent
                 where person_id = $1 and ($2::uuid is null or department_id = $2) and withdrawn_at is null
                 order by id for update)
update auth.consent set withdrawn_at = $3 where id in (select id from ending)
returning {COLUMNS}
"""  # noqa: S608 - constants of this module


async def mark_all_withdrawn(
    connection: Connection, person_id: UUID, department_id: UUID | None, now: datetime
) -> list[Consent]:
    """Ends every consent of a person, or every one to a department; newest first."""
    rows = await connection.fetch(MARK_ALL_WITHDRAWN, person_id, department_id, now)
    return sorted((convert(row, Consent) for row in rows), key=lambda consent: consent.id, reverse=True)


MARK_PURPOSE_WITHDRAWN = f"""
with ending as (select id from auth.consent
                 where department_id = $1 and purpose = $2 and withdrawn_at is null
                 order by id limit $4 for update)
update auth.consent set withdrawn_at = $3 where id in (select id from ending)
returning {COLUMNS}
"""  # noqa: S608 - constants of this module


async def mark_purpose_withdrawn(
    connection: Connection, department_id: UUID, purpose: str, now: datetime, limit: int
) -> list[Consent]:
    """Ends some of the consents to a department for one purpose; which ones."""
    rows = await connection.fetch(MARK_PURPOSE_WITHDRAWN, department_id, purpose, now, limit)
    return [convert(row, Consent) for row in rows]


LIST_CONSENTS = f"""
select {COLUMNS} from auth.consent
 where person_id = $1 and ($2::uuid is null or id < $2)
 order by id desc limit $3
"""  # noqa: S608 - constants of this module


async def list_consents(connection: Connection, person_id: UUID, after: UUID | None, limit: int) -> list[Consent]:
    """All that a person ever allowed, newest first."""
    return [convert(row, Consent) for row in await connection.fetch(LIST_CONSENTS, person_id, after, limit)]


INSERT_TEXT = """
insert into auth.consent_text (department_id, purpose, version, text, first_shown_at) values ($1, $2, $3, $4, $5)
on conflict do nothing
"""


async def insert_text(connection: Connection, shown: ShownConsent, text: ConsentText, now: datetime) -> None:
    """Keeps the words that were shown, once for each version."""
    await connection.execute(INSERT_TEXT, shown.department_id, shown.purpose, shown.text_version, text, now)


FIND_TEXT = "select text from auth.consent_text where department_id = $1 and purpose = $2 and version = $3"


async def find_text(connection: Connection, department_id: UUID, purpose: str, version: str) -> ConsentText | None:
    """The words that this version stands for, if they were ever shown here."""
    text = await connection.fetchval(FIND_TEXT, department_id, purpose, version)
    return None if text is None else convert(text, ConsentText)


REQUEST_COLUMNS: Final = "id, child_id, department_id, purpose, fields, sensitive, text_version, asked_at, expires_at"

# Asking again for the same shows the guardian the present words, and is no second request.
UPSERT_REQUEST = f"""
insert into auth.consent_request ({REQUEST_COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict (child_id, department_id, purpose) where ended_at is null
do update set fields = excluded.fields, sensitive = excluded.sensitive, text_version = excluded.text_version,
              expires_at = excluded.expires_at
returning id
"""  # noqa: S608 - constants of this module


async def upsert_request(connection: Connection, request: ConsentRequest) -> bool:
    """What a child asks for; whether it is new."""
    kept = await connection.fetchval(
        UPSERT_REQUEST,
        request.id,
        request.child_id,
        request.department_id,
        request.purpose,
        list(request.fields),
        request.sensitive,
        request.text_version,
        request.asked_at,
        request.expires_at,
    )
    return bool(kept == request.id)


LIST_REQUESTS = f"""
select {REQUEST_COLUMNS} from auth.consent_request
 where child_id = $1 and ended_at is null and expires_at > $2
 order by id desc limit 100
"""  # noqa: S608 - constants of this module


async def list_requests(connection: Connection, child_id: UUID, now: datetime) -> list[ConsentRequest]:
    """What waits for a guardian, newest first."""
    return [convert(row, ConsentRequest) for row in await connection.fetch(LIST_REQUESTS, child_id, now)]


MARK_REQUEST_ENDED = f"""
update auth.consent_request set ended_at = $3
 where id = $1 and child_id = $2 and ended_at is null and expires_at > $3
returning {REQUEST_COLUMNS}
"""  # noqa: S608 - constants of this module


async def mark_request_ended(
    connection: Connection, request_id: UUID, child_id: UUID, now: datetime
) -> ConsentRequest | None:
    """Ends a request of this child; None when there is no such one open."""
    row = await connection.fetchrow(MARK_REQUEST_ENDED, request_id, child_id, now)
    return convert(row, ConsentRequest) if row else None


MARK_REQUESTS_ANSWERED = """
update auth.consent_request set ended_at = $4
 where child_id = $1 and department_id = $2 and purpose = $3 and ended_at is null
"""


async def mark_requests_answered(
    connection: Connection, child_id: UUID, department_id: UUID, purpose: str, now: datetime
) -> None:
    """A consent answers the request for it."""
    await connection.execute(MARK_REQUESTS_ANSWERED, child_id, department_id, purpose, now)


MARK_ALL_REQUESTS_ENDED = "update auth.consent_request set ended_at = $2 where child_id = $1 and ended_at is null"


async def mark_all_requests_ended(connection: Connection, child_id: UUID, now: datetime) -> None:
    """Ends whatever this child asked for."""
    await connection.execute(MARK_ALL_REQUESTS_ENDED, child_id, now)


DELETE_OLD_REQUESTS = "delete from auth.consent_request where expires_at < $1"


async def delete_old_requests(connection: Connection, before: datetime) -> None:
    """Forgets what nobody decided, and what was decided long ago."""
    await connection.execute(DELETE_OLD_REQUESTS, before)
