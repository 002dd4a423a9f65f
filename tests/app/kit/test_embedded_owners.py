"""A cluster has one owner, and is never left behind, whoever is killed."""

import asyncio
import os
import signal
import subprocess
import time
from pathlib import Path

import asyncpg
import pytest

from app.kit import embedded_postgres
from app.kit.embedded_postgres import EmbeddedPostgres, EmbeddedPostgresError
from tests.app.kit.clusters import (
    SERVER_UID,
    copy_of,
    first_line,
    parent,
    query,
    run_owner,
    servers_of,
    socket_directory,
    wait_until,
)


def test_second_owner_is_refused_and_the_first_not_disturbed(place: Path, made: Path) -> None:
    data = copy_of(made, place)
    owner = run_owner(data)
    first_line(owner)
    try:
        with pytest.raises(EmbeddedPostgresError, match=rf"Process {owner.pid} is using .*`kill {owner.pid}`"):
            EmbeddedPostgres(data, durable=False).start()
        with pytest.raises(EmbeddedPostgresError, match=f"Process {owner.pid}"):
            EmbeddedPostgres(data).forget()
        assert servers_of(data)
    finally:
        owner.terminate()
        owner.communicate()


def test_second_owner_in_the_same_process_is_refused(place: Path, made: Path) -> None:
    data = copy_of(made, place)
    with EmbeddedPostgres(data, durable=False):
        with pytest.raises(EmbeddedPostgresError, match=f"Process {os.getpid()}"):
            EmbeddedPostgres(data, durable=False).start()
        assert servers_of(data)


@pytest.mark.parametrize("request_to_stop", [signal.SIGTERM, signal.SIGINT])
def test_owner_told_to_stop_leaves_no_postgres(place: Path, made: Path, request_to_stop: signal.Signals) -> None:
    data = copy_of(made, place)
    owner = run_owner(data)
    first_line(owner)
    owner.send_signal(request_to_stop)
    owner.communicate(timeout=10)
    assert owner.returncode == 0
    assert servers_of(data) == []
    assert (data / "postgres.log").read_text().endswith("database system is shut down\n")


def test_postgres_leaves_when_its_owner_is_killed(place: Path, made: Path) -> None:
    data = copy_of(made, place)
    owner = run_owner(data)
    first_line(owner)
    assert servers_of(data)
    owner.kill()
    owner.communicate()
    wait_until(lambda: servers_of(data) == [], seconds=2)


async def test_start_right_after_the_owner_was_killed_keeps_data(place: Path, made: Path) -> None:
    data = copy_of(made, place)
    for round_number in range(3):
        owner = run_owner(data)
        dsn = first_line(owner)
        if round_number == 0:
            await query(dsn, "create table kept (n int)")
        await query(dsn, f"insert into kept values ({round_number})")
        owner.kill()
        owner.communicate()
    with EmbeddedPostgres(data, durable=False) as postgres:
        assert await query(postgres.dsn, "select array_agg(n order by n) from kept") == [0, 1, 2]


def test_directory_is_refused_until_the_guardian_of_a_killed_owner_has_left(
    place: Path, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_postgres, "OWNER_DEAD_PATIENCE_SECONDS", 0.3)
    data = copy_of(made, place)
    owner = run_owner(data)
    first_line(owner)
    guardian = next(pid for pid in servers_of(data) if parent(pid) == owner.pid)
    os.kill(guardian, signal.SIGSTOP)
    owner.kill()
    owner.communicate()
    try:
        with pytest.raises(EmbeddedPostgresError, match=f"Process {owner.pid} is using"):
            EmbeddedPostgres(data, durable=False).start()
    finally:
        os.kill(guardian, signal.SIGCONT)
    wait_until(lambda: servers_of(data) == [], seconds=2)
    with EmbeddedPostgres(data, durable=False):
        assert servers_of(data)


async def test_leftover_server_without_guardian_is_stopped_at_the_next_start(place: Path, made: Path) -> None:
    data = copy_of(made, place)
    owner = run_owner(data)
    first_line(owner)
    guardian = next(pid for pid in servers_of(data) if parent(pid) == owner.pid)
    postmaster = next(pid for pid in servers_of(data) if parent(pid) == guardian)
    os.kill(guardian, signal.SIGKILL)
    owner.kill()
    owner.communicate()
    await asyncio.sleep(0.3)
    assert postmaster in servers_of(data)
    with EmbeddedPostgres(data, durable=False) as postgres:
        assert await query(postgres.dsn, "select 1") == 1
        assert postmaster not in servers_of(data)


def test_stop_after_the_guardian_was_killed_still_stops_the_server(place: Path, made: Path) -> None:
    data = copy_of(made, place)
    with EmbeddedPostgres(data, durable=False):
        os.kill(next(pid for pid in servers_of(data) if parent(pid) == os.getpid()), signal.SIGKILL)
    assert servers_of(data) == []


async def test_killed_postmaster_comes_back_with_all_commits(place: Path, made: Path) -> None:
    data = copy_of(made, place)
    with EmbeddedPostgres(data) as postgres:
        await query(postgres.dsn, "create table kept as select 7 as answer")
        await asyncio.sleep(1.1)  # what dies in its first second is taken for a server that cannot start
        os.kill(int((data / "cluster" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        deadline = time.monotonic() + 15
        answer: object = None
        while answer is None and time.monotonic() < deadline:
            try:
                answer = await query(postgres.dsn, "select answer from kept")
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await asyncio.sleep(0.1)
        assert answer == 7


def test_stale_process_number_of_a_stranger_is_left_alone(place: Path, made: Path) -> None:
    data = copy_of(made, place)
    stranger = subprocess.Popen(["sleep", "60"])
    pid_file = data / "cluster" / "postmaster.pid"
    pid_file.write_text(f"{stranger.pid}\n{data / 'cluster'}\n1\n5432\n\n\n0 0\nready\n")
    try:
        EmbeddedPostgres(data, durable=False)._stop_leftover()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_socket_folder_of_a_killed_owner_is_removed_at_the_next_start(place: Path, made: Path) -> None:
    data = copy_of(made, place, "a room with spaces")
    owner = run_owner(data)
    folder = socket_directory(first_line(owner))
    owner.kill()
    owner.communicate()
    assert folder.exists()
    with EmbeddedPostgres(data, durable=False) as postgres:
        assert socket_directory(postgres.dsn) != folder
        assert not folder.exists()


def test_recorded_socket_folder_that_is_not_ours_is_not_deleted(place: Path, made: Path) -> None:
    data = copy_of(made, place)
    precious = place / "suishen-precious"
    precious.mkdir()
    os.chown(precious, SERVER_UID, -1)
    (data / "socket-directory").write_text(str(precious))
    with EmbeddedPostgres(data, durable=False):
        assert precious.exists()
