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
    "delete from auth.phone where person_id = $1",
    "delete from auth.released_phone where person_id = $1",
    "delete from auth.phone_change where person_id = $1",
    "delete from auth.further_document where person_id = $1",
    "delete from auth.passkey where holder_type = 'person' and holder_id = $1",
    "delete from auth.message where person_id = $1",
    "delete from auth.message_preference where person_id = $1",
    "delete from auth.trusted_contact where person_id = $1 or contact_id = $1",
    "delete from auth.consent_request where child_id = $1",
)


async def erase_identity(connection: Connection, person_id: UUID) -> None:
    """Empties the account and deletes its rows; what others did with it stays under its opaque id."""
    await connection.execute(EMPTY_PERSON, person_id)
    for statement in DELETES:
        await connection.execute(statement, person_id)
