"""What one caller may take of a department and of a mini-app: a part, so that the rest is there for everybody else."""

import asyncio
from collections import Counter
from uuid import UUID

import hypothesis.strategies as st
import pytest
from hypothesis import given

from app.kit.floor import Floor
from gateway.breakers import BreakerSettings, Bulkhead
from gateway.limits.models import Limit
from tests.gateway.conftest import KnownCallers, KnownCitizens, KnownConsents
from tests.gateway.harness import BEARER, Harness, Received, gateway
from tests.gateway.publications import published
from tests.gateway.servers import plain_answer

OTHER = (b"authorization", b"Bearer other")
HERE, THERE = "198.51.100.1", "203.0.113.9"
TWO = Limit(requests=1, per_seconds=60, burst=2)
FOUR = Limit(requests=1, per_seconds=60, burst=4)
EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ntick\r\n"


@pytest.fixture(autouse=True)
def citizens_of_the_city(callers: KnownCallers) -> None:
    callers.sign_in()
    callers.sign_in("other")


class Cell:
    """A department that answers when the test says so."""

    def __init__(self, city: Harness) -> None:
        self.open = asyncio.Event()
        self.waiting = 0
        city.answer = self._answer

    async def _answer(self, _request: Received) -> bytes:
        self.waiting += 1
        await self.open.wait()
        return plain_answer(b"at last")

    async def until(self, waiting: int) -> None:
        async with asyncio.timeout(5):
            while self.waiting < waiting:
                await asyncio.sleep(0.005)


async def test_slow_calls_of_one_citizen_leave_places_to_others(
    floor: Floor, callers: KnownCallers, consents: KnownConsents, citizens: KnownCitizens
) -> None:
    async with gateway(floor, callers, consents, citizens, places_per_caller=2) as city, asyncio.TaskGroup() as tasks:
        cell = Cell(city)
        held = [tasks.create_task(city.call("GET", "/loans", BEARER)) for _ in range(2)]
        await cell.until(2)
        refused = await city.call("GET", "/loans", BEARER)
        assert (refused.status, refused.slug, refused.headers[b"retry-after"]) == (429, "rate-limited", b"1")
        assert refused.headers[b"ssb-error-origin"] == b"gateway"
        other = tasks.create_task(city.call("GET", "/loans", OTHER))
        await cell.until(3)
        cell.open.set()
        assert {(await each).status for each in [*held, other]} == {200}
        assert (await city.call("GET", "/loans", BEARER)).status == 200


async def test_streams_of_one_citizen_leave_places_to_others(
    floor: Floor, callers: KnownCallers, consents: KnownConsents, citizens: KnownCitizens
) -> None:
    async with gateway(floor, callers, consents, citizens, places_per_caller=1) as city:

        async def events(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(EVENTS)
            await asyncio.sleep(60)

        city.converse = events
        first = city.open("GET", "/events", BEARER)
        assert (await first.receive())["status"] == 200
        assert (await city.call("GET", "/events", BEARER)).status == 429
        other = city.open("GET", "/events", OTHER)
        assert (await other.receive())["status"] == 200
        await first.leave()
        await first.finish()
        again = city.open("GET", "/events", BEARER)
        assert (await again.receive())["status"] == 200
        for citizen in (other, again):
            await citizen.leave()
            await citizen.finish()


async def test_who_knows_a_request_that_fails_keeps_nobody_else_out(
    floor: Floor, callers: KnownCallers, consents: KnownConsents, citizens: KnownCitizens
) -> None:
    async with gateway(
        floor, callers, consents, citizens, breaker=BreakerSettings(failures=3, rest_seconds=60)
    ) as city:
        broken = {"/api/loans/7"}
        city.answer = lambda request: plain_answer(
            b"", status="503 Service Unavailable" if request.target in broken else "200 OK"
        )
        statuses = [(await city.call("GET", "/loans/7", BEARER)).status for _ in range(3)]
        resting = await city.call("GET", "/loans", BEARER)
        assert (statuses, resting.slug) == ([503] * 3, "department-busy")
        broken.add("/api/books")
        assert (await city.call("GET", "/loans", OTHER)).status == 200  # whose good call also wakes it for everybody
        for _ in range(3):
            await city.call("GET", "/loans/7", BEARER)
        assert (await city.call("GET", "/books")).headers[b"ssb-error-origin"] == b"department"
        assert (await city.call("GET", "/loans", OTHER)).slug == "department-busy"


async def test_all_mini_apps_of_a_department_share_its_bucket(
    floor: Floor, callers: KnownCallers, consents: KnownConsents, citizens: KnownCitizens
) -> None:
    async with gateway(floor, callers, consents, citizens, per_department=TWO) as city:
        backend = city.apps[0].manifest.backend
        assert backend is not None
        url, neighbour = backend.base_url.live, {"organization_id": UUID(int=7)}
        second, other = (f"cn.example.{name}" for name in ("second", "other"))
        await city.publish(*city.apps, published(url, app_id=second), published(url, app_id=other, row=neighbour))
        paths = ["/books", f"/apps/{second}/books", "/books", f"/apps/{other}/books"]
        assert [(await city.call("GET", path)).status for path in paths] == [200, 200, 429, 200]


async def test_visitors_together_leave_a_part_of_a_mini_app_to_who_signed_in(
    floor: Floor, callers: KnownCallers, consents: KnownConsents, citizens: KnownCitizens
) -> None:
    async with gateway(floor, callers, consents, citizens, per_app=FOUR, per_app_of_visitors=TWO) as city:
        strangers = [await city.call("GET", "/books", client=f"203.0.113.{number}") for number in range(4)]
        assert [answered.status for answered in strangers] == [200, 200, 429, 429]
        assert [(await city.call("GET", "/books", BEARER)).status for _ in range(3)] == [200, 200, 429]


async def test_one_address_is_one_visitor_over_all_mini_apps(
    floor: Floor, callers: KnownCallers, consents: KnownConsents, citizens: KnownCitizens
) -> None:
    async with gateway(floor, callers, consents, citizens, per_address=TWO) as city:
        assert [(await city.call("GET", "/books", client=HERE)).status for _ in range(3)] == [200, 200, 429]
        assert (await city.call("GET", "/books", client=THERE)).status == 200
        assert (await city.call("GET", "/loans", BEARER, client=HERE)).status == 200


async def test_the_rate_of_a_route_is_held_for_each_visitor(
    floor: Floor, callers: KnownCallers, consents: KnownConsents, citizens: KnownCitizens
) -> None:
    async with gateway(floor, callers, consents, citizens) as city:
        await city.publish(*city.apps)
        assert [(await city.call("GET", "/seldom", client=HERE)).status for _ in range(2)] == [200, 429]
        assert (await city.call("GET", "/seldom", client=THERE)).status == 200


@pytest.mark.parametrize(("trusted", "statuses"), [(("198.51.100.0/24",), [200, 200, 200]), ((), [200, 200, 429])])
async def test_a_forwarded_address_is_believed_of_the_citys_own_proxies_alone(
    *,
    floor: Floor,
    callers: KnownCallers,
    consents: KnownConsents,
    citizens: KnownCitizens,
    trusted: tuple[str, ...],
    statuses: list[int],
) -> None:
    async with gateway(floor, callers, consents, citizens, per_address=TWO, trusted_proxies=trusted) as city:
        answered = [
            await city.call("GET", "/books", (b"x-forwarded-for", b"203.0.113.%d" % number), client=HERE)
            for number in range(3)
        ]
        assert [each.status for each in answered] == statuses
        assert all("203.0.113" not in request.raw.decode() for request in city.received)


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(["a", "b", "c", None])), max_size=60))
def test_a_bulkhead_never_holds_more_than_it_may_and_forgets_who_left(moves: list[tuple[bool, str | None]]) -> None:
    bulkhead, inside = Bulkhead(5, 2), Counter[str | None]()
    for comes, who in moves:
        if comes:
            fits = inside.total() < 5 and (who is None or inside[who] < 2)
            assert bulkhead.enter(who) is fits
            inside[who] += fits
        elif inside[who]:
            bulkhead.leave(who)
            inside[who] -= 1
        assert bulkhead.taken == inside.total()
        assert [bulkhead.is_used_up(each) for each in "abc"] == [inside[each] == 2 for each in "abc"]
    for who in inside.elements():
        bulkhead.leave(who)
    assert (bulkhead.taken, bulkhead._held) == (0, {})
