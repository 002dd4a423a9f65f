"""Deletes what identity keeps of one human being and their key would not make unreadable."""

from typing import Final
from uuid import UUID

from app.kit.database import Connection

EMPTY_PERSON: Final = """
update auth.person
   set identity_level = 1, identity_sealed = null, document_index = null, verified_at = null
 where id = $1
"""

DELETES: Final = (
    # First, while the numbers are known: where they declined, or a trust ended. What waits for who shares one stays.
    """
    delete from auth.trusted_contact
     where state in ('declined', 'ended')
       and phone_index in (select phone_index from auth.phone where person_id = $1
                           union all select phone_index from auth.released_phone where person_id = $1)
    """,
    "delete from auth.phone where person_id = $1",
    "delete from auth.released_phone where person_id = $1",
    "delete from auth.phone_change where person_id = $1",
    "delete from auth.further_document where person_id = $1",
    "delete from auth.passkey where holder_type = 'person' and holder_id = $1",
    "delete from auth.identity_link where person_id = $1",
    # Names from before there were keys of people stand under the master key.
    "update auth.device set name_sealed = '' where person_id = $1",
    "update auth.session set phone_index = null where holder_id = $1 and phone_index is not null",
    "delete from auth.session_context where session_id in (select id from auth.session where holder_id = $1)",
    "delete from auth.message where person_id = $1",
    "delete from auth.message_preference where person_id = $1",
    "delete from auth.trusted_contact where person_id = $1 or contact_id = $1",
    "delete from auth.consent_request where child_id = $1",
)


LIST_MERGED = "select id from auth.person where merged_into = $1 order by id"


async def list_merged(connection: Connection, person_id: UUID) -> list[UUID]:
    """Accounts of the same human being that were merged into this one."""
    return [row["id"] for row in await connection.fetch(LIST_MERGED, person_id)]


async def erase_identity(connection: Connection, person_id: UUID) -> None:
    """Empties the account and deletes its rows; what others did with it stays under its opaque id."""
    await connection.execute(EMPTY_PERSON, person_id)
    for statement in DELETES:
        await connection.execute(statement, person_id)
