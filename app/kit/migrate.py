"""Brings a database to the present schema: plain forward SQL files, in the order of their numbers, each once.

Refuses to go on when an applied file has changed since, or when the database knows files that this version does not.
"""

import hashlib
import re
from collections.abc import Callable
from importlib import resources

import asyncpg

from app.kit.structs import Model

FILE_NAME = re.compile(r"^(\d{4})_[a-z0-9_]+\.sql$")
LOCK = "select pg_advisory_lock(hashtext('suishen.migrate'))"
UNLOCK = "select pg_advisory_unlock(hashtext('suishen.migrate'))"
CREATE_LEDGER = """
create table if not exists public.suishen_migration (
  name       text primary key,
  sha256     text not null,
  applied_at timestamptz not null default now()
)
"""


class MigrationError(Exception):
    """The database and this version do not fit together; the text says which file, and what to do."""


class Migration(Model):
    """One file of SQL."""

    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """The fingerprint that must never change once applied."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def list_migrations() -> list[Migration]:
    """Every file of `app/migrations`, in order. Raises `MigrationError` on a name out of form."""
    files = [entry for entry in resources.files("app.migrations").iterdir() if entry.name.endswith(".sql")]
    for file in files:
        if not FILE_NAME.match(file.name):
            raise MigrationError(f"{file.name} is not named NNNN_words.sql.")
    ordered = sorted(files, key=lambda file: file.name)
    return [Migration(name=file.name, sql=file.read_text(encoding="utf-8")) for file in ordered]


async def migrate(dsn: str, *, tell: Callable[[str], None] = lambda _line: None) -> int:
    """Applies what is missing, each file in a transaction of its own; returns how many files were applied.

    Safe when several nodes start at once: they take turns under an advisory lock.
    """
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        await connection.execute(LOCK)
        try:
            return await _apply_missing(connection, tell)
        finally:
            await connection.execute(UNLOCK)
    finally:
        await connection.close()


async def _apply_missing(connection: "asyncpg.Connection[asyncpg.Record]", tell: Callable[[str], None]) -> int:
    await connection.execute(CREATE_LEDGER)
    applied = {row["name"]: row["sha256"] for row in await connection.fetch("select * from public.suishen_migration")}
    migrations = list_migrations()
    _refuse_strangers(applied, migrations)
    missing = [migration for migration in migrations if migration.name not in applied]
    for migration in missing:
        tell(f"migrate: {migration.name}")
        async with connection.transaction():
            await connection.execute(migration.sql)
            await connection.execute(
                "insert into public.suishen_migration (name, sha256) values ($1, $2)", migration.name, migration.sha256
            )
    return len(missing)


def _refuse_strangers(applied: dict[str, str], migrations: list[Migration]) -> None:
    known = {migration.name: migration.sha256 for migration in migrations}
    for name, sha256 in applied.items():
        if name not in known:
            raise MigrationError(f"The database was made by a newer version: it knows {name}. Run that version.")
        if known[name] != sha256:
            raise MigrationError(f"{name} was changed after it had been applied. Add a new file instead.")
