"""大厅预约取号: a citizen books a slot at a service hall, moves or cancels it, takes a number there, is called.

The hall's machines and windows ask with desk keys of their own; a desk serves the hall whose code is its office.
"""

from datetime import date, datetime
from typing import Annotated, Any, Literal

import msgspec
from aiohttp import web

from miniapps.departments import bookings as booking_rules
from miniapps.departments import queues as queue_rules
from miniapps.departments.answers import Refusal, answer, card, openid_of, read_body, widgets_asked
from miniapps.departments.bookings import Bookings
from miniapps.departments.desks import DESK
from miniapps.departments.halls import HALLS, Hall, Item
from miniapps.departments.program import Office, Program
from miniapps.departments.queues import Queues
from miniapps.sdk.aiohttp_web import CITIZEN

BOOKING = r"{booking_id:[0-9a-f]{16}}"
Code = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z-]{0,31}(?![\s\S])")]


class Book(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A slot."""

    hall: Code
    item: Code
    starts_at: Annotated[datetime, msgspec.Meta(tz=True)]


class Move(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Another slot."""

    starts_at: Annotated[datetime, msgspec.Meta(tz=True)]


class CheckIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The code on the citizen's screen."""

    check_in: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{8}(?![\s\S])")]


class WalkIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody came for."""

    item: Code


class CallNext(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A window is free."""

    item: Code
    window: Annotated[str, msgspec.Meta(pattern=r"^[A-Z0-9]{1,4}(?![\s\S])")]


class Finish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How it ended."""

    label: Annotated[str, msgspec.Meta(pattern=r"^[A-Z][0-9]{3,5}(?![\s\S])")]
    outcome: Literal["served", "absent"]


class CitizensDesk:
    """What citizens do here."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._bookings = Bookings(office)
        self._queues = Queues(office)

    async def list_halls(self, _request: web.Request) -> web.Response:
        """Every hall, its business, and how many wait there now."""
        return answer({"items": [self._hall(hall) for hall in HALLS.values()]})

    async def list_slots(self, request: web.Request) -> web.Response:
        """`?item=&day=`: the slots of a day with the places left."""
        hall = _hall(request.match_info["hall"])
        item, day = _item(hall, request.query.get("item", "")), _day(request.query.get("day", ""))
        return answer({"items": self._bookings.slots(hall, item, day)})

    async def list_bookings(self, request: web.Request) -> web.Response:
        """Mine, the latest slot first."""
        return answer({"items": [booking_rules.shown(row) for row in self._bookings.of_citizen(openid_of(request))]})

    async def show(self, request: web.Request) -> web.Response:
        """One of mine, with the number taken for it and how many are before it."""
        row = self._bookings.own(request.match_info["booking_id"], openid_of(request))
        return answer(booking_rules.shown(row) | {"number": self._queues.of_booking(row["booking_id"])})

    async def book(self, request: web.Request) -> web.Response:
        """A new one; the same `Idempotency-Key` books once."""
        wish, openid = await read_body(request, Book), openid_of(request)
        hall = _hall(wish.hall)
        retry_key = request.headers.get("idempotency-key")
        row = self._bookings.book(openid, hall, _item(hall, wish.item), wish.starts_at, retry_key=retry_key)
        return answer(self._with_receipt(openid, row, "booked"), status=201)

    async def move(self, request: web.Request) -> web.Response:
        """To another slot of the same hall."""
        wish, openid = await read_body(request, Move), openid_of(request)
        row = self._bookings.move(request.match_info["booking_id"], openid, wish.starts_at)
        return answer(self._with_receipt(openid, row, "moved"))

    async def cancel(self, request: web.Request) -> web.Response:
        """Before it begins."""
        openid = openid_of(request)
        row = self._bookings.cancel(request.match_info["booking_id"], openid)
        return answer(self._with_receipt(openid, row, "cancelled"))

    def _hall(self, hall: Hall) -> dict[str, Any]:
        waiting = self._queues.waiting(hall)
        items = [
            {"code": item.code, "zh": item.zh, "en": item.en, "waiting": waiting[item.code]}
            for item in hall.items.values()
        ]
        return {"code": hall.code, "zh": hall.zh, "en": hall.en, "zone": hall.zone, "items": items}

    def _with_receipt(self, openid: str, row: Any, step: str) -> dict[str, Any]:
        what = {"act": row["booking_id"], "step": step, "starts_at": row["starts_at"]}
        return booking_rules.shown(row) | {"receipt": self._office.receipts.sign(openid, what, self._office.now())}


class HallsDesk:
    """What the machine at a hall's door and its windows do. The hall is that of the desk that asks."""

    def __init__(self, office: Office) -> None:
        self._queues = Queues(office)

    async def check_in(self, request: web.Request) -> web.Response:
        """A number for a booking."""
        asked = await read_body(request, CheckIn)
        return answer(queue_rules.shown(self._queues.check_in(_desks_hall(request), asked.check_in)), status=201)

    async def walk_in(self, request: web.Request) -> web.Response:
        """A number without one."""
        hall, asked = _desks_hall(request), await read_body(request, WalkIn)
        return answer(queue_rules.shown(self._queues.walk_in(hall, _item(hall, asked.item))), status=201)

    async def call_next(self, request: web.Request) -> web.Response:
        """Who comes to this window now; `number` is null when nobody waits."""
        hall, asked = _desks_hall(request), await read_body(request, CallNext)
        row = self._queues.call_next(hall, _item(hall, asked.item), asked.window)
        return answer({"number": None if row is None else queue_rules.shown(row)})

    async def finish(self, request: web.Request) -> web.Response:
        """Served, or not there when called."""
        asked = await read_body(request, Finish)
        return answer(queue_rules.shown(self._queues.finish(_desks_hall(request), asked.label, asked.outcome)))


def _hall(code: str) -> Hall:
    if code not in HALLS:
        raise Refusal(404, "hall-unknown", "没有这个大厅", "There is no such hall.")
    return HALLS[code]


def _desks_hall(request: web.Request) -> Hall:
    return _hall(request[DESK].office)


def _item(hall: Hall, code: str) -> Item:
    if code not in hall.items:
        raise Refusal(404, "item-unknown", "该大厅没有这项业务", "This hall has no such business.")
    return hall.items[code]


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refusal(400, "day-invalid", "请给出日期，如 2026-10-01", "Name a day like 2026-10-01.") from None


def _routes(office: Office) -> list[web.RouteDef]:
    citizens = CitizensDesk(office)
    return [
        web.get("/halls", citizens.list_halls),
        web.get("/halls/{hall}/slots", citizens.list_slots),
        web.get("/bookings", citizens.list_bookings),
        web.post("/bookings", citizens.book),
        web.get(f"/bookings/{BOOKING}", citizens.show),
        web.post(f"/bookings/{BOOKING}/change", citizens.move),
        web.post(f"/bookings/{BOOKING}/cancellation", citizens.cancel),
    ]


def _desk(office: Office) -> list[web.RouteDef]:
    hall = HallsDesk(office)
    return [
        web.post("/desk/check-ins", hall.check_in),
        web.post("/desk/numbers", hall.walk_in),
        web.post("/desk/calls", hall.call_next),
        web.post("/desk/outcomes", hall.finish),
    ]


def _cards(office: Office) -> Any:
    bookings, queues = Bookings(office), Queues(office)

    async def cards(request: web.Request) -> web.Response:
        asked, citizen, found = await widgets_asked(request), request.get(CITIZEN), []
        if "waiting" in asked:
            lines = [(hall.zh, hall.en, str(sum(queues.waiting(hall).values()))) for hall in HALLS.values()]
            found.append(
                card(office.app_id, "waiting", ("大厅等候人数", "Waiting at the halls"), "/halls", lines=lines)
            )
        if "next" in asked and citizen is not None and (row := bookings.next_of(citizen.openid)) is not None:
            found.append(_next_card(office, queues, booking_rules.shown(row)))
        return answer({"cards": found})

    return cards


def _next_card(office: Office, queues: Queues, booking: dict[str, Any]) -> dict[str, Any]:
    number = queues.of_booking(booking["booking_id"])
    lines = [("大厅", "Hall", booking["hall"]["zh"]), ("业务", "Business", booking["item"]["zh"])]
    if number is not None:
        lines.append(("号码", "Number", number["label"]))
    begins = f"{datetime.fromisoformat(booking['starts_at']):%m-%d %H:%M}"
    path = f"/bookings/{booking['booking_id']}"
    return card(office.app_id, "next", (f"预约 {begins}", f"Booked {begins}"), path, lines=lines)


PROGRAM = Program(
    name="appointments",
    tables=(booking_rules.FIRST_TABLES, booking_rules.TABLES),
    routes=_routes,
    cards=_cards,
    desk=_desk,
    chores=lambda office: Bookings(office).sweep(),
)

if __name__ == "__main__":
    PROGRAM.command()()
