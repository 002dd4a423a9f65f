"""Processes that belong to one main process: they start with it, are ready when it says so, and never outlive it.

`python -m app.kit.processes PARENT_PID MODULE ARGUMENTS...` runs a module under that promise; with `keep` before the
module it begins anew whenever it ends. Restarts nothing else.
"""

import contextlib
import ctypes
import http.client
import os
import runpy
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import NoReturn, Self
from urllib.parse import urlsplit

LOOK_EVERY_SECONDS = 0.2
STOP_PATIENCE_SECONDS = 5.0
AGAIN_AFTER_SECONDS = 1.0
KEEP = "keep"
PR_SET_PDEATHSIG = 1


class ChildNotReadyError(Exception):
    """A child process ended, or did not answer in time; the text holds the end of what it wrote."""


def leave_with_parent(parent: int | None = None) -> None:
    """From now on this process is killed when `parent` (default: its parent now) dies, even by SIGKILL.

    Killed and not asked: what waits for a stuck request would hold the port with old code and old keys. Nothing
    acknowledged is lost, for it is in the database.
    """
    expected = os.getppid() if parent is None else parent
    threading.Thread(target=_watch_parent, args=(expected,), name="leave-with-parent", daemon=True).start()


def leave_at_once_with_parent(parent: int) -> None:
    """The same without a delay, on Linux by the kernel's own hand, which also reaches a process that is stuck.

    Only for a child of the parent's main thread: the kernel counts the death of the thread that made the child.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    leave_with_parent(parent)


def free_port() -> int:
    """A port of the loopback interface that nobody listens on at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


class ChildProcesses:
    """Python modules run as processes of their own beside this one, stopped in reverse order.

    What they write goes to `NAME.log` in `logs`, or to where this process writes when there is none.
    """

    def __init__(self, *, logs: Path | None = None, log: Callable[[str], None] = lambda _: None) -> None:
        self._logs = logs
        self._log = log
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(
        self,
        name: str,
        module: str,
        arguments: Sequence[str] = (),
        *,
        ready: str = "",
        environment: Mapping[str, str] | None = None,
        timeout_seconds: float = 15.0,
        kept: bool = False,
    ) -> int:
        """Starts `python -m module arguments`, returns its process id.

        `kept`: a process that does nothing else starts it anew a second after it ended; its id is the one returned.
        `ready` is a loopback address to wait for: `http://127.0.0.1:PORT/health` must answer 200, `tcp://127.0.0.1:PORT`
        accept a connection. Empty: `wait_until_ready` may be called later, so that many start side by side.
        """
        command = [*_under(os.getpid()), *([KEEP] if kept else []), module, *arguments]
        with contextlib.ExitStack() as stack:
            output = stack.enter_context(self._log_file(name).open("ab")) if self._logs else None
            # Out of the terminal's process group: Ctrl-C is for the main process, which stops its children in order.
            child = subprocess.Popen(  # noqa: S603 - our own modules
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                env=os.environ | dict(environment or {}),
            )
        self._children[name] = child
        if ready:
            self.wait_until_ready(name, ready, timeout_seconds=timeout_seconds)
        return child.pid

    def wait_until_ready(self, name: str, ready: str, *, timeout_seconds: float = 15.0) -> None:
        """Raises `ChildNotReadyError`; the child is then stopped with the others."""
        child = self._children[name]
        deadline = time.monotonic() + timeout_seconds
        while not _answers(ready):
            if child.poll() is not None or time.monotonic() > deadline:
                happened = "did not answer in time" if child.returncode is None else f"ended with {child.returncode}"
                raise ChildNotReadyError(f"{name} {happened} ({ready}). {self._last_words(name)}")
            time.sleep(0.03)
        self._log(f"{name} is ready at {ready}")

    def running(self) -> dict[str, int]:
        """Names and process ids of the children that live."""
        return {name: child.pid for name, child in self._children.items() if child.poll() is None}

    def stop(self) -> None:
        """Asks each to leave, the last one first, and kills what is still there after five seconds."""
        for child in reversed(self._children.values()):
            child.terminate()
        deadline = time.monotonic() + STOP_PATIENCE_SECONDS
        for child in self._children.values():
            try:
                child.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self._children.clear()

    def _log_file(self, name: str) -> Path:
        assert self._logs is not None
        self._logs.mkdir(parents=True, exist_ok=True)
        return self._logs / f"{name}.log"

    def _last_words(self, name: str) -> str:
        if self._logs is None:
            return ""
        lines = self._log_file(name).read_text(errors="replace").splitlines()[-8:]
        return f"The end of {self._log_file(name)}:\n" + "\n".join(lines)


def keep(module: str, arguments: Sequence[str]) -> NoReturn:
    """Runs the module until this process is asked to leave, anew whenever it ended."""
    left = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: left.set())
    while True:
        child = subprocess.Popen([*_under(os.getpid()), module, *arguments])  # noqa: S603 - our own modules
        while child.poll() is None and not left.wait(LOOK_EVERY_SECONDS):
            pass
        if left.is_set():
            child.terminate()
            child.wait()
            sys.exit(0)
        sys.stderr.write(f"{module} ended with {child.returncode}; it begins anew.\n")
        left.wait(AGAIN_AFTER_SECONDS)


def _under(parent: int) -> list[str]:
    return [sys.executable, "-m", "app.kit.processes", str(parent)]


def _watch_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_EVERY_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


def _answers(address: str) -> bool:
    parts = urlsplit(address)
    assert parts.hostname is not None
    assert parts.port is not None
    try:
        if parts.scheme == "tcp":
            socket.create_connection((parts.hostname, parts.port), timeout=1).close()
            return True
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=1)
        with contextlib.closing(connection):
            connection.request("GET", parts.path or "/")
            return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False


if __name__ == "__main__":
    leave_with_parent(int(sys.argv[1]))
    _, _, module_to_run, *module_arguments = sys.argv
    if module_to_run == KEEP:
        keep(module_arguments[0], module_arguments[1:])
    sys.argv = [module_to_run, *module_arguments]
    runpy.run_module(module_to_run, run_name="__main__", alter_sys=True)
