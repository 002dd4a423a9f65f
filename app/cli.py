"""`suishen`: run the product, look after its keys and its log, verify a code with nothing but two files.

Every command explains itself with --help. Mistakes are told in a line or two, without a trace, and exit with 2.
"""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import click
import httpx
import msgspec

from app.boot import DatabaseUnreachable, ground, with_data_directory
from app.commands.telling import tell
from app.kit.audit import AuditBroken
from app.kit.clock import SystemClock
from app.kit.embedded_postgres import EmbeddedPostgres
from app.kit.errors import SuishenError
from app.kit.keyring import KeyNotAnnounced, KeyUnknown, ProfileNotForPurpose
from app.kit.migrate import MigrationError
from app.kit.postgres_binaries import EmbeddedPostgresError
from app.kit.sealer import CHECKPOINTS
from app.kit.vault import VaultError
from app.serve import ServeError
from app.settings import SettingsInvalid, describe, read_settings
from codes.offline_files import LIST_FILE, ROOT_FILE, RootUnreadable, export_changes, export_files, verify_folder
from codes.pictures import read_picture

ELSEWHERE = {
    "audit": "app.commands.administration",
    "keys": "app.commands.administration",
    "miniapp": "app.commands.services",
    "scenarios": "app.commands.scenes",
    "staff": "app.commands.administration",
}
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


class Deferred(click.Group):
    """A group that imports some of its commands when they are named: a door that verifies offline loads no city."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *ELSEWHERE})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in ELSEWHERE:
            return super().get_command(ctx, cmd_name)
        command: click.Command = getattr(import_module(ELSEWHERE[cmd_name]), cmd_name)
        return command


@click.group(cls=Deferred, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def suishen() -> None:
    """The backend of a city's super-app.

    \b
    Start with:   suishen serve --demo-city
    Then look at: http://127.0.0.1:8000
    Settings come from the environment; list them with: suishen settings
    """  # noqa: D301 - the backspace is click's mark for: do not rewrap this paragraph


@suishen.command()
@click.option("--demo-city", is_flag=True, help="Also start stand-in registries and four departments, and fill them.")
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
        try:
            answer = httpx.get(origin + path, timeout=10)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise click.ClickException(f"{origin} does not answer ({error}). Is that the city's origin?") from error
        if answer.is_error:
            raise click.ClickException(f"{path}: {answer.status_code} {answer.text[:200]}")
        return answer.content

    return fetch


def _code_in(picture: Path) -> str:
    try:
        return read_picture(picture)
    except (OSError, ValueError) as error:
        raise click.ClickException(f"No code can be read in {picture}. Is it a picture of one?") from error


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
        code = _code_in(picture) if code is None else None
    if code is None:
        raise click.UsageError("Give either a CODE or a --picture.")
    if not (lists / ROOT_FILE).exists() or not (lists / LIST_FILE).exists():
        raise click.UsageError(f"No lists in {lists}: run suishen pull-lists {lists} first.")
    result = verify_folder(code, lists, scenario=scenario, now=SystemClock().now(), holder_checked=holder_checked)
    click.echo(msgspec.json.format(msgspec.json.encode(result)).decode())
    sys.exit(0 if result.verdict == "ACCEPT" else 1)


if __name__ == "__main__":
    main()
