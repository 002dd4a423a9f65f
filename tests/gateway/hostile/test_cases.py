"""Raw requests as an attacker writes them, each with the one answer that is right, and what may arrive behind it.

The bytes stand in `cases/*.toml`: the entries of `send` are joined by CR LF and go out as Latin-1, `{fill}` stands for
many of something. `answers` are all answers on that connection: status, and slug when it is our refusal. `department`
and `city` are the request lines that may arrive behind the gateway, empty unless named. `forged` never arrives.
"""

import asyncio
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from app.kit.structs import Request
from gateway.headers import TO_DEPARTMENT
from tests.gateway.harness import Received as AtDepartment
from tests.gateway.hostile.wire import Answer, Received, exchange, what_arrived
from tests.gateway.publications import LIBRARY

AT_ONCE = 24
AT_LEAST = 60
OWN = {
    "host",
    "content-length",
    "content-digest",
    "signature",
    "signature-input",
    "ssb-app",
    "ssb-assertion",
    "ssb-channel",
    "ssb-deadline-ms",
    "ssb-zone",
    "traceparent",
    "transfer-encoding",
    "x-request-id",
}
MAY_ARRIVE = OWN | {name.decode() for name in TO_DEPARTMENT}


class Case(Request):
    """One connection. `name` stands somewhere in every request that could arrive, so that it is told from others."""

    name: str
    why: str
    send: tuple[str, ...]
    answers: tuple[str, ...]
    fill: tuple[str, int] = ("", 0)
    department: tuple[str, ...] = ()
    city: tuple[str, ...] = ()
    body: str | None = None
    closes: bool = False

    @property
    def data(self) -> bytes:
        text, times = self.fill
        return "\r\n".join(self.send).replace("{fill}", text * times).encode("latin-1")


class Table(Request):
    case: tuple[Case, ...]


def _read(path: Path) -> tuple[Case, ...]:
    return msgspec.convert(tomllib.loads(path.read_text()), Table).case


CASES = {case.name: case for path in sorted((Path(__file__).parent / "cases").glob("*.toml")) for case in _read(path)}


class Outcome:
    """What came of every case, played side by side on connections of their own."""

    def __init__(self, answers: Mapping[str, tuple[list[Answer], bool]], received: Received) -> None:
        self.answers = answers
        self.department = [AtDepartment(raw.encode("latin-1")) for raw in received.department]
        self.city = received.city


@pytest.fixture(scope="module")
def outcome(port: int) -> Outcome:
    return asyncio.run(_play(port))


async def _play(port: int) -> Outcome:
    places = asyncio.Semaphore(AT_ONCE)

    async def play(case: Case) -> tuple[list[Answer], bool]:
        async with places:
            return await exchange(port, case.data)

    before = await what_arrived(port)  # other tests have talked to the same server
    answers = await asyncio.gather(*(play(case) for case in CASES.values()))
    after = await what_arrived(port)
    received = Received(department=after.department[len(before.department) :], city=after.city[len(before.city) :])
    return Outcome(dict(zip(CASES, answers, strict=True)), received)


def _named(name: str, line: str) -> bool:
    return re.search(rf"(?<![a-z0-9-]){name}(?![a-z0-9-])", line) is not None


def test_there_are_many_and_each_is_told_from_the_others() -> None:
    assert len(CASES) >= AT_LEAST
    assert [name for name, case in CASES.items() if case.data and not _named(name, "\n".join(case.send))] == []
    assert len({case.data for case in CASES.values()}) == len(CASES)


@pytest.mark.parametrize("name", CASES)
def test_the_answer(outcome: Outcome, name: str) -> None:
    case, (answers, closed) = CASES[name], outcome.answers[name]
    assert tuple(map(str, answers)) == case.answers
    assert closed or not case.closes


@pytest.mark.parametrize("name", CASES)
def test_what_arrives_behind(outcome: Outcome, name: str) -> None:
    case = CASES[name]
    arrived = [request for request in outcome.department if _named(name, request.raw.decode("latin-1"))]
    assert [f"{request.method} {request.target}" for request in arrived] == list(case.department)
    assert [line for line in outcome.city if _named(name, line)] == list(case.city)
    assert case.body is None or [request.body.decode("latin-1") for request in arrived] == [case.body]


def test_nobody_unnamed_arrives(outcome: Outcome) -> None:
    """A request smuggled inside another's body would be one more than those that the cases name."""
    assert len(outcome.department) == sum(len(case.department) for case in CASES.values())
    assert len(outcome.city) == sum(len(case.city) for case in CASES.values())


def test_whatever_arrives_is_clean(outcome: Outcome) -> None:
    assert outcome.department
    for request in outcome.department:
        names = [name.lower() for name, _ in request.lines]
        assert len(names) == len(set(names))
        assert set(names) <= MAY_ARRIVE
        assert b"forged" not in request.raw
        assert re.fullmatch(r"127\.0\.0\.1:[0-9]+", request.headers["host"])
        assert request.headers["ssb-app"] == LIBRARY
        assert ("ssb-assertion" in request.headers) == (request.headers["ssb-channel"] != "visitor")
        assert not ("content-length" in request.headers and "transfer-encoding" in request.headers)
        assert b"\n" not in request.raw.partition(b"\r\n\r\n")[0].replace(b"\r\n", b"")
