"""The fast lane accepts what the long way would accept, writes what it would write, and has no other word."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from typing import Any, Literal, TypeAlias, TypeVar

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.floor import Floor
from app.kit.ids import new_id
from app.kit.structs import Model
from codes.scenarios.models import GENERAL
from codes.showing.grants.models import RevokeCodes
from codes.showing.online.carriers import is_digits
from codes.venues.admissions.models import counted_as
from codes.venues.scanners.models import Scanner
from codes.verdict import Reason, VerificationResult
from codes.verification.lane.service import is_plain
from codes.verification.models import VerifyCode
from tests.codes.family_city import FamilyCity, fetch_for
from tests.codes.personal_city import City, Phone, a_scanner
from tests.codes.verification.lane.door import LIBRARY_ENTRY, asking, at_work, rows

T = TypeVar("T")

OFFICE, LENDING = 602, 302
OF_ITS_OWN = {"id", "guard_cti", "answer_sealed", "request_id"}
"""What differs between any two scans."""


async def the_long_way(city: City, connection: Connection, scanner: Scanner, request: VerifyCode) -> VerificationResult:
    return await city.codes.verifications.verify(connection, scanner, request)


def told(result: VerificationResult) -> dict[str, Any]:
    answer: dict[str, Any] = msgspec.to_builtins(result)
    return {name: value for name, value in answer.items() if name not in {"verification_id", "receipt"}}


async def test_both_ways_tell_and_write_the_same(
    city: City, connection: Connection, scanner: Scanner, phone: Phone
) -> None:
    fast = await city.codes.lane.accept(scanner, asking(phone.show(), request_id="request-0001"))
    slow = await the_long_way(city, connection, scanner, asking(phone.show(grant=1), request_id="request-0002"))
    assert fast is not None
    assert told(fast) == told(slow)
    assert (fast.reason, set(fast.disclosed)) == (Reason.OK, {"openid", "entitlements"})
    one, other = await rows(connection)
    assert {name for name in one if one[name] != other[name]} == OF_ITS_OWN


async def test_the_lost_answer_is_told_again_the_long_way(
    city: City, connection: Connection, scanner: Scanner, phone: Phone, clock: ManualClock
) -> None:
    request = asking(phone.show(), request_id="request-0001")
    first = await city.codes.lane.accept(scanner, request)
    assert first is not None
    assert await city.codes.lane.accept(scanner, request) is None
    clock.advance(60)
    again = await the_long_way(city, connection, scanner, request)
    assert again == msgspec.structs.replace(first, repeated=True)
    other = await the_long_way(city, connection, a_scanner(LIBRARY_ENTRY), request)
    assert other.reason is Reason.STALE_CODE


async def test_the_operator_on_duty_stands_in_the_row(
    city: City, connection: Connection, scanner: Scanner, phone: Phone, clock: ManualClock
) -> None:
    operator = new_id()
    on_duty = msgspec.structs.replace(scanner, operator_id=operator, operator_until=clock.now().replace(hour=20))
    assert await city.codes.lane.accept(on_duty, asking(phone.show()))
    assert [row["operator_id"] for row in await rows(connection)] == [operator]


class Door:
    """One scan that somebody wants to have, in a city where one thing is odd."""

    def __init__(self, city: City, connection: Connection, scanner: Scanner, phone: Phone) -> None:
        self.city, self.connection, self.scanner, self.phone = city, connection, scanner, phone

    async def use_in(self, scenario: int, **facts: Any) -> Scanner:
        """Another device, at work in `scenario`."""
        return await at_work(self.connection, a_scanner(scenario, **facts), scenario)

    async def stop(self, subject: Any, what: str) -> None:
        await self.connection.execute(
            "insert into codes.scan_stop (subject, what, scope, organization_id, counted, since, until)"
            " values ($1, $2, 'scanner', $1, 1, $3, $4)",
            subject,
            what,
            self.city.clock.now(),
            self.city.clock.now() + timedelta(minutes=1),
        )


Odd: TypeAlias = Callable[[Door], Coroutine[Any, Any, tuple[Scanner, VerifyCode]]]
ODD: dict[str, Odd] = {}


def odd(build: Odd) -> Odd:
    ODD[build.__name__.replace("_", " ")] = build
    return build


@odd
async def an_old_code(door: Door) -> tuple[Scanner, VerifyCode]:
    return door.scanner, asking(door.phone.show(age=46))


@odd
async def a_code_of_the_future(door: Door) -> tuple[Scanner, VerifyCode]:
    return door.scanner, asking(door.phone.show(age=-31))


@odd
async def a_code_for_another_scenario(door: Door) -> tuple[Scanner, VerifyCode]:
    return door.scanner, asking(door.phone.show(OFFICE))


@odd
async def a_made_up_code(door: Door) -> tuple[Scanner, VerifyCode]:
    return door.scanner, asking("SSM1:MADE UP")


@odd
async def nothing(door: Door) -> tuple[Scanner, VerifyCode]:
    return door.scanner, asking("")


@odd
async def digits(door: Door) -> tuple[Scanner, VerifyCode]:
    assert is_digits("1" * 20)
    return door.scanner, asking("1" * 20)


@odd
async def a_code_with_one_letter_changed(door: Door) -> tuple[Scanner, VerifyCode]:
    text = door.phone.show()
    return door.scanner, asking(text[:-1] + ("0" if text[-1] != "0" else "1"))


@odd
async def a_code_that_was_accepted(door: Door) -> tuple[Scanner, VerifyCode]:
    code = door.phone.show()
    assert await door.city.codes.lane.accept(door.scanner, asking(code))
    return door.scanner, asking(code)


@odd
async def a_code_that_answers_a_nonce(door: Door) -> tuple[Scanner, VerifyCode]:
    code = door.phone.show(aud=str(door.scanner.site_id), cnonce=b"nonce of one scan")
    return door.scanner, asking(code, cnonce="bm9uY2Ugb2Ygb25lIHNjYW4")


@odd
async def a_revoked_batch(door: Door) -> tuple[Scanner, VerifyCode]:
    await door.city.codes.grants.revoke(door.connection, door.phone.principal, RevokeCodes(device_id=door.phone.id))
    return door.scanner, asking(door.phone.show())


@odd
async def a_void_place_in_the_status_list(door: Door) -> tuple[Scanner, VerifyCode]:
    await door.city.codes.grants.device_revoked(door.connection, door.phone.id, door.city.clock.now())
    await door.connection.execute("update codes.grant_batch set revoked_at = null")
    return door.scanner, asking(door.phone.show())


@odd
async def a_grant_that_is_spent(door: Door) -> tuple[Scanner, VerifyCode]:
    code, now = door.phone.show(), door.city.clock.now()
    usual = door.city.codes.lane._recognise(door.scanner, asking(code))
    assert usual is not None
    await door.connection.execute("insert into codes.spent_grant values ($1, $2, $2)", usual.key.cti, now)
    return door.scanner, asking(code)


@odd
async def a_frozen_holder(door: Door) -> tuple[Scanner, VerifyCode]:
    await door.connection.execute(
        "insert into codes.freeze (id, person_id, reason, explanation_sealed, frozen_at, frozen_by, organization_id)"
        " values ($1, $2, 'loss', '', $3, $1, $1)",
        new_id(),
        door.phone.person.id,
        door.city.clock.now(),
    )
    return door.scanner, asking(door.phone.show())


@odd
async def a_closed_account(door: Door) -> tuple[Scanner, VerifyCode]:
    person = door.phone.person
    door.city.people.by_id[person.id] = msgspec.structs.replace(person, status="closed")
    return door.scanner, asking(door.phone.show())


@odd
async def a_holder_who_is_not_known_enough(door: Door) -> tuple[Scanner, VerifyCode]:
    person = door.phone.person
    door.city.people.by_id[person.id] = msgspec.structs.replace(person, identity_level=1)
    return await door.use_in(LENDING), asking(door.phone.show(LENDING), LENDING)


@odd
async def a_holder_whom_identity_does_not_know(door: Door) -> tuple[Scanner, VerifyCode]:
    del door.city.people.by_id[door.phone.person.id]
    return door.scanner, asking(door.phone.show())


@odd
async def a_revoked_scanner(door: Door) -> tuple[Scanner, VerifyCode]:
    return await door.use_in(LIBRARY_ENTRY, state="revoked"), asking(door.phone.show())


@odd
async def a_scanner_of_a_closed_organization(door: Door) -> tuple[Scanner, VerifyCode]:
    return await door.use_in(LIBRARY_ENTRY, state="suspended"), asking(door.phone.show())


@odd
async def a_scanner_without_this_scenario(door: Door) -> tuple[Scanner, VerifyCode]:
    return await at_work(door.connection, a_scanner(LENDING), LIBRARY_ENTRY), asking(door.phone.show())


@odd
async def a_scanner_that_works_in_another_scenario(door: Door) -> tuple[Scanner, VerifyCode]:
    both = a_scanner(LIBRARY_ENTRY, LENDING)
    return await at_work(door.connection, both, LENDING), asking(door.phone.show())


@odd
async def a_scanner_s_first_scan(door: Door) -> tuple[Scanner, VerifyCode]:
    return a_scanner(LIBRARY_ENTRY), asking(door.phone.show())


@odd
async def a_scanner_that_has_to_wait(door: Door) -> tuple[Scanner, VerifyCode]:
    await door.stop(door.scanner.id, "bad_codes")
    return door.scanner, asking(door.phone.show())


@odd
async def a_scanner_whose_organization_has_to_wait(door: Door) -> tuple[Scanner, VerifyCode]:
    await door.stop(door.scanner.organization_id, "named_holders")
    return door.scanner, asking(door.phone.show())


@odd
async def an_unknown_scenario(door: Door) -> tuple[Scanner, VerifyCode]:
    return door.scanner, asking(door.phone.show(), 999)


@odd
async def a_scenario_that_names_people(door: Door) -> tuple[Scanner, VerifyCode]:
    return await door.use_in(OFFICE), asking(door.phone.show(OFFICE), OFFICE)


@odd
async def a_counter_s_item(door: Door) -> tuple[Scanner, VerifyCode]:
    return door.scanner, asking(door.phone.show(), item="library-card")


@pytest.mark.parametrize("build", ODD.values(), ids=ODD.keys())
async def test_whatever_is_odd_goes_the_long_way_and_leaves_no_trace(
    city: City, connection: Connection, scanner: Scanner, phone: Phone, build: Odd
) -> None:
    device, request = await build(Door(city, connection, scanner, phone))
    before = await traces(connection)
    assert await city.codes.lane.accept(device, request) is None
    assert await traces(connection) == before


TRACES = """
select (select count(*) from codes.verification), (select count(*) from codes.scan_count),
       (select count(*) from codes.scanner_use), (select count(*) from codes.attempt),
       (select count(*) from codes.form_ticket), (select count(*) from kit.audit_entry)
"""


async def traces(connection: Connection) -> tuple[int, ...]:
    return tuple(await connection.fetchrow(TRACES) or ())


async def test_a_child_s_code_goes_the_long_way(floor: Floor, connection: Connection) -> None:
    city = FamilyCity(floor)
    await city.codes.trust_lists.publish_when_due()
    scanner = await at_work(connection, a_scanner(LIBRARY_ENTRY), LIBRARY_ENTRY)
    phone, child = city.a_family()
    await fetch_for(phone, child, connection)
    request = asking(phone.show())
    assert await city.codes.lane.accept(scanner, request) is None
    assert (await the_long_way(city, connection, scanner, request)).reason is Reason.OK


async def test_a_list_that_changed_is_read_the_long_way_first(
    city: City, connection: Connection, scanner: Scanner, phone: Phone
) -> None:
    city.codes.trust_lists._note_change()
    assert await city.codes.lane.accept(scanner, asking(phone.show())) is None
    assert (await the_long_way(city, connection, scanner, asking(phone.show()))).reason is Reason.OK
    assert await city.codes.lane.accept(scanner, asking(phone.show(grant=1)))


async def test_in_one_group_each_has_its_own_answer(
    city: City, connection: Connection, scanner: Scanner, phone: Phone
) -> None:
    other = await city.a_phone(connection)
    codes = [phone.show(), other.show(), phone.show(age=46), "SSM1:MADE UP", phone.show(grant=2), phone.show()]
    results = await asyncio.gather(*(city.codes.lane.accept(scanner, asking(code)) for code in codes))
    assert [result is not None for result in results] == [True, True, False, False, True, False]
    given = [result for result in results if result is not None]
    assert len({result.disclosed["openid"] for result in given}) == 2
    recorded = [str(row["id"]) for row in await rows(connection)]
    assert recorded == sorted(result.verification_id or "" for result in given)


async def test_one_presentation_twice_in_a_group_is_accepted_once(
    city: City, connection: Connection, scanner: Scanner, phone: Phone
) -> None:
    request = asking(phone.show())
    results = await asyncio.gather(*(city.codes.lane.accept(scanner, request) for _ in range(5)))
    assert sum(result is not None for result in results) == 1
    assert len(await rows(connection)) == 1


def test_where_the_lane_is_open_an_acceptance_is_a_row_and_nothing_else(city: City) -> None:
    plain = [scenario for scenario in city.codes.scenarios if is_plain(scenario, asking("", scenario.number))]
    assert len(plain) > 30
    for scenario in plain:
        everything = dict.fromkeys(scenario.discloses, "told")
        result = msgspec.convert(
            {
                "verification_id": str(new_id()),
                "verdict": "ACCEPT",
                "reason": "OK",
                "retry": "none",
                "mode": "online",
                "kind": "P",
                "scenario": scenario.number,
                "checks": [],
                "freshness": {
                    "trust_list_version": 1,
                    "trust_list_age_s": 0,
                    "status_as_of": None,
                    "code_age_s": 0,
                },
                "disclosed": everything,
            },
            VerificationResult,
        )
        assert counted_as(result) is None
        assert not scenario.operator_required


class Situation(Model):
    """A scan in which anything may be a little off."""

    age: int
    chosen: int
    asked: int
    level: int
    status: str
    state: Literal["active", "suspended", "revoked"]
    enrolled: frozenset[int]


SCENARIOS = st.sampled_from([LIBRARY_ENTRY, LENDING, 303])
SITUATIONS = st.builds(
    Situation,
    age=st.integers(-32, 47),
    chosen=SCENARIOS | st.just(GENERAL),
    asked=SCENARIOS,
    level=st.integers(1, 3),
    status=st.sampled_from(["active", "active", "active", "closed"]),
    state=st.sampled_from(["active", "active", "active", "suspended", "revoked"]),
    enrolled=st.frozensets(SCENARIOS, min_size=1),
)


@pytest.mark.usefixtures("scanner")
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(situation=SITUATIONS)
async def test_the_lane_accepts_exactly_what_the_long_way_accepts(
    city: City, connection: Connection, phone: Phone, situation: Situation
) -> None:
    """Each way is rolled back, so that both see the same city."""
    changes = {"identity_level": situation.level, "status": situation.status}
    city.people.by_id[phone.person.id] = msgspec.structs.replace(phone.person, **changes)
    device = a_scanner(*situation.enrolled, state=situation.state)
    request = asking(phone.show(situation.chosen, age=situation.age), situation.asked)

    async def rolled_back(way: Callable[[], Awaitable[T]]) -> T:
        savepoint = connection.transaction()
        await savepoint.start()
        await at_work(connection, device, situation.asked)
        try:
            return await way()
        finally:
            await savepoint.rollback()

    slow = await rolled_back(lambda: the_long_way(city, connection, device, request))
    fast = await rolled_back(lambda: city.codes.lane.accept(device, request))
    assert (fast is not None) == (slow.reason is Reason.OK)
    assert fast is None or told(fast) == told(slow)
