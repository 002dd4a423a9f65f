"""`suishen miniapp sandbox`: click through one's own server as citizens who do not exist, with no account.

`/as/citizen-a/loans` is `GET /loans` of the department, signed and masked as by the gateway. Refuses what the manifest
does not declare, and everybody but this machine's own browser: it listens on loopback.
"""

import asyncio
import time
from pathlib import Path

import click
import msgspec
from aiohttp import web

from miniapps.cli.local_city import Place, place_of, published
from miniapps.cli.trying import backend_of, read_manifest
from miniapps.conformance.direct import DirectNetwork
from miniapps.conformance.ports import Network, Unanswered
from miniapps.conformance.trial import place_of as backend_place
from miniapps.manifest import Manifest
from miniapps.manifest.masking import NotMaskable
from miniapps.sandbox.calls import masked_body, prepare_call, signer_for
from miniapps.sandbox.citizens import CITIZENS
from miniapps.sandbox.models import CallInSandbox, find_route
from miniapps.sandbox.signing import CityKeys

BROWSER_HEADERS = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox"}


@click.command()
@click.argument("manifest", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--backend", help="Your server's base URL; by default base_url.sandbox, or a live one on this machine.")
@click.option("--listen", default="127.0.0.1:9300", show_default=True, help="Where to listen; loopback only.")
def sandbox(manifest: Path, backend: str | None, listen: str) -> None:
    """Serves a sandbox for MANIFEST until it is stopped: open it in a browser, call your server as somebody.

    Start your server with this address as its issuer (http://127.0.0.1:9300).
    """
    declared, place = read_manifest(manifest.read_bytes()), place_of(listen, None)
    if place.host not in {"127.0.0.1", "localhost", "::1", "[::1]"}:
        raise click.BadParameter("Only on loopback: whoever reaches it is whoever they like.", param_hint="--listen")
    url = backend_of(declared, backend)
    click.echo(f"{place.issuer}/ → {url}", err=True)
    asyncio.run(_serve(declared, url, place))


async def _serve(manifest: Manifest, url: str, place: Place) -> None:
    async with DirectNetwork() as network:
        desk = Desk(manifest, url, place, network)
        async with published(desk.keys, place, desk.routes()):
            await asyncio.Event().wait()


class Desk:
    """The sandbox's pages, for one manifest and one server."""

    def __init__(self, manifest: Manifest, url: str, place: Place, network: Network) -> None:
        self.keys = CityKeys.fresh()
        self._host = f"{place.host}:{place.port}"
        self._issuer = place.issuer
        self._manifest = manifest
        self._place = backend_place(url)
        self._network = network
        self._signer = signer_for(manifest, self._place, issuer=place.issuer, keys=self.keys, now=time.time)

    def routes(self) -> list[web.RouteDef]:
        """What it serves beside the keys."""
        return [web.get("/", self.show), web.route("*", "/as/{citizen}/{path:.*}", self.call)]

    async def show(self, _request: web.Request) -> web.Response:
        """Every declared route as every citizen, as plain text."""
        lines = [f"{self._manifest.app_id} → {self._place.origin}{self._place.base_path}", ""]
        for route in self._manifest.routes:
            lines += [f"{route.method} /as/{citizen.name}{route.path}" for citizen in CITIZENS]
        return web.Response(text="\n".join(lines) + "\n")

    async def call(self, request: web.Request) -> web.Response:
        """The server's own answer; what is refused here says so."""
        if request.host != self._host:  # a page elsewhere that gave this machine another name
            return _refusal(421, f"Ask for {self._host}.")
        prefix, path = f"/as/{request.match_info['citizen']}", request.raw_path.partition("?")
        asked = {
            "citizen": request.match_info["citizen"],
            "method": request.method,
            "path": path[0].removeprefix(prefix),
            "query": path[1] + path[2],
            "body": (await request.read()).decode(errors="replace"),
        }
        try:
            wish = msgspec.convert(asked, CallInSandbox)
        except msgspec.ValidationError as error:
            return _refusal(400, str(error))
        route = find_route(self._manifest.routes, wish.method, wish.path)
        if route is None or route.body != "buffered":
            return _refusal(404, "The manifest declares no such route.")
        prepared = prepare_call(self._manifest, route, wish, place=self._place, signer=self._signer)
        try:
            answer = await self._network.send(prepared.outgoing)
        except Unanswered as unanswered:
            return _refusal(
                502, f"{self._place.origin}: {unanswered.trouble}. Is it started with --issuer {self._issuer}?"
            )
        try:
            masked = masked_body(self._manifest, route, answer)
        except NotMaskable as problem:
            return _refusal(502, f"answer-not-maskable: {problem}")
        headers = BROWSER_HEADERS | {"Content-Type": answer.header("content-type") or "application/octet-stream"}
        return web.Response(status=answer.status, body=answer.body if masked is None else masked, headers=headers)


def _refusal(status: int, reason: str) -> web.Response:
    return web.json_response({"status": status, "title": reason}, status=status)
