"""预约, a department whose cards never come in time: what the home page has to live with. Its calls answer at once."""

import asyncio
from typing import Any

from aiohttp import web

from miniapps.departments.program import Office, Program, openid_of

HANGS_SECONDS = 60

TABLES = "create table if not exists visit (openid text primary key, times integer not null);"


def _routes(office: Office) -> list[web.RouteDef]:
    async def visit(request: web.Request) -> web.Response:
        (times,) = office.store.execute(
            "insert into visit values (?, 1) on conflict do update set times = times + 1 returning times",
            (openid_of(request),),
        ).fetchone()
        return web.json_response({"visits": times})

    return [web.get("/visits", visit)]


def _cards(_office: Office) -> Any:
    async def cards(_request: web.Request) -> web.Response:
        await asyncio.sleep(HANGS_SECONDS)
        return web.json_response({"cards": []})

    return cards


PROGRAM = Program(name="slow", tables=TABLES, routes=_routes, cards=_cards)

if __name__ == "__main__":
    PROGRAM.command()()
