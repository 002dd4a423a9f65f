"""`suishen serve` as an operator runs it, in a process of its own, over data of its own."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import httpx

from app.kit.embedded_postgres import EmbeddedPostgres
from app.kit.processes import free_port

START_SECONDS = 60


class Server:
    """One process that owns the database (unless `dsn` names another) and its workers."""

    def __init__(self, directory: Path, *, dsn: str = "") -> None:
        self.directory = directory
        self.port = free_port()
        self.origin = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None
        self.environment = os.environ | {
            "SUISHEN_PORT": str(self.port),
            "SUISHEN_DATA_DIRECTORY": str(directory),
            "SUISHEN_WORKERS": "2",
            "DATABASE_URL": dsn,
        }

    @classmethod
    @contextlib.contextmanager
    def in_a_folder_of_its_own(cls) -> Iterator[Self]:
        """A server that is stopped, and its folder deleted, at the end. Not pytest's folder: root's PostgreSQL may
        not enter that one.
        """
        directory = Path(tempfile.mkdtemp(prefix="suishen-flow-"))
        directory.chmod(0o755)
        server = cls(directory)
        try:
            yield server
        finally:
            server.stop()
            EmbeddedPostgres(directory / "postgres").forget()
            shutil.rmtree(directory)

    def start(self) -> None:
        """Returns when it is ready."""
        with (self.directory / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "app.cli", "serve"], env=self.environment, stdout=log, stderr=log
            )
        deadline = time.monotonic() + START_SECONDS
        while not self.is_ready():
            assert self.process.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.1)

    def is_ready(self) -> bool:
        """What one worker says of itself."""
        try:
            return httpx.get(f"{self.origin}/health/ready", timeout=10).status_code == 200
        except httpx.HTTPError:
            return False

    def workers(self) -> list[int]:
        """The process ids of its workers."""
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        programs = {int(pid): Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children}
        return [
            pid for pid, program in programs.items() if b"postgres" not in program and b"app.metrics" not in program
        ]

    def kill(self) -> None:
        """As the kernel does it when memory is short."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self) -> None:
        """As an operator does it."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(20)

    def log(self) -> str:
        """What it said so far."""
        return (self.directory / "server.log").read_text()
