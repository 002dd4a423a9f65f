"""大厅预约取号: no slot is booked twice, nobody holds two, a number is taken in time, and windows call in order."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Barrier
from typing import Any

import jwt
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.home.models import DepartmentCards
from miniapps.departments import appointments
from miniapps.departments.answers import Refusal
from miniapps.departments.bookings import Bookings
from miniapps.departments.halls import HALLS, may_be_booked, slots_of
from miniapps.departments.queues import Queues
from tests.miniapps.departments.department import Department, Watch

SLOT = "2026-03-03T10:00:00+08:00"  # the day after the tests' today
OTHER_SLOT = "2026-03-03T10:30:00+08:00"
BOOK = {"hall": "east-hall", "item": "residence", "starts_at": SLOT}  # two windows


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
async def the_halls(tmp_path: Path, watch: Watch) -> AsyncIterator[Department]:
    async with Department(appointments.PROGRAM, tmp_path, now=watch) as department:
        yield department


async def book(department: Department, citizen: str = "o-1", **wish: Any) -> dict[str, Any]:
    status, booking = await department.call("POST", "/bookings", BOOK | wish, citizen=citizen)
    assert status == 201, booking
    found: dict[str, Any] = booking
    return found


async def left(department: Department, slot: str = SLOT) -> int:
    _, slots = await department.call("GET", "/halls/east-hall/slots?item=residence&day=2026-03-03")
    (places,) = [each["left"] for each in slots["items"] if each["starts_at"] == slot]
    return int(places)


async def test_a_booking_takes_a_place_and_is_signed_for(the_halls: Department) -> None:
    assert await left(the_halls) == 2
    booking = await book(the_halls)

    assert await left(the_halls) == 1
    assert (booking["state"], booking["starts_at"], len(booking["check_in"])) == ("booked", SLOT, 8)
    key = jwt.PyJWK({"kty": "EC", "crv": "P-256", "alg": "ES256", **the_halls.office.receipts.public_key()})
    claims = jwt.decode(booking["receipt"], key, algorithms=["ES256"], options={"verify_iat": False})
    assert (claims["sub"], claims["act"], claims["step"]) == ("o-1", booking["booking_id"], "booked")


async def test_a_hundred_at_once_get_no_more_places_than_there_are(the_halls: Department) -> None:
    answers = await asyncio.gather(
        *(the_halls.call("POST", "/bookings", BOOK, citizen=f"o-{number}") for number in range(100))
    )
    assert sorted(status for status, _ in answers) == [201, 201, *[409] * 98]
    assert {refused["type"] for status, refused in answers if status == 409} == {"urn:suishen:department:slot-full"}
    assert await left(the_halls) == 0


def test_several_processes_book_no_more_places_than_there_are(tmp_path: Path, watch: Watch) -> None:
    """Each thread has a store of its own, as each process would: what holds is the transaction, not the one loop."""
    appointments.PROGRAM.open_office(tmp_path, now=watch).store.close()
    hall, starts_at, gate = HALLS["east-hall"], datetime.fromisoformat(SLOT), Barrier(8)

    def book_twice(number: int) -> int:
        office, booked = appointments.PROGRAM.open_office(tmp_path, now=watch), 0
        gate.wait()
        for citizen in (f"o-{number}", f"p-{number}"):
            with contextlib.suppress(Refusal):
                Bookings(office).book(citizen, hall, hall.items["residence"], starts_at, retry_key=None)
                booked += 1
        office.store.close()
        return booked

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(book_twice, range(8))) == 2


async def test_one_citizen_who_taps_a_hundred_times_holds_one_booking(the_halls: Department) -> None:
    slots = [SLOT, OTHER_SLOT]
    answers = await asyncio.gather(
        *(the_halls.call("POST", "/bookings", BOOK | {"starts_at": slots[n % 2]}) for n in range(40))
    )
    assert sorted(status for status, _ in answers).count(201) == 1
    assert await left(the_halls) + await left(the_halls, OTHER_SLOT) == 3


async def test_a_retry_with_the_same_key_is_the_same_booking(the_halls: Department) -> None:
    first, again = [
        (await the_halls.call("POST", "/bookings", BOOK, idempotency_key="k"))[1]["booking_id"] for _ in range(2)
    ]
    assert first == again
    assert await left(the_halls) == 1


@pytest.mark.parametrize(
    ("wish", "status"),
    [
        ({"hall": "moon"}, 404),
        ({"item": "company"}, 404),
        ({"starts_at": "2026-03-03T10:10:00+08:00"}, 409),
        ({"starts_at": "2026-03-03T12:00:00+08:00"}, 409),
        ({"starts_at": "2026-03-02T09:30:00+08:00"}, 409),
        ({"starts_at": "2026-03-07T10:00:00+08:00"}, 409),
        ({"starts_at": "2026-03-17T10:00:00+08:00"}, 409),
        ({"starts_at": "2026-03-03T10:00:00"}, 400),
        ({"starts_at": "tomorrow"}, 400),
        ({"hall": "East-Hall"}, 400),
        ({"windows": 9}, 400),
        ({"item": 7}, 400),
    ],
)
async def test_refuses_what_is_no_slot(the_halls: Department, wish: dict[str, Any], status: int) -> None:
    assert (await the_halls.call("POST", "/bookings", BOOK | wish))[0] == status


async def test_a_slot_may_be_named_in_any_time_zone(the_halls: Department) -> None:
    assert (await book(the_halls, starts_at="2026-03-03T02:00:00Z"))["starts_at"] == SLOT


@pytest.mark.parametrize(
    "query", ["", "?item=residence", "?item=residence&day=2026-13-01", "?item=moon&day=2026-03-03"]
)
async def test_slots_want_a_business_and_a_day(the_halls: Department, query: str) -> None:
    assert (await the_halls.call("GET", f"/halls/east-hall/slots{query}"))[0] in {400, 404}


async def test_weekends_and_holidays_have_no_slots(the_halls: Department) -> None:
    (the_halls.office.data / "holidays.txt").write_text("2026-03-03")
    for day in ("2026-03-03", "2026-03-07"):
        assert (await the_halls.call("GET", f"/halls/east-hall/slots?item=residence&day={day}"))[1]["items"] == []
    assert (await the_halls.call("POST", "/bookings", BOOK))[0] == 409


async def test_moving_keeps_one_place_at_any_time(the_halls: Department) -> None:
    mine = (await book(the_halls))["booking_id"]
    for citizen in ("o-2", "o-3"):
        await book(the_halls, citizen, starts_at=OTHER_SLOT)
    target = f"/bookings/{mine}/change"

    assert (await the_halls.call("POST", target, {"starts_at": OTHER_SLOT}))[0] == 409, "full"
    assert (await the_halls.call("GET", f"/bookings/{mine}"))[1]["starts_at"] == SLOT, "it kept its place"
    assert (await the_halls.call("POST", target, {"starts_at": SLOT}, citizen="o-2"))[0] == 404
    later = "2026-03-03T11:00:00+08:00"
    status, moved = await the_halls.call("POST", target, {"starts_at": later})
    assert (status, moved["starts_at"], await left(the_halls), await left(the_halls, later)) == (200, later, 2, 1)


async def test_cancelling_gives_the_place_back_once(the_halls: Department, watch: Watch) -> None:
    mine = (await book(the_halls))["booking_id"]
    target = f"/bookings/{mine}/cancellation"

    assert (await the_halls.call("POST", target, citizen="o-2"))[0] == 404
    assert (await the_halls.call("POST", target))[0] == 200
    assert (await the_halls.call("POST", target))[0] == 409
    assert await left(the_halls) == 2
    again = (await book(the_halls))["booking_id"]
    watch.at = datetime.fromisoformat(SLOT)
    assert (await the_halls.call("POST", f"/bookings/{again}/cancellation"))[0] == 409, "it has begun"


async def test_a_number_is_taken_in_time_at_the_right_hall(the_halls: Department, watch: Watch) -> None:
    booking = await book(the_halls)
    door, elsewhere = the_halls.desk("door", "east-hall"), the_halls.desk("city-door", "city-hall")
    shown = {"check_in": booking["check_in"]}

    watch.at = datetime.fromisoformat(SLOT) - timedelta(minutes=31)
    assert (await door.post("/desk/check-ins", shown))[0] == 409, "too early"
    watch.wait(minutes=1)
    assert (await elsewhere.post("/desk/check-ins", shown))[0] == 404
    assert (await door.post("/desk/check-ins", {"check_in": "1234567"}))[0] == 400
    assert (await door.post("/desk/check-ins", shown)) == (
        201,
        {"label": "B001", "item": "residence", "state": "waiting", "window": None},
    )
    assert (await door.post("/desk/check-ins", shown))[0] == 404, "once"
    _, seen = await the_halls.call("GET", f"/bookings/{booking['booking_id']}")
    assert (seen["state"], seen["check_in"], seen["number"]["label"], seen["number"]["ahead"]) == (
        "arrived",
        None,
        "B001",
        0,
    )


async def test_a_door_without_key_hands_out_nothing(the_halls: Department) -> None:
    for target in ("/desk/check-ins", "/desk/numbers", "/desk/calls", "/desk/outcomes"):
        assert (await the_halls.call("POST", target, {"item": "residence"}))[0] == 401
    nowhere = the_halls.desk("lost", "moon")
    assert (await nowhere.post("/desk/numbers", {"item": "residence"}))[0] == 404


async def test_windows_call_who_booked_before_who_came(the_halls: Department, watch: Watch) -> None:
    bookings = [await book(the_halls, citizen) for citizen in ("o-1", "o-2")]
    door = the_halls.desk("door", "east-hall")
    call = {"item": "residence", "window": "3"}
    watch.at = datetime.fromisoformat(SLOT)

    assert (await door.post("/desk/calls", call))[1] == {"number": None}
    labels = [(await door.post("/desk/numbers", {"item": "residence"}))[1]["label"]]
    labels += [(await door.post("/desk/check-ins", {"check_in": one["check_in"]}))[1]["label"] for one in bookings]
    called = [(await door.post("/desk/calls", call))[1]["number"]["label"] for _ in range(3)]

    assert (labels, called) == (["B001", "B002", "B003"], ["B002", "B003", "B001"])
    assert (await door.post("/desk/outcomes", {"label": "B002", "outcome": "served"}))[0] == 200
    assert (await door.post("/desk/outcomes", {"label": "B002", "outcome": "served"}))[0] == 409
    assert (await door.post("/desk/outcomes", {"label": "B003", "outcome": "absent"}))[0] == 200
    states = [
        (await the_halls.call("GET", "/bookings", citizen=citizen))[1]["items"][0]["state"]
        for citizen in ("o-1", "o-2")
    ]
    assert states == ["served", "missed"]


async def test_two_missed_slots_end_booking_for_a_month_and_walking_in_never(
    the_halls: Department, watch: Watch
) -> None:
    for day in (3, 4):
        await book(the_halls, starts_at=f"2026-03-0{day}T10:00:00+08:00")
        watch.at = datetime(2026, 3, day, 2, 15, 1, tzinfo=UTC)
        appointments.PROGRAM.chores(the_halls.office)
    status, refused = await the_halls.call("POST", "/bookings", BOOK | {"starts_at": "2026-03-05T10:00:00+08:00"})
    assert (status, refused["type"]) == (403, "urn:suishen:department:missed-often")
    assert (await the_halls.desk("door", "east-hall").post("/desk/numbers", {"item": "residence"}))[0] == 201
    watch.at = datetime(2026, 4, 3, 1, 0, tzinfo=UTC)
    await book(the_halls, starts_at="2026-04-03T10:00:00+08:00")


async def test_old_bookings_are_forgotten(the_halls: Department, watch: Watch) -> None:
    booking = await book(the_halls)
    watch.at = datetime.fromisoformat(SLOT)
    await the_halls.desk("door", "east-hall").post("/desk/check-ins", {"check_in": booking["check_in"]})
    watch.wait(days=91)
    appointments.PROGRAM.chores(the_halls.office)
    assert (await the_halls.call("GET", "/bookings"))[1]["items"] == []


async def test_cards_show_the_queues_to_anybody_and_the_next_slot_to_its_holder(the_halls: Department) -> None:
    await book(the_halls)
    await the_halls.desk("door", "east-hall").post("/desk/numbers", {"item": "general"})
    asked = {"widgets": ["waiting", "next"]}

    _, mine = await the_halls.call("POST", "/.ssb/cards", asked)
    _, theirs = await the_halls.call("POST", "/.ssb/cards", asked, citizen="o-2")
    _, anybodys = await the_halls.call("POST", "/.ssb/cards", asked, citizen=None)

    cards = msgspec.convert(mine, DepartmentCards).cards
    assert [card.widget for card in cards] == ["waiting", "next"]
    assert cards[1].title.zh == "预约 03-03 10:00"
    assert theirs == anybodys
    assert [line["value"] for line in anybodys["cards"][0]["lines"]] == ["0", "1"]


JANUARY = datetime(2026, 1, 1)  # noqa: DTZ001 - the strategy puts the zone to it
TIMES = st.datetimes(JANUARY, JANUARY + timedelta(days=365), timezones=st.just(UTC))


@given(
    now=TIMES,
    wish=TIMES,
)
def test_what_may_be_booked_is_a_slot_ahead(now: datetime, wish: datetime) -> None:
    if may_be_booked(wish, now, frozenset()):
        assert now < wish < now + timedelta(days=15)
        assert wish.weekday() < 5


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["book", "move", "cancel", "check_in", "walk_in", "call", "wait"]),
        st.integers(0, 4),
        st.integers(0, 3),
    ),
    max_size=40,
)


@settings(max_examples=20, deadline=None)
@given(acts=ACTS)
def test_whatever_people_do_no_slot_is_overbooked_and_nobody_holds_two(acts: list[tuple[str, int, int]]) -> None:
    watch = Watch()
    with TemporaryDirectory() as folder:
        office = appointments.PROGRAM.open_office(Path(folder), now=watch)
        bookings, queues, hall = Bookings(office), Queues(office), HALLS["east-hall"]
        item = hall.items["residence"]
        slots = list(slots_of(datetime(2026, 3, 3).date(), frozenset()))  # noqa: DTZ001 - a day, not a time
        for act, who, which in acts:
            own = bookings.of_citizen(f"o-{who}")
            try:
                if act == "book":
                    bookings.book(f"o-{who}", hall, item, slots[which], retry_key=None)
                elif act == "wait":
                    watch.wait(hours=4)
                    bookings.sweep()
                elif act == "walk_in":
                    queues.walk_in(hall, item)
                elif act == "call":
                    queues.call_next(hall, item, "1")
                elif own and act == "move":
                    bookings.move(own[0]["booking_id"], f"o-{who}", slots[which])
                elif own and act == "cancel":
                    bookings.cancel(own[0]["booking_id"], f"o-{who}")
                elif own:
                    queues.check_in(hall, own[0]["check_in"])
            except Refusal:
                pass
            most = office.store.execute(
                "select max(n) from (select count(*) as n from booking where state in ('booked', 'arrived')"
                " group by hall, item, starts_at)"
            ).fetchone()[0]
            held = office.store.execute(
                "select max(n) from (select count(*) as n from booking where state = 'booked' group by openid, item)"
            ).fetchone()[0]
            assert (most or 0) <= item.windows
            assert (held or 0) <= 1
            assert not office.store.execute("select 1 from booking where state = 'moving'").fetchone()
        office.store.close()
