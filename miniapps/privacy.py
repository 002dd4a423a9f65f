"""What the registry says of a person who asks identity about their own data: what they test, and what they rated.

A trial ends with the account. Of a rating the level stays; who gave it and every word go.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import convert
from app.kit.vault import Vault
from auth.privacy.ports import ExportsPersons, OpenCase
from auth.privacy.rows import MOST_ROWS, RowsPart
from miniapps.ratings.models import Rating
from miniapps.ratings.repository import COLUMNS as RATING
from miniapps.ratings.repository import FORGETTING
from miniapps.ratings.words import Words

PARTS: Final = (
    RowsPart(
        export_name="trials",
        query="""
        select app_id, accepted_at from miniapps.tester
         where subject_id = $1 and ended_at is null order by app_id limit $2
        """,
    ),
)
LIST_RATINGS: Final = f"""
select {RATING} from miniapps.rating where rater_id = $1 order by id desc limit $2
"""  # noqa: S608 - constants
ERASES: Final = (
    """
    update miniapps.tester set ended_at = $2, subject_id = null where subject_id = $1 and ended_at is null
    """,
    f"update miniapps.rating set {FORGETTING} where rater_id = $1",  # noqa: S608 - a constant
)


class RatedPart:
    """What the person rated, opened."""

    export_name = "ratings"

    def __init__(self, words: Words) -> None:
        self._words = words

    async def export_person(self, connection: Connection, person_id: UUID) -> Any:
        """Every rating the person gave, for themself or for an organization, with the department's reply."""
        rows = [convert(row, Rating) for row in await connection.fetch(LIST_RATINGS, person_id, MOST_ROWS)]
        return [
            {
                "id": str(row.id),
                "app_id": row.app_id,
                "item_code": row.item_code,
                "level": row.level,
                "tags": row.tags,
                "comment": self._words.open(row).comment,
                "case": self._words.open(row).case,
                "rated_at": row.rated_at.isoformat(),
                "reply": self._words.open_reply(row),
                "call_back": row.call_back,
            }
            for row in rows
        ]


class MiniappsPrivacy:
    """The ports of `auth.privacy`, for the registry."""

    def __init__(self, vault: Vault) -> None:
        self.parts: tuple[ExportsPersons, ...] = (*PARTS, RatedPart(Words(vault)))

    async def list_open_cases(self, _connection: Connection, _person_id: UUID) -> Sequence[OpenCase]:
        """Nothing here waits for anybody."""
        return []

    async def erase_person(self, connection: Connection, person_id: UUID, now: datetime) -> None:
        """Forgets who it was; departments keep their own labels."""
        for statement in ERASES:
            await connection.execute(statement, person_id, now)
