"""From settings to ground to stand on: the data directory, the master key, the database with its present schema.

Development makes what is missing, marked as its own; production must bring it, and is told what it lacks by settings.
"""

import asyncio
import base64
import contextlib
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import msgspec

from app.kit.embedded_postgres import EmbeddedPostgres, default_data_directory
from app.kit.migrate import migrate
from app.kit.vault import MASTER_KEY_BYTES
from app.settings import DEVELOPMENT_MARK, Settings


class DatabaseUnreachable(Exception):
    """Nobody answers there, or not us."""


MASTER_KEY_FILE = "development-master-key"


@contextlib.contextmanager
def ground(settings: Settings, *, tell: Callable[[str], None], beside_server: bool = False) -> Iterator[Settings]:
    """Complete settings over a database that is up and migrated; an embedded one stops with the block.

    `beside_server`: when a server already runs on this data, its embedded database is used, and left running.
    """
    settings = with_data_directory(settings)
    settings = msgspec.structs.replace(settings, master_key=settings.master_key or _development_key(settings))
    with contextlib.ExitStack() as stack:
        if not settings.database_url:
            postgres = EmbeddedPostgres(settings.data_directory / "postgres", log=tell)
            running = postgres.find_running() if beside_server else None
            stack.callback(postgres.stop)
            settings = msgspec.structs.replace(settings, database_url=running or postgres.start())
        _migrate(settings.database_url, tell)
        yield settings


def _migrate(dsn: str, tell: Callable[[str], None]) -> None:
    try:
        asyncio.run(migrate(dsn, tell=tell))
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        # The class alone: the text of a refused connection may quote the address, and with it a password.
        raise DatabaseUnreachable(
            f"DATABASE_URL does not lead to a PostgreSQL that lets us in ({type(error).__name__})."
        ) from None


def with_data_directory(settings: Settings) -> Settings:
    """The settings with the data directory decided and made, closed to others where it holds secrets."""
    chosen = settings.data_directory
    directory = default_data_directory(Path.cwd()).parent if chosen == Path() else chosen
    directory.mkdir(mode=0o755, parents=True, exist_ok=True)
    return msgspec.structs.replace(settings, data_directory=directory.resolve())


def _development_key(settings: Settings) -> str:
    """A key of this data directory's own. The mark makes a production start refuse it."""
    path = settings.data_directory / MASTER_KEY_FILE
    if not path.exists():
        encoded = base64.urlsafe_b64encode(secrets.token_bytes(MASTER_KEY_BYTES)).rstrip(b"=").decode()
        write_private(path, DEVELOPMENT_MARK + encoded + "\n")
    return path.read_text().strip()


def write_private(path: Path, text: str) -> None:
    """Writes a file that only its owner may read, whole or not at all."""
    draft = path.with_suffix(path.suffix + ".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
