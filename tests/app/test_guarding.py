"""Guards without copies: each is still asked, from the outermost inwards, and what one refuses never runs."""

from typing import Any

import httpx
import pytest
from litestar import Litestar, Router, get
from litestar.connection import ASGIConnection
from litestar.exceptions import PermissionDeniedException
from litestar.handlers import BaseRouteHandler

from app.web.guarding import guard_without_copies

Connection = ASGIConnection[Any, Any, Any, Any]


@pytest.mark.parametrize("refusing", ["application", "router", "handler", None])
async def test_every_layer_is_asked_and_the_first_refusal_ends_it(refusing: str | None) -> None:
    asked: list[str] = []
    handlers: set[int] = set()

    def guard(layer: str) -> Any:
        async def look(_connection: Connection, handler: BaseRouteHandler) -> None:
            asked.append(layer)
            handlers.add(id(handler))
            if layer == refusing:
                raise PermissionDeniedException

        return look

    @get("/", guards=[guard("handler")])
    async def tell() -> str:
        asked.append("told")
        return "told"

    guard_without_copies()
    router = Router(path="/", route_handlers=[tell], guards=[guard("router")])
    application = Litestar(route_handlers=[router], guards=[guard("application")], openapi_config=None)
    transport = httpx.ASGITransport(app=application)  # type: ignore[arg-type]  # Litestar's scope is narrower
    async with httpx.AsyncClient(transport=transport, base_url="http://city.example") as http:
        answers = [await http.get("/") for _ in range(2)]
    layers = ["application", "router", "handler", "told"]
    expected = layers if refusing is None else layers[: layers.index(refusing) + 1]
    assert asked == expected * 2
    assert {answer.status_code for answer in answers} == ({200} if refusing is None else {403})
    assert len(handlers) == 1
