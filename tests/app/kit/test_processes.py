"""Child processes: ready when it is said, gone when their parent is."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import httpx
import pytest

from app.kit import processes
from app.kit.processes import ChildNotReadyError, ChildProcesses, free_port

ROOT = Path(__file__).resolve().parents[3]
CHILD = "tests.app.kit.tiny_child"


@pytest.fixture(autouse=True)
def _in_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def is_alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("ready", ["http://127.0.0.1:{port}/health", "tcp://127.0.0.1:{port}"])
def test_start_returns_when_the_child_answers(tmp_path: Path, ready: str) -> None:
    port = free_port()
    said: list[str] = []
    with ChildProcesses(logs=tmp_path, log=said.append) as children:
        pid = children.start("registry", CHILD, ["serve", str(port)], ready=ready.format(port=port))
        assert httpx.get(f"http://127.0.0.1:{port}/health").status_code == 200
        assert children.running() == {"registry": pid}
        assert said == [f"registry is ready at {ready.format(port=port)}"]
    assert not is_alive(pid)


def test_start_of_several_side_by_side_then_wait(tmp_path: Path) -> None:
    ports = {f"source-{number}": free_port() for number in range(3)}
    with ChildProcesses(logs=tmp_path) as children:
        for name, port in ports.items():
            children.start(name, CHILD, ["serve", str(port)])
        for name, port in ports.items():
            children.wait_until_ready(name, f"http://127.0.0.1:{port}/health")
        assert set(children.running()) == set(ports)


def test_child_that_ends_is_reported_with_its_last_words(tmp_path: Path) -> None:
    with (
        ChildProcesses(logs=tmp_path) as children,
        pytest.raises(ChildNotReadyError, match=r"(?s)registry ended with 1 .*the tiny child cannot go on"),
    ):
        children.start("registry", CHILD, ["fail"], ready=f"tcp://127.0.0.1:{free_port()}")


def test_child_that_stays_silent_is_reported_in_time_and_stopped(tmp_path: Path) -> None:
    address = f"http://127.0.0.1:{free_port()}/health"
    with ChildProcesses(logs=tmp_path) as children:
        with pytest.raises(ChildNotReadyError, match="registry did not answer in time"):
            children.start("registry", CHILD, ["silent"], ready=address, timeout_seconds=0.5)
        [pid] = children.running().values()
    assert not is_alive(pid)


def test_wrong_status_is_not_ready(tmp_path: Path) -> None:
    port = free_port()
    address = f"http://127.0.0.1:{port}/other"
    with ChildProcesses(logs=tmp_path) as children, pytest.raises(ChildNotReadyError):
        children.start("registry", CHILD, ["serve", str(port)], ready=address, timeout_seconds=1)


def test_child_that_refuses_to_leave_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "STOP_PATIENCE_SECONDS", 0.3)
    children = ChildProcesses(logs=tmp_path)
    pid = children.start("stubborn", CHILD, ["stubborn"])
    while "stubborn" not in (tmp_path / "stubborn.log").read_text():
        time.sleep(0.02)
    children.stop()
    children.stop()
    assert not is_alive(pid)
    assert children.running() == {}


def child_of(keeper: int) -> int:
    (child,) = Path(f"/proc/{keeper}/task/{keeper}/children").read_text().split()
    return int(child)


def test_a_child_that_is_kept_begins_anew_when_it_dies(tmp_path: Path) -> None:
    port = free_port()
    address = f"http://127.0.0.1:{port}/health"
    with ChildProcesses(logs=tmp_path) as children:
        keeper = children.start("registry", CHILD, ["serve", str(port)], ready=address, kept=True)
        first = child_of(keeper)
        os.kill(first, signal.SIGKILL)
        children.wait_until_ready("registry", address)
        second = child_of(keeper)
        assert second != first
        assert children.running() == {"registry": keeper}
    assert not is_alive(keeper)
    assert not is_alive(second)
    assert f"{CHILD} ended with -9; it begins anew." in (tmp_path / "registry.log").read_text()


def test_a_child_that_is_kept_leaves_when_its_keeper_is_killed(tmp_path: Path) -> None:
    with ChildProcesses(logs=tmp_path) as children:
        port = free_port()
        keeper = children.start("registry", CHILD, ["serve", str(port)], ready=f"tcp://127.0.0.1:{port}", kept=True)
        child = child_of(keeper)
        os.kill(keeper, signal.SIGKILL)
        killed_at = time.monotonic()
        while is_alive(child):
            assert time.monotonic() - killed_at < 1.0
            time.sleep(0.01)


def test_children_leave_within_a_second_when_their_parent_is_killed() -> None:
    code = textwrap.dedent(
        f"""
        import time
        from app.kit.processes import ChildProcesses
        children = ChildProcesses()
        print(children.start("quiet", "{CHILD}", ["silent"]), flush=True)
        time.sleep(60)
        """
    )
    parent = subprocess.Popen([sys.executable, "-B", "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    time.sleep(0.3)
    assert is_alive(child)
    parent.kill()
    parent.communicate()
    killed_at = time.monotonic()
    while is_alive(child):
        assert time.monotonic() - killed_at < 1.0
        time.sleep(0.01)


def test_child_whose_parent_is_gone_before_it_looks_leaves_too() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    command = [sys.executable, "-B", "-m", "app.kit.processes", str(gone.pid), CHILD, "silent"]
    assert subprocess.run(command, cwd=ROOT, check=False, timeout=10).returncode == -9


def test_environment_is_added_to_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OURS", "ours")
    with ChildProcesses(logs=tmp_path) as children:
        pid = children.start("quiet", CHILD, ["silent"], environment={"TOLD": "told"})
        variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        deadline = time.monotonic() + 5
        while b"TOLD=told" not in variables and time.monotonic() < deadline:
            variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    assert {b"TOLD=told", b"OURS=ours"} <= set(variables)
    assert "TOLD" not in os.environ
