"""The queue of a hall: numbers taken at its machine, called by its windows. Booked visitors go before walk-ins.

A number says nothing of its holder; only a booking knows to whom it belongs.
"""

import sqlite3
from datetime import datetime
from typing import Any, Final

from miniapps.departments.answers import Refusal
from miniapps.departments.bookings import utc_text
from miniapps.departments.halls import Hall, Item, may_take_number
from miniapps.departments.program import Office
from miniapps.departments.workdays import CITY_TIME

OUTCOMES: Final = ("served", "absent")


class Queues:
    """The numbers of all halls."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def check_in(self, hall: Hall, check_in: str) -> sqlite3.Row:
        """A number for whoever shows the code of a booking, from half an hour before until a quarter after."""
        with self._office.writing() as store:
            booking = store.execute(
                "select * from booking where hall = ? and check_in = ? and state = 'booked'", (hall.code, check_in)
            ).fetchone()
            if booking is None:
                raise Refusal(
                    404, "check-in-unknown", "没有这个预约码，可直接取号", "No such code here; take a number."
                )
            if not may_take_number(datetime.fromisoformat(booking["starts_at"]), self._office.now()):
                raise Refusal(
                    409, "not-your-time", "请在预约时段前 30 分钟内取号", "Come half an hour before the slot."
                )
            store.execute("update booking set state = 'arrived' where booking_id = ?", (booking["booking_id"],))
            return self._take(hall, hall.items[booking["item"]], booking["booking_id"])

    def walk_in(self, hall: Hall, item: Item) -> sqlite3.Row:
        """A number for whoever simply came."""
        with self._office.writing():
            return self._take(hall, item, None)

    def call_next(self, hall: Hall, item: Item, window: str) -> sqlite3.Row | None:
        """The next visitor of this business to this window; None when nobody waits."""
        with self._office.writing() as store:
            row = store.execute(
                "select number_id from number where hall = ? and day = ? and item = ? and state = 'waiting'"
                " order by booking_id is null, number_id limit 1",
                (hall.code, self._today(), item.code),
            ).fetchone()
            if row is None:
                return None
            store.execute(
                "update number set state = 'called', called_at = ?, window = ? where number_id = ?",
                (utc_text(self._office.now()), window, row["number_id"]),
            )
            return self._get(row["number_id"])

    def finish(self, hall: Hall, label: str, outcome: str) -> sqlite3.Row:
        """How it ended for a visitor who was called; raises `Refusal`."""
        with self._office.writing() as store:
            row = store.execute(
                "select * from number where hall = ? and day = ? and label = ? and state = 'called'",
                (hall.code, self._today(), label),
            ).fetchone()
            if row is None:
                raise Refusal(409, "not-called", "该号未被呼叫或已办结", "That number was not called, or is done.")
            store.execute("update number set state = ? where number_id = ?", (outcome, row["number_id"]))
            if row["booking_id"] is not None:
                state = "served" if outcome == "served" else "missed"
                store.execute("update booking set state = ? where booking_id = ?", (state, row["booking_id"]))
            return self._get(row["number_id"])

    def waiting(self, hall: Hall) -> dict[str, int]:
        """How many wait for each business."""
        rows = self._office.store.execute(
            "select item, count(*) as waiting from number where hall = ? and day = ? and state = 'waiting'"
            " group by item",
            (hall.code, self._today()),
        )
        known = {row["item"]: row["waiting"] for row in rows}
        return {code: known.get(code, 0) for code in hall.items}

    def of_booking(self, booking_id: str) -> dict[str, Any] | None:
        """The number taken for a booking, and how many are called before it; None until it is taken."""
        row = self._office.store.execute("select * from number where booking_id = ?", (booking_id,)).fetchone()
        if row is None:
            return None
        (ahead,) = self._office.store.execute(
            "select count(*) from number where hall = ? and day = ? and item = ? and state = 'waiting'"
            " and booking_id is not null and number_id < ?",
            (row["hall"], row["day"], row["item"], row["number_id"]),
        ).fetchone()
        return shown(row) | {"ahead": ahead if row["state"] == "waiting" else None}

    def booking_of(self, number: sqlite3.Row) -> str | None:
        """The booking behind a number."""
        booking_id: str | None = number["booking_id"]
        return booking_id

    def _take(self, hall: Hall, item: Item, booking_id: str | None) -> sqlite3.Row:
        day, store = self._today(), self._office.store
        (taken,) = store.execute(
            "select count(*) from number where hall = ? and day = ? and item = ?", (hall.code, day, item.code)
        ).fetchone()
        cursor = store.execute(
            "insert into number (hall, day, item, label, booking_id, state, taken_at)"
            " values (?, ?, ?, ?, ?, 'waiting', ?)",
            (hall.code, day, item.code, f"{item.letter}{taken + 1:03}", booking_id, utc_text(self._office.now())),
        )
        assert cursor.lastrowid is not None
        return self._get(cursor.lastrowid)

    def _get(self, number_id: int) -> sqlite3.Row:
        row: sqlite3.Row = self._office.store.execute(
            "select * from number where number_id = ?", (number_id,)
        ).fetchone()
        return row

    def _today(self) -> str:
        return self._office.now().astimezone(CITY_TIME).date().isoformat()


def shown(row: sqlite3.Row) -> dict[str, Any]:
    """A number as the hall's machine prints it and its screens show it."""
    return {name: row[name] for name in ("label", "item", "state", "window")}
