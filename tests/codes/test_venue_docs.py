"""The code in docs/venues.md runs as it stands there, on bytes that the routes gave, over a real local socket."""

import re
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.floor import Floor
from codes.offline_verifier import OfflineVerifier
from tests.codes.enterprise_city import Caller, app_of, client_of
from tests.codes.personal_city import City, Phone

DOCUMENT = Path(__file__).parents[2] / "docs" / "venues.md"
PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)
VERIFY, REFRESH = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)[:2]


class PublishedBytes(BaseHTTPRequestHandler):
    """Serves what was published, byte for byte; what is not there is gone."""

    bodies: dict[str, bytes]

    def do_GET(self) -> None:
        body = self.bodies.get(self.path)
        self.send_response(410 if body is None else 200)
        self.send_header("content-length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_arguments: object) -> None:
        """Tests print nothing."""


def take_over(root: bytes) -> None:
    """By hand, once."""
    Path("trust-root.json").write_bytes(root)


class Door:
    """The program of the document, in a folder with the root that was taken over by hand."""

    def __init__(self, http: httpx.AsyncClient, bodies: dict[str, bytes], origin: str) -> None:
        self._http = http
        self._bodies = bodies
        self._origin = origin
        self.program: dict[str, Any] = {}

    async def publish(self, *paths: str) -> None:
        """What the city's routes answer now, as the door will get it."""
        for path in paths:
            self._bodies[path] = (await self._http.get(path)).raise_for_status().content

    async def start(self) -> None:
        root = (await self._http.get("/v1/trust-root")).raise_for_status().content
        take_over(root)
        shards = (await self._http.get("/v1/status")).json()["items"]
        await self.publish("/v1/trust-list", "/v1/status", *(f"/v1/status/{shard}" for shard in shards))
        exec(VERIFY.replace("http://127.0.0.1:8000", self._origin), self.program)
        exec(REFRESH, self.program)

    def check(self, code: str) -> str:
        said: str = self.program["check"](code, 301, datetime.now(UTC))
        return said

    def refresh(self) -> None:
        self.program["refresh"](datetime.now(UTC))

    @property
    def verifier(self) -> OfflineVerifier:
        verifier: OfflineVerifier = self.program["verifier"]
        return verifier


@pytest.fixture
def published() -> Iterator[tuple[dict[str, bytes], str]]:
    bodies: dict[str, bytes] = {}
    handler = type("Published", (PublishedBytes,), {"bodies": bodies})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield bodies, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
async def door(
    city: City,
    floor: Floor,
    clock: ManualClock,
    published: tuple[dict[str, bytes], str],
) -> AsyncIterator[Door]:
    """The document asks the real clock, so this city's clock shows the same."""
    clock.advance((datetime.now(UTC) - clock.now()).total_seconds())
    async with client_of(app_of(floor, city.codes, Caller())) as http:
        yield Door(http, *published)


@pytest.fixture
async def phone(door: Door, city: City, connection: Connection) -> Phone:
    return await city.a_phone(connection)


async def test_ten_lines_verify_a_code(door: Door, phone: Phone) -> None:
    await door.start()
    assert door.check(phone.show()) == "ACCEPT OK 通过"
    assert door.check(phone.show(scenario=602)) == "REJECT SCENARIO_MISMATCH 请刷新"
    assert door.check("not a code") == "REJECT MALFORMED 此码无效"


async def test_refreshing_brings_a_revocation_to_the_door(
    door: Door, phone: Phone, city: City, connection: Connection
) -> None:
    await door.start()
    await city.codes.grants.device_revoked(connection, phone.id, city.clock.now())
    assert door.check(phone.show()) == "ACCEPT OK 通过", "nothing has been pulled yet"
    await city.codes.status_steps.take_when_due()
    await door.publish(f"/v1/status/changes?after={door.verifier.changes_after}")
    door.refresh()
    assert door.check(phone.show()) == "REJECT REVOKED 此码无效"
    assert door.verifier.step == 1


async def test_a_door_that_was_away_for_too_long_pulls_everything(
    door: Door, phone: Phone, city: City, connection: Connection
) -> None:
    await door.start()
    await city.codes.grants.device_revoked(connection, phone.id, city.clock.now())
    await city.codes.status_steps.take_when_due()
    city.codes.statuses._forget(None)  # a rolled-back test hears no notification
    await door.publish(*(path for path in door._bodies if path.startswith("/v1/status/")))
    door.refresh()
    assert door.check(phone.show()) == "REJECT REVOKED 此码无效"


async def test_a_door_that_fails_to_pull_goes_on_with_what_it_has(door: Door, phone: Phone) -> None:
    await door.start()
    door._bodies.clear()
    with pytest.raises(httpx.HTTPError):
        door.refresh()
    assert door.check(phone.show()) == "ACCEPT OK 通过"


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_readme_shows_what_the_venue_document_tries(name: str) -> None:
    shown = PYTHON.findall((DOCUMENT.parents[1] / name).read_text(encoding="utf-8"))
    assert shown
    assert all(block in DOCUMENT.read_text(encoding="utf-8") for block in shown)
