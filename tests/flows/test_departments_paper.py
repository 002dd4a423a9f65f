"""A new department follows docs/departments.md, command by command, and is live at the end. Nothing else is done."""

import base64
import contextlib
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from app.kit.processes import free_port
from auth.officials.totp import STEP_SECONDS, code_at
from tests.flows.server import Server

PAPER = Path(__file__).parents[2] / "docs" / "departments.md"
BLOCK = re.compile(r"^```sh ?([a-z-]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ADDED = re.compile(r"password: (\S+)\nsecond factor: (\S+)")
COMMAND_SECONDS = 60
LIVE_WITHIN_SECONDS = 2.0
CARD_WITHIN_SECONDS = 10.0
APP_ID = "cn.example.museum"


class Command(NamedTuple):
    """A line of the paper, and the word of its block: none, `keep-running`, `city`, or whose account it needs."""

    by: str
    line: str


class Reader:
    """Somebody who does what the paper says, on ports that are free here."""

    def __init__(self, server: Server, folder: Path, ports: dict[str, str]) -> None:
        self._server = server
        self._folder = folder
        self._ports = ports
        self._secrets: dict[str, tuple[str, bytes]] = {}
        self._last_step = dict[str, int]()
        self.left_running = list[subprocess.Popen[bytes]]()
        binaries = str(Path(sys.executable).parent)
        self._environment = server.environment | {"PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}"}

    def do(self, command: Command) -> None:
        words = [self._here(word) for word in shlex.split(command.line)]
        if command.by == "keep-running":
            self._leave_running(words)
            return
        environment = self._environment | (self._account(command.by) if command.by else {})
        ended = subprocess.run(
            words,
            cwd=self._folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        assert ended.returncode == 0, f"{command.line}\n{ended.stdout}\n{ended.stderr}"
        self._remember(words, ended.stdout)
        for file in self._folder.rglob("manifest.json"):  # what it wrote names the paper's ports
            file.write_text(self._here(file.read_text()))

    def _here(self, text: str) -> str:
        for paper, here in self._ports.items():
            text = text.replace(f"127.0.0.1:{paper}", f"127.0.0.1:{here}")
        return self._ports.get(text, text)

    def _leave_running(self, words: list[str]) -> None:
        process = subprocess.Popen(words, cwd=self._folder, env=self._environment, stdout=subprocess.DEVNULL)
        self.left_running.append(process)
        address = f"http://127.0.0.1:{words[words.index('--port') + 1]}/health"
        deadline = time.monotonic() + COMMAND_SECONDS
        while True:
            with contextlib.suppress(httpx.HTTPError):
                assert httpx.get(address, timeout=2).status_code == 200
                return
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def _remember(self, words: list[str], told: str) -> None:
        found = ADDED.search(told)
        if words[:3] == ["suishen", "staff", "add"] and found is not None:
            secret = parse_qs(urlsplit(found[2]).query)["secret"][0]
            self._secrets[words[3]] = (found[1], base64.b32decode(secret + "=" * (-len(secret) % 8)))

    def _account(self, name: str) -> dict[str, str]:
        """Password, and a code of the authenticator that was not used before."""
        password, secret = self._secrets[name]
        step = max(int(time.time()) // STEP_SECONDS, self._last_step.get(name, 0) + 1)
        self._last_step[name] = step
        code = code_at(secret, datetime.fromtimestamp(step * STEP_SECONDS, UTC))
        return {"SUISHEN_STAFF_PASSWORD": password, "SUISHEN_STAFF_TOTP": code}


def commands() -> list[Command]:
    return [Command(by, line) for by, lines in BLOCK.findall(PAPER.read_text()) for line in lines.splitlines() if line]


@pytest.fixture
def server() -> Iterator[Server]:
    with Server.in_a_folder_of_its_own() as server:
        yield server


@pytest.fixture
def reader(server: Server, tmp_path: Path) -> Iterator[Reader]:
    ports = {name: str(free_port()) for name in ("9201", "9202", "9300")} | {"8000": str(server.port)}
    reader = Reader(server, tmp_path, ports)
    yield reader
    for process in reader.left_running:
        process.terminate()
        process.wait(10)


def test_the_paper_names_the_city_first_and_every_step_once() -> None:
    said = commands()

    assert said[0].by == "city"
    assert [command.by for command in said].count("city") == 1
    acts = [shlex.split(command.line)[2] for command in said if command.line.startswith("suishen miniapp")]
    assert acts == ["init", "lint", "test", "submit", "review", "publish"]


@pytest.mark.timeout(180)
def test_whoever_follows_the_paper_is_live_at_its_end(server: Server, reader: Reader) -> None:
    (city, *steps) = commands()
    setting, _, upstreams = city.line.partition(" ")[0].partition("=")
    server.environment[setting] = reader._here(upstreams.replace(",", " ")).replace(" ", ",")
    server.environment["SUISHEN_PUBLIC_ORIGIN"] = server.origin
    server.start()
    reader._environment |= server.environment | {"PATH": reader._environment["PATH"]}
    for step in steps:
        reader.do(step)
    assert comes_true(LIVE_WITHIN_SECONDS, lambda: APP_ID in services(server))
    # A card at home: the department believed a request of the city itself.
    assert comes_true(CARD_WITHIN_SECONDS, lambda: f"ssb://miniapp/{APP_ID}" in home(server))


def services(server: Server) -> str:
    return httpx.get(f"{server.origin}/v1/services", timeout=5).text


def home(server: Server) -> str:
    return httpx.get(f"{server.origin}/v1/home", params={"zone": "190000"}, timeout=5).text


def comes_true(seconds: float, holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not (held := holds()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return held
