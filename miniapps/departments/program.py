"""What every reference department is made of: a command line, a store, a key, a manifest, and doors that verify.

Nothing of the city's backend is imported here but the SDK, as a department would install it.
"""

import asyncio
import contextlib
import json
import re
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

import click
from aiohttp import web
from aiohttp.typedefs import Handler

from miniapps.departments.answers import Refusal, answer, problem
from miniapps.departments.desks import PREFIX, Desks, desk_door
from miniapps.departments.receipts import Receipts
from miniapps.sdk import Verifier
from miniapps.sdk.aiohttp_web import CITIZEN, verified

LARGEST_BODY = 1024 * 1024
OF_THE_CITY = "/.ssb/"
CARDS = "/.ssb/cards"
HEALTH = "/health"
CHORE_SECONDS = 1.0


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class Office:
    """What a department's handlers work with. `now` is the one clock of all its rules."""

    app_id: str
    store: sqlite3.Connection
    receipts: Receipts
    desks: Desks
    data: Path
    now: Callable[[], datetime] = _now

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction that nobody else's write comes between; rolled back by an exception."""
        self.store.execute("begin immediate")
        try:
            yield self.store
        except BaseException:
            self.store.execute("rollback")
            raise
        self.store.execute("commit")


def _nothing(_office: Office) -> None:
    """A department without chores."""


def _as_it_is(_office: Office, _chosen: dict[str, Any]) -> None:
    """A department without options of its own."""


def _no_routes(_office: Office) -> list[web.RouteDef]:
    return []


@dataclass(frozen=True, kw_only=True)
class Program:
    """One department. Its manifest lies beside this module.

    `tables` are scripts, each run once in the life of a store, in order. `routes` are the citizens', `desk` those of
    its own staff (below `/desk/`), `errands` those of the city itself (below `/.ssb/`, besides cards), `pages` those
    of everybody, below the prefix that the manifest names. `chores` is done every second. `prepare` gets what was
    chosen of `options`, before the server listens.
    """

    name: str
    tables: tuple[str, ...]
    routes: Callable[[Office], list[web.RouteDef]]
    cards: Callable[[Office], Any]
    desk: Callable[[Office], list[web.RouteDef]] = _no_routes
    errands: Callable[[Office], list[web.RouteDef]] = _no_routes
    pages: Callable[[Office], list[web.RouteDef]] = _no_routes
    chores: Callable[[Office], None] = _nothing
    options: tuple[click.Option, ...] = ()
    prepare: Callable[[Office, dict[str, Any]], None] = _as_it_is

    @property
    def app_id(self) -> str:
        """The id under which it is registered."""
        return str(self._document()["app_id"])

    def manifest(
        self,
        base_url: str,
        *,
        org_code: str | None = None,
        org_name: str | None = None,
        receipts: Receipts | None = None,
    ) -> dict[str, Any]:
        """The manifest as it is handed in: with this address, this owner, and the key that signs receipts."""
        document = self._document()
        document["backend"]["base_url"] = {"live": base_url}
        document["owner"] |= {
            name: value for name, value in (("org_code", org_code), ("org_name", org_name)) if value is not None
        }
        if receipts is not None:
            document["backend"]["keys"] = [receipts.public_key()]
        return document

    def application(self, office: Office, verifier: Verifier) -> web.Application:
        """The department's server. What neither the gateway nor a desk sent is answered with 401."""
        errands = [*self.errands(office), *self.pages(office)]
        of_the_city = (CARDS, *(route.path for route in errands))
        app = web.Application(
            middlewares=[_with_problems, desk_door(office.desks), _citizens_door(verifier, of_the_city)],
            client_max_size=LARGEST_BODY,
        )
        app.add_routes([web.get(HEALTH, _health), web.post(CARDS, self.cards(office)), *self.routes(office)])
        app.add_routes([*self.desk(office), *errands])
        app.cleanup_ctx.append(self._done_every_second(office))
        return app

    def open_office(self, data: Path, *, now: Callable[[], datetime] = _now) -> Office:
        """The department's own folder: a store and a key, made at the first start."""
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        store = sqlite3.connect(data / f"{self.name}.sqlite", isolation_level=None)
        store.row_factory = sqlite3.Row
        store.execute("pragma journal_mode = wal")
        _bring_up_to_date(store, self.tables)
        return Office(
            app_id=self.app_id,
            store=store,
            receipts=Receipts.open(data / f"{self.name}.key", self.app_id),
            desks=Desks(data, self.app_id),
            data=data,
            now=now,
        )

    def command(self) -> click.Command:
        """The department's command line."""

        @click.command(name=self.name, help=f"The reference department `{self.name}`, as a server of its own.")
        @click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
        @click.option("--port", type=click.IntRange(1, 65535), required=True, help="Where to listen.")
        @click.option("--issuer", required=True, help="The city's public origin: its keys are read there.")
        @click.option("--data", type=click.Path(path_type=Path, file_okay=False), required=True, help="Its own folder.")
        @click.option("--desk", "desks", multiple=True, metavar="NAME@OFFICE", help="A desk that may ask; made once.")
        @click.option("--org-code", help="Credit code of the owner, for the manifest.")
        @click.option("--org-name", help="Name of the owner, for the manifest.")
        @click.option("--manifest", "only_manifest", is_flag=True, help="Print the manifest to register, and stop.")
        def main(  # noqa: PLR0917 - one argument for each option
            host: str,
            port: int,
            issuer: str,
            data: Path,
            desks: tuple[str, ...],
            org_code: str | None,
            org_name: str | None,
            only_manifest: bool,
            **chosen: Any,
        ) -> None:
            office = self.open_office(data)
            self.prepare(office, chosen)
            for named in desks:
                enrol(office, named)
            if only_manifest:
                document = self.manifest(
                    f"http://{host}:{port}", org_code=org_code, org_name=org_name, receipts=office.receipts
                )
                click.echo(json.dumps(document, ensure_ascii=False, indent=2))
                return
            serve(self.application(office, Verifier(app_id=self.app_id, issuer=issuer)), host, port)

        main.params += self.options
        return main

    def _document(self) -> dict[str, Any]:
        text = resources.files("miniapps.departments").joinpath(f"{self.name}.json").read_text()
        document: dict[str, Any] = json.loads(text)
        return document

    def _done_every_second(self, office: Office) -> Callable[[web.Application], AsyncIterator[None]]:
        async def doing(_app: web.Application) -> AsyncIterator[None]:
            task = asyncio.create_task(_do_chores(self.chores, office))
            yield
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

        return doing


def enrol(office: Office, named: str) -> Path:
    """Makes the desk `NAME@OFFICE` where it is not known; raises `click.BadParameter`."""
    found = re.fullmatch(r"([a-z0-9][a-z0-9-]{0,31})@([a-z0-9][a-z0-9-]{0,31})", named)
    if found is None:
        raise click.BadParameter("A desk is NAME@OFFICE, of small letters, digits and hyphens.")
    return office.desks.enrol(found[1], found[2])


def serve(app: web.Application, host: str, port: int) -> None:
    """Until it is told to stop."""
    web.run_app(app, host=host, port=port, print=None, access_log=None, shutdown_timeout=1)


def _bring_up_to_date(store: sqlite3.Connection, scripts: tuple[str, ...]) -> None:
    (seen,) = store.execute("pragma user_version").fetchone()
    for number, script in enumerate(scripts[seen:], start=seen + 1):
        store.executescript(f"begin immediate; {script}; pragma user_version = {number}; commit;")


def _citizens_door(verifier: Verifier, of_the_city: tuple[str, ...]) -> Any:
    """Believes the gateway only, with a citizen everywhere but below `/.ssb/`; desks have a door of their own."""
    believes = verified(verifier, open_paths=(HEALTH,), anonymous_paths=of_the_city)

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith(PREFIX):
            return await handler(request)
        return await believes(request, handler)

    return middleware


def in_the_citys_own_name(request: web.Request) -> None:
    """Raises `Refusal` when the gateway speaks for a citizen here: this errand is the city's own."""
    if request.get(CITIZEN) is not None:
        raise Refusal(403, "city-only", "只接受平台自身的请求", "Only the city itself asks here.")


async def _do_chores(chores: Callable[[Office], None], office: Office) -> None:
    while True:
        chores(office)
        await asyncio.sleep(CHORE_SECONDS)


@web.middleware
async def _with_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answers what is refused, by a rule or by the framework (no such path, method, size), as a problem document."""
    try:
        return await handler(request)
    except Refusal as no:
        return problem(no.status, no.slug, no.zh, no.en)
    except web.HTTPClientError as error:
        return problem(error.status, "refused", error.reason, error.reason)


async def _health(_request: web.Request) -> web.Response:
    return answer({"status": "ok"})
