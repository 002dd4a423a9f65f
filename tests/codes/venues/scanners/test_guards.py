"""Requests of scanners: what a signature must cover, and everything that a forger, a repeater or a proxy may try."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.kit.clock import ManualClock
from app.kit.database import Database, Notifications
from codes.venues.scanners.directory import ScannerDirectory
from codes.venues.scanners.guards import COVERED, authority_of
from codes.venues.scanners.models import Scanner
from codes.verdict import Reason
from tests.codes.enterprise_city import LIBRARY, Caller, Device, KnownOrganizations, an_official

BODY = b'{"word":"\xe4\xbd\xa0\xe5\xa5\xbd"}'
JSON = {"content-type": "application/json"}


async def knock(city: httpx.AsyncClient, headers: dict[str, str], path: str = "/knock", body: bytes = BODY) -> Any:
    return await city.post(path, content=body, headers=JSON | headers)


def is_refused(answer: httpx.Response) -> bool:
    return (answer.status_code, answer.json()["type"]) == (401, "/problems/scanner-signature-invalid")


async def test_signed_request_is_heard_and_named(city: httpx.AsyncClient, device: Device) -> None:
    answer = await knock(city, device.signed("POST", "/knock", BODY))
    assert answer.status_code == 200
    assert answer.json()["word"] == "你好"
    assert answer.json()["scanner"]["organization_name"] == "演示图书馆"


async def test_signed_request_with_a_query_is_heard(city: httpx.AsyncClient, device: Device) -> None:
    path = "/knock?a=%E4%B8%AD&b=1"
    assert (await knock(city, device.signed("POST", path, BODY), path)).status_code == 200


async def test_unsigned_request_is_refused(city: httpx.AsyncClient, device: Device) -> None:
    assert is_refused(await knock(city, {}))


@pytest.mark.parametrize(
    "changes",
    [
        {"method": "PUT"},
        {"authority": "elsewhere.example"},
        {"authority": "127.0.0.1"},
        {"path": "/known"},
        {"query": "?a=1"},
        {"digested": b"{}"},
        {"key": ec.generate_private_key(ec.SECP256R1())},
        {"keyid": "not-a-uuid"},
        {"keyid": str(uuid4())},
        {"tag": "suishen-phone"},
        {"tag": None},
        {"nonce": None},
        {"nonce": "short"},
        {"nonce": "n" * 65},
        {"alg": "hmac-sha256"},
        {"created": 0},
        {"created": 2**40},
        {"expires": 1},
        *({"covered": [name for name in COVERED if name != left_out]} for left_out in COVERED),
    ],
)
async def test_request_signed_for_anything_else_is_refused(
    city: httpx.AsyncClient, device: Device, changes: dict[str, Any]
) -> None:
    assert is_refused(await knock(city, device.signed("POST", "/knock", BODY, **changes)))


async def test_request_whose_body_was_changed_is_refused(city: httpx.AsyncClient, device: Device) -> None:
    assert is_refused(await knock(city, device.signed("POST", "/knock", BODY), body=b'{"word":"no"}'))


async def test_request_whose_host_header_was_changed_is_judged_by_our_own_name(
    city: httpx.AsyncClient, device: Device
) -> None:
    signed = device.signed("POST", "/knock", BODY, authority="evil.example")
    assert is_refused(await knock(city, signed | {"host": "evil.example"}))
    right = device.signed("POST", "/knock", BODY)
    assert (await knock(city, right | {"host": "inner.proxy:9"})).status_code == 200


async def test_request_with_a_signature_of_another_request_is_refused(city: httpx.AsyncClient, device: Device) -> None:
    one, other = device.signed("POST", "/knock", BODY), device.signed("POST", "/known", BODY)
    assert is_refused(await knock(city, one | {"signature": other["signature"]}))


@pytest.mark.parametrize("header", ["signature", "signature-input", "content-digest"])
async def test_request_without_a_header_of_the_signature_is_refused(
    city: httpx.AsyncClient, device: Device, header: str
) -> None:
    headers = device.signed("POST", "/knock", BODY)
    del headers[header]
    assert is_refused(await knock(city, headers))


async def test_request_with_two_digests_is_refused(city: httpx.AsyncClient, device: Device) -> None:
    headers = [*JSON.items(), *device.signed("POST", "/knock", BODY).items(), ("content-digest", "sha-256=:AA==:")]
    assert is_refused(await city.post("/knock", content=BODY, headers=headers))


async def test_request_too_old_is_refused(city: httpx.AsyncClient, device: Device, clock: ManualClock) -> None:
    headers = device.signed("POST", "/knock", BODY)
    clock.advance(60)
    assert (await knock(city, headers)).status_code == 200
    clock.advance(1)
    assert is_refused(await knock(city, headers))


async def test_request_of_an_anonymous_caller_with_a_token_is_still_refused(
    city: httpx.AsyncClient, caller: Caller, device: Device
) -> None:
    caller.principal = an_official("system_admin")
    assert is_refused(await knock(city, {}))


async def test_revoked_scanner_is_refused_and_known_only_where_a_verdict_is_given(
    city: httpx.AsyncClient, caller: Caller, device: Device
) -> None:
    assert (await knock(city, device.signed("POST", "/knock", BODY))).status_code == 200
    caller.principal = an_official("scanner_admin", organization_id=LIBRARY)
    await city.delete(f"/v1/scanners/{device.id}")
    answer = await knock(city, device.signed("POST", "/knock", BODY))
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/scanner-not-registered")
    known = await knock(city, device.signed("POST", "/known", BODY), "/known")
    assert known.json()["scanner"]["state"] == "revoked"


@pytest.mark.parametrize("status", ["suspended", "closed"])
async def test_scanner_of_an_organization_that_is_not_active_is_named_and_refused(
    city: httpx.AsyncClient, device: Device, organizations: KnownOrganizations, status: str
) -> None:
    organizations.change(LIBRARY, status)
    answer = await knock(city, device.signed("POST", "/knock", BODY))
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/scanner-not-registered")
    known = await knock(city, device.signed("POST", "/known", BODY), "/known")
    assert known.json()["scanner"]["state"] == "suspended"
    organizations.change(LIBRARY, "active")
    assert (await knock(city, device.signed("POST", "/knock", BODY))).status_code == 200


async def test_scanner_reads_its_own_registration(city: httpx.AsyncClient, device: Device) -> None:
    answer = await city.get("/v1/scanners/me", headers=device.signed("GET", "/v1/scanners/me"))
    assert (answer.status_code, answer.json()["id"]) == (200, device.id)
    assert is_refused(await city.get("/v1/scanners/me"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(["signature", "signature-input", "content-digest"]), st.text(max_size=60)))
async def test_any_text_in_the_headers_of_a_signature_is_refused_by_name(
    city: httpx.AsyncClient, device: Device, bent: dict[str, str]
) -> None:
    headers = JSON | device.signed("POST", "/knock", BODY) | {"signature": "x"} | bent
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    assert is_refused(await city.post("/knock", content=BODY, headers=raw))


@pytest.mark.parametrize(
    ("origin", "authority"),
    [
        ("https://City.Example", "city.example"),
        ("https://city.example:443", "city.example"),
        ("https://city.example:8443", "city.example:8443"),
        ("http://city.example:80", "city.example"),
        ("http://127.0.0.1:8000", "127.0.0.1:8000"),
        ("http://[::1]:8000", "[::1]:8000"),
    ],
)
def test_authority_is_written_one_way(origin: str, authority: str) -> None:
    assert authority_of(origin) == authority


def test_refusal_of_a_scenario_names_the_reason() -> None:
    facts: dict[str, Any] = {
        "id": uuid4(),
        "organization_id": LIBRARY,
        "organization_name": "演示图书馆",
        "site_id": uuid4(),
        "site_name": "总馆",
        "device_name": "一号闸机",
        "scenarios": frozenset({301}),
    }
    active, suspended, revoked = (Scanner(**facts, state=state) for state in ("active", "suspended", "revoked"))
    assert active.refusal_of(301) is None
    assert active.refusal_of(302) is Reason.SCANNER_NOT_ALLOWED
    assert suspended.refusal_of(301) is Reason.SCANNER_NOT_REGISTERED
    assert revoked.refusal_of(301) is Reason.SCANNER_NOT_REGISTERED


class CountingDatabase(Database):
    """A pool that counts how often it was asked."""

    asked = 0

    def acquire(self) -> Any:
        self.asked += 1
        return super().acquire()


@pytest.fixture
async def counting(race_dsn: str) -> AsyncIterator[CountingDatabase]:
    database = CountingDatabase(race_dsn, max_size=2)
    await database.open()
    yield database
    await database.close()


SITE = "insert into codes.scanner_site values ($1, $2, '总馆', '演示路 1 号', $3)"
SCANNER = """
insert into codes.scanner values ($1, $2, $1, '一号闸机', '{301}', $3, 'thumbprint', 1, 'active', $4)
"""


async def test_directory_asks_once_and_forgets_a_revoked_scanner_within_a_second(
    counting: CountingDatabase, clock: ManualClock, race_dsn: str
) -> None:
    notifications = Notifications(race_dsn, heartbeat_seconds=0.05)
    directory = ScannerDirectory(counting, notifications, KnownOrganizations(), clock)
    scanner_id = uuid4()
    device = Device(clock)
    async with counting.acquire() as connection:
        await connection.execute(SITE, scanner_id, LIBRARY, clock.now())
        await connection.execute(SCANNER, scanner_id, LIBRARY, _point(device), clock.now())
    await notifications.open()
    try:
        await _until(lambda: notifications.healthy_within(1))
        counting.asked = 0
        for _ in range(5):
            assert (await directory.find(scanner_id)).scanner.state == "active"  # type: ignore[union-attr] # it is there
        assert counting.asked == 1
        async with counting.acquire() as connection:
            await connection.execute("update codes.scanner set state = 'revoked', revoked_at = $1", clock.now())
            await connection.execute("select pg_notify('codes_scanner', $1)", str(scanner_id))
        await _until(lambda: scanner_id not in directory._known, seconds=1)
        assert (await directory.find(scanner_id)).scanner.state == "revoked"  # type: ignore[union-attr] # it is there
    finally:
        await notifications.close()
    counting.asked = 0
    await asyncio.sleep(1.1)
    await directory.find(scanner_id)
    assert counting.asked == 1, "a worker that hears nothing does not believe its memory"


def _point(device: Device) -> bytes:
    from auth.keys import point_of

    return point_of(device.key.public_key())


async def _until(holds: Any, seconds: float = 5) -> None:
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.01)
