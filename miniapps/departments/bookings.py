"""Bookings of slots. Guaranteed by one write at a time: no slot has more bookings than windows, and nobody holds two
for the same business.

Who lets two slots pass within a month books nothing for a month; the hall serves whoever simply comes.
"""

import secrets
import sqlite3
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from miniapps.departments.answers import Refusal
from miniapps.departments.halls import DAYS_AHEAD, HALLS, LATE, Hall, Item, may_be_booked, slots_of
from miniapps.departments.program import Office
from miniapps.departments.workdays import CITY_TIME, read_holidays

MOST_MISSED: Final = 2
MISSED_COUNT_FOR: Final = timedelta(days=30)
KEPT_FOR: Final = timedelta(days=90)
LIVE: Final = "('booked', 'arrived')"

TABLES = """
create table booking (
  booking_id text primary key, openid text not null, hall text not null, item text not null, starts_at text not null,
  state text not null, check_in text not null, booked_at text not null, retry_key text, unique (openid, retry_key)
);
create unique index booking_once on booking (openid, item) where state = 'booked';
create index booking_slot on booking (hall, item, starts_at) where state in ('booked', 'arrived');
create unique index booking_check_in on booking (hall, check_in) where state = 'booked';
create index booking_of_citizen on booking (openid, starts_at);
create table number (
  number_id integer primary key, hall text not null, day text not null, item text not null, label text not null,
  booking_id text references booking, state text not null, taken_at text not null, called_at text, window text,
  unique (hall, day, label)
);
create index number_waiting on number (hall, day, state, number_id)
"""

# What the slow stand-in kept here before there were bookings.
FIRST_TABLES = "create table if not exists visit (openid text primary key, times integer not null)"


class Bookings:
    """All bookings of all halls."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def slots(self, hall: Hall, item: Item, day: date) -> list[dict[str, Any]]:
        """The slots of a day that can still be booked, with the places left in each."""
        rows = self._office.store.execute(
            f"select starts_at, count(*) as taken from booking where hall = ? and item = ? and state in {LIVE}"  # noqa: S608 - a constant
            " group by starts_at",
            (hall.code, item.code),
        )
        taken, now = {row["starts_at"]: row["taken"] for row in rows}, self._office.now()
        holidays = read_holidays(self._office.data)
        return [
            {"starts_at": at.isoformat(), "left": max(0, item.windows - taken.get(utc_text(at), 0))}
            for at in slots_of(day, holidays)
            if may_be_booked(at, now, holidays)
        ]

    def book(self, openid: str, hall: Hall, item: Item, starts_at: datetime, *, retry_key: str | None) -> sqlite3.Row:
        """The booking, or the one that the same key made; raises `Refusal`."""
        with self._office.writing() as store:
            if retry_key is not None and (
                found := store.execute(
                    "select * from booking where openid = ? and retry_key = ?", (openid, retry_key)
                ).fetchone()
            ):
                return _row(found)
            self._refuse_absent(openid)
            if store.execute(
                "select 1 from booking where openid = ? and item = ? and state = 'booked'", (openid, item.code)
            ).fetchone():
                raise Refusal(
                    409, "booked-already", "该事项已有预约，可改约或取消", "You hold a booking for it; move it."
                )
            return self._insert(openid, hall, item, starts_at, retry_key)

    def move(self, booking_id: str, openid: str, starts_at: datetime) -> sqlite3.Row:
        """The same booking at another time: never none and never two in between; raises `Refusal`."""
        with self._office.writing() as store:
            row = self._open(booking_id, openid)
            store.execute("update booking set state = 'moving' where booking_id = ?", (booking_id,))
            self._refuse_full(HALLS[row["hall"]], HALLS[row["hall"]].items[row["item"]], starts_at)
            store.execute(
                "update booking set state = 'booked', starts_at = ? where booking_id = ?",
                (utc_text(starts_at), booking_id),
            )
            return self.get(booking_id)

    def cancel(self, booking_id: str, openid: str) -> sqlite3.Row:
        """Gives the place back; raises `Refusal`."""
        with self._office.writing() as store:
            self._open(booking_id, openid)
            store.execute("update booking set state = 'cancelled' where booking_id = ?", (booking_id,))
            return self.get(booking_id)

    def of_citizen(self, openid: str) -> list[sqlite3.Row]:
        """What is kept of this citizen, the latest slot first."""
        return self._office.store.execute(
            "select * from booking where openid = ? order by starts_at desc, booking_id limit 100", (openid,)
        ).fetchall()

    def next_of(self, openid: str) -> sqlite3.Row | None:
        """The booking that comes next."""
        row: sqlite3.Row | None = self._office.store.execute(
            f"select * from booking where openid = ? and state in {LIVE} order by starts_at limit 1",  # noqa: S608 - a constant
            (openid,),
        ).fetchone()
        return row

    def own(self, booking_id: str, openid: str) -> sqlite3.Row:
        """A booking of this citizen; raises `Refusal`."""
        row = self.get(booking_id)
        if row["openid"] != openid:
            raise _unknown()
        return row

    def get(self, booking_id: str) -> sqlite3.Row:
        """A booking; raises `Refusal`."""
        row = self._office.store.execute("select * from booking where booking_id = ?", (booking_id,)).fetchone()
        if row is None:
            raise _unknown()
        return _row(row)

    def sweep(self) -> None:
        """Who did not come has missed it; what is old is forgotten."""
        now, store = self._office.now(), self._office.store
        store.execute(
            "update booking set state = 'missed' where state = 'booked' and starts_at < ?", (utc_text(now - LATE),)
        )
        before = utc_text(now - KEPT_FOR)
        if store.execute("select 1 from booking where starts_at < ? limit 1", (before,)).fetchone():
            with self._office.writing():
                store.execute("delete from number where taken_at < ?", (before,))
                old = "select booking_id from booking where starts_at < ?"
                store.execute(f"update number set booking_id = null where booking_id in ({old})", (before,))  # noqa: S608 - a constant
                store.execute("delete from booking where starts_at < ?", (before,))

    def _insert(self, openid: str, hall: Hall, item: Item, starts_at: datetime, retry_key: str | None) -> sqlite3.Row:
        self._refuse_full(hall, item, starts_at)
        booking_id, now = secrets.token_hex(8), self._office.now()
        self._office.store.execute(
            "insert into booking values (?, ?, ?, ?, ?, 'booked', ?, ?, ?)",
            (
                booking_id,
                openid,
                hall.code,
                item.code,
                utc_text(starts_at),
                self._check_in(hall),
                utc_text(now),
                retry_key,
            ),
        )
        return self.get(booking_id)

    def _check_in(self, hall: Hall) -> str:
        """Eight digits to be typed or scanned at the hall's machine, which nobody else holds there."""
        while True:
            drawn = f"{secrets.randbelow(10**8):08}"
            query = "select 1 from booking where hall = ? and check_in = ? and state = 'booked'"
            if self._office.store.execute(query, (hall.code, drawn)).fetchone() is None:
                return drawn

    def _refuse_full(self, hall: Hall, item: Item, starts_at: datetime) -> None:
        if not may_be_booked(starts_at, self._office.now(), read_holidays(self._office.data)):
            raise Refusal(
                409,
                "slot-unknown",
                f"该时段不可预约；可预约 {DAYS_AHEAD} 天内的工作时段",
                "It is no slot of a working day within two weeks.",
            )
        (taken,) = self._office.store.execute(
            f"select count(*) from booking where hall = ? and item = ? and starts_at = ? and state in {LIVE}",  # noqa: S608 - a constant
            (hall.code, item.code, utc_text(starts_at)),
        ).fetchone()
        if taken >= item.windows:
            raise Refusal(409, "slot-full", "该时段已约满，请选择其他时段", "This slot is full; choose another.")

    def _refuse_absent(self, openid: str) -> None:
        since = utc_text(self._office.now() - MISSED_COUNT_FOR)
        (missed,) = self._office.store.execute(
            "select count(*) from booking where openid = ? and starts_at > ? and state = 'missed'", (openid, since)
        ).fetchone()
        if missed >= MOST_MISSED:
            raise Refusal(
                403,
                "missed-often",
                "30 天内两次未到，暂不能预约；可直接到厅取号",
                "Two bookings were missed within 30 days; please come to the hall and take a number.",
            )

    def _open(self, booking_id: str, openid: str) -> sqlite3.Row:
        row = self.own(booking_id, openid)
        if row["state"] != "booked" or datetime.fromisoformat(row["starts_at"]) <= self._office.now():
            raise Refusal(409, "booking-over", "该预约已开始或已结束", "It has begun, or is over.")
        return row


def shown(row: sqlite3.Row) -> dict[str, Any]:
    """A booking as its citizen reads it."""
    hall = HALLS[row["hall"]]
    item = hall.items[row["item"]]
    return {
        "booking_id": row["booking_id"],
        "hall": {"code": hall.code, "zh": hall.zh, "en": hall.en},
        "item": {"code": item.code, "zh": item.zh, "en": item.en},
        "starts_at": local_text(row["starts_at"]),
        "state": row["state"],
        "check_in": row["check_in"] if row["state"] == "booked" else None,
    }


def utc_text(at: datetime) -> str:
    """One spelling, so that times compare as they are ordered."""
    return at.astimezone(UTC).isoformat(timespec="seconds")


def local_text(stored: str) -> str:
    """A stored time as the hall's clocks show it."""
    return datetime.fromisoformat(stored).astimezone(CITY_TIME).isoformat()


def _unknown() -> Refusal:
    return Refusal(404, "booking-unknown", "没有这个预约", "No such booking.")


def _row(found: Any) -> sqlite3.Row:
    row: sqlite3.Row = found
    return row
