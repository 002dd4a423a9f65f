"""The registry on the test's floor, and its routes with whoever the test lets in."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias
from uuid import UUID

import httpx
import pytest

from app.kit.database import Connection
from app.kit.floor import Floor
from auth.principal import Principal
from miniapps.errors import TrialNeeded
from miniapps.manifest import LocalText
from miniapps.registry.models import RegisterApp, SuspendApp
from miniapps.releases.models import PublishVersion, ReleaseView, WriteReview
from miniapps.rollouts.ladder import STEPS
from miniapps.rollouts.models import RollBack, TakeStep
from miniapps.settings import MiniappsSettings
from miniapps.wiring import MiniappsServices, build_miniapps, routers
from tests.fixtures.doors import Door
from tests.miniapps.city import LIBRARY, KnownOrganizations, ObedientPolicy, official
from tests.miniapps.documents import encode, sound_document

APP_ID = "cn.example.library"
As: TypeAlias = Callable[[Principal | None], httpx.AsyncClient]


@pytest.fixture
def policy() -> ObedientPolicy:
    return ObedientPolicy()


@pytest.fixture
def services(floor: Floor, policy: ObedientPolicy) -> MiniappsServices:
    return build_miniapps(
        floor, MiniappsSettings(gray_step_seconds=0), organizations=KnownOrganizations(), policy=policy
    )


@dataclass(kw_only=True)
class Steps:
    """The road from nothing to published, each step by the right person."""

    services: MiniappsServices
    floor: Floor
    connection: Connection
    author: Principal
    reviewer: Principal

    async def register(self, app_id: str = APP_ID) -> None:
        await self.services.registry.register_app(self.connection, self.author, LIBRARY, RegisterApp(app_id=app_id))

    async def draft(self, code: int = 1, app_id: str = APP_ID, **changes: Any) -> str:
        document = sound_document(app_id=app_id, version={"code": code, "name": f"1.{code}"}, **changes)
        view = await self.services.versions.create_version(self.connection, self.author, app_id, encode(document))
        return view.manifest_hash

    async def submit(self, code: int = 1, app_id: str = APP_ID) -> None:
        await self.services.versions.submit(self.connection, self.author, app_id, code)

    async def check(self) -> None:
        assert await self.floor.outbox.deliver_due() == 1

    async def review(self, digest: str, code: int = 1, app_id: str = APP_ID, **changes: Any) -> None:
        request = WriteReview(**{"verdict": "approved", "reason": "核对无误", "manifest_hash": digest, **changes})
        await self.services.reviews.review(self.connection, self.reviewer, app_id, code, request)

    async def publish(self, code: int = 1, app_id: str = APP_ID) -> None:
        """To everybody; a later version goes the whole way from its testers on."""
        try:
            await self.release(code, app_id, to="everybody")
        except TrialNeeded:
            release = await self.release(code, app_id, to="testers")
            for percent in STEPS:
                await self.grow(release.id, percent, app_id=app_id)
            await self.services.rollouts.publish(self.connection, self.author, app_id, release.id)

    async def release(self, code: int = 1, app_id: str = APP_ID, *, to: Literal["everybody", "testers"]) -> ReleaseView:
        request = PublishVersion(version_code=code, to=to)
        return await self.services.releases.publish(self.connection, self.author, app_id, request)

    async def grow(self, release_id: UUID, percent: Any, *zones: str, app_id: str = APP_ID) -> ReleaseView:
        step = TakeStep(percent=percent, zones=zones)
        return await self.services.rollouts.take_step(self.connection, self.author, app_id, release_id, step)

    async def roll_back(self, release_id: UUID, app_id: str = APP_ID) -> ReleaseView:
        request = RollBack(reason=LocalText(zh="办理页面报错", en="The form fails"))
        return await self.services.rollouts.roll_back(self.connection, self.author, app_id, release_id, request)

    async def suspend(self, app_id: str = APP_ID) -> None:
        request = SuspendApp(
            reason=LocalText(zh="升级维护", en="Maintenance"), fallback=LocalText(zh="请到馆办理", en="Come to us")
        )
        await self.services.registry.suspend(self.connection, self.reviewer, app_id, request)

    async def approve(self, code: int = 1, app_id: str = APP_ID, **changes: Any) -> None:
        digest = await self.draft(code, app_id, **changes)
        await self.submit(code, app_id)
        await self.check()
        await self.review(digest, code, app_id)

    async def audited(self, subject: str = "miniapp:") -> list[str]:
        """What was written down of such subjects, in its order."""
        query = "select action from kit.audit_entry where starts_with(subject, $1) order by id"
        return [row["action"] for row in await self.connection.fetch(query, subject)]

    async def live(self, app_id: str = APP_ID, **changes: Any) -> None:
        await self.register(app_id)
        await self.approve(1, app_id, **changes)
        await self.publish(1, app_id)


@pytest.fixture
def steps(services: MiniappsServices, floor: Floor, connection: Connection) -> Steps:
    return Steps(
        services=services,
        floor=floor,
        connection=connection,
        author=official("developer"),
        reviewer=official("reviewer"),
    )


@pytest.fixture
async def called_by(services: MiniappsServices, floor: Floor) -> AsyncIterator[As]:
    """A client of the registry's routes, for a caller whose sign-in is taken for granted."""
    async with asynccontextmanager(_clients)(services, floor) as make:
        yield make


async def _clients(services: MiniappsServices, floor: Floor) -> AsyncGenerator[As, None]:
    made: list[httpx.AsyncClient] = []
    application = Door.of(floor, routers(services)).application

    def make(principal: Principal | None) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app=_signed_in(application, principal))
        made.append(httpx.AsyncClient(transport=transport, base_url="http://city.test"))
        return made[-1]

    yield make
    for client in made:
        await client.aclose()


def _signed_in(app: Any, principal: Principal | None) -> Any:
    async def serve(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "user": principal, "auth": None}, receive, send)

    return serve
