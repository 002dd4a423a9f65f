"""Registering, suspending and resuming a mini-app."""

import asyncpg
import pytest

from app.kit.database import Connection
from app.kit.errors import NotFound
from miniapps.errors import AppIdTaken, AppUnknown, OrganizationNotActive, OtherDepartment, StateConflict
from miniapps.manifest import LocalText
from miniapps.registry.models import RegisterApp, ResumeApp
from miniapps.wiring import MiniappsServices
from tests.miniapps.city import CLOSED, HOTLINE, LIBRARY, PLATFORM, official
from tests.miniapps.conftest import APP_ID, Steps

RESUME = ResumeApp(reason=LocalText(zh="已恢复", en="Mended"))


async def actions(connection: Connection) -> list[str]:
    rows = await connection.fetch(
        "select action from kit.audit_entry where subject = $1 order by id", f"miniapp:{APP_ID}"
    )
    return [row["action"] for row in rows]


async def test_register_reserves_the_id_for_the_department(connection: Connection, services: MiniappsServices) -> None:
    author = official("developer")
    app = await services.registry.register_app(connection, author, LIBRARY, RegisterApp(app_id=APP_ID))

    assert (app.state, app.organization_name) == ("registered", "演示图书馆")
    assert await services.registry.get_app(connection, author, APP_ID) == app
    assert await actions(connection) == ["miniapp.registered"]


async def test_register_refuses_a_taken_id_even_to_its_owner(connection: Connection, steps: Steps) -> None:
    await steps.register()

    with pytest.raises(AppIdTaken):
        await steps.register()
    assert await actions(connection) == ["miniapp.registered"]


async def test_register_refuses_another_department(connection: Connection, services: MiniappsServices) -> None:
    with pytest.raises(OtherDepartment):
        await services.registry.register_app(
            connection, official("developer", organization_id=HOTLINE), LIBRARY, RegisterApp(app_id=APP_ID)
        )


@pytest.mark.parametrize(("organization", "error"), [(CLOSED, OrganizationNotActive), (PLATFORM, NotFound)])
async def test_register_refuses_an_organization_that_cannot_offer(
    connection: Connection, services: MiniappsServices, organization: object, error: type[Exception]
) -> None:
    author = official("developer", organization_id=organization)  # type: ignore[arg-type]  # a UUID of the city
    with pytest.raises(error):
        await services.registry.register_app(connection, author, organization, RegisterApp(app_id=APP_ID))  # type: ignore[arg-type]  # same


async def test_app_is_shown_to_its_department_and_to_reviewers_only(
    connection: Connection, services: MiniappsServices, steps: Steps
) -> None:
    await steps.register()

    for staff in (official("developer"), official("reviewer", organization_id=PLATFORM)):
        assert (await services.registry.get_app(connection, staff, APP_ID)).app_id == APP_ID
    with pytest.raises(OtherDepartment):
        await services.registry.get_app(connection, official("developer", organization_id=HOTLINE), APP_ID)
    with pytest.raises(AppUnknown):
        await services.registry.get_app(connection, official("reviewer"), "cn.example.none")


async def test_suspend_takes_away_and_resume_gives_back(
    connection: Connection, services: MiniappsServices, steps: Steps
) -> None:
    await steps.live()
    await steps.suspend()

    suspended = await services.registry.get_app(connection, steps.author, APP_ID)
    assert suspended.state == "suspended"
    assert suspended.suspension is not None
    assert suspended.suspension.reason.zh == "升级维护"
    resumed = await services.registry.resume(connection, steps.reviewer, APP_ID, RESUME)
    assert (resumed.state, resumed.suspension) == ("active", None)
    assert (await actions(connection))[-2:] == ["miniapp.suspended", "miniapp.resumed"]


async def test_suspend_refuses_what_nobody_sees_yet(steps: Steps) -> None:
    await steps.register()

    with pytest.raises(StateConflict):
        await steps.suspend()


async def test_suspend_twice_is_refused(steps: Steps) -> None:
    await steps.live()
    await steps.suspend()

    with pytest.raises(StateConflict):
        await steps.suspend()


@pytest.mark.parametrize("live", [True, False])
async def test_resume_refuses_what_is_not_suspended(
    connection: Connection, services: MiniappsServices, steps: Steps, *, live: bool
) -> None:
    await (steps.live() if live else steps.register())

    with pytest.raises(StateConflict):
        await services.registry.resume(connection, steps.reviewer, APP_ID, RESUME)


async def test_the_database_itself_refuses_a_suspension_without_reason(connection: Connection, steps: Steps) -> None:
    await steps.live()

    with pytest.raises(asyncpg.CheckViolationError):
        await connection.execute("update miniapps.app set state = 'suspended'")
