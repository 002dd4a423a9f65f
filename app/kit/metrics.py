"""What a worker counts, for whoever keeps the city running: counters, times and gauges, one registry a process.

Each worker writes its counts to a file every second; the metrics listener adds the files up (`app.metrics`). Refuses to
grow without bound: a family keeps so many series and no more, the rest is counted as "other". Labels are names of
ours (an app, a slug, a rank), never anything of a person or of a request.
"""

import os
import time
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, Literal, TypeAlias

import msgspec

from app.kit.structs import Model

Labels: TypeAlias = tuple[str, ...]
Readings: TypeAlias = Mapping[Labels, float]
Kind: TypeAlias = Literal["counter", "histogram", "sum", "max"]

MOST_SERIES: Final = 1000
OTHER: Final = "other"
SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Family(Model):
    """The series of one name at one moment; `sum` and `max` are gauges and say how those of several workers join.

    A series holds one value, or of a histogram the count in each bucket (the last without bound) and the sum.
    """

    name: str
    help: str
    kind: Kind
    labels: tuple[str, ...]
    buckets: tuple[float, ...] = ()
    series: dict[str, list[float]] = msgspec.field(default_factory=dict)


class Counts(Model):
    """What one worker counted so far; `at` in seconds since 1970."""

    pid: int
    at: float
    families: tuple[Family, ...]


class Counter:
    """Only ever grows."""

    def __init__(self, name: str, text: str, labels: tuple[str, ...]) -> None:
        self.name, self.text, self.labels = name, text, labels
        self._values: dict[Labels, float] = {}

    def add(self, *labels: str, by: float = 1.0) -> None:
        """Counts one more, or `by`."""
        values = self._values
        if labels not in values and len(values) >= MOST_SERIES:
            labels = (OTHER,) * len(self.labels)
        values[labels] = values.get(labels, 0.0) + by

    def family(self) -> Family:
        """As it stands."""
        series = {key_of(labels): [value] for labels, value in self._values.items()}
        return Family(name=self.name, help=self.text, kind="counter", labels=self.labels, series=series)


class Histogram:
    """How often something took how long."""

    def __init__(self, name: str, text: str, labels: tuple[str, ...], buckets: tuple[float, ...] = SECONDS) -> None:
        self.name, self.text, self.labels, self.buckets = name, text, labels, buckets
        self._values: dict[Labels, list[float]] = {}

    def add(self, seconds: float, *labels: str) -> None:
        """One that took so long."""
        values = self._values.get(labels)
        if values is None:
            if len(self._values) >= MOST_SERIES:
                labels = (OTHER,) * len(self.labels)
            values = self._values.setdefault(labels, [0.0] * (len(self.buckets) + 2))
        values[bisect_left(self.buckets, seconds)] += 1
        values[-1] += seconds

    def family(self) -> Family:
        """As it stands."""
        series = {key_of(labels): list(values) for labels, values in self._values.items()}
        return Family(
            name=self.name, help=self.text, kind="histogram", labels=self.labels, buckets=self.buckets, series=series
        )


class Gauge(Model):
    """Read when counts are written; `join` says what several workers' readings are together."""

    name: str
    text: str
    labels: tuple[str, ...]
    join: Literal["sum", "max"]
    read: Callable[[], Readings]

    def family(self) -> Family:
        """As it is now."""
        readings = list(self.read().items())[:MOST_SERIES]
        series = {key_of(labels): [value] for labels, value in readings}
        return Family(name=self.name, help=self.text, kind=self.join, labels=self.labels, series=series)


def key_of(labels: Sequence[str]) -> str:
    """Labels as one text."""
    return msgspec.json.encode(labels).decode()


def labels_of(key: str) -> list[str]:
    """The labels of a series' key."""
    return msgspec.json.decode(key, type=list[str])


class Metrics:
    """Everything that is counted in one process."""

    def __init__(self) -> None:
        self._families: dict[str, Counter | Histogram | Gauge] = {}

    def counter(self, name: str, text: str, *labels: str) -> Counter:
        """A new one."""
        counter = self._families[name] = Counter(name, text, labels)
        return counter

    def histogram(self, name: str, text: str, *labels: str) -> Histogram:
        """A new one."""
        histogram = self._families[name] = Histogram(name, text, labels)
        return histogram

    def gauge(
        self,
        name: str,
        text: str,
        *labels: str,
        read: Callable[[], Readings],
        join: Literal["sum", "max"] = "sum",
    ) -> None:
        """Has `read` asked whenever counts are written; a later one of the same name takes its place."""
        self._families[name] = Gauge(name=name, text=text, labels=labels, join=join, read=read)

    def counts(self) -> Counts:
        """Everything at this moment."""
        families = tuple(family.family() for family in self._families.values())
        return Counts(pid=os.getpid(), at=time.time(), families=families)

    def write(self, directory: Path) -> None:
        """This worker's counts, whole or not at all."""
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = directory / f"{os.getpid()}.json"
        draft = path.with_suffix(".new")
        draft.write_bytes(msgspec.json.encode(self.counts()))
        draft.replace(path)


METRICS: Final = Metrics()
"""The process's own. What is counted decides nothing, so it may be reached from anywhere."""

REFUSALS: Final = METRICS.counter("suishen_refusals_total", "Problem documents sent, by their slug.", "slug")
