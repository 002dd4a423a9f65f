"""Lists over a real local line: whole every five minutes, changes in between, and what was pulled outlives the line."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from codes.venues.scanner_client.lists import WHOLE_EVERY, Lists
from tests.codes.door_city import Doors
from tests.codes.personal_city import Phone


class Published(BaseHTTPRequestHandler):
    """Serves what was published, byte for byte, and notes what was asked."""

    bodies: dict[str, bytes]
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        body = self.bodies.get(self.path)
        self.send_response(503 if body is None else 200)
        self.send_header("content-length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_arguments: object) -> None:
        """Tests print nothing."""


class City:
    """What the routes gave, behind a socket."""

    def __init__(self, doors: Doors, handler: type[Published], origin: str) -> None:
        self._doors = doors
        self._handler = handler
        self.origin = origin

    @property
    def asked(self) -> list[str]:
        return self._handler.asked

    async def publish(self) -> None:
        """Everything a door may ask for, as of now."""
        shards = (await self._doors.http.get("/v1/status")).json()["items"]
        paths = ["/v1/trust-root", "/v1/trust-list", "/v1/status", *(f"/v1/status/{shard}" for shard in shards)]
        for path in [*paths, *(f"/v1/status/changes?after={after}" for after in range(20))]:
            answer = await self._doors.http.get(path)
            if answer.is_success:
                self._handler.bodies[path] = answer.content

    def go_away(self) -> None:
        self._handler.bodies.clear()


@pytest.fixture
def away(doors: Doors) -> Iterator[City]:
    """A city that has published nothing yet."""

    class Handler(Published):
        bodies: dict[str, bytes] = {}  # noqa: RUF012 - the server makes a handler for each request; they share these
        asked: list[str] = []  # noqa: RUF012 - as above

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield City(doors, Handler, f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
async def phone(doors: Doors) -> Phone:
    return await doors.a_phone()


@pytest.fixture
async def city(away: City, phone: Phone) -> City:
    await away.publish()
    return away


async def test_whole_lists_are_pulled_once_and_small_changes_in_between(
    doors: Doors, city: City, phone: Phone, tmp_path: Path
) -> None:
    lists = Lists(tmp_path / "lists", city.origin, doors.clock)
    await lists.pull()
    assert lists.verify(phone.show(), 301).opens
    city.asked.clear()
    doors.clock.advance(30)
    await lists.pull()
    assert [path.partition("?")[0] for path in city.asked] == ["/v1/trust-list", "/v1/status/changes"]
    doors.clock.advance(WHOLE_EVERY.total_seconds())
    await lists.pull()
    assert "/v1/status" in city.asked
    assert "/v1/trust-root" not in city.asked, "a root is taken over once"


async def test_a_revocation_arrives_with_the_changes(doors: Doors, city: City, phone: Phone, tmp_path: Path) -> None:
    lists = Lists(tmp_path / "lists", city.origin, doors.clock)
    await lists.pull()
    assert lists.verify(phone.show(), 301).reason == "OK"
    await doors.city.codes.grants.device_revoked(doors.connection, phone.id, doors.clock.now())
    doors.clock.advance(30)
    await doors.city.codes.status_steps.take_when_due()
    await city.publish()
    await lists.pull()
    assert lists.verify(phone.show(), 301).reason == "REVOKED"


async def test_what_was_pulled_outlives_the_line_and_a_restart(
    doors: Doors, city: City, phone: Phone, tmp_path: Path
) -> None:
    folder = tmp_path / "lists"
    await Lists(folder, city.origin, doors.clock).pull()
    city.go_away()
    again = Lists(folder, city.origin, doors.clock)
    with pytest.raises(httpx.HTTPError):
        await again.pull()
    assert again.verify(phone.show(), 301).opens


async def test_an_older_trust_list_is_not_believed_after_a_restart(
    doors: Doors, city: City, phone: Phone, tmp_path: Path
) -> None:
    folder = tmp_path / "lists"
    await Lists(folder, city.origin, doors.clock).pull()
    old = (folder / "trust-list.cose").read_bytes()
    doors.clock.advance(7200)
    await doors.city.codes.trust_lists.publish_when_due()
    await city.publish()
    lists = Lists(folder, city.origin, doors.clock)
    await lists.pull()
    fresh = await doors.a_phone()
    lists.verify(fresh.show(), 301)
    write(folder / "trust-list.cose", old)
    answer = Lists(folder, city.origin, doors.clock).verify(fresh.show(grant=1), 301)
    assert (answer.opens, answer.reason) == (False, "TRUST_LIST_STALE")


def write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


async def test_keeping_current_goes_on_while_the_city_is_away(
    doors: Doors, away: City, phone: Phone, tmp_path: Path
) -> None:
    lists = Lists(tmp_path / "lists", away.origin, doors.clock)
    keeping = asyncio.create_task(lists.keep_current())
    async with asyncio.timeout(5):
        while not away.asked:
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    assert not keeping.done()
    keeping.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await keeping
    assert lists.verify(phone.show(), 301).reason == "TRUST_LIST_STALE"


@pytest.mark.parametrize("name", ["trust-root.json", "trust-list.cose"])
async def test_files_that_somebody_spoilt_open_nothing(
    doors: Doors, city: City, phone: Phone, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "lists"
    await Lists(folder, city.origin, doors.clock).pull()
    write(folder / name, b"\xff")
    assert not Lists(folder, city.origin, doors.clock).verify(phone.show(), 301).opens
