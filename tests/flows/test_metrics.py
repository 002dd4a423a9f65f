"""The metrics of a whole server: all workers' counts together, also of one that died, for who shows the token."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.kit.processes import free_port
from tests.flows.server import Server

TOKEN = "a-token-that-only-prometheus-knows-0123456789"
PERSONAL = ("190000199001011234", "19900001234", "测试甲")  # planted where a careless label would take them from
REQUESTS, REFUSALS = "suishen_requests_total", "suishen_refusals_total"
LOOKS = 60


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server.in_a_folder_of_its_own() as server:
        server.environment = dict(server.environment) | {
            "SUISHEN_METRICS_LISTEN": f"127.0.0.1:{free_port()}",
            "SUISHEN_METRICS_TOKEN": TOKEN,
        }
        server.start()
        yield server


def scrape(server: Server, token: str = TOKEN) -> httpx.Response:
    address = server.environment["SUISHEN_METRICS_LISTEN"]
    return httpx.get(f"http://{address}/metrics", headers={"Authorization": f"Bearer {token}"}, timeout=10)


def value(server: Server, name: str, **labels: str) -> float:
    """The sum of the samples that carry the labels."""
    families = text_string_to_metric_families(scrape(server).raise_for_status().text)
    return sum(
        sample.value
        for family in families
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


def await_value(server: Server, expected: float, name: str, **labels: str) -> None:
    deadline = time.monotonic() + 10
    while (found := value(server, name, **labels)) != expected:
        assert time.monotonic() < deadline, (name, found)
        time.sleep(0.2)


def steady(server: Server, name: str, **labels: str) -> float:
    """The value once every worker has written what it counted before."""
    deadline = time.monotonic() + 20
    while True:
        found = value(server, name, **labels)
        time.sleep(2.1)  # two writings
        if value(server, name, **labels) == found:
            return found
        assert time.monotonic() < deadline, name


def look(server: Server, times: int, path: str, **headers: str) -> None:
    for _ in range(times):  # a connection each, so that every worker has its part
        with contextlib.suppress(httpx.TransportError):  # of a worker that is being killed
            httpx.get(server.origin + path, headers=headers, timeout=10)


def test_workers_are_counted_together_and_a_dead_one_stays_counted(server: Server) -> None:
    done, refused = {"rank": "city", "status": "2xx"}, {"slug": "not-found"}
    before, refused_before = steady(server, REQUESTS, **done), steady(server, REFUSALS, **refused)
    look(server, LOOKS, "/v1/scenarios")
    look(server, 7, "/v1/nothing-here")
    await_value(server, before + LOOKS, REQUESTS, **done)
    await_value(server, refused_before + 7, REFUSALS, **refused)
    assert value(server, "suishen_workers") == 2
    assert value(server, "suishen_request_seconds_count", rank="city") >= LOOKS + 7
    assert value(server, "suishen_database_connections") > 0
    os.kill(server.workers()[0], signal.SIGKILL)
    look(server, 5, "/v1/scenarios")
    deadline = time.monotonic() + 20
    while value(server, REQUESTS, **done) < before + LOOKS + 4:  # one may have met the dead
        assert time.monotonic() < deadline
        time.sleep(0.2)
    await_value(server, 2, "suishen_workers")


def test_nothing_of_a_person_is_counted_and_nobody_else_reads_it(server: Server) -> None:
    for number in PERSONAL:
        look(server, 1, f"/v1/apps/{number}", Authorization=f"Bearer {number.encode().hex()}")
        look(server, 1, f"/v1/{number}?q={number}")
        httpx.get(
            f"{server.origin}/apps/{number.encode().hex()}/x",
            headers={"Host": server.environment.get("SUISHEN_APPS_HOST", f"apps.localhost:{server.port}")},
            timeout=10,
        )
        httpx.post(f"{server.origin}/v1/login/otp/challenges", json={"phone": number, "name": number}, timeout=10)
    await_value(server, len(PERSONAL), "suishen_calls_total")
    text = scrape(server).text
    assert "suishen_refusals_total" in text
    assert [number for number in PERSONAL if number in text or number.encode().hex() in text] == []
    for token in ("x", TOKEN[:-1], TOKEN + "x"):
        refused = scrape(server, token)
        assert (refused.status_code, "suishen" in refused.text) == (401, False)
    assert httpx.get(f"{server.origin}/metrics", timeout=10).status_code == 404
