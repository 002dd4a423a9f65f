"""Prometheus on a listener of its own: adds up what all workers counted, for who shows the token.

`python -m app.metrics`, started by `suishen serve` when SUISHEN_METRICS_LISTEN is set. Serves GET /metrics and nothing
else; says nothing without the token, and nothing of any person.
"""

import contextlib
import hmac
import os
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Final

import msgspec
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from app.kit.floor import Floor
from app.kit.metrics import METRICS, Counts, Family, Kind, labels_of
from app.settings import Settings, read_settings

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
FRESH_SECONDS: Final = 5.0  # whoever has not written for so long is gone, or stuck: its gauges say nothing
SCRAPE_SECONDS: Final = 5.0
LONGEST_HEADER: Final = 8192
DIRECTORY: Final = "metrics"


def directory_of(settings: Settings) -> Path:
    """Where the workers of this server write: one server's own, although several may share a data directory."""
    return settings.data_directory / f"{DIRECTORY}-{settings.port}"


def watch_floor(floor: Floor) -> None:
    """Gauges of what every worker stands on."""
    METRICS.gauge(
        "suishen_database_connections",
        "Connections to the database, by whether somebody uses them.",
        "state",
        read=lambda: {("used",): floor.database.used, ("idle",): floor.database.idle},
    )
    METRICS.gauge(
        "suishen_outbox_waiting",
        "Messages that wait to be delivered, of all workers together, when one last looked.",
        read=lambda: {(): float(floor.outbox.waiting)},
        join="max",
    )
    METRICS.gauge(
        "suishen_outbox_late_seconds",
        "For how long the oldest of them has been due.",
        read=lambda: {(): floor.outbox.late_seconds},
        join="max",
    )


def forget_earlier(directory: Path) -> None:
    """Removes what workers of an earlier run counted; at the start, before any worker writes."""
    for path in directory.glob("*.json"):
        path.unlink(missing_ok=True)


def read_all(directory: Path) -> list[Counts]:
    """What every worker of this run wrote last, also those that have left: what they counted stays counted."""
    return [msgspec.json.decode(path.read_bytes(), type=Counts) for path in sorted(directory.glob("*.json"))]


def joined(counts: Iterable[Counts], now: float) -> list[Family]:
    """One family for all workers: counters and times added up, gauges of those that live joined as each says."""
    families: dict[str, Family] = {}
    for one in counts:
        alive = now - one.at <= FRESH_SECONDS
        for family in one.families:
            whole = families.setdefault(family.name, msgspec.structs.replace(family, series={}))
            if alive or family.kind in {"counter", "histogram"}:
                _join(whole, family)
    return list(families.values())


def _join(whole: Family, part: Family) -> None:
    for key, values in part.series.items():
        known = whole.series.get(key)
        whole.series[key] = values if known is None else _together(whole.kind, known, values)


def _together(kind: Kind, one: list[float], other: list[float]) -> list[float]:
    return [max(pair) if kind == "max" else sum(pair) for pair in zip(one, other, strict=True)]


class Workers(Collector):
    """The families in the words of prometheus_client, which knows how they are written."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def collect(self) -> Iterator[Metric]:
        """Read anew at every scrape."""
        counts, now = read_all(self._directory), time.time()
        alive = sum(now - one.at <= FRESH_SECONDS for one in counts)
        yield GaugeMetricFamily("suishen_workers", "Workers that have counted lately.", value=alive)
        for family in joined(counts, now):
            yield _metric(family)


def _metric(family: Family) -> Metric:
    if family.kind == "histogram":
        return _histogram(family)
    kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
    metric = kind(family.name, family.help, labels=family.labels)
    for key, values in family.series.items():
        metric.add_metric(labels_of(key), values[0])
    return metric


def _histogram(family: Family) -> Metric:
    metric = HistogramMetricFamily(family.name, family.help, labels=family.labels)
    bounds = [*map(str, family.buckets), "+Inf"]
    for key, values in family.series.items():
        counted, buckets = 0.0, []
        for bound, value in zip(bounds, values, strict=False):
            counted += value
            buckets.append((bound, counted))
        metric.add_metric(labels_of(key), buckets, sum_value=values[-1])
    return metric


class Listener(HTTPServer):
    """One scraper at a time, each within a few seconds."""

    request_queue_size = 16

    def __init__(self, listen: str, token: str, directory: Path) -> None:
        host, _, port = listen.rpartition(":")
        self.token = f"Bearer {token}".encode()
        self.registry = CollectorRegistry()
        self.registry.register(Workers(directory))
        super().__init__((host, int(port)), Scrape)


class Scrape(BaseHTTPRequestHandler):
    """One request."""

    timeout = SCRAPE_SECONDS
    server: Listener
    server_version = "suishen-metrics"
    sys_version = ""

    def handle(self) -> None:
        """All of it within the time: a byte now and then would keep everybody else waiting for as long as it likes."""
        deadline = threading.Timer(self.timeout, self._break_off)
        deadline.start()
        try:
            with contextlib.suppress(OSError):  # whoever left gets no answer
                super().handle()
        finally:
            deadline.cancel()

    def _break_off(self) -> None:
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def do_GET(self) -> None:
        """The metrics, for who may see them."""
        shown = self.headers.get("Authorization", "").encode("latin-1")
        if len(shown) > LONGEST_HEADER or not hmac.compare_digest(shown, self.server.token):
            self._answer(401, b"A bearer token is needed.\n", {"WWW-Authenticate": 'Bearer realm="metrics"'})
        elif self.path != "/metrics":
            self._answer(404, b"Only /metrics.\n", {})
        else:
            self._answer(200, generate_latest(self.server.registry), {"Content-Type": CONTENT_TYPE})

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "text/plain", "Cache-Control": "no-store", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """A scrape every few seconds is no news."""


def main() -> None:
    """Serves until it is told to stop."""
    settings = read_settings(os.environ)
    with Listener(settings.metrics_listen, settings.metrics_token, directory_of(settings)) as listener:
        listener.serve_forever()


if __name__ == "__main__":
    main()
