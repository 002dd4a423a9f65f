"""The hotline over HTTP, against a real server that misbehaves in every way it can."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeAlias

import httpx
import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from app.kit.ids import new_id
from app.kit.outbound import outbound_client
from app.kit.structs import Text
from codes.records.complaints.http_hotline import HttpHotline
from codes.records.complaints.models import ComplaintCase, ScanFacts
from codes.records.complaints.ports import HotlineUnavailable
from codes.verdict import ScannedBy
from codes.verification.models import ScenarioName

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.Response]]
CASE = ComplaintCase(
    id=new_id(),
    organization_id=new_id(),
    scan=ScanFacts(
        verification_id=new_id(),
        at=datetime(2026, 3, 2, tzinfo=UTC),
        scanner=ScannedBy(org="演示图书馆", site="总馆", device="一号闸机"),
        scenario=ScenarioName(number=301, names=Text(zh="图书馆入馆", en="Library entry")),
        verdict="ACCEPT",
        reason="OK",
        disclosed=["openid"],
    ),
    concern="asked_too_much",
    text="问得太多",
    state="filed",
    filed_at=datetime(2026, 3, 2, tzinfo=UTC),
    reference=None,
)


class Desk:
    """A hotline whose answer each test writes."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, bytes]] = []
        self.answer: Handler = lambda _request: _ok({"reference": "12345-1"})

    async def handle(self, request: web.Request) -> web.Response:
        self.seen.append((request.headers["Idempotency-Key"], await request.read()))
        return await self.answer(request)


async def _ok(body: object) -> web.Response:
    return web.json_response(body)


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
async def hotline(desk: Desk) -> AsyncIterator[HttpHotline]:
    app = web.Application()
    app.router.add_post("/v1/complaints", desk.handle)
    async with TestServer(app) as server, outbound_client(timeout_seconds=0.5, connections=2) as client:
        yield HttpHotline(str(server.make_url("/")), client)


async def test_the_case_leaves_and_the_number_comes_back(hotline: HttpHotline, desk: Desk) -> None:
    assert await hotline.take(CASE) == "12345-1"
    ((key, body),) = desk.seen
    assert key == str(CASE.id)
    sent = msgspec.json.decode(body)
    assert set(sent) == {"id", "organization_id", "scan", "concern", "text", "filed_at"}
    assert sent["scan"]["scanner"]["site"] == "总馆"


ANSWERS: dict[str, Handler] = {
    "an error": lambda _request: _status(500),
    "not there": lambda _request: _status(404),
    "elsewhere": lambda _request: _status(302, Location="http://127.0.0.1:9/"),
    "no JSON": lambda _request: _text("<html>"),
    "no number": lambda _request: _ok({}),
    "a number that is none": lambda _request: _ok({"reference": 5}),
    "a number with a line break": lambda _request: _ok({"reference": "1\n2"}),
    "an empty number": lambda _request: _ok({"reference": ""}),
    "too long a number": lambda _request: _ok({"reference": "1" * 65}),
    "too long an answer": lambda _request: _ok({"reference": "1", "more": "x" * 5000}),
}


async def _status(status: int, **headers: str) -> web.Response:
    return web.Response(status=status, headers=headers)


async def _text(text: str) -> web.Response:
    return web.Response(text=text)


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS.keys())
async def test_anything_else_is_tried_again(hotline: HttpHotline, desk: Desk, answer: Handler) -> None:
    desk.answer = answer
    with pytest.raises(HotlineUnavailable) as refused:
        await hotline.take(CASE)
    assert "问得太多" not in str(refused.value)


async def test_nobody_there() -> None:
    async with outbound_client(timeout_seconds=0.2, connections=2) as client:
        with pytest.raises(HotlineUnavailable):
            await HttpHotline("http://127.0.0.1:9", client).take(CASE)


async def test_an_address_that_is_none() -> None:
    async with httpx.AsyncClient() as client:
        with pytest.raises(HotlineUnavailable):
            await HttpHotline("http://[", client).take(CASE)
