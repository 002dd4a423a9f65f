"""What an operator does beside a running server, and what a server does when its database goes away."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from app.kit.embedded_postgres import EmbeddedPostgres
from tests.flows.server import Server


@pytest.fixture
def server() -> Iterator[Server]:
    with Server.in_a_folder_of_its_own() as server:
        server.start()
        yield server


def suishen(server: Server, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "app.cli", *arguments],
        env=server.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_keys_and_log_are_looked_after_beside_the_running_server(server: Server) -> None:
    before = httpx.get(f"{server.origin}/oauth/jwks", timeout=5).json()["keys"]
    assert suishen(server, "keys", "rotate", "token").returncode == 2  # the next key was announced a moment ago
    assert suishen(server, "keys", "rotate", "token", "--force").returncode == 0
    deadline = time.monotonic() + 10
    while len(httpx.get(f"{server.origin}/oauth/jwks", timeout=5).json()["keys"]) != len(before) + 1:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    verified = suishen(server, "audit", "verify")
    assert verified.returncode == 0, verified.stderr
    assert "Whole" in verified.stdout
    assert httpx.get(f"{server.origin}/health/ready", timeout=5).status_code == 200


def test_forget_beside_the_running_server_is_refused(server: Server) -> None:
    refused = suishen(server, "forget")
    assert refused.returncode == 2
    assert "using" in refused.stderr
    assert httpx.get(f"{server.origin}/health/ready", timeout=5).status_code == 200


def test_server_outlives_its_database_and_a_worker_that_dies_meanwhile() -> None:
    with tempfile.TemporaryDirectory(prefix="suishen-flow-") as folder:
        Path(folder).chmod(0o755)
        postgres = EmbeddedPostgres(Path(folder) / "postgres")
        server = Server(Path(folder), dsn=postgres.start())
        try:
            server.start()
            wait_until_listening(postgres.dsn, workers=2)
            postgres.stop()
            assert httpx.get(f"{server.origin}/v1/services", timeout=30).status_code == 200  # told from memory
            asked = httpx.post(f"{server.origin}/v1/login/otp/challenges", json={"phone": "19900000009"}, timeout=30)
            assert asked.status_code == 503
            os.kill(server.workers()[0], signal.SIGKILL)
            time.sleep(3)
            assert server.process is not None
            assert server.process.poll() is None, server.log()
            assert is_alive(server), server.log()
            # The server's own directory is named in its address, so the same address answers again.
            assert postgres.start() == server.environment["DATABASE_URL"]
            deadline = time.monotonic() + 30
            while len(server.workers()) < 2 or not all(server.is_ready() for _ in range(6)):
                assert time.monotonic() < deadline, server.log()
                time.sleep(0.2)
        finally:
            server.stop()
            postgres.stop()


def wait_until_listening(dsn: str, *, workers: int) -> None:
    """The last thing that a worker does before it lets people in is to listen for notifications."""

    async def count() -> int:
        connection = await asyncpg.connect(dsn)
        try:
            found: int = await connection.fetchval("select count(*) from pg_stat_activity where query = 'select 1'")
        finally:
            await connection.close()
        return found

    deadline = time.monotonic() + 30
    while asyncio.run(count()) < workers:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    time.sleep(0.5)


def is_alive(server: Server) -> bool:
    try:
        return httpx.get(f"{server.origin}/health/live", timeout=10).status_code == 200
    except httpx.HTTPError:
        return False
