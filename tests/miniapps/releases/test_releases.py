"""Publishing an approved version, and what the gateway is told of it."""

import asyncio

import asyncpg
import pytest

from app.kit.clock import ManualClock
from app.kit.database import Connection, Database, Notifications
from app.kit.floor import Floor
from app.kit.keyring import Keyring
from app.kit.outbox import Outbox
from app.kit.vault import Vault
from miniapps.errors import OtherDepartment, ReleaseNotNewer, StateConflict, VersionNotApproved, VersionUnknown
from miniapps.registry.models import CHANNEL
from miniapps.releases.models import PublishVersion, ReleaseView
from miniapps.settings import MiniappsSettings
from miniapps.wiring import build_miniapps
from tests.miniapps.city import HOTLINE, KnownOrganizations, ObedientPolicy, official
from tests.miniapps.conftest import APP_ID, Steps


async def test_publish_shows_the_manifest_to_the_gateway(connection: Connection, steps: Steps) -> None:
    await steps.live()

    published = await steps.services.releases.list_published(connection)
    assert [(app.app_id, app.state, app.version_code) for app in published] == [(APP_ID, "active", 1)]
    assert published[0].organization_name == "演示图书馆"
    assert published[0].manifest.routes[0].path == "/loans"
    assert published[0].fallback.zh == "请到馆办理"
    assert published[0].reason is None
    assert await steps.services.releases.find_published(connection, APP_ID) == published[0]


async def test_publish_replaces_the_version_before(connection: Connection, steps: Steps) -> None:
    await steps.live()
    await steps.approve(2)
    await steps.publish(2)

    published = await steps.services.releases.list_published(connection)
    assert [app.version_code for app in published] == [2]
    rows = await connection.fetch("select version_code, state from miniapps.release order by version_code")
    assert [tuple(row.values()) for row in rows] == [(1, "superseded"), (2, "published")]


async def test_nothing_is_published_before_publish(connection: Connection, steps: Steps) -> None:
    await steps.register()
    await steps.approve()

    assert await steps.services.releases.list_published(connection) == []
    assert await steps.services.releases.find_published(connection, APP_ID) is None


@pytest.mark.parametrize("reached", ["draft", "submitted", "reviewing", "changes_requested", "rejected"])
async def test_publish_refuses_what_is_not_approved(steps: Steps, reached: str) -> None:
    await steps.register()
    digest = await steps.draft()
    if reached != "draft":
        await steps.submit()
    if reached not in {"draft", "submitted"}:
        await steps.check()
    if reached in {"changes_requested", "rejected"}:
        await steps.review(digest, verdict=reached)

    with pytest.raises(VersionNotApproved):
        await steps.publish()


async def test_publish_refuses_the_same_and_an_older_version(steps: Steps) -> None:
    await steps.live()
    await steps.approve(2)
    await steps.publish(2)

    for code in (1, 2):
        with pytest.raises(ReleaseNotNewer):
            await steps.publish(code)


async def test_publish_refuses_another_department_and_an_unknown_version(connection: Connection, steps: Steps) -> None:
    await steps.register()
    await steps.approve()
    stranger = official("developer", organization_id=HOTLINE)

    with pytest.raises(OtherDepartment):
        await steps.services.releases.publish(connection, stranger, APP_ID, PublishVersion(version_code=1))
    with pytest.raises(VersionUnknown):
        await steps.publish(9)


@pytest.mark.parametrize("state", ["retiring", "retired"])
async def test_publish_refuses_an_app_that_ends(connection: Connection, steps: Steps, state: str) -> None:
    await steps.live()
    await steps.approve(2)
    await connection.execute("update miniapps.app set state = $1", state)

    with pytest.raises(StateConflict):
        await steps.publish(2)
    published = await steps.services.releases.list_published(connection)
    assert [app.version_code for app in published] == ([1] if state == "retiring" else [])


async def test_a_suspended_app_takes_a_release_and_stays_suspended(connection: Connection, steps: Steps) -> None:
    await steps.live()
    await steps.suspend()
    await steps.approve(2)
    await steps.publish(2)

    app = await steps.services.releases.find_published(connection, APP_ID)
    assert app is not None
    assert (app.state, app.version_code) == ("suspended", 2)
    assert app.reason is not None
    assert (app.reason.zh, app.fallback.en) == ("升级维护", "Come to us")
    assert app.suspended_at is not None


async def test_published_apps_come_in_the_order_of_their_ids(connection: Connection, steps: Steps) -> None:
    for app_id in ("cn.example.c", "cn.example.a", "cn.example.b"):
        await steps.live(app_id)
    releases = steps.services.releases

    assert [app.app_id[-1] for app in await releases.list_published(connection)] == ["a", "b", "c"]
    page = await releases.list_published(connection, after="cn.example.a", limit=1)
    assert [app.app_id for app in page] == ["cn.example.b"]


async def test_the_database_itself_keeps_one_published_release(connection: Connection, steps: Steps) -> None:
    await steps.live()
    await steps.approve(2)
    await steps.publish(2)

    with pytest.raises(asyncpg.UniqueViolationError):
        await connection.execute("update miniapps.release set state = 'published', ended_at = null")


async def test_of_many_publications_at_once_one_stands_and_everybody_is_told(
    race_database: Database, vault: Vault, clock: ManualClock
) -> None:
    floor = Floor(
        database=race_database,
        notifications=Notifications(race_database.dsn),
        clock=clock,
        vault=vault,
        keyring=Keyring(race_database, vault, clock),
        outbox=Outbox(race_database, vault, clock),
    )
    services = build_miniapps(floor, MiniappsSettings(), organizations=KnownOrganizations(), policy=ObedientPolicy())
    author, reviewer = official("developer"), official("reviewer")
    async with race_database.transaction() as connection:
        steps = Steps(services=services, floor=floor, connection=connection, author=author, reviewer=reviewer)
        await steps.register()
        digest = await steps.draft()
        await steps.submit()
    await steps.check()
    async with race_database.transaction() as connection:
        steps.connection = connection
        await steps.review(digest)
    told = asyncio.Queue[str]()
    listener = await asyncpg.connect(race_database.dsn)
    await listener.add_listener(CHANNEL, lambda _connection, _pid, _channel, payload: told.put_nowait(str(payload)))

    async def publish() -> ReleaseView:
        async with race_database.transaction() as connection:
            return await services.releases.publish(connection, author, APP_ID, PublishVersion(version_code=1))

    results = await asyncio.gather(*(publish() for _ in range(10)), return_exceptions=True)

    assert sum(isinstance(result, ReleaseView) for result in results) == 1
    assert sum(isinstance(result, ReleaseNotNewer) for result in results) == 9
    assert await asyncio.wait_for(told.get(), timeout=2) == APP_ID
    assert told.empty()
    await listener.close()
