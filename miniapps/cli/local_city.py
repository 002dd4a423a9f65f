"""A city of one's own, on one's own machine: publishes fresh keys where a department looks for them.

For `test` and `sandbox`. What it signs, no live department believes.
"""

import contextlib
import json
import os
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

import click
from aiohttp import web

from miniapps.sandbox.signing import CityKeys, Signer

WELL_KNOWN = "/.well-known/ssb-jwks"


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the city listens, and by which name a department knows it."""

    host: str
    port: int
    issuer: str


def place_of(listen: str, issuer: str | None) -> Place:
    """Where it listens; raises `click.BadParameter`."""
    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal():
        raise click.BadParameter("HOST:PORT, for instance 127.0.0.1:9300", param_hint="--listen")
    return Place(host=host, port=int(port), issuer=(issuer or f"http://{listen}").rstrip("/"))


@contextlib.asynccontextmanager
async def published(keys: CityKeys, place: Place, routes: Iterable[web.RouteDef] = ()) -> AsyncIterator[None]:
    """The city's keys, and whatever else it serves, for as long as the block lasts; raises `click.UsageError`."""
    signer = Signer(issuer=place.issuer, app_id="", authority="", zone="", keys=keys, now=lambda: 0)
    jwks = json.dumps(signer.city().jwks())

    async def show_keys(_request: web.Request) -> web.Response:
        return web.Response(text=jwks, content_type="application/json")

    app = web.Application()
    app.add_routes([web.get(urlsplit(place.issuer).path + WELL_KNOWN, show_keys), *routes])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await _listen(runner, place)
        yield
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, place: Place) -> None:
    try:
        await web.TCPSite(runner, place.host, place.port).start()
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise click.UsageError(
            f"Cannot listen on {place.host}:{place.port} ({reason}): choose with --listen."
        ) from None
