"""Migrations: forward only, each once, safe when nodes start together."""

import asyncio
import re

import asyncpg
import pytest

from app.kit.migrate import FILE_NAME, Migration, MigrationError, list_migrations, migrate
from tests.fixtures.postgres import run_sql

FORBIDDEN = re.compile(r"\b(drop\s+table|drop\s+column|drop\s+schema|truncate|begin|commit|rollback)\b", re.IGNORECASE)


def test_files_are_numbered_without_a_double() -> None:
    names = [migration.name for migration in list_migrations()]
    assert names == sorted(names)
    assert len({name[:4] for name in names}) == len(names)
    assert all(FILE_NAME.match(name) for name in names)


@pytest.mark.parametrize("migration", list_migrations(), ids=lambda migration: migration.name)
def test_file_is_plain_forward_sql(migration: Migration) -> None:
    without_comments = re.sub(r"--.*", "", migration.sql)
    outside_functions = re.sub(r"\$\$.*?\$\$", "", without_comments, flags=re.DOTALL)
    assert not FORBIDDEN.search(outside_functions)
    assert "\t" not in migration.sql


async def test_migrating_again_does_nothing(race_dsn: str) -> None:
    assert await migrate(race_dsn) == 0


async def test_nodes_that_start_together_apply_each_file_once(postgres_dsn: str, race_dsn: str) -> None:
    await run_sql(race_dsn, "drop table public.suishen_migration")
    for schema in ("gateway", "miniapps", "codes", "auth", "kit"):
        await run_sql(race_dsn, f"drop schema if exists {schema} cascade")
    applied = await asyncio.gather(*(migrate(race_dsn) for _ in range(4)))
    assert sorted(applied) == [0, 0, 0, len(list_migrations())]


async def test_changed_file_is_refused(race_dsn: str) -> None:
    await run_sql(race_dsn, "update public.suishen_migration set sha256 = 'x' where name like '0001%'")
    with pytest.raises(MigrationError, match=r"0001_kit\.sql was changed"):
        await migrate(race_dsn)


async def test_database_of_a_newer_version_is_refused(race_dsn: str) -> None:
    await run_sql(race_dsn, "insert into public.suishen_migration values ('9999_future.sql', 'x')")
    with pytest.raises(MigrationError, match="newer version"):
        await migrate(race_dsn)


async def test_failed_migration_leaves_nothing_half_done(race_dsn: str) -> None:
    await run_sql(race_dsn, "delete from public.suishen_migration where name like '0001%'")
    with pytest.raises(asyncpg.DuplicateSchemaError):
        await migrate(race_dsn)
    connection = await asyncpg.connect(race_dsn)
    try:
        assert not await connection.fetchval(
            "select exists (select from public.suishen_migration where name like '0001%')"
        )
    finally:
        await connection.close()
