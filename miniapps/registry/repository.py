"""Rows of mini-apps."""

from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import convert
from miniapps.errors import AppUnknown
from miniapps.registry.models import App, Suspension
from miniapps.states import AppState

INSERT_APP = """
insert into miniapps.app (app_id, organization_id, organization_name, organization_credit_code, state,
                          registered_by, registered_at, suspension)
values ($1, $2, $3, $4, $5, $6, $7, null)
on conflict (app_id) do nothing
returning true
"""


async def insert_app(connection: Connection, app: App) -> bool:
    """A new mini-app; False when its id is taken."""
    return bool(
        await connection.fetchval(
            INSERT_APP,
            app.app_id,
            app.organization_id,
            app.organization_name,
            app.organization_credit_code,
            app.state,
            app.registered_by,
            app.registered_at,
        )
    )


SELECT_APP = """
select app_id, organization_id, organization_name, organization_credit_code, state, registered_by, registered_at,
       suspension
  from miniapps.app
"""
GET_APP = SELECT_APP + " where app_id = $1"


async def get_app(connection: Connection, app_id: str) -> App:
    """The mini-app; raises `AppUnknown`."""
    row = await connection.fetchrow(GET_APP, app_id)
    if row is None:
        raise AppUnknown
    return convert(row, App)


LOCK_APP = GET_APP + " for update"


async def get_app_locked(connection: Connection, app_id: str) -> App:
    """The mini-app, to be changed: until the transaction ends nobody else changes it, its versions or releases."""
    row = await connection.fetchrow(LOCK_APP, app_id)
    if row is None:
        raise AppUnknown
    return convert(row, App)


LIST_APPS = SELECT_APP + " where organization_id = $1 and app_id > $2 order by app_id limit $3"


async def list_apps(connection: Connection, organization_id: UUID, after: str, limit: int) -> list[App]:
    """An organization's mini-apps with ids after `after`, in their order."""
    return [convert(row, App) for row in await connection.fetch(LIST_APPS, organization_id, after, limit)]


MARK_STATE = "update miniapps.app set state = $2, suspension = $3 where app_id = $1"


async def mark_state(
    connection: Connection, app_id: str, state: AppState, suspension: Suspension | None = None
) -> None:
    """Moves the mini-app to `state`."""
    await connection.execute(MARK_STATE, app_id, state, suspension)


FIND_STATE = "select state from miniapps.app where app_id = $1"


async def find_state(connection: Connection, app_id: str) -> AppState | None:
    """Where the mini-app stands, or None when there is none."""
    state: AppState | None = await connection.fetchval(FIND_STATE, app_id)
    return state
