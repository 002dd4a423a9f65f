"""The shield over real tasks: who is served, who waits, and how a refusal looks."""

import asyncio
import time
from typing import Any

import msgspec
import pytest

from gateway.overload.gate import Gate, OverloadSettings
from gateway.overload.ranks import Rank
from gateway.overload.shield import Shield, listen

SMALL = OverloadSettings(most=2, least=1, share=(1.0, 1.0, 1.0, 1.0))


class Slow:
    """An application that answers when it is told to."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.began = 0

    async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:
        self.began += 1
        if scope.get("stream"):
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await self.go.wait()
        else:
            await self.go.wait()
            await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


async def knock(shield: Shield, path: bytes, **facts: Any) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    scope = {"type": "http", "raw_path": path, "headers": [], **facts}
    await shield(scope, receive, send)
    return sent


async def begun(inner: Slow, count: int) -> None:
    while inner.began < count:
        await asyncio.sleep(0)


async def test_one_too_many_is_refused_at_once_and_politely() -> None:
    inner = Slow()
    shield = Shield(inner, Gate(SMALL), apps_host="apps.localhost")
    served = [asyncio.ensure_future(knock(shield, b"/v1/home")) for _ in range(2)]
    await begun(inner, 2)
    began = time.monotonic()
    start, body = await knock(shield, b"/v1/home", headers=[(b"accept-language", b"en")])
    assert time.monotonic() - began < 0.05
    headers = dict(start["headers"])
    assert (start["status"], headers[b"content-language"], headers[b"cache-control"]) == (503, b"en", b"no-store")
    assert 1 <= int(headers[b"retry-after"]) <= 3
    problem = msgspec.json.decode(body["body"])
    assert (problem["type"], problem["status"]) == ("/problems/overloaded", 503)
    inner.go.set()
    assert [(await each)[0]["status"] for each in served] == [200, 200]
    assert (await knock(shield, b"/v1/home"))[0]["status"] == 200


async def test_health_is_answered_whatever_goes_on() -> None:
    inner = Slow()
    shield = Shield(inner, Gate(SMALL), apps_host="apps.localhost")
    served = [asyncio.ensure_future(knock(shield, b"/v1/home")) for _ in range(2)]
    await begun(inner, 2)
    health = asyncio.ensure_future(knock(shield, b"/health/live"))
    await begun(inner, 3)
    inner.go.set()
    assert [(await each)[0]["status"] for each in (*served, health)] == [200, 200, 200]


async def test_a_stream_takes_a_place_only_until_it_begins() -> None:
    inner = Slow()
    gate = Gate(SMALL)
    shield = Shield(inner, gate, apps_host="apps.localhost")
    streams = [asyncio.ensure_future(knock(shield, b"/apps/a/events", stream=True)) for _ in range(5)]
    await begun(inner, 5)
    assert gate.inside == 0
    inner.go.set()
    await asyncio.gather(*streams)
    assert gate.inside == 0


async def test_who_waits_is_let_in_when_another_leaves_and_who_goes_away_leaves_no_hole() -> None:
    inner = Slow()
    gate = Gate(SMALL)
    shield = Shield(inner, gate, apps_host="apps.localhost")
    gate._per_second = 100.0
    served = [asyncio.ensure_future(knock(shield, b"/oauth/token")) for _ in range(4)]
    await begun(inner, 2)
    while gate.waiting < 2:
        await asyncio.sleep(0)
    served[2].cancel()
    await asyncio.gather(served[2], return_exceptions=True)
    assert (gate.inside, gate.waiting) == (2, 1)
    inner.go.set()
    assert (await served[3])[0]["status"] == 200
    await asyncio.gather(*served, return_exceptions=True)
    assert (gate.inside, gate.waiting) == (0, 0)


async def test_a_refused_handshake_opens_nothing() -> None:
    inner = Slow()
    shield = Shield(inner, Gate(SMALL), apps_host="apps.localhost")
    served = [asyncio.ensure_future(knock(shield, b"/v1/home")) for _ in range(2)]
    await begun(inner, 2)
    sent = await knock(shield, b"/apps/a/ws", type="websocket")
    assert [message["type"] for message in sent] == ["websocket.http.response.start", "websocket.http.response.body"]
    inner.go.set()
    await asyncio.gather(*served)


async def test_the_ear_hears_a_busy_loop() -> None:
    gate = Gate(OverloadSettings(late_seconds=0.005))

    async def busy() -> None:
        while True:
            time.sleep(0.01)  # noqa: ASYNC251 - what a loop with too much to do looks like
            await asyncio.sleep(0)

    task = asyncio.ensure_future(busy())
    try:
        for _ in range(30):
            await listen(gate)
    finally:
        task.cancel()
    assert gate.delay >= 0.005
    assert gate.limit == gate._settings.least


async def test_calls_that_wait_for_a_department_leave_their_places_to_others() -> None:
    inner, gate = Slow(), Gate(SMALL)
    shield = Shield(inner, gate, apps_host="apps.localhost")
    hanging = [asyncio.ensure_future(knock(shield, b"/apps/cn.example.bad/x")) for _ in range(2)]
    await begun(inner, 2)
    assert (await knock(shield, b"/apps/cn.example.good/x"))[0]["status"] == 503
    async with asyncio.timeout(2):
        while gate.inside:
            await listen(gate)
    served = [asyncio.ensure_future(knock(shield, b"/apps/cn.example.good/x")) for _ in range(2)]
    await begun(inner, 4)
    inner.go.set()
    assert [(await each)[0]["status"] for each in hanging + served] == [200] * 4
    assert gate.inside == 0


@pytest.mark.parametrize("host", [b"cn-example-library.apps.localhost", b"CN-EXAMPLE-LIBRARY.Apps.LocalHost"])
@pytest.mark.parametrize("path", [b"/health/live", b"/oauth/token", b"/v1/home"])
async def test_a_page_ranks_with_departments_however_its_host_is_spelled(host: bytes, path: bytes) -> None:
    inner, gate = Slow(), Gate(SMALL)
    shield = Shield(inner, gate, apps_host="apps.localhost")
    served = [asyncio.ensure_future(knock(shield, path, headers=[(b"host", host)])) for _ in range(2)]
    await begun(inner, 2)
    assert gate.inside == 2
    await knock(shield, path, headers=[(b"host", host)])
    assert gate.refused[Rank.DEPARTMENT] == 1
    inner.go.set()
    await asyncio.gather(*served)


class Reading:
    """An application that reads the whole body, then answers when it is told to."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.began = self.read = 0

    async def __call__(self, _scope: Any, receive: Any, send: Any) -> None:
        self.began += 1
        while (await receive()).get("more_body"):
            pass
        self.read += 1
        await self.go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


async def test_bodies_that_do_not_come_keep_nobody_out_and_count_again_once_they_are_there() -> None:
    inner, gate = Reading(), Gate(SMALL)
    shield = Shield(inner, gate, apps_host="apps.localhost")
    come = asyncio.Event()

    async def dripping() -> dict[str, Any]:
        await come.wait()
        return {"type": "http.request", "body": b"x", "more_body": False}

    async def nowhere(_message: dict[str, Any]) -> None:
        """Nobody reads the answer."""

    scope = {"type": "http", "raw_path": b"/v1/login/codes", "headers": [(b"content-length", b"1")]}
    slow = [asyncio.ensure_future(shield(scope, dripping, nowhere)) for _ in range(2)]
    async with asyncio.timeout(2):
        while inner.began < 2 or gate.inside > 0:
            await listen(gate)
    served = [asyncio.ensure_future(knock(shield, b"/v1/home")) for _ in range(2)]
    while inner.read < 2:
        await asyncio.sleep(0)
    assert [gate.inside] == [2]
    come.set()
    while inner.read < 4:
        await asyncio.sleep(0)
    assert gate.inside == 4  # work that is to be done now, whoever is inside already
    assert (await knock(shield, b"/v1/home"))[0]["status"] == 503
    inner.go.set()
    await asyncio.gather(*slow, *served)
    assert gate.inside == 0
