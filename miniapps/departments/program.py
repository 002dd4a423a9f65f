"""What every reference department is made of: a command line, a store, a key, a manifest, and a door that verifies.

Nothing of the city's backend is imported here but the SDK, as a department would install it.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import click
from aiohttp import web
from aiohttp.typedefs import Handler

from miniapps.departments.receipts import Receipts
from miniapps.sdk import Verifier
from miniapps.sdk.aiohttp_web import CITIZEN, verified

LARGEST_BODY = 1024 * 1024
CARDS = "/.ssb/cards"
HEALTH = "/health"


@dataclass(frozen=True, kw_only=True)
class Office:
    """What a department's handlers work with."""

    app_id: str
    store: sqlite3.Connection
    receipts: Receipts


@dataclass(frozen=True, kw_only=True)
class Program:
    """One department: its tables, its routes, and the name of its manifest beside this module."""

    name: str
    tables: str
    routes: Callable[[Office], list[web.RouteDef]]
    cards: Callable[[Office], Any]

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
        """The department's server. Whatever the gateway did not send is answered with 401."""
        app = web.Application(
            middlewares=[
                _with_problems,
                verified(verifier, open_paths=(HEALTH,), anonymous_paths=(CARDS,)),
            ],
            client_max_size=LARGEST_BODY,
        )
        app.add_routes([web.get(HEALTH, _health), web.post(CARDS, self.cards(office)), *self.routes(office)])
        return app

    def open_office(self, data: Path) -> Office:
        """The department's own folder: a store and a key, made at the first start."""
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        store = sqlite3.connect(data / f"{self.name}.sqlite", isolation_level=None)
        store.row_factory = sqlite3.Row
        store.execute("pragma journal_mode = wal")
        store.executescript(self.tables)
        return Office(app_id=self.app_id, store=store, receipts=Receipts.open(data / f"{self.name}.key", self.app_id))

    def command(self) -> click.Command:
        """The department's command line."""

        @click.command(name=self.name, help=f"The reference department `{self.name}`, as a server of its own.")
        @click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
        @click.option("--port", type=click.IntRange(1, 65535), required=True, help="Where to listen.")
        @click.option("--issuer", required=True, help="The city's public origin: its keys are read there.")
        @click.option("--data", type=click.Path(path_type=Path, file_okay=False), required=True, help="Its own folder.")
        @click.option("--org-code", help="Credit code of the owner, for the manifest.")
        @click.option("--org-name", help="Name of the owner, for the manifest.")
        @click.option("--manifest", "only_manifest", is_flag=True, help="Print the manifest to register, and stop.")
        def main(  # noqa: PLR0917 - one argument for each option
            host: str,
            port: int,
            issuer: str,
            data: Path,
            org_code: str | None,
            org_name: str | None,
            only_manifest: bool,
        ) -> None:
            office = self.open_office(data)
            if only_manifest:
                document = self.manifest(
                    f"http://{host}:{port}", org_code=org_code, org_name=org_name, receipts=office.receipts
                )
                click.echo(json.dumps(document, ensure_ascii=False, indent=2))
                return
            verifier = Verifier(app_id=self.app_id, issuer=issuer)
            app = self.application(office, verifier)
            web.run_app(app, host=host, port=port, print=None, access_log=None, shutdown_timeout=1)

        return main

    def _document(self) -> dict[str, Any]:
        text = resources.files("miniapps.departments").joinpath(f"{self.name}.json").read_text()
        document: dict[str, Any] = json.loads(text)
        return document


def openid_of(request: web.Request) -> str:
    """The citizen's name at this department; the middleware has verified it."""
    return request[CITIZEN].openid


def refusal(status: int, zh: str, en: str) -> web.Response:
    """A problem document (RFC 9457) of the department's own."""
    return web.json_response(
        {"type": "about:blank", "status": status, "title": zh, "detail": en},
        status=status,
        content_type="application/problem+json",
    )


def card(
    office: Office, widget: str, title: tuple[str, str], path: str, *, lines: Iterable[tuple[str, str, str]] = ()
) -> dict[str, Any]:
    """A card: a title, a few lines (label in both languages, value), and where it leads inside this mini-app."""
    return {
        "widget": widget,
        "title": {"zh": title[0], "en": title[1]},
        "lines": [{"label": {"zh": zh, "en": en}, "value": value} for zh, en, value in lines],
        "action": f"ssb://miniapp/{office.app_id}{path}",
    }


async def widgets_asked(request: web.Request) -> set[str]:
    """Which cards the city asks for; none when it does not say so readably."""
    try:
        asked = json.loads(await request.read()).get("widgets", [])
    except (ValueError, AttributeError):
        return set()
    return {name for name in asked if isinstance(name, str)} if isinstance(asked, list) else set()


@web.middleware
async def _with_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answers what the framework refuses (no such path, method, size) as a problem document, too."""
    try:
        return await handler(request)
    except web.HTTPClientError as error:
        return refusal(error.status, error.reason, error.reason)


async def _health(_request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})
