"""One real server for all hostile bytes, stopped at the end."""

import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from app.kit.processes import free_port
from tests.gateway.hostile.wire import is_listening


@pytest.fixture(scope="session")
def port() -> Iterator[int]:
    chosen = free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.gateway.hostile.served", str(chosen)], stdout=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 30
        while not is_listening(chosen):
            assert server.poll() is None, "granian did not start"
            assert time.monotonic() < deadline, "granian did not start in time"
            time.sleep(0.05)
        yield chosen
    finally:
        server.terminate()
        server.wait(10)
