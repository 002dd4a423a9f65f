"""Runs the application under granian with any number of workers that leave with their main process.

Decides nothing about the application; refuses to start beside whoever already holds the port.
"""

import gc
import importlib
import os
import resource
import signal
import socket
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.mp import MPServer

from app.kit.processes import leave_at_once_with_parent

# Workers of a main process that was killed a moment ago may be on their way out.
PORT_PATIENCE_SECONDS = 1.0
MOST_FILES = 16_384


class ServeError(Exception):
    """The server cannot start or go on; the text says what to do."""


class Server(MPServer):
    """Granian, but a terminal that is closed stops it; granian would load the application anew and run on unseen."""

    # As it was when the program began: `nohup` has the signal ignored, so as to outlive the terminal.
    _hangup_was_ignored = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN

    def signal_handler_reload(self, *_: object, **__: object) -> None:
        if not self._hangup_was_ignored:
            self.signal_handler_interrupt()  # type: ignore[no-untyped-call]  # granian does not annotate it


def serve(
    *,
    host: str,
    port: int,
    workers: int,
    target: str = "app.main:app",
    factory: bool = True,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Refuses a port that is taken, then serves until SIGTERM or SIGINT; `environment` is what the workers read."""
    refuse_if_port_taken(host, port)
    os.environ.update(environment or {})
    run_granian(target, host=host, port=port, workers=workers, factory=factory)


def refuse_if_port_taken(
    host: str, port: int, *, patience_seconds: float = PORT_PATIENCE_SECONDS, setting: str = "SUISHEN_PORT"
) -> None:
    """Raises `ServeError` when anybody listens there.

    Workers share their port (SO_REUSEPORT), so the system itself would let a second server in beside the first, and
    each would get a part of the requests.
    """
    deadline = time.monotonic() + patience_seconds
    while (reason := _why_not_free(host, port, setting)) is not None:
        if time.monotonic() > deadline:
            raise ServeError(reason)
        time.sleep(0.05)


def run_granian(
    target: str,
    *,
    host: str,
    port: int,
    workers: int,
    factory: bool = False,
    header_timeout_seconds: float = 10.0,
    drain_seconds: int = 10,
    connections_at_once: int = 2048,
    backlog: int = 4096,
    log_level: LogLevels = LogLevels.warning,
) -> None:
    """Blocks in the main thread until SIGTERM or SIGINT, then drains.

    A client has `header_timeout_seconds` to send its request line and headers. Each worker takes up to
    `connections_at_once`, or fewer where the system lets it open fewer files; the rest waits in the `backlog`. On the
    way out a request in flight has `drain_seconds` to finish. A worker that dies is replaced; raises `ServeError` when
    it dies again right away.
    """
    server = Server(
        target,
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        workers=workers,
        loop=Loops.uvloop,
        http=HTTPModes.http1,
        websockets=True,
        backlog=backlog,
        backpressure=min(connections_at_once, files_at_once() // 2),
        http1_settings=HTTP1Settings(header_read_timeout=int(header_timeout_seconds * 1000)),
        log_level=log_level,
        log_access=False,
        respawn_failed_workers=True,
        workers_kill_timeout=drain_seconds,
    )
    try:
        server.serve(target_loader=partial(load_application, os.getpid(), factory))
    except SystemExit as leaving:
        # Granian leaves with 1 as well when a worker happened to die while everybody was asked to stop.
        if leaving.code and not server.interrupt_signal:
            raise ServeError("The workers could not start or kept dying; the log above says why.") from leaving


def files_at_once() -> int:
    """How many files and sockets a process may open, after asking for as many as it may ask for."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    return MOST_FILES if soft == resource.RLIM_INFINITY else soft


def load_application(main_process: int, factory: bool, target: str) -> Callable[..., Any]:
    """What a worker does first: it ties its life to the main process, then imports the application."""
    # Ctrl-C is for the main process, which asks its workers to drain; they leave the terminal's group.
    os.setpgrp()
    # Inherited from the main process by fork, these would swallow a signal that comes before granian's own are set.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    leave_at_once_with_parent(main_process)
    module, _, name = target.partition(":")
    application: Any = getattr(importlib.import_module(module), name)
    loaded: Callable[..., Any] = application() if factory else application
    leave_out_of_collections()
    return loaded


def leave_out_of_collections() -> None:
    """What is loaded by now stays for good: a collection that walks it stands in everybody's way for 0.15 s."""
    gc.collect()
    gc.freeze()


def _why_not_free(host: str, port: int, setting: str) -> str | None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        return f"{host!r} is no address of this machine ({error.strerror}); choose another one with SUISHEN_HOST."
    with socket.socket(family, kind, protocol) as probe:
        # Connections of an earlier server that are still closing do not count, a listener does.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            return (
                f"Cannot listen on {host}:{port} ({error.strerror}). If a server already runs there, stop it first "
                f"(`ss -ltnp 'sport = :{port}'` or `lsof -i :{port}` names it), "
                f"or choose another port with {setting}."
            )
    return None
