"""`suishen miniapp test`: a city of its own for one run, which calls a department as the gateway would, and as nobody
should. Needs no account and no server of ours; whatever it signs, no live department believes.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import click

from miniapps.cli.local_city import Place, place_of, published
from miniapps.conformance.direct import DirectNetwork
from miniapps.conformance.models import ConformanceReport
from miniapps.conformance.rendering import RENDERERS, as_json, as_text
from miniapps.conformance.running import BackendSilent, examine
from miniapps.manifest import (
    Manifest,
    ManifestUnreadable,
    address_problem,
    canonical_bytes,
    host_of,
    manifest_hash,
    parse_manifest,
)
from miniapps.manifest.addresses import is_loopback
from miniapps.sandbox.signing import CityKeys

FAILED, NOT_RUN = 1, 2
STANDARD_ERROR = 2  # standard output is the report's
READY_SECONDS = 20.0
LEAVE_SECONDS = 5.0
LOOK_EVERY_SECONDS = 0.05


@click.command()
@click.argument("manifest", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@click.option("--backend", help="Your server's base URL; by default base_url.sandbox, or a live one on this machine.")
@click.option("--listen", default="127.0.0.1:9300", show_default=True, help="Where this run's city publishes its keys.")
@click.option("--issuer", help="The same, as your server reaches it; by default http:// and --listen.")
@click.option(
    "--report",
    "reports",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write it to a file too: .json (to hand in), .html, .md or .txt. May be repeated.",
)
@click.option("--json", "in_json", is_flag=True, help="Print the report as JSON.")
def test(  # noqa: PLR0917 - one argument for each option
    manifest: Path,
    command: tuple[str, ...],
    backend: str | None,
    listen: str,
    issuer: str | None,
    reports: tuple[Path, ...],
    *,
    in_json: bool,
) -> None:
    """Tries the backend of MANIFEST as the gateway would call it, and as nobody should.

    Start your server with the issuer of this run (http://127.0.0.1:9300), or let this run start and stop it: what
    follows "--" is your server's COMMAND, in which {issuer} and {port} are filled in.

    \b
    suishen miniapp test manifest.json -- python department.py --port {port} --issuer {issuer}

    Exits with 0 when every case holds, 1 when one does not, 2 when nothing could be tried.
    """  # noqa: D301 - the backspace is click's mark for: do not rewrap this paragraph
    for path in reports:
        if path.suffix not in RENDERERS:
            raise click.BadParameter(f"{path}: end it with {', '.join(RENDERERS)}.", param_hint="--report")
    document = manifest.read_bytes()
    declared = read_manifest(document)
    url, place = backend_of(declared, backend), place_of(listen, issuer)
    try:
        report = asyncio.run(_try(document, url, place, command))
    except (BackendSilent, OSError, TimeoutError) as error:
        click.echo(f"没有应答 nothing answers at {url}: {str(error) or type(error).__name__}", err=True)
        if not command:
            click.echo(f"Start your server there with issuer {place.issuer}, or give its command after --.", err=True)
        sys.exit(NOT_RUN)
    for path in reports:
        path.write_text(RENDERERS[path.suffix](report), encoding="utf-8")
    click.echo(as_json(report) if in_json else as_text(report), nl=False)
    sys.exit(0 if report.outcome == "passed" else FAILED)


def read_manifest(document: bytes) -> Manifest:
    """A manifest with a backend; ends the program with a clear word otherwise."""
    try:
        manifest = parse_manifest(document)
    except ManifestUnreadable as error:
        click.echo(f"无法读取 unreadable: {error.reason}", err=True)
        sys.exit(NOT_RUN)
    if manifest.backend is None:
        raise click.UsageError("A directory entry has no backend to try.")
    return manifest


def backend_of(manifest: Manifest, chosen: str | None) -> str:
    """Which server is meant: never a live one elsewhere."""
    assert manifest.backend is not None
    base = manifest.backend.base_url
    local = base.live if address_problem(base.live) is None and is_loopback(host_of(base.live)) else None
    url = chosen or base.sandbox or local
    if url is None:
        raise click.UsageError("Name your test server: --backend URL, or base_url.sandbox in the manifest.")
    problem = address_problem(url)
    if problem is not None:
        raise click.BadParameter(f"{url}: {problem}", param_hint="--backend")
    return url


async def _try(document: bytes, url: str, place: Place, command: tuple[str, ...]) -> ConformanceReport:
    keys = CityKeys.fresh()
    async with (
        published(keys, place),
        _running(command, url, place.issuer),
        DirectNetwork() as network,
    ):
        return await examine(
            canonical_bytes(document),
            manifest_hash=manifest_hash(document),
            backend=url,
            issuer=place.issuer,
            keys=keys,
            network=network,
            environment="local",
            now=lambda: datetime.now(UTC),
        )


@contextlib.asynccontextmanager
async def _running(command: tuple[str, ...], url: str, issuer: str) -> AsyncIterator[None]:
    """The department's own server, for as long as the run lasts; nothing without a command."""
    if not command:
        yield
        return
    if await _answers(url):  # it would be tried in place of what the command starts, and trust another city
        raise click.UsageError(f"{url} is taken already: stop what answers there, or leave your command out to try it.")
    port = str(urlsplit(url).port or "")
    filled = [part.replace("{issuer}", issuer).replace("{port}", port) for part in command]
    # A group of its own: what the command starts ends with it.
    process = await asyncio.create_subprocess_exec(*filled, start_new_session=True, stdout=STANDARD_ERROR)
    try:
        await _listening(url, process)
        yield
    finally:
        await _end(process)


async def _listening(url: str, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(READY_SECONDS):
        while process.returncode is None:
            if await _answers(url):
                return
            await asyncio.sleep(LOOK_EVERY_SECONDS)
    raise OSError(f"your command ended with {process.returncode}")


async def _answers(url: str) -> bool:
    with contextlib.suppress(aiohttp.ClientError):
        async with aiohttp.ClientSession() as session, session.get(url, allow_redirects=False):
            return True
    return False


async def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        async with asyncio.timeout(LEAVE_SECONDS):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
