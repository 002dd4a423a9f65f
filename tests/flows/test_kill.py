"""kill -9 in the middle of work: what was acknowledged is there after the restart, whole and once."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from app.demo.phone import Phone
from app.kit.embedded_postgres import EmbeddedPostgres, default_data_directory
from app.kit.processes import free_port

START_SECONDS = 60
PRESSURE_SECONDS = 1.0


class Server:
    """`suishen serve` as an operator runs it: one process that owns the database and its workers."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        self.origin = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environment = os.environ | {
            "SUISHEN_PORT": str(self.port),
            "SUISHEN_DATA_DIRECTORY": str(self.directory),
            "SUISHEN_WORKERS": "2",
        }
        with (self.directory / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "app.cli", "serve"], env=environment, stdout=log, stderr=log
            )
        self._wait_until_ready(self.process)

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert process.poll() is None, (self.directory / "server.log").read_text()
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"{self.origin}/health/ready", timeout=2).status_code == 200:
                    return
            time.sleep(0.1)
        raise AssertionError((self.directory / "server.log").read_text())

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(20)


@pytest.fixture
def server() -> Iterator[Server]:
    # Beside the tests' own data, where also the user without rights whom PostgreSQL runs as may enter.
    directory = default_data_directory(Path.cwd()).parent / f"kill-{os.getpid()}"
    directory.mkdir(parents=True)
    server = Server(directory)
    try:
        yield server
    finally:
        server.stop()
        postgres = EmbeddedPostgres(directory / "postgres")
        postgres.forget()
        subprocess.run(["rm", "-r", str(directory)], check=True)


async def acknowledged_challenges(origin: str) -> AsyncIterator[tuple[str, str]]:
    """Asks for one-time codes for ever-new phones; yields (phone, challenge) as each is acknowledged."""
    async with httpx.AsyncClient(base_url=origin, timeout=5) as http:
        for number in range(100_000):
            phone = f"199{number:08}"
            try:
                answer = await http.post("/v1/login/otp/challenges", json={"phone": phone})
            except httpx.HTTPError:
                return
            if answer.status_code == 202:
                yield phone, answer.json()["challenge_id"]


async def test_kill_of_the_server_loses_nothing_acknowledged(server: Server) -> None:
    server.start()
    killed = asyncio.get_running_loop().call_later(PRESSURE_SECONDS, server.kill)
    acknowledged = {challenge: phone async for phone, challenge in acknowledged_challenges(server.origin)}
    killed.cancel()
    assert len(acknowledged) > 20
    server.start()
    await every_message_arrives(server, list(acknowledged.values()))
    server.stop()
    with EmbeddedPostgres(server.directory / "postgres") as postgres:
        connection = await asyncpg.connect(postgres.dsn)
        stored = [str(row["id"]) for row in await connection.fetch("select id from auth.otp_challenge")]
        waiting = await connection.fetchval("select count(*) from kit.outbox")
        await connection.close()
    assert set(acknowledged) <= set(stored)
    assert len(stored) - len(acknowledged) <= 1  # at most the one whose acknowledgement was cut off
    assert waiting == 0


async def test_session_from_before_the_kill_goes_on_after_it(server: Server) -> None:
    server.start()
    async with httpx.AsyncClient(base_url=server.origin, timeout=10) as http:
        phone = Phone(http)
        await phone.sign_in("19900000009")
        server.kill()
        server.start()
        before = phone.tokens["refresh_token"]
        await phone.refresh()
        assert phone.tokens["refresh_token"] != before
        assert (await phone.call("GET", "/v1/me"))["subject_type"] == "person"


async def every_message_arrives(server: Server, phones: list[str]) -> None:
    """The messages that the outbox held at the moment of the kill are sent after the restart."""
    async with httpx.AsyncClient(base_url=server.origin, timeout=10) as http:
        deadline = time.monotonic() + 60
        for phone in phones:
            while not (await http.get("/demo/inbox.json", params={"phone": phone})).json()["items"]:
                assert time.monotonic() < deadline, f"no message for {phone}"
                await asyncio.sleep(0.2)
