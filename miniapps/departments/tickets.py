"""What becomes of a ticket at the hotline: filed → dispatched to an office → replied → closed, and back when reopened.

One store, one row a ticket, one line of history for every step. Refuses a step that the ticket's state does not allow,
also when two desks try it at once.
"""

import secrets
import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from miniapps.departments.answers import Refusal
from miniapps.departments.program import Office
from miniapps.departments.workdays import CITY_TIME, after_workdays, read_holidays

REPLY_WORKDAYS: Final = 5
REOPEN_DAYS: Final = 15
MOST_REOPENINGS: Final = 2
LEAD: Final = "lead"
PAGE: Final = 50
STATES: Final[Mapping[str, str]] = {
    "filed": "待派单",
    "dispatched": "办理中",
    "replied": "已答复",
    "closed": "已办结",
}

FIRST_TABLES = """
create table if not exists ticket (
  number text primary key, openid text not null, text text not null, state text not null, filed_at text not null,
  retry_key text, unique (openid, retry_key)
)
"""

# A ticket without openid is the city's own: somebody complained about a scan, and the city does not say who.
TABLES = """
alter table ticket rename to first_ticket;
create table ticket (
  number text primary key, openid text, source_id text unique, text text not null, facts text, state text not null,
  filed_at text not null, due_at text not null, office text, reply text, replied_at text, reopened integer not null
  default 0, rating integer, retry_key text, unique (openid, retry_key)
);
create index ticket_of_citizen on ticket (openid);
create index ticket_of_office on ticket (office, state, due_at);
create table step (number text not null references ticket, at text not null, what text not null, words text);
create index step_of_ticket on step (number);
insert into ticket (number, openid, text, state, filed_at, due_at, retry_key)
  select number, openid, text, 'filed', filed_at, filed_at, retry_key from first_ticket;
drop table first_ticket
"""


class Tickets:
    """All tickets of the hotline."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def file(
        self,
        text: str,
        *,
        openid: str | None = None,
        retry_key: str | None = None,
        source_id: str | None = None,
        facts: str | None = None,
    ) -> sqlite3.Row:
        """The new ticket, or the one that the same key filed before."""
        now = self._office.now()
        with self._office.writing() as store:
            found = store.execute(
                "select * from ticket where source_id = ? or (openid = ? and retry_key = ?)",
                (source_id, openid, retry_key),
            ).fetchone()
            if found is None:
                number = f"{now.astimezone(CITY_TIME):%Y%m%d}{secrets.randbelow(10**8):08d}"
                store.execute(
                    "insert into ticket (number, openid, source_id, text, facts, state, filed_at, due_at, retry_key)"
                    " values (?, ?, ?, ?, ?, 'filed', ?, ?, ?)",
                    (number, openid, source_id, text, facts, _text(now), self._due(now), retry_key),
                )
                self._note(number, "filed", None)
                found = self._get(number)
        row: sqlite3.Row = found
        return row

    def of_citizen(self, openid: str, after: str | None = None) -> tuple[list[dict[str, Any]], str | None]:
        """A page, newest first, and where it goes on."""
        rows = self._office.store.execute(
            "select * from ticket where openid = ?"
            " and (? is null or rowid < (select rowid from ticket where number = ?))"
            " order by rowid desc limit ?",
            (openid, after, after, PAGE + 1),
        ).fetchall()
        return [self.shown(row) for row in rows[:PAGE]], rows[PAGE - 1]["number"] if len(rows) > PAGE else None

    def own(self, number: str, openid: str) -> sqlite3.Row:
        """A ticket of this citizen; raises `Refusal`."""
        row = self._get(number)
        if row["openid"] != openid:
            raise _unknown()
        return row

    def of_desk(self, office: str, *, state: str | None, overdue: bool) -> list[dict[str, Any]]:
        """What an office has before it, the soonest due first; the lead sees all offices. Nobody sees who filed."""
        rows = self._office.store.execute(
            "select * from ticket where (? = 'lead' or office = ?) and state = coalesce(?, state)"
            " and (not ? or (due_at < ? and state in ('filed', 'dispatched'))) order by due_at, number limit ?",
            (office, office, state, overdue, _text(self._office.now()), PAGE),
        )
        return [self.shown(row) for row in rows]

    def at_desk(self, number: str, office: str) -> sqlite3.Row:
        """A ticket before this office; raises `Refusal`."""
        row = self._get(number)
        if office not in {LEAD, row["office"]}:
            raise _unknown()
        return row

    def of_city(self, references: list[str]) -> list[dict[str, Any]]:
        """How the city's own tickets stand; those of citizens and unknown ones are left out."""
        marks = ", ".join("?" * len(references))
        rows = self._office.store.execute(
            f"select * from ticket where source_id is not null and number in ({marks}) order by number",  # noqa: S608 - only question marks are put in
            references,
        )
        return [
            {"reference": row["number"], "state": row["state"], "office": row["office"], "answer": row["reply"]}
            for row in rows
        ]

    def dispatch(self, number: str, to: str) -> sqlite3.Row:
        """The lead hands it to an office, or to another one."""
        self._step(number, "dispatched", ("filed", "dispatched"), "office = ?", (to,), words=to)
        return self._get(number)

    def reply(self, number: str, text: str) -> sqlite3.Row:
        """The office answers; whoever filed it reads the words."""
        values = (text, _text(self._office.now()))
        self._step(number, "replied", ("dispatched",), "reply = ?, replied_at = ?", values, words=text)
        return self._get(number)

    def reopen(self, number: str, text: str) -> sqlite3.Row:
        """The citizen is not content: it is dispatched anew, with a new clock. Within days of the reply, twice."""
        row, now = self._get(number), self._office.now()
        if row["state"] in {"replied", "closed"}:
            last = datetime.fromisoformat(row["replied_at"]) + timedelta(days=REOPEN_DAYS)
            if now > last or row["reopened"] >= MOST_REOPENINGS:
                raise Refusal(
                    409,
                    "reopening-over",
                    f"答复后 {REOPEN_DAYS} 天内可重新提出，最多 {MOST_REOPENINGS} 次；请提交新的诉求",
                    "It is reopened within 15 days of the reply, and twice; file a new request.",
                )
        change = "reopened = reopened + 1, rating = null, office = null, due_at = ?"
        self._step(number, "filed", ("replied", "closed"), change, (self._due(now),), words=text, what="reopened")
        return self._get(number)

    def rate(self, number: str, level: int) -> sqlite3.Row:
        """The citizen judges the reply, once for each; a good judgement ends the ticket."""
        self._step(number, "closed", ("replied",), "rating = ?", (level,), words=str(level), what="rated")
        return self._get(number)

    def close_old(self) -> None:
        """What nobody reopened in time is closed."""
        before = _text(self._office.now() - timedelta(days=REOPEN_DAYS))
        self._office.store.execute(
            "update ticket set state = 'closed' where state = 'replied' and replied_at < ?", (before,)
        )

    def shown(self, row: sqlite3.Row) -> dict[str, Any]:
        """A ticket as it is read; `overdue` when the promised day is past and nobody replied."""
        waits = row["state"] in {"filed", "dispatched"}
        names = ("number", "text", "state", "filed_at", "due_at", "office", "reply", "replied_at", "reopened", "rating")
        return {name: row[name] for name in names} | {
            "state_name": STATES[row["state"]],
            "overdue": waits and _text(self._office.now()) > row["due_at"],
        }

    def history(self, number: str) -> list[dict[str, Any]]:
        """Every step, oldest first."""
        rows = self._office.store.execute("select at, what, words from step where number = ? order by rowid", (number,))
        return [dict(row) for row in rows]

    def _step(
        self,
        number: str,
        state: str,
        allowed: tuple[str, ...],
        change: str,
        values: tuple[Any, ...],
        *,
        words: str,
        what: str | None = None,
    ) -> None:
        marks = ", ".join("?" * len(allowed))
        with self._office.writing() as store:
            done = store.execute(
                f"update ticket set state = ?, {change} where number = ? and state in ({marks})",  # noqa: S608 - `change` stands in this module
                (state, *values, number, *allowed),
            )
            if done.rowcount != 1:
                raise Refusal(409, "state-refused", "诉求当前状态不能这样操作", "Its state does not allow that.")
            self._note(number, what or state, words)

    def _note(self, number: str, what: str, words: str | None) -> None:
        self._office.store.execute(
            "insert into step values (?, ?, ?, ?)", (number, _text(self._office.now()), what, words)
        )

    def _get(self, number: str) -> sqlite3.Row:
        row: sqlite3.Row | None = self._office.store.execute(
            "select * from ticket where number = ?", (number,)
        ).fetchone()
        if row is None:
            raise _unknown()
        return row

    def _due(self, now: datetime) -> str:
        return _text(after_workdays(now, REPLY_WORKDAYS, read_holidays(self._office.data)))


def _unknown() -> Refusal:
    return Refusal(404, "ticket-unknown", "没有这件诉求", "No such request.")


def _text(at: datetime) -> str:
    """One spelling, so that times compare as they are ordered."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")
