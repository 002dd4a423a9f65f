"""What handlers are given in turn: in the request's own task, by need, and what is closed again opened last."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest
from litestar import Litestar, get
from litestar.di import Provide
from litestar.exceptions import PermissionDeniedException

from app.kit.http import Injected
from app.web.providing import provide_in_turn


@pytest.mark.parametrize("refuses", [False, True])
async def test_what_is_opened_comes_last_and_closes_with_the_answer(*, refuses: bool) -> None:
    course: list[str] = []
    tasks: set[asyncio.Task[Any] | None] = set()

    def note(what: str) -> str:
        course.append(what)
        tasks.add(asyncio.current_task())
        return what

    async def connection() -> AsyncGenerator[str, None]:
        yield note("opened")
        course.append("closed")

    def zeal() -> str:
        note("zeal")
        if refuses:
            raise PermissionDeniedException
        return "zeal"

    def once(connection: Injected[str]) -> str:
        return note(f"once after {connection}")

    @get("/")
    async def tell(connection: Injected[str], once: Injected[str], zeal: Injected[str]) -> str:
        return note(f"told {connection}, {once}, {zeal}")

    provide_in_turn()
    given: dict[str, Any] = {"connection": connection, "once": once, "zeal": zeal}
    application = Litestar(
        route_handlers=[tell],
        dependencies={
            name: Provide(make) if name == "connection" else Provide(make, sync_to_thread=False)
            for name, make in given.items()
        },
        openapi_config=None,
    )
    transport = httpx.ASGITransport(app=application)  # type: ignore[arg-type]  # Litestar's scope is narrower
    async with httpx.AsyncClient(transport=transport, base_url="http://city.example") as http:
        answer = await http.get("/")
    whole = ["zeal", "opened", "once after opened", "told opened, once after opened, zeal", "closed"]
    assert course == (whole[:1] if refuses else whole)
    assert answer.status_code == (403 if refuses else 200)
    assert len(tasks) == 1
