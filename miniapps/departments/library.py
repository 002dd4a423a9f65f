"""图书馆, the city library: a reader's card, loans, and renewals. Knows its readers by their pairwise id alone."""

from datetime import date, timedelta
from typing import Any

from aiohttp import web

from miniapps.departments import library_pages
from miniapps.departments.answers import Refusal, answer, card, openid_of, widgets_asked
from miniapps.departments.program import Office, Program
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


def _reader(office: Office, openid: str) -> int:
    """The reader's number; a first visit makes a card and lends two books, so that there is something to see."""
    row = office.store.execute("select number from reader where openid = ?", (openid,)).fetchone()
    if row is not None:
        return int(row["number"])
    today = office.now().date()
    with office.writing():
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
        return answer({"number": str(number), "reader": citizen.fields.get("display_name")})

    async def list_loans(request: web.Request) -> web.Response:
        _reader(office, openid_of(request))
        return answer({"items": _loans(office, openid_of(request)), "next": None})

    async def renew(request: web.Request) -> web.Response:
        loan_id, openid = request.match_info["loan_id"], openid_of(request)
        found = office.store.execute(
            "select due_on, renewals from loan where id = ? and openid = ?", (loan_id, openid)
        ).fetchone()
        if found is None:
            raise Refusal(404, "loan-unknown", "没有这笔借阅", "No such loan of yours.")
        if found["renewals"] >= MOST_RENEWALS:
            raise Refusal(409, "renewed-often", "已达续借次数上限", "It was renewed as often as possible.")
        due_on = (date.fromisoformat(found["due_on"]) + timedelta(days=LOAN_DAYS)).isoformat()
        office.store.execute(
            "update loan set due_on = ?, renewals = renewals + 1 where id = ? and renewals = ?",
            (due_on, loan_id, found["renewals"]),
        )
        receipt = office.receipts.sign(
            openid, {"act": f"renewal {loan_id} {due_on}", "loan_id": loan_id, "due_on": due_on}, office.now()
        )
        return answer({"loan_id": loan_id, "due_on": due_on, "receipt": receipt})

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
            return answer({"cards": []})
        _reader(office, citizen.openid)
        loans = _loans(office, citizen.openid)
        lines = [(loan["title"], loan["title"], f"{loan['due_on']} 到期") for loan in loans[:3]]
        title = (f"在借 {len(loans)} 册", f"{len(loans)} books on loan")
        return answer({"cards": [card(office.app_id, "loans", title, "/loans", lines=lines)]})

    return cards


PROGRAM = Program(name="library", tables=(TABLES,), routes=_routes, cards=_cards, pages=library_pages.routes)

if __name__ == "__main__":
    PROGRAM.command()()
