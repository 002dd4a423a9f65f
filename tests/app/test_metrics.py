"""What several workers counted, added up and written for Prometheus; and who may read it."""

import contextlib
import http.client
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from app.kit.metrics import MOST_SERIES, OTHER, Counts, Metrics
from app.metrics import FRESH_SECONDS, Listener, Scrape, forget_earlier, joined, read_all
from app.settings import SettingsInvalid, read_settings

TOKEN = "abcdefghijklmnopqrstuvwxyz0123456789"
NOW = 1_700_000_000.0


def a_worker(calls: int = 0, inside: float = 0.0, delay: float = 0.0, *seconds: float, age: float = 0.0) -> Counts:
    metrics = Metrics()
    metrics.counter("calls_total", "Calls.", "app_id").add("cn.example.library", by=calls)
    times = metrics.histogram("call_seconds", "Times.", "app_id")
    for each in seconds:
        times.add(each, "cn.example.library")
    metrics.gauge("inside", "Inside.", read=lambda: {(): inside})
    metrics.gauge("delay", "Delay.", read=lambda: {(): delay}, join="max")
    return msgspec.structs.replace(metrics.counts(), at=NOW - age)


def values(counts: list[Counts]) -> dict[str, list[float]]:
    return {family.name: next(iter(family.series.values()), []) for family in joined(counts, NOW)}


def test_workers_are_added_up() -> None:
    both = values([a_worker(3, 2, 0.1, 0.004), a_worker(4, 5, 0.3, 0.02, 99.0)])
    assert both["calls_total"] == [7]
    assert both["inside"] == [7]
    assert both["delay"] == [0.3]
    assert both["call_seconds"][0] == 1
    assert both["call_seconds"][2] == 1
    assert both["call_seconds"][-2:] == [1, pytest.approx(99.024)]


def test_what_a_worker_counted_stays_when_it_is_gone_but_not_what_it_was_doing() -> None:
    both = values([a_worker(3, 2, 0.1), a_worker(4, 5, 0.3, age=FRESH_SECONDS + 1)])
    assert both == {"calls_total": [7], "call_seconds": [], "inside": [2], "delay": [0.1]}


@given(st.lists(st.floats(0, 20), max_size=30))
def test_every_time_is_in_exactly_one_bucket(seconds: list[float]) -> None:
    times = Metrics().histogram("t", "T.")
    for each in seconds:
        times.add(each)
    (series,) = times.family().series.values() or [[0.0, 0.0]]
    assert sum(series[:-1]) == len(seconds)
    assert series[-1] == pytest.approx(sum(seconds))


def test_a_family_does_not_grow_without_bound() -> None:
    metrics = Metrics()
    counter, times = metrics.counter("c", "C.", "a", "b"), metrics.histogram("h", "H.", "a")
    metrics.gauge("g", "G.", "a", read=lambda: {(str(number),): 1.0 for number in range(5 * MOST_SERIES)})
    for number in range(2 * MOST_SERIES):
        counter.add(str(number), "x")
        times.add(0.1, str(number))
    for family in metrics.counts().families:
        assert len(family.series) <= MOST_SERIES + 1
    assert counter.family().series[f'["{OTHER}","{OTHER}"]'] == [MOST_SERIES]


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "1.json").write_bytes(msgspec.json.encode(a_worker(3, 2, 0.1, 0.3)))
    (tmp_path / "2.json").write_bytes(msgspec.json.encode(a_worker(4, 2, 0.1, 0.3)))
    with Listener("127.0.0.1:0", TOKEN, tmp_path) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join(5)


def ask(port: int, method: str = "GET", path: str = "/metrics", token: str | None = None) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    headers = {} if token is None else {"Authorization": token}
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    status, body = answer.status, answer.read().decode()
    connection.close()
    return status, body


def test_prometheus_reads_it(listener: int) -> None:
    status, body = ask(listener, token=f"Bearer {TOKEN}")
    assert status == 200
    families = {family.name: family for family in text_string_to_metric_families(body)}
    (sample,) = families["calls"].samples
    assert (sample.name, sample.labels, sample.value) == ("calls_total", {"app_id": "cn.example.library"}, 7.0)
    counted = {sample.labels.get("le"): sample.value for sample in families["call_seconds"].samples}
    assert (counted["0.25"], counted["0.5"], counted["+Inf"]) == (0.0, 2.0, 2.0)
    assert families["suishen_workers"].samples[0].value == 0.0  # both wrote long ago
    assert "inside" not in {sample.name for family in families.values() for sample in family.samples}


@pytest.mark.parametrize(
    "token",
    [None, "", TOKEN, "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", "x" * 9000],
)
def test_nobody_else_does(listener: int, token: str | None) -> None:
    status, body = ask(listener, token=token)
    assert status == 401
    assert "calls" not in body


@pytest.mark.parametrize(("method", "status"), [("POST", 501), ("PUT", 501), ("HEAD", 501)])
def test_nothing_else_is_answered(listener: int, method: str, status: int) -> None:
    assert ask(listener, method, token=f"Bearer {TOKEN}")[0] == status


@pytest.mark.parametrize("path", ["/", "/metrics/", "/metrics?x=1", "/../metrics"])
def test_only_metrics_are_there(listener: int, path: str) -> None:
    assert ask(listener, path=path, token=f"Bearer {TOKEN}")[0] == 404


def test_a_worker_writes_whole_files_and_a_new_run_begins_at_nothing(tmp_path: Path) -> None:
    metrics = Metrics()
    counter = metrics.counter("c", "C.")
    for _ in range(3):
        counter.add()
        metrics.write(tmp_path / "metrics")
    (counts,) = read_all(tmp_path / "metrics")
    assert counts.families[0].series == {"[]": [3.0]}
    assert [path.suffix for path in (tmp_path / "metrics").iterdir()] == [".json"]
    forget_earlier(tmp_path / "metrics")
    assert read_all(tmp_path / "metrics") == []


@pytest.mark.parametrize(
    ("environ", "mistake"),
    [
        ({"SUISHEN_METRICS_LISTEN": "127.0.0.1:9100"}, "SUISHEN_METRICS_TOKEN must be set"),
        ({"SUISHEN_METRICS_LISTEN": "9100", "SUISHEN_METRICS_TOKEN": TOKEN}, "an address and a port"),
        ({"SUISHEN_METRICS_LISTEN": "127.0.0.1:0", "SUISHEN_METRICS_TOKEN": TOKEN}, "an address and a port"),
        ({"SUISHEN_METRICS_LISTEN": "[::1]:9100", "SUISHEN_METRICS_TOKEN": TOKEN}, "an address and a port"),
        ({"SUISHEN_METRICS_LISTEN": ":9100", "SUISHEN_METRICS_TOKEN": TOKEN}, "an address and a port"),
        ({"SUISHEN_METRICS_TOKEN": "short"}, "at least 32"),
        ({"SUISHEN_METRICS_TOKEN": "a b" * 20}, "at least 32"),
    ],
)
def test_settings_that_would_open_it_to_anybody_are_refused(environ: dict[str, str], mistake: str) -> None:
    with pytest.raises(SettingsInvalid, match=mistake):
        read_settings(environ)


def test_whoever_never_ends_their_request_keeps_nobody_waiting(listener: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Scrape, "timeout", 0.3)
    with socket.create_connection(("127.0.0.1", listener), timeout=5) as dripping:
        dripping.sendall(b"GET /metrics HTTP/1.1\r\nX: ")
        ended = threading.Event()

        def drip() -> None:
            with contextlib.suppress(OSError):
                while not ended.wait(0.05):
                    dripping.sendall(b"x")

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        try:
            assert ask(listener, token=f"Bearer {TOKEN}")[0] == 200
        finally:
            ended.set()
            thread.join(5)
