"""`suishen`: run the product, look after its keys and its log, verify a code with nothing but two files.

Every command explains itself with --help. Mistakes are told in a line or two, without a trace, and exit with 2.
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TextIO

import click
import httpx
import msgspec

from app.boot import DatabaseUnreachable, ground, with_data_directory
from app.kit.audit import AuditBroken
from app.kit.clock import SystemClock
from app.kit.database import Connection
from app.kit.embedded_postgres import EmbeddedPostgres
from app.kit.errors import SuishenError
from app.kit.floor import Floor
from app.kit.keyring import (
    ANY_PROFILE,
    PROFILE_ED25519,
    PROFILE_ES256,
    PURPOSES,
    KeyNotAnnounced,
    KeyUnknown,
    ProfileNotForPurpose,
)
from app.kit.migrate import MigrationError
from app.kit.postgres_binaries import EmbeddedPostgresError
from app.kit.sealer import Sealer
from app.kit.vault import VaultError
from app.main import CHECKPOINTS, House, build_floor, build_house
from app.serve import ServeError
from app.settings import Settings, SettingsInvalid, describe, read_settings
from app.staffing import appoint, close_staff_account
from auth.officials.models import ROLES, Role
from codes.offline_files import LIST_FILE, ROOT_FILE, RootUnreadable, export_changes, export_files, verify_folder
from codes.pictures import read_picture
from codes.scenarios.cli import scenarios
from codes.scenarios.editions import read_in_force
from codes.scenarios.usage import list_uses
from miniapps.cli import miniapp
from miniapps.scorecards.rendering import as_csv, as_table

EXPECTED = (
    SettingsInvalid,
    EmbeddedPostgresError,
    MigrationError,
    AuditBroken,
    ServeError,
    RootUnreadable,
    DatabaseUnreachable,
    KeyNotAnnounced,
    KeyUnknown,
    ProfileNotForPurpose,
    VaultError,
)
PROFILE_NAMES = {PROFILE_ES256: "es256", PROFILE_ED25519: "ed25519"}


def tell(line: str) -> None:
    """Progress, on standard error, so that standard output stays what was asked for."""
    click.echo(line, err=True)


@contextlib.contextmanager
def clear_mistakes() -> Iterator[None]:
    """Turns what an operator can mend into a clear line instead of a trace."""
    try:
        yield
    except EXPECTED as error:
        for line in str(error).splitlines():
            tell(f"suishen: {line}")
        sys.exit(2)
    except SuishenError as refusal:
        tell(f"suishen: {refusal.title.en}. {(refusal.detail or refusal.remedy).en}")
        sys.exit(2)


def main() -> None:
    """The entry point of the `suishen` program."""
    with clear_mistakes():
        suishen()


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def suishen() -> None:
    """The backend of a city's super-app.

    \b
    Start with:   suishen serve --demo-city
    Then look at: http://127.0.0.1:8000
    Settings come from the environment; list them with: suishen settings
    """  # noqa: D301 - the backspace is click's mark for: do not rewrap this paragraph


@suishen.command()
@click.option("--demo-city", is_flag=True, help="Also start stand-in registries and three departments, and fill them.")
def serve(*, demo_city: bool) -> None:
    """Start the product: database (embedded, unless DATABASE_URL is set), migrations, workers."""
    from app.demo.serving import serve_house  # noqa: PLC0415 - the other commands start without the demo city

    serve_house(read_settings(os.environ), demo_city=demo_city, tell=tell)


@suishen.command()
@click.option("--pictures", type=click.Path(path_type=Path), default=Path("demo-output"), show_default=True)
@click.option("--workers", type=click.IntRange(1, 16), default=2, show_default=True)
def demo(*, pictures: Path, workers: int) -> None:
    """Play the main journey against a server of its own. Exits 0 only if every step held."""
    from app.demo.journey import play  # noqa: PLC0415 - as above

    sys.exit(play(read_settings(os.environ), pictures=pictures, workers=workers, tell=tell))


@suishen.command()
def settings() -> None:
    """Explain every setting of the environment, and check the ones that are set."""
    click.echo(describe())
    read_settings(os.environ)


@suishen.command()
def migrate() -> None:
    """Bring the database to the present schema, then stop."""
    with ground(read_settings(os.environ), tell=tell):
        tell("The database has the present schema.")


@suishen.command()
def forget() -> None:
    """Delete the embedded database and everything development made. Refuses while a server runs."""
    chosen = with_data_directory(read_settings(os.environ))
    if chosen.production or chosen.database_url:
        raise click.UsageError("Only what development made is forgotten: not in production, not with DATABASE_URL set.")
    for directory in (chosen.data_directory, chosen.data_directory / "demo"):
        EmbeddedPostgres(directory / "postgres").forget()
        for name in ("development-master-key", CHECKPOINTS, "demo-city.json"):
            (directory / name).unlink(missing_ok=True)
    tell(f"Forgotten: {chosen.data_directory}")


@suishen.command("pull-lists")
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@click.option("--origin", default="http://127.0.0.1:8000", show_default=True, help="The city's public origin.")
def pull_lists(directory: Path, origin: str) -> None:
    """Save into DIRECTORY what an offline verifier needs: root keys (once), trust list, status lists."""
    export_files(_fetching(origin), directory)
    tell(f"Pulled into {directory}.")


@suishen.command("pull-changes")
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--origin", default="http://127.0.0.1:8000", show_default=True, help="The city's public origin.")
def pull_changes(directory: Path, origin: str) -> None:
    """Save into DIRECTORY what changed since pull-lists: small, for every half minute between whole lists."""
    export_changes(_fetching(origin), directory, SystemClock().now())
    tell(f"Pulled what changed into {directory}.")


def _fetching(origin: str) -> Callable[[str], bytes]:
    def fetch(path: str) -> bytes:
        answer = httpx.get(origin + path, timeout=10)
        if answer.is_error:
            raise click.ClickException(f"{path}: {answer.status_code} {answer.text[:200]}")
        return answer.content

    return fetch


@suishen.command("verify-offline")
@click.argument("code", required=False)
@click.option("--picture", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Read a picture instead.")
@click.option("--lists", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--scenario", type=int, required=True, help="The situation, by number: see GET /v1/scenarios.")
@click.option("--holder-checked", is_flag=True, help="You compared the holder with a document, as paper codes need.")
def verify_offline(code: str | None, picture: Path | None, lists: Path, scenario: int, *, holder_checked: bool) -> None:
    """Verify CODE with no server and no database, by the lists that pull-lists saved.

    Prints the verdict as JSON, with the age of every list. Exits 0 on ACCEPT, 1 on anything else.
    """
    if picture is not None:
        code = read_picture(picture) if code is None else None
    if code is None:
        raise click.UsageError("Give either a CODE or a --picture.")
    if not (lists / ROOT_FILE).exists() or not (lists / LIST_FILE).exists():
        raise click.UsageError(f"No lists in {lists}: run suishen pull-lists {lists} first.")
    result = verify_folder(code, lists, scenario=scenario, now=SystemClock().now(), holder_checked=holder_checked)
    click.echo(msgspec.json.format(msgspec.json.encode(result)).decode())
    sys.exit(0 if result.verdict == "ACCEPT" else 1)


@suishen.group()
def keys() -> None:
    """Signing keys of the city: each purpose has a next, an active, and retired ones."""


@keys.command("list")
def list_keys() -> None:
    """Show every key that still signs or verifies (never its private half)."""

    async def show(floor: Floor) -> None:
        for purpose in PURPOSES:
            for key in floor.keyring.all(purpose):
                until = key.not_after.isoformat() if key.not_after else "-"
                algorithm, since = PROFILE_NAMES[key.profile], key.not_before.isoformat()
                click.echo(f"{key.kid}  {purpose:<16} {algorithm:<8} {key.state:<8} since {since}  until {until}")

    _with_floor(show)


@keys.command()
@click.argument("purpose", type=click.Choice(PURPOSES))
@click.option("--force", is_flag=True, help="Although some who check have not read the next key yet.")
@click.option(
    "--exchange-within",
    type=click.IntRange(0, 24 * 60),
    metavar="MINUTES",
    help="For grant: ask phones to exchange what the old key signed, each at a random time of its own.",
)
def rotate(*, purpose: str, force: bool, exchange_within: int | None) -> None:
    """Retire the active key of PURPOSE, let the announced one sign, announce a new one.

    What the retired key signed stays good until it ends by itself. For a stolen key, withdraw it instead.
    """
    _require_grant(purpose, exchange_within)

    async def turn(house: House, connection: Connection) -> None:
        kid = house.floor.keyring.active(purpose).kid
        await house.floor.keyring.rotate(connection, purpose, force=force)
        await _ask_to_exchange(house, connection, kid, exchange_within, withdrawn=False)

    _change_keys(turn)
    tell(f"Rotated {purpose}.")


@keys.command()
@click.argument("purpose", type=click.Choice(sorted(ANY_PROFILE)))
@click.argument("algorithm", type=click.Choice(sorted(PROFILE_NAMES.values())))
def announce(*, purpose: str, algorithm: str) -> None:
    """Publish a next key of PURPOSE with another ALGORITHM; the next rotation changes to it.

    Wait until every verifier has read it (10 minutes at least), then: suishen keys rotate PURPOSE.
    """
    profile = next(number for number, name in PROFILE_NAMES.items() if name == algorithm)
    _change_keys(lambda house, connection: house.floor.keyring.announce(connection, purpose, profile))
    tell(f"Announced a key of {purpose} with {algorithm}.")


@keys.command()
@click.argument("purpose", type=click.Choice(PURPOSES))
@click.argument("kid")
@click.option(
    "--exchange-within",
    type=click.IntRange(0, 24 * 60),
    metavar="MINUTES",
    help="For grant: how long phones that still hold other grants may take (10 unless told).",
)
def withdraw(*, purpose: str, kid: str, exchange_within: int | None) -> None:
    """Believe nothing more that the key KID signed: it was stolen. Cannot be taken back.

    Codes under it are refused online within seconds, and at each door as soon as it has pulled the trust list.
    """
    _require_grant(purpose, exchange_within)
    within = (10 if exchange_within is None else exchange_within) if purpose == "grant" else None

    async def take_back(house: House, connection: Connection) -> None:
        await house.floor.keyring.withdraw(connection, purpose, kid)
        await _ask_to_exchange(house, connection, kid, within, withdrawn=True)

    _change_keys(take_back)
    tell(f"Withdrawn: {kid} of {purpose}.")


def _require_grant(purpose: str, exchange_within: int | None) -> None:
    if exchange_within is not None and purpose != "grant":
        raise click.UsageError("Phones exchange grants only: --exchange-within belongs to the purpose grant.")


async def _ask_to_exchange(
    house: House, connection: Connection, kid: str, minutes: int | None, *, withdrawn: bool
) -> None:
    if minutes is not None:
        spread = timedelta(minutes=minutes)
        await house.packages.codes.reissues.ask(connection, kid, spread=spread, withdrawn=withdrawn)


def _change_keys(change: Callable[[House, Connection], Awaitable[None]]) -> None:
    """Changes keys in one transaction, then publishes the trust list at once instead of at the next round."""

    async def act(floor: Floor, chosen: Settings) -> None:
        house = build_house(chosen, database=floor.database)
        async with floor.database.transaction() as connection:
            await house.floor.keyring.load(connection)
            await change(house, connection)
        async with floor.database.acquire() as connection:
            await house.floor.keyring.load(connection)
        await house.packages.codes.trust_lists.publish_when_due()

    _with_settings(act)


@suishen.group()
def staff() -> None:
    """Accounts of staff. The first one is made here; further ones by an administrator over HTTP."""


@staff.command()
@click.argument("username")
@click.option("--name", required=True, help="The person's name as colleagues know it.")
@click.option(
    "--role", "roles", multiple=True, required=True, type=click.Choice(sorted(ROLES)), help="May be repeated."
)
@click.option("--department", required=True, help="The department's name; registered when its code is new.")
@click.option("--credit-code", required=True, help="The department's 18-character credit code (GB 32100).")
def add(*, username: str, name: str, roles: tuple[Role, ...], department: str, credit_code: str) -> None:
    """Make the account USERNAME. Its password and second factor are shown this once."""

    async def make(floor: Floor, chosen: Settings) -> None:
        house = build_house(chosen, database=floor.database)
        async with floor.database.transaction() as connection:
            appointed = await appoint(
                connection,
                house.packages.auth,
                username=username,
                name=name,
                roles=list(roles),
                department=department,
                credit_code=credit_code,
            )
        click.echo(f"password: {appointed.password}\nsecond factor: {appointed.account.totp_uri}")

    _with_settings(make)


@staff.command("close")
@click.argument("username")
def close_account(*, username: str) -> None:
    """Close the account USERNAME, an operator's too, and end its sessions. A running server hears of it at once."""

    async def close(floor: Floor, chosen: Settings) -> None:
        house = build_house(chosen, database=floor.database)
        async with floor.database.transaction() as connection:
            ended = await close_staff_account(connection, house.packages.auth, username=username)
        tell(f"Closed: {username}. Sessions ended: {ended}.")

    _with_settings(close)


@suishen.group()
def audit() -> None:
    """The log of what was done."""


@audit.command()
def verify() -> None:
    """Recompute the whole chain and hold it against every checkpoint."""

    async def check(floor: Floor, chosen: Settings) -> None:
        sealer = Sealer(floor.database, floor.keyring, floor.clock, chosen.data_directory / CHECKPOINTS)
        await sealer.seal()
        links, checkpoints = await sealer.verify()
        click.echo(f"Whole: {links} sealed entries, held against {checkpoints} checkpoints.")

    _with_settings(check)


@audit.command()
def adopt() -> None:
    """Let the log of a restored database go on here: verifies it, then counts its transactions as this cluster's."""

    async def take_over(floor: Floor, chosen: Settings) -> None:
        sealer = Sealer(floor.database, floor.keyring, floor.clock, chosen.data_directory / CHECKPOINTS)
        click.echo(f"Adopted {await sealer.adopt()} sealed entries.")

    _with_settings(take_over)


suishen.add_command(miniapp)
suishen.add_command(scenarios)


@miniapp.command()
@click.option("--csv", "csv_file", type=click.File("w", encoding="utf-8"), help="Write a spreadsheet ('-': to stdout).")
def scorecards(*, csv_file: TextIO | None) -> None:
    """Hold every published mini-app of this city against its year: keep, merge or retire, with the reasons."""

    async def show(floor: Floor, chosen: Settings) -> None:
        house = build_house(chosen, database=floor.database)
        async with floor.database.acquire() as connection:
            cards = await house.packages.miniapps.stewardship.scorecards.list_scorecards(connection)
        if csv_file is None:
            click.echo(as_table(cards))
        else:
            csv_file.write(as_csv(cards))
        tell(f"{len(cards)} mini-apps.")

    _with_settings(show)


@scenarios.command("in-use")
def scenarios_in_use() -> None:
    """Show which scenarios are in use: a registered verifier, an end-to-end test, and an ACCEPT within 30 days."""

    async def show(floor: Floor, chosen: Settings) -> None:
        async with floor.database.acquire() as connection:
            catalogue = await read_in_force(connection, own_file=bool(chosen.scenarios_file))
            uses = await list_uses(connection, catalogue, floor.clock.now())
        for use in uses:
            click.echo(use.line)
        tell(f"{sum(use.in_use for use in uses)} of {len(uses)} scenarios are in use.")

    _with_settings(show)


def _with_floor(act: Callable[[Floor], Awaitable[None]]) -> None:
    _with_settings(lambda floor, _settings: act(floor))


def _with_settings(act: Callable[[Floor, Settings], Awaitable[None]]) -> None:
    """Runs `act` on an open floor with keys loaded; starts the embedded database when nobody else does."""

    async def run(complete: Settings) -> None:
        floor = build_floor(complete)
        await floor.database.open()
        try:
            async with floor.database.transaction() as connection:
                await floor.keyring.ensure(connection, PURPOSES)
            await act(floor, complete)
        finally:
            await floor.database.close()

    with ground(read_settings(os.environ), tell=tell, beside_server=True) as complete:
        asyncio.run(run(complete))


if __name__ == "__main__":
    main()
