"""12345 市民热线, the hotline: a citizen files a ticket and sees what became of it. One retry key files one ticket."""

import json
import secrets
import sqlite3
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from miniapps.departments.program import Office, Program, card, openid_of, refusal, widgets_asked
from miniapps.sdk.aiohttp_web import CITIZEN

LONGEST_TEXT = 2000
OPEN = "受理中"

TABLES = """
create table if not exists ticket (
  number text primary key, openid text not null, text text not null, state text not null, filed_at text not null,
  retry_key text, unique (openid, retry_key)
);
"""


def _tickets(office: Office, openid: str) -> list[dict[str, str]]:
    rows = office.store.execute(
        "select number, text, state, filed_at from ticket where openid = ? order by filed_at desc, number", (openid,)
    )
    return [dict(row) for row in rows]


def _file(office: Office, openid: str, text: str, retry_key: str | None) -> sqlite3.Row:
    now = datetime.now(UTC)
    number = f"{now:%Y%m%d}{secrets.randbelow(10**8):08d}"
    office.store.execute(
        "insert into ticket values (?, ?, ?, ?, ?, ?) on conflict (openid, retry_key) do nothing",
        (number, openid, text, OPEN, now.isoformat(), retry_key),
    )
    row: sqlite3.Row = office.store.execute(
        "select number, text, state, filed_at from ticket where number = ? or (openid = ? and retry_key = ?)",
        (number, openid, retry_key),
    ).fetchone()
    return row


async def _text_of(request: web.Request) -> str | None:
    try:
        document = json.loads(await request.read())
    except ValueError:
        return None
    text = document.get("text") if isinstance(document, dict) else None
    if not isinstance(text, str) or not 1 <= len(text.strip()) <= LONGEST_TEXT:
        return None
    readable = all(character.isprintable() or character in "\n\t" for character in text)
    return text.strip() if readable else None


def _routes(office: Office) -> list[web.RouteDef]:
    async def list_tickets(request: web.Request) -> web.Response:
        return web.json_response({"items": _tickets(office, openid_of(request)), "next": None})

    async def file_ticket(request: web.Request) -> web.Response:
        text = await _text_of(request)
        if text is None:
            return refusal(400, "请填写 1 至 2000 字的诉求", "Send {text} of 1 to 2000 characters.")
        openid = openid_of(request)
        ticket = dict(_file(office, openid, text, request.headers.get("idempotency-key")))
        receipt = office.receipts.sign(openid, {"ticket": ticket["number"]}, datetime.now(UTC))
        return web.json_response({**ticket, "receipt": receipt}, status=201)

    return [web.get("/tickets", list_tickets), web.post("/tickets", file_ticket)]


def _cards(office: Office) -> Any:
    async def cards(request: web.Request) -> web.Response:
        asked, citizen, found = await widgets_asked(request), request.get(CITIZEN), []
        if "notice" in asked:
            lines = [("受理时间", "Open", "24/7")]
            found.append(card(office, "notice", ("12345 市民热线", "Hotline 12345"), "/tickets", lines=lines))
        if "tickets" in asked and citizen is not None:
            tickets = _tickets(office, citizen.openid)
            lines = [("诉求单", "Request", f"{ticket['number']} {ticket['state']}") for ticket in tickets[:3]]
            title = (f"我的诉求 {len(tickets)} 件", f"{len(tickets)} requests of mine")
            found.append(card(office, "tickets", title, "/tickets", lines=lines))
        return web.json_response({"cards": found})

    return cards


PROGRAM = Program(name="hotline", tables=TABLES, routes=_routes, cards=_cards)

if __name__ == "__main__":
    PROGRAM.command()()
