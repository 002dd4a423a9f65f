"""Serving as an operator meets it: several workers, an orderly stop, and nobody left behind after a kill."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.kit.processes import free_port
from app.serve import ServeError, refuse_if_port_taken

STOP_SECONDS = 20
"""What requests in flight may take on the way out, twice: a machine may be busy."""
ROOT = Path(__file__).resolve().parents[2]
TINY = "tests.app.tiny_application"


class Running:
    """A server of its own process with the tiny application."""

    def __init__(self, process: "subprocess.Popen[str]", port: int) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{port}"

    def workers(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in children.split()]

    def pid_that_answers(self) -> int:
        """On a new connection, as any client might get."""
        return int(httpx.get(self.url + "/pid", timeout=5).text)


def run_server(
    port: int,
    *,
    workers: int = 2,
    target: str = f"{TINY}:application",
    factory: bool = False,
    through: tuple[str, ...] = (),
) -> "subprocess.Popen[str]":
    code = textwrap.dedent(
        f"""
        from app.serve import ServeError, serve
        try:
            serve(host="127.0.0.1", port={port}, workers={workers}, target="{target}", factory={factory},
                  environment={{"TINY_VARIABLE": "told"}})
            print("drained", flush=True)
        except ServeError as error:
            print("refused:", error, flush=True)
        """
    )
    return subprocess.Popen(
        [*through, sys.executable, "-B", "-c", code],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        # Whoever runs the tests may ignore hangups, which children inherit.
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # noqa: PLW1509 - no thread runs yet
    )


@pytest.fixture
def server() -> Iterator[Running]:
    port = free_port()
    process = run_server(port)
    running = Running(process, port)
    wait_until_all_answer(running)
    yield running
    process.kill()
    process.communicate()


def wait_until_it_answers(running: Running, *, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            running.pid_that_answers()
        except httpx.TransportError:
            assert time.monotonic() < deadline, "the server did not answer in time"
            time.sleep(0.05)
        else:
            return


def wait_until_all_answer(running: Running, *, workers: int = 2, seconds: float = 20) -> None:
    """A worker that is only just forked may still be asked to stop, but has nothing to drain."""
    wait_until_it_answers(running, seconds=seconds)
    deadline, seen = time.monotonic() + seconds, set[int]()
    while len(seen) < workers:
        assert time.monotonic() < deadline, f"{seen} answered, of {workers} workers"
        seen.add(running.pid_that_answers())


def alive(pids: list[int]) -> list[int]:
    """Zombies are dead: they answer nobody and hold no port."""
    living = []
    for pid in pids:
        status = Path(f"/proc/{pid}/status")
        try:
            text = status.read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if "State:\tZ" not in text:
            living.append(pid)
    return living


def test_several_workers_answer(server: Running) -> None:
    deadline = time.monotonic() + 10
    seen: set[int] = set()
    while len(seen) < 2 and time.monotonic() < deadline:
        seen.add(server.pid_that_answers())
    assert seen == set(server.workers())
    assert server.process.pid not in seen


def test_workers_get_the_environment_they_are_told(server: Running) -> None:
    assert httpx.get(server.url + "/variable").text == "told"


def test_no_collection_walks_what_was_loaded(server: Running) -> None:
    """Walking the whole application stops a worker for 0.15 s, whoever waits."""
    assert int(httpx.get(server.url + "/frozen", timeout=5).text) > 10_000


def test_application_from_a_factory_is_made_in_the_worker() -> None:
    port = free_port()
    process = run_server(port, workers=1, target=f"{TINY}:make_application", factory=True)
    running = Running(process, port)
    wait_until_it_answers(running)
    process.terminate()
    said, _ = process.communicate(timeout=10)
    assert said == "drained\n"


@pytest.mark.parametrize("busy", ["/pid", "/slow", "/stuck"])
def test_workers_leave_within_a_second_when_the_main_process_is_killed(server: Running, busy: str) -> None:
    workers = server.workers()
    assert len(workers) == 2
    client = threading.Thread(target=ask_and_expect_nothing, args=(server.url + busy,))
    client.start()
    time.sleep(0.2)
    server.process.kill()
    server.process.wait()
    killed_at = time.monotonic()
    while alive(workers) and time.monotonic() - killed_at < 1.0:
        time.sleep(0.01)
    orphans = alive(workers)
    for orphan in orphans:
        os.kill(orphan, signal.SIGKILL)
    assert not orphans
    client.join()
    # The system takes a moment longer to close what a dead process held: still within the second.
    left = max(0.0, killed_at + 1.0 - time.monotonic())
    refuse_if_port_taken("127.0.0.1", int(server.url.rpartition(":")[2]), patience_seconds=left)


def test_killed_worker_is_replaced(server: Running) -> None:
    victim = server.pid_that_answers()
    os.kill(victim, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while victim in server.workers() or len(alive(server.workers())) < 2:
        assert time.monotonic() < deadline, "no new worker came"
        time.sleep(0.05)
    wait_until_it_answers(server)
    assert victim not in server.workers()


@pytest.mark.parametrize("request_to_stop", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_stop_drains_a_request_in_flight(server: Running, request_to_stop: signal.Signals) -> None:
    workers = server.workers()
    answers: list[httpx.Response] = []
    client = threading.Thread(target=lambda: answers.append(httpx.get(server.url + "/slow", timeout=10)))
    client.start()
    time.sleep(0.4)
    server.process.send_signal(request_to_stop)
    said, _ = server.process.communicate(timeout=STOP_SECONDS)
    client.join()
    assert [answer.status_code for answer in answers] == [200]
    assert server.process.returncode == 0
    assert said.splitlines()[-1] == "drained"
    assert alive(workers) == []


def test_ctrl_c_in_a_terminal_reaches_the_main_process_only(server: Running) -> None:
    """A terminal signals its whole group: a worker that got it too would be taken for one that died."""
    answers: list[httpx.Response] = []
    client = threading.Thread(target=lambda: answers.append(httpx.get(server.url + "/slow", timeout=10)))
    client.start()
    time.sleep(0.4)
    assert server.process.pid not in {os.getpgid(worker) for worker in server.workers()}
    os.killpg(server.process.pid, signal.SIGINT)
    said, _ = server.process.communicate(timeout=10)
    client.join()
    assert [answer.status_code for answer in answers] == [200]
    assert said == "drained\n"


def test_server_started_with_nohup_outlives_its_terminal() -> None:
    port = free_port()
    process = run_server(port, workers=1, through=("nohup",))
    running = Running(process, port)
    wait_until_it_answers(running)
    process.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    assert running.pid_that_answers() in running.workers()
    process.terminate()
    assert process.communicate(timeout=10)[0].endswith("drained\n")


def test_second_server_on_the_port_is_refused(server: Running) -> None:
    port = int(server.url.rpartition(":")[2])
    second = run_server(port)
    said, _ = second.communicate(timeout=10)
    assert said.startswith(f"refused: Cannot listen on 127.0.0.1:{port}")
    assert "SUISHEN_PORT" in said
    assert server.pid_that_answers() in server.workers()


def test_application_that_cannot_be_made_ends_the_server_with_a_reason() -> None:
    process = run_server(free_port(), target=f"{TINY}:fail", factory=True)
    said, _ = process.communicate(timeout=30)
    assert "the tiny application refuses to be made" in said
    assert "The workers could not start" in said


@pytest.mark.parametrize("taken_with_reuse", [False, True])
def test_port_taken_is_refused_also_when_the_holder_would_share_it(taken_with_reuse: bool) -> None:
    with socket.socket() as holder:
        if taken_with_reuse:
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(ServeError, match=rf"127\.0\.0\.1:{port} .*stop it first.*SUISHEN_PORT"):
            refuse_if_port_taken("127.0.0.1", port, patience_seconds=0)
        with pytest.raises(ServeError, match="stop it first"):
            refuse_if_port_taken("0.0.0.0", port, patience_seconds=0)
    refuse_if_port_taken("127.0.0.1", port, patience_seconds=0)


def test_port_whose_holder_is_leaving_is_waited_for() -> None:
    holder = socket.create_server(("127.0.0.1", 0))
    port = holder.getsockname()[1]
    threading.Timer(0.3, holder.close).start()
    refuse_if_port_taken("127.0.0.1", port, patience_seconds=5)
    assert holder.fileno() == -1


def test_address_of_another_machine_is_refused() -> None:
    with pytest.raises(ServeError, match=r"Cannot listen on 192\.0\.2\.1:8000"):
        refuse_if_port_taken("192.0.2.1", 8000, patience_seconds=0)


def test_half_sent_headers_are_cut_off() -> None:
    port = free_port()
    code = (
        "from app.serve import run_granian; "
        f"run_granian('{TINY}:application', host='127.0.0.1', port={port}, workers=1, header_timeout_seconds=1)"
    )
    process = subprocess.Popen([sys.executable, "-B", "-c", code], cwd=ROOT, start_new_session=True)
    wait_until_it_answers(Running(process, port))  # type: ignore[arg-type]  # its output is not read here
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        client.sendall(b"GET /pid HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        began = time.monotonic()
        assert client.recv(1024) in (b"", b"HTTP/1.1 408 Request Timeout\r\n\r\n")
        assert time.monotonic() - began < 3
    process.terminate()
    process.wait(timeout=10)


def ask_and_expect_nothing(url: str) -> None:
    try:
        httpx.get(url, timeout=10)
    except httpx.TransportError:
        return
