"""What was answered on the first of several consent pages, until the last one is. Goes with its request."""

from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import Model, convert


class Answers(Model):
    """A row: which pages were answered, and what was agreed to on them, all by one version of the words."""

    text_version: str
    answered: frozenset[str] = frozenset()
    agreed: frozenset[str] = frozenset()


FIND_ANSWERS = "select text_version, answered, agreed from auth.consent_answer where request_id = $1"


async def find_answers(connection: Connection, request_id: UUID) -> Answers | None:
    """What was answered so far, if anything."""
    row = await connection.fetchrow(FIND_ANSWERS, request_id)
    return convert(row, Answers) if row else None


UPSERT_ANSWERS = """
insert into auth.consent_answer (request_id, text_version, answered, agreed) values ($1, $2, $3, $4)
on conflict (request_id) do update
   set text_version = excluded.text_version, answered = excluded.answered, agreed = excluded.agreed
"""


async def upsert_answers(connection: Connection, request_id: UUID, answers: Answers) -> None:
    """Keeps them. The caller holds the lock on the request."""
    await connection.execute(
        UPSERT_ANSWERS, request_id, answers.text_version, sorted(answers.answered), sorted(answers.agreed)
    )


DELETE_ANSWERS = "delete from auth.consent_answer where request_id = $1"


async def delete_answers(connection: Connection, request_id: UUID) -> None:
    """They became consents."""
    await connection.execute(DELETE_ANSWERS, request_id)
