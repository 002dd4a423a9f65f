"""Rows of further documents. Knows no plain name or number."""

from datetime import datetime
from typing import Final
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import convert
from auth.people.documents.models import DocumentState, FurtherDocument
from auth.subject_keys.repository import KEY_OF_PERSON

COLUMNS: Final = f"d.document_index, d.person_id, d.identity_sealed, d.state, d.added_at, {KEY_OF_PERSON}"
LIST_DOCUMENTS = f"""
select {COLUMNS}
  from auth.further_document d join auth.person p on p.id = d.person_id
 where p.id = $1 or p.merged_into = $1
 order by d.added_at, d.document_index
"""  # noqa: S608 - constants of this module


async def list_documents(connection: Connection, person_id: UUID) -> list[FurtherDocument]:
    """The further documents of a person, oldest first; those of accounts merged into theirs too."""
    return [convert(row, FurtherDocument) for row in await connection.fetch(LIST_DOCUMENTS, person_id)]


INSERT_DOCUMENT = """
insert into auth.further_document
       (document_index, person_id, identity_sealed, state, source, added_at, superseded_at)
values ($1, $2, $3, $4::text, $5, $6::timestamptz, case when $4::text = 'former' then $6::timestamptz end)
"""


async def insert_document(
    connection: Connection,
    document_index: bytes,
    person_id: UUID,
    identity_sealed: bytes,
    *,
    state: DocumentState,
    source: str,
    now: datetime,
) -> None:
    """One more; the caller holds the document's lock and found nobody who has it."""
    await connection.execute(INSERT_DOCUMENT, document_index, person_id, identity_sealed, state, source, now)


MARK_FORMER = "update auth.further_document set state = 'former', superseded_at = $2 where document_index = $1"


async def mark_former(connection: Connection, document_index: bytes, now: datetime) -> None:
    """It was replaced: nobody is found by it any more, and nobody else can have it."""
    await connection.execute(MARK_FORMER, document_index, now)


MARK_RENAMED = "update auth.further_document set identity_sealed = $2 where document_index = $1"


async def mark_renamed(connection: Connection, document_index: bytes, identity_sealed: bytes) -> None:
    """The name in it changed."""
    await connection.execute(MARK_RENAMED, document_index, identity_sealed)
