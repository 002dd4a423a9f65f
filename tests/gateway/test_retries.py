"""A call that got no answer is sent once more: when that does no harm, now and then, and while there is time."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.floor import Floor
from gateway.breakers import BreakerSettings, RetryBudget
from tests.gateway.conftest import KnownCallers, KnownCitizens, KnownConsents
from tests.gateway.harness import BEARER, Harness, Received, gateway
from tests.gateway.servers import plain_answer, read_request


@pytest.fixture
async def city(
    floor: Floor, callers: KnownCallers, consents: KnownConsents, citizens: KnownCitizens
) -> AsyncIterator[Harness]:
    never = BreakerSettings(failures=1000)
    async with gateway(floor, callers, consents, citizens, breaker=never) as harness:
        callers.sign_in()
        yield harness


class Unsteady:
    """A department that hangs up on every call but those whose number is in `answers`."""

    def __init__(self, city: Harness, *, answers: set[int], after_seconds: float = 0) -> None:
        self.calls: list[Received] = []
        self._answers = answers
        self._after_seconds = after_seconds
        city.converse = self._converse

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while raw := await read_request(reader):
            self.calls.append(Received(raw))
            if len(self.calls) not in self._answers:
                await asyncio.sleep(self._after_seconds)
                return
            writer.write(plain_answer(b"here"))


@pytest.mark.parametrize(("method", "path"), [("GET", "/loans"), ("POST", "/loans")])
async def test_what_may_be_repeated_is_sent_once_more(city: Harness, method: str, path: str) -> None:
    department = Unsteady(city, answers={2})
    answered = await city.call(method, path, BEARER, (b"idempotency-key", b"k"), body=b"" if method == "GET" else b"{}")
    assert (answered.status, answered.body) == (200, b"here")
    first, second = department.calls
    for same in ("x-request-id", "ssb-assertion"):
        assert first.headers[same] == second.headers[same]
    assert first.headers["signature-input"] != second.headers["signature-input"]  # a nonce of its own
    assert int(first.headers["ssb-deadline-ms"]) >= int(second.headers["ssb-deadline-ms"])


@pytest.mark.parametrize(("method", "path"), [("POST", "/small"), ("DELETE", "/loans/1")])
async def test_what_may_not_is_not(city: Harness, method: str, path: str) -> None:
    department = Unsteady(city, answers={2})
    answered = await city.call(method, path, BEARER)
    assert (answered.status, answered.slug) == (502, "department-hung-up")
    assert len(department.calls) == 1


async def test_it_is_sent_no_third_time(city: Harness) -> None:
    department = Unsteady(city, answers={3})
    assert (await city.call("GET", "/loans", BEARER)).slug == "department-hung-up"
    assert len(department.calls) == 2


async def test_a_department_that_is_down_gets_one_call_in_five_again(city: Harness) -> None:
    department = Unsteady(city, answers=set())
    for _ in range(25):
        assert (await city.call("GET", "/loans", BEARER)).slug == "department-hung-up"
    assert len(department.calls) == 25 + 5 + 4  # the reserve, and a fifth of those that came meanwhile


async def test_there_is_no_second_time_without_time(city: Harness) -> None:
    department = Unsteady(city, answers={2}, after_seconds=0.07)
    assert (await city.call("GET", "/slow", BEARER)).slug == "department-hung-up"  # of 100 ms
    assert len(department.calls) == 1


async def test_an_answer_of_any_kind_is_not_asked_for_again(city: Harness) -> None:
    city.answer = lambda _request: plain_answer(b"", status="503 Later")
    assert (await city.call("GET", "/loans", BEARER)).status == 503
    assert len(city.received) == 1


@given(st.lists(st.booleans(), max_size=300))
def test_retries_are_never_more_than_a_fifth_and_the_reserve(asked: list[bool]) -> None:
    budget, retries = RetryBudget(), 0
    for number, wants in enumerate(asked, start=1):
        budget.earn()
        retries += wants and budget.spend()
        assert retries <= 5 + number / 5 + 1e-6
