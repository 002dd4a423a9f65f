"""The embedded PostgreSQL as its users meet it: private, durable, gone when it is told to.

These tests start real servers and kill real processes; none of them needs another test's cluster.
"""

import contextlib
import os
from pathlib import Path

import asyncpg
import pytest

from app.kit.embedded_postgres import EmbeddedPostgres
from tests.app.kit.clusters import (
    SERVER_UID,
    copy_of,
    mode,
    query,
    servers_of,
    socket_directory,
)


async def test_start_new_directory_serves_utf8_with_checksums(place: Path) -> None:
    with EmbeddedPostgres(place / "data") as postgres:
        assert await query(postgres.dsn, "select current_user || ' ' || current_database()") == "suishen suishen"
        assert await query(postgres.dsn, "show server_encoding") == "UTF8"
        assert await query(postgres.dsn, "show data_checksums") == "on"
        assert await query(postgres.dsn, "select upper('é')") == "É"
        assert await query(postgres.dsn, "show listen_addresses") == ""
        assert await query(postgres.dsn, "show timezone") == "UTC"


async def test_start_by_default_is_durable(place: Path, made: Path) -> None:
    data = copy_of(made, place)
    for durable, answer in ((True, "on"), (False, "off")):
        with EmbeddedPostgres(data, durable=durable) as postgres:
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                assert await query(postgres.dsn, f"show {setting}") == answer


async def test_application_role_is_no_superuser_but_may_clone_databases(place: Path, made: Path) -> None:
    with EmbeddedPostgres(copy_of(made, place), durable=False) as postgres:
        assert await query(postgres.dsn, "select rolsuper from pg_roles where rolname = current_user") is False
        await query(postgres.dsn, "create database another template suishen")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await query(postgres.dsn, "copy (select 1) to program 'true'")


async def test_superuser_is_let_in_by_nobody(place: Path, made: Path) -> None:
    with (
        EmbeddedPostgres(copy_of(made, place), durable=False) as postgres,
        pytest.raises(asyncpg.InvalidAuthorizationSpecificationError),
    ):
        await query(postgres.dsn.replace("suishen@", "postgres@"), "select 1")


async def test_restart_keeps_data(place: Path, made: Path) -> None:
    data = copy_of(made, place)
    with EmbeddedPostgres(data, durable=False) as postgres:
        await query(postgres.dsn, "create table kept as select 42 as answer")
    with EmbeddedPostgres(data, durable=False) as postgres:
        assert await query(postgres.dsn, "select answer from kept") == 42


def test_stop_leaves_no_process_and_no_socket(place: Path, made: Path) -> None:
    data = copy_of(made, place)
    postgres = EmbeddedPostgres(data, durable=False)
    dsn = postgres.start()
    assert postgres.start() == dsn
    assert servers_of(data)
    postgres.stop()
    postgres.stop()
    assert postgres.dsn == ""
    assert servers_of(data) == []
    assert not socket_directory(dsn).exists()


def test_stop_in_a_forked_child_does_nothing(place: Path, made: Path) -> None:
    with EmbeddedPostgres(copy_of(made, place), durable=False) as postgres:
        child = os.fork()
        if child == 0:
            postgres.stop()
            os._exit(0)
        os.waitpid(child, 0)
        assert servers_of(postgres.data_directory)


def test_start_makes_everything_private(place: Path, made: Path) -> None:
    data = copy_of(made, place)
    with EmbeddedPostgres(data, durable=False) as postgres:
        for private in (data, data / "cluster", socket_directory(postgres.dsn)):
            assert mode(private) == 0o700
            assert private.stat().st_uid == SERVER_UID
        assert mode(socket_directory(postgres.dsn) / ".s.PGSQL.5432") == 0o700
        for file in ("owner", "postgres.log", "cluster/pg_hba.conf"):
            assert mode(data / file) == 0o600


def test_start_leaves_the_way_down_as_it_was(place: Path) -> None:
    narrow = place / "only-to-pass"
    narrow.mkdir(mode=0o711)
    (narrow / "neighbour").mkdir(mode=0o750)
    before = {path: path.stat().st_mode for path in (place, narrow, narrow / "neighbour")}
    with EmbeddedPostgres(narrow / "data", durable=False):
        assert {path: path.stat().st_mode for path in before} == before
    assert {path.name for path in narrow.iterdir()} == {"neighbour", "data"}


def test_server_sees_no_secret_of_its_owner(place: Path, made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUISHEN_MASTER_KEY", "canary-of-the-master-key")
    monkeypatch.setenv("PGPORT", "1")
    data = copy_of(made, place)
    with EmbeddedPostgres(data, durable=False):
        for server in servers_of(data):
            assert b"canary" not in Path(f"/proc/{server}/environ").read_bytes()


async def test_log_holds_no_text_of_failed_statements(place: Path, made: Path) -> None:
    data = copy_of(made, place)
    with EmbeddedPostgres(data, durable=False) as postgres:
        await query(postgres.dsn, "create table person (name text primary key)")
        for _ in range(2):
            with contextlib.suppress(asyncpg.UniqueViolationError):
                await query(postgres.dsn, "insert into person values ('canary-张建国')")
        with pytest.raises(asyncpg.DataError):
            await query(postgres.dsn, "select 'canary'::uuid")
    assert "canary" not in (data / "postgres.log").read_text()


def test_forget_deletes_the_data(place: Path, made: Path) -> None:
    data = copy_of(made, place)
    EmbeddedPostgres(data).forget()
    assert not data.exists()
    EmbeddedPostgres(data).forget()
    assert list(place.iterdir()) == []
