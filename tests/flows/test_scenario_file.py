"""A city's scenario file under a running server: taken by every worker without a restart, or refused whole."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.codes.scenarios.test_editions import text_of, write
from tests.flows.server import Server
from tests.flows.test_running_server import suishen

ASKED = 20  # enough that both workers answered
PATIENCE_SECONDS = 15


@pytest.fixture
def server() -> Iterator[Server]:
    with Server.in_a_folder_of_its_own() as server:
        file_of(server).write_bytes(text_of(1))
        server.environment["SUISHEN_SCENARIOS_FILE"] = str(file_of(server))
        server.start()
        yield server


def file_of(server: Server) -> Path:
    return server.directory / "scenarios.toml"


def answers(server: Server) -> list[dict[str, Any]]:
    """Each on a connection of its own, so that either worker may take it."""
    return [httpx.get(f"{server.origin}/v1/scenarios", timeout=5).json() for _ in range(ASKED)]


def wait_for_edition(server: Server, edition: int) -> list[dict[str, Any]]:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        seen = answers(server)
        if all(answer["edition"] == edition for answer in seen):
            return seen
        assert time.monotonic() < deadline, server.log()
        time.sleep(0.2)


def test_every_worker_takes_a_better_file_and_none_a_worse_one(server: Server) -> None:
    assert len(wait_for_edition(server, 1)[0]["items"]) == 1
    write(file_of(server), text_of(2, retention_days=77))
    seen = wait_for_edition(server, 2)
    assert {answer["items"][0]["retention_days"] for answer in seen} == {77}
    write(file_of(server), b"[[scenarios")
    time.sleep(3)
    assert {answer["version"] for answer in answers(server)} == {seen[0]["version"]}
    assert "scenarios.file_refused" in server.log()
    server.stop()
    server.start()
    assert wait_for_edition(server, 2)[0]["version"] == seen[0]["version"], "a restart under a bad file is no way back"
    shown = suishen(server, "scenarios", "in-use")
    assert (shown.returncode, shown.stdout.splitlines()[0][:3]) == (0, "301"), shown.stderr
    assert "0 of 1 scenarios are in use" in shown.stderr
