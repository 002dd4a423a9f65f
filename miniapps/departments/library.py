"""图书馆, the city library: a reader's card, loans, and renewals. Knows its readers by their pairwise id alone."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from aiohttp import web

from miniapps.departments.program import Office, Program, card, openid_of, refusal, widgets_asked
from miniapps.sdk.aiohttp_web import CITIZEN

LOAN_DAYS = 30
MOST_RENEWALS = 2
WELCOME = ("《城市的形状》", "《算法与市民》")

TABLES = """
create table if not exists reader (openid text primary key, number integer unique, since text not null);
create table if not exists loan (
  id integer primary key, openid text not null references reader, title text not null, due_on text not null,
  renewals integer not null default 0
);
"""


def _today() -> date:
    return datetime.now(UTC).date()


def _reader(office: Office, openid: str) -> int:
    """The reader's number; a first visit makes a card and lends two books, so that there is something to see."""
    row = office.store.execute("select number from reader where openid = ?", (openid,)).fetchone()
    if row is not None:
        return int(row["number"])
    today = _today()
    with office.store:
        office.store.execute("begin immediate")
        (number,) = office.store.execute("select coalesce(max(number), 100000) + 1 from reader").fetchone()
        office.store.execute("insert into reader values (?, ?, ?)", (openid, number, today.isoformat()))
        for days, title in enumerate(WELCOME, start=3):
            due_on = (today + timedelta(days=days)).isoformat()
            office.store.execute("insert into loan (openid, title, due_on) values (?, ?, ?)", (openid, title, due_on))
    return int(number)


def _loans(office: Office, openid: str) -> list[dict[str, Any]]:
    rows = office.store.execute(
        "select id, title, due_on, renewals from loan where openid = ? order by due_on, id", (openid,)
    )
    return [
        {"loan_id": str(row["id"]), "title": row["title"], "due_on": row["due_on"], "renewals": row["renewals"]}
        for row in rows
    ]


def _routes(office: Office) -> list[web.RouteDef]:
    async def show_card(request: web.Request) -> web.Response:
        citizen = request[CITIZEN]
        number = _reader(office, citizen.openid)
        # A name only when the citizen's basis granted one; the gateway masks it once more.
        return web.json_response({"number": str(number), "reader": citizen.fields.get("display_name")})

    async def list_loans(request: web.Request) -> web.Response:
        _reader(office, openid_of(request))
        return web.json_response({"items": _loans(office, openid_of(request)), "next": None})

    async def renew(request: web.Request) -> web.Response:
        loan_id, openid = request.match_info["loan_id"], openid_of(request)
        found = office.store.execute(
            "select due_on, renewals from loan where id = ? and openid = ?", (loan_id, openid)
        ).fetchone()
        if found is None:
            return refusal(404, "没有这笔借阅", "No such loan of yours.")
        if found["renewals"] >= MOST_RENEWALS:
            return refusal(409, "已达续借次数上限", "It was renewed as often as possible.")
        due_on = (date.fromisoformat(found["due_on"]) + timedelta(days=LOAN_DAYS)).isoformat()
        office.store.execute(
            "update loan set due_on = ?, renewals = renewals + 1 where id = ? and renewals = ?",
            (due_on, loan_id, found["renewals"]),
        )
        receipt = office.receipts.sign(openid, {"loan_id": loan_id, "due_on": due_on}, datetime.now(UTC))
        return web.json_response({"loan_id": loan_id, "due_on": due_on, "receipt": receipt})

    return [
        web.get("/card", show_card),
        web.get("/loans", list_loans),
        web.post(r"/loans/{loan_id:[0-9]{1,18}}/renewals", renew),
    ]


def _cards(office: Office) -> Any:
    async def cards(request: web.Request) -> web.Response:
        citizen = request.get(CITIZEN)
        asked = await widgets_asked(request)
        if citizen is None or "loans" not in asked:
            return web.json_response({"cards": []})
        _reader(office, citizen.openid)
        loans = _loans(office, citizen.openid)
        lines = [(loan["title"], loan["title"], f"{loan['due_on']} 到期") for loan in loans[:3]]
        title = (f"在借 {len(loans)} 册", f"{len(loans)} books on loan")
        return web.json_response({"cards": [card(office, "loans", title, "/loans", lines=lines)]})

    return cards


PROGRAM = Program(name="library", tables=TABLES, routes=_routes, cards=_cards)

if __name__ == "__main__":
    PROGRAM.command()()
