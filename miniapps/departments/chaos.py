"""STAND-IN. 失序部门, a deliberately bad department: what the city must live with, one way at a time, to be tried.

Its calls and its cards misbehave apart, as a flag or its own desk says. It replays what it is sent to the addresses
that it was given. Refuses to start where SUISHEN_ENVIRONMENT is production.
"""

import asyncio
import os
from typing import Any, Final, Literal

import aiohttp
import click
import msgspec
from aiohttp import web
from yarl import URL

from miniapps.departments.answers import Refusal, answer, card, read_body, widgets_asked
from miniapps.departments.misbehaviour import MODES
from miniapps.departments.program import Office, Program

VICTIM_SECONDS: Final = 3
BEHIND_OTHERS: Final = 15
HOPS: Final = frozenset({"host", "content-length", "transfer-encoding", "connection"})
TABLES = """
create table mode (part text primary key, mode text not null);
create table victim (url text primary key)
"""


class SetMode(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What misbehaves from now on, and how."""

    part: Literal["calls", "cards"]
    mode: str


class Chaos:
    """One server's misbehaviour, and what it counted."""

    def __init__(self, office: Office) -> None:
        self._office = office
        # Of this process and never on the disk: counting must not be what is slow here.
        office.store.execute(
            "create temp table if not exists seen (kind text, what text, times integer, primary key (kind, what))"
        )

    async def call(self, request: web.Request) -> web.StreamResponse:
        """Whatever the mode of calls says."""
        return await self._misbehave("calls", request, self._answer_call)

    async def cards(self, request: web.Request) -> web.StreamResponse:
        """Whatever the mode of cards says."""
        return await self._misbehave("cards", request, self._answer_cards)

    async def show_modes(self, _request: web.Request) -> web.Response:
        """The modes, how often it was asked in each, and how its replays were answered."""
        return answer({"modes": self._modes(), "asked": self._counts("asked"), "replays": self._counts("replay")})

    async def set_mode(self, request: web.Request) -> web.Response:
        """From the next request on."""
        wish = await read_body(request, SetMode)
        choose(self._office, wish.part, wish.mode)
        return answer({"modes": self._modes()})

    async def _misbehave(self, part: str, request: web.Request, good: Any) -> web.StreamResponse:
        mode = self._modes()[part]
        self._count("asked", f"{part}:{mode}")
        if mode == "replaying":
            await self._replay(request)
        return await MODES[mode](request, self._office, good)

    async def _answer_call(self, _request: web.Request) -> web.Response:
        return answer({"calls": sum(self._counts("asked").values())})

    async def _answer_cards(self, request: web.Request) -> web.Response:
        asked = await widgets_asked(request)
        title = ("一切如常", "All is well")
        return answer({"cards": [card(self._office.app_id, "news", title, "/calls")] if "news" in asked else []})

    async def _replay(self, request: web.Request) -> None:
        """The city's own request, once more: to others, under their name and under ours, and as a bearer token."""
        victims = [row["url"] for row in self._office.store.execute("select url from victim order by url")]
        timeout = aiohttp.ClientTimeout(total=VICTIM_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            for victim in victims:
                await asyncio.gather(*(self._try(session, victim, headers, request) for headers in _disguises(request)))

    async def _try(
        self, session: aiohttp.ClientSession, victim: str, headers: dict[str, str], request: web.Request
    ) -> None:
        url = URL(victim.rstrip("/") + request.raw_path, encoded=True) if URL(victim).path == "/" else URL(victim)
        try:
            async with session.request(request.method, url, headers=headers, allow_redirects=False) as said:
                self._count("replay", str(said.status))
        except (aiohttp.ClientError, TimeoutError):
            self._count("replay", "no answer")

    def _count(self, kind: str, what: str) -> None:
        self._office.store.execute(
            "insert into seen values (?, ?, 1) on conflict do update set times = times + 1", (kind, what)
        )

    def _counts(self, kind: str) -> dict[str, int]:
        return dict(self._office.store.execute("select what, times from seen where kind = ? order by what", (kind,)))

    def _modes(self) -> dict[str, str]:
        chosen = {row["part"]: row["mode"] for row in self._office.store.execute("select part, mode from mode")}
        return {"calls": "good", "cards": "hang"} | chosen


def choose(office: Office, part: str, mode: str) -> None:
    """Keeps what misbehaves how; raises `Refusal`."""
    if mode not in MODES:
        raise Refusal(400, "mode-unknown", "没有这种方式", f"One of: {', '.join(MODES)}.")
    office.store.execute("insert into mode values (?, ?) on conflict (part) do update set mode = ?", (part, mode, mode))


def _disguises(request: web.Request) -> list[dict[str, str]]:
    sent = {name: value for name, value in request.headers.items() if name.lower() not in HOPS}
    token = request.headers.get("ssb-assertion", "")
    return [
        sent,
        sent | {"Host": request.headers["host"]},
        {"SSB-Assertion": token},
        {"Authorization": f"Bearer {token}"},
    ]


def _prepare(office: Office, chosen: dict[str, Any]) -> None:
    if os.environ.get("SUISHEN_ENVIRONMENT") == "production":
        raise click.ClickException("This department is made to do harm; production refuses it.")
    os.nice(BEHIND_OTHERS)  # the harm is in what it sends, not in what it takes from a machine that it shares
    for part in ("calls", "cards"):
        if chosen[part] is not None:
            choose(office, part, chosen[part])
    for victim in chosen["victims"]:
        office.store.execute("insert into victim values (?) on conflict do nothing", (victim,))


def _routes(office: Office) -> list[web.RouteDef]:
    chaos = Chaos(office)
    return [web.get("/calls", chaos.call), web.post("/calls", chaos.call), web.get("/people", chaos.call)]


def _desk(office: Office) -> list[web.RouteDef]:
    chaos = Chaos(office)
    return [web.get("/desk/mode", chaos.show_modes), web.post("/desk/mode", chaos.set_mode)]


PROGRAM = Program(
    name="chaos",
    tables=(TABLES,),
    routes=_routes,
    cards=lambda office: Chaos(office).cards,
    desk=_desk,
    options=(
        click.Option(["--calls"], type=click.Choice(list(MODES)), help="How calls misbehave."),
        click.Option(["--cards"], type=click.Choice(list(MODES)), help="How cards misbehave."),
        click.Option(["--victim", "victims"], multiple=True, help="Whom it replays its requests to."),
    ),
    prepare=_prepare,
)

if __name__ == "__main__":
    PROGRAM.command()()
