"""What the registry says of a person who asks identity about their own data: what they test. Ends with the account."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from app.kit.database import Connection
from auth.privacy.ports import OpenCase
from auth.privacy.rows import RowsPart

PARTS: Final = (
    RowsPart(
        export_name="trials",
        query="""
        select app_id, accepted_at from miniapps.tester
         where subject_id = $1 and ended_at is null order by app_id limit $2
        """,
    ),
)
ERASES: Final = (
    """
    update miniapps.tester set ended_at = $2, subject_id = null where subject_id = $1 and ended_at is null
    """,
)


class MiniappsPrivacy:
    """The ports of `auth.privacy`, for the registry."""

    parts = PARTS

    async def list_open_cases(self, _connection: Connection, _person_id: UUID) -> Sequence[OpenCase]:
        """Nothing here waits for anybody."""
        return []

    async def erase_person(self, connection: Connection, person_id: UUID, now: datetime) -> None:
        """Forgets who it was; departments keep their own labels."""
        for statement in ERASES:
            await connection.execute(statement, person_id, now)
