"""Looking after a city at its machine, beside a running server or alone: its keys, its staff, its log."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import timedelta

import click

from app.boot import ground
from app.commands.telling import tell
from app.kit.database import Connection
from app.kit.floor import Floor
from app.kit.keyring import ANY_PROFILE, PROFILE_ED25519, PROFILE_ES256, PURPOSES
from app.kit.sealer import CHECKPOINTS, Sealer
from app.main import House, build_floor, build_house
from app.settings import Settings, read_settings
from app.staffing import appoint, close_staff_account
from auth.officials.models import ROLES, Role

PROFILE_NAMES = {PROFILE_ES256: "es256", PROFILE_ED25519: "ed25519"}


@click.group()
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

    with_floor(show)


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

    with_settings(act)


@click.group()
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

    with_settings(make)


@staff.command("close")
@click.argument("username")
def close_account(*, username: str) -> None:
    """Close the account USERNAME, an operator's too, and end its sessions. A running server hears of it at once."""

    async def close(floor: Floor, chosen: Settings) -> None:
        house = build_house(chosen, database=floor.database)
        async with floor.database.transaction() as connection:
            ended = await close_staff_account(connection, house.packages.auth, username=username)
        tell(f"Closed: {username}. Sessions ended: {ended}.")

    with_settings(close)


@click.group()
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

    with_settings(check)


@audit.command()
def adopt() -> None:
    """Let the log of a restored database go on here: verifies it, then counts its transactions as this cluster's."""

    async def take_over(floor: Floor, chosen: Settings) -> None:
        sealer = Sealer(floor.database, floor.keyring, floor.clock, chosen.data_directory / CHECKPOINTS)
        click.echo(f"Adopted {await sealer.adopt()} sealed entries.")

    with_settings(take_over)


def with_floor(act: Callable[[Floor], Awaitable[None]]) -> None:
    with_settings(lambda floor, _settings: act(floor))


def with_settings(act: Callable[[Floor, Settings], Awaitable[None]]) -> None:
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
