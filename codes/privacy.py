"""What the codes say of a person who asks identity about their own data: their part of the copy, open cases, deletion.

Records of scans stay their time under an opaque id: they are the venue's as well. What opens to words about the person,
and every code that could still be shown, is deleted.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import Text
from app.kit.vault import Vault
from auth.privacy.ports import OpenCase
from auth.privacy.rows import MOST_ROWS, RowsPart
from codes.records.complaints.service import SEAL_PURPOSE as COMPLAINT_PURPOSE
from codes.showing.freezes.service import TEXT_PURPOSE as FREEZE_PURPOSE

APPEAL: Final = Text(
    zh="您对随申码冻结的申诉尚未答复，请等待答复。", en="Your appeal against a freeze waits for its answer."
)
COMPLAINT: Final = Text(
    zh="您对一次扫码的投诉尚未答复，请等待答复。", en="Your complaint about a scan waits for its answer."
)

ROWS: Final = (
    RowsPart(
        export_name="scans",
        query="""
        select id, verified_at, scanner_id, organization_id, scanned_by, kind, scenario, basis, disclosed, withheld,
               verdict, reason
          from codes.verification where subject_type = 'person' and subject_id = $1 order by id desc limit $2
        """,
    ),
    RowsPart(
        export_name="codes_on_paper",
        query="""
        select id, issued_at, expires_at, voided_at from codes.paper_code
         where person_id = $1 order by id desc limit $2
        """,
    ),
    RowsPart(
        export_name="forms",
        query="""
        select id, organization_id, item, title, fields, state, redeemed_at, decided_at from codes.form_ticket
         where person_id = $1 and state <> 'issued' order by id desc limit $2
        """,
    ),
)

LIST_FREEZES: Final = """
select id, reason, organization_id, explanation_sealed, frozen_at, lifted_at, lifted_because_sealed, appealed_at,
       appeal_sealed, decided_at, decision, decision_because_sealed
  from codes.freeze where person_id = $1 order by id desc limit $2
"""
LIST_COMPLAINTS: Final = """
select id, organization_id, scanned_by, scanned_at, scenario, concern, text_sealed, state, filed_at, answer_sealed,
       answered_at
  from codes.complaint where subject_type = 'person' and subject_id = $1 order by id desc limit $2
"""
SEALED: Final = "_sealed"

LIST_OPEN: Final = """
select 'appeal' as kind, id from codes.freeze where person_id = $1 and appealed_at is not null and decided_at is null
union all
select 'complaint', id from codes.complaint
 where subject_type = 'person' and subject_id = $1 and state <> 'answered'
"""
TEXTS: Final = {"appeal": APPEAL, "complaint": COMPLAINT}

DELETES: Final = (
    "delete from codes.freeze where person_id = $1",
    "delete from codes.complaint where subject_type = 'person' and subject_id = $1",
    "delete from codes.paper_code where person_id = $1",
    "delete from codes.online_code where person_id = $1",
    "delete from codes.form_ticket where person_id = $1",
    "update codes.verification set answer_sealed = null where subject_id = $1 and answer_sealed is not null",
)


class OpenedPart:
    """Rows whose sealed columns are words that the person may read: opened under their names without `_sealed`.

    `context_of` says from a row's id and a column's opened name with which context the value was sealed.
    """

    def __init__(
        self, export_name: str, query: str, *, vault: Vault, purpose: str, context_of: Callable[[UUID, str], bytes]
    ) -> None:
        self.export_name = export_name
        self._query = query
        self._vault = vault
        self._purpose = purpose
        self._context_of = context_of

    async def export_person(self, connection: Connection, person_id: UUID) -> Any:
        """The rows, opened."""
        rows = [dict(row) for row in await connection.fetch(self._query, person_id, MOST_ROWS)]
        return [dict(self._opened(row["id"], name, value) for name, value in row.items()) for row in rows]

    def _opened(self, row_id: UUID, name: str, value: Any) -> tuple[str, Any]:
        plain = name.removesuffix(SEALED)
        if plain == name or value is None:
            return plain, value
        context = self._context_of(row_id, plain)
        return plain, self._vault.open(self._purpose, value, context=context).decode()


class CodesPrivacy:
    """The ports of `auth.privacy`, for all codes."""

    def __init__(self, vault: Vault) -> None:
        self.parts = (
            *ROWS,
            OpenedPart(
                "freezes",
                LIST_FREEZES,
                vault=vault,
                purpose=FREEZE_PURPOSE,
                context_of=lambda row_id, _name: row_id.bytes,
            ),
            OpenedPart(
                "complaints",
                LIST_COMPLAINTS,
                vault=vault,
                purpose=COMPLAINT_PURPOSE,
                context_of=lambda row_id, name: row_id.bytes + name.encode(),
            ),
        )

    async def list_open_cases(self, connection: Connection, person_id: UUID) -> Sequence[OpenCase]:
        """Appeals and complaints that nobody has answered."""
        rows = await connection.fetch(LIST_OPEN, person_id)
        return [OpenCase(kind=row["kind"], id=row["id"], text=TEXTS[row["kind"]]) for row in rows]

    async def erase_person(self, connection: Connection, person_id: UUID, _now: datetime) -> None:
        """Deletes words and codes; records of scans keep an id that means nothing any more."""
        for statement in DELETES:
            await connection.execute(statement, person_id)
