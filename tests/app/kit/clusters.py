"""Embedded clusters as tests look at them: their processes, their folders, and programs that own one."""

import os
import shutil
import stat
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from app.kit.embedded_postgres import DROPPED_UID
from app.kit.postgres_binaries import find_installation, first_barrier

ROOT = Path(__file__).resolve().parents[3]
IS_ROOT = os.geteuid() == 0
SERVER_UID = os.geteuid() or DROPPED_UID
as_root = pytest.mark.skipif(not IS_ROOT, reason="only root drops its privileges")


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
