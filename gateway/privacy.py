"""What the gateway says of a person who asks identity about their own data: services used, fields told, deletion."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from app.kit.database import Connection
from auth.privacy.ports import OpenCase
from auth.privacy.rows import RowsPart

PARTS: Final = (
    RowsPart(
        export_name="disclosures",
        query="""
        select id, app_id, organization_id, scopes, fields, bases, disclosed_at from gateway.disclosure
         where subject_id = $1 order by id desc limit $2
        """,
    ),
    RowsPart(
        export_name="services_used",
        query="""
        select app_id, last_used_at from gateway.usage where subject_id = $1 order by last_used_at desc limit $2
        """,
    ),
    RowsPart(
        export_name="services_kept",
        query="select app_id, pinned_at from gateway.pin where subject_id = $1 order by pinned_at limit $2",
    ),
    RowsPart(
        export_name="services_hidden",
        query="select app_id, hidden_at from gateway.hidden where subject_id = $1 order by hidden_at limit $2",
    ),
    RowsPart(
        export_name="home_choice",
        query="select zone, profile, chosen_at from gateway.home_choice where subject_id = $1 limit $2",
    ),
)
DELETES: Final = (
    "delete from gateway.pin where subject_id = $1",
    "delete from gateway.hidden where subject_id = $1",
    "delete from gateway.home_choice where subject_id = $1",
    "delete from gateway.usage where subject_id = $1",
    "delete from gateway.disclosure where subject_id = $1",
)


class GatewayPrivacy:
    """The ports of `auth.privacy`, for the gateway."""

    parts = PARTS

    async def list_open_cases(self, _connection: Connection, _person_id: UUID) -> Sequence[OpenCase]:
        """Nothing here waits for anybody."""
        return []

    async def erase_person(self, connection: Connection, person_id: UUID, _now: datetime) -> None:
        """Deletes what only the person could read; departments keep their own records of what they were told."""
        for statement in DELETES:
            await connection.execute(statement, person_id)
