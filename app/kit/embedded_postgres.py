"""A private PostgreSQL for one owner process: made when new, started, stopped, and never left behind.

It lives in one 0700 directory, listens on a Unix socket only and lets in nobody but the operating-system user who owns
it (peer authentication: no password exists that could leak). As root it runs under a uid of its own. It touches nothing
outside its directory, except a short private socket folder where the path is too long for one. Serves no network.
"""

import fcntl
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlencode

from app.kit import postgres_guardian
from app.kit.postgres_binaries import (
    EmbeddedPostgresError,
    Installation,
    find_installation,
    first_barrier,
    readable_installation,
)
from app.kit.postgres_cluster import (
    DATABASE,
    DURABLE,
    NOT_DURABLE,
    ROLE,
    create_cluster,
    environment,
    options,
    user_name,
)

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError", "default_data_directory"]

# Under root PostgreSQL gets a uid that no other program uses; "nobody" is shared with whoever else was given it.
DROPPED_UID = 60432
# A bind address holds 108 bytes on Linux and 104 on macOS, with the closing zero.
LONGEST_SOCKET_PATH = 103
SOCKET_NAME = ".s.PGSQL.5432"
START_TIMEOUT_SECONDS = 60.0
OWNER_ALIVE_PATIENCE_SECONDS = 1.5
OWNER_DEAD_PATIENCE_SECONDS = 30.0
LARGEST_LOG_BYTES = 8 * 1024 * 1024

SETTINGS = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    # The log says how the server fares. A failed statement belongs to its caller: its text may hold personal data.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_statement": "none",
    "log_parameter_max_length_on_error": "0",
    "logging_collector": "off",
    "log_destination": "stderr",
}


def default_data_directory(root: Path, *, name: str = "postgres") -> Path:
    """Where the data of the clone at `root` lives: inside it; for the superuser outside every home.

    PostgreSQL refuses to run as root, and the uid it gets instead could not enter a 0700 home.
    """
    root = root.resolve()
    if os.geteuid() != 0:
        return root / ".suishen" / name
    stamp = hashlib.sha256(os.fsencode(root)).hexdigest()[:12]
    return Path("/var/lib/suishen") / stamp / name


STATE_SOCKET_LINE = 4  # of postmaster.pid


class EmbeddedPostgres:
    """`start` returns a DSN for asyncpg; the server leaves with `stop`, or by itself when this process dies.

    One live owner for each directory: a second one is refused. With `durable=False` a crash may lose or ruin the data;
    it is for unit tests only.
    """

    def __init__(
        self,
        data_directory: Path,
        *,
        log: Callable[[str], None] = lambda _: None,
        durable: bool = True,
        installation: Installation | None = None,
    ) -> None:
        self.data_directory = data_directory.expanduser().resolve()
        self._log = log
        self._durable = durable
        self._installation = installation
        self._cluster = self.data_directory / "cluster"
        self._owner_file = self.data_directory / "owner"
        self._server_log = self.data_directory / "postgres.log"
        self._uid = os.geteuid() or DROPPED_UID
        self._lock: int | None = None
        self._guardian: subprocess.Popen[bytes] | None = None
        self._started_by: int | None = None
        self._dsn = ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def dsn(self) -> str:
        """How to connect; empty while the server is stopped."""
        return self._dsn

    def start(self) -> str:
        """Blocks until the server answers; raises `EmbeddedPostgresError` with what to do when it cannot."""
        if self._dsn:
            return self._dsn
        try:
            self._own_directory()
            self._stop_leftover()
            installation = self._prepare_installation()
            self._dsn = self._launch(installation)
        except OSError as error:
            self.stop()
            raise EmbeddedPostgresError(
                f"The data directory {self.data_directory} cannot be used: {error}. "
                "Give it back to the user who starts the server, or choose another one."
            ) from error
        except BaseException:
            self.stop()
            raise
        return self._dsn

    def stop(self) -> None:
        """Fast shutdown; every acknowledged commit is on disk. Does nothing when stopped, or in a forked child."""
        if self._lock is None or self._started_by != os.getpid():
            return
        if self._guardian is not None:
            self._guardian.terminate()
            self._guardian.wait()
            self._guardian = None
        self._dsn = ""
        self._stop_leftover()
        self._remove_socket_directory()
        os.close(self._lock)
        self._lock = None

    def find_running(self) -> str | None:
        """How to connect to the server that another process runs on this data; None when nobody does."""
        state = self._server_state()
        if len(state) <= STATE_SOCKET_LINE or state[-1] != "ready" or not _is_alive(int(state[0])):
            return None
        return _dsn_at(Path(state[STATE_SOCKET_LINE]))

    def forget(self) -> None:
        """Deletes a stopped cluster with all its data; refuses one that is in use, or a directory that is not one."""
        self.stop()
        if not self.data_directory.exists():
            return
        self._own_directory()
        self._stop_leftover()
        self._remove_socket_directory()
        shutil.rmtree(self.data_directory)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _own_directory(self) -> None:
        directory = self.data_directory
        if directory.exists() and not self._owner_file.exists() and any(directory.iterdir()):
            raise EmbeddedPostgresError(f"{directory} holds something else; choose an empty or a new data directory.")
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        if directory.stat().st_uid not in (os.geteuid(), self._uid):
            raise EmbeddedPostgresError(
                f"{directory} belongs to another user ({user_name(directory.stat().st_uid)}). "
                "Start the server as that user, or choose another data directory."
            )
        barrier = first_barrier(directory, self._uid) if os.geteuid() == 0 else None
        if barrier is not None:
            raise EmbeddedPostgresError(
                f"PostgreSQL does not run as root, so it runs as user id {self._uid}, which may not enter {barrier}. "
                "Choose a data directory that everyone can reach, or start the server as an ordinary user."
            )
        self._take_lock()
        self._give(directory)
        directory.chmod(0o700)

    def _take_lock(self) -> None:
        """Locks the owner file for this process and its guardian; waits a little for an earlier owner that leaves."""
        lock = _open_private(str(self._owner_file), os.O_RDWR | os.O_CREAT)
        began = time.monotonic()
        while not _locked(lock):
            owner = int(os.pread(lock, 32, 0).strip(b"\0") or b"0")
            patience = OWNER_ALIVE_PATIENCE_SECONDS if _is_alive(owner) else OWNER_DEAD_PATIENCE_SECONDS
            if time.monotonic() - began > patience:
                os.close(lock)
                raise EmbeddedPostgresError(
                    f"Process {owner} is using {self.data_directory}. Stop it first (Ctrl-C in its terminal, or "
                    f"`kill {owner}`), or choose another data directory."
                )
            time.sleep(0.05)
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        self._lock = lock
        self._started_by = os.getpid()

    def _prepare_installation(self) -> Installation:
        installation = self._installation or find_installation()
        if os.geteuid() == 0:
            installation = readable_installation(installation, self._uid, self.data_directory)
        if not self._cluster.exists():
            self._log(f"Making a new PostgreSQL {installation.major} database in {self.data_directory}")
            create_cluster(installation, self._cluster, self._uid, durable=self._durable)
        made_by = (self._cluster / "PG_VERSION").read_text().strip()
        if made_by != installation.major:
            raise EmbeddedPostgresError(
                f"The data in {self.data_directory} was made by PostgreSQL {made_by}; here is {installation.version}. "
                f"Move it with pg_dump of version {made_by}, or forget it (`make clean`)."
            )
        return installation

    def _launch(self, installation: Installation) -> str:
        self._write_access_rules()
        socket_directory = self._make_socket_directory()
        settings = SETTINGS | (DURABLE if self._durable else NOT_DURABLE)
        settings["unix_socket_directories"] = str(socket_directory)
        command = [installation.program("postgres"), "-D", str(self._cluster), *options(settings)]
        before = self._server_state()
        self._guardian = self._start_guardian(command)
        self._wait_until_ready(before)
        self._log(f"PostgreSQL {installation.version} is up in {self.data_directory}")
        return _dsn_at(socket_directory)

    def _start_guardian(self, command: list[str]) -> "subprocess.Popen[bytes]":
        script = str(Path(postgres_guardian.__file__).resolve())
        assert self._lock is not None
        if self._server_log.exists() and self._server_log.stat().st_size > LARGEST_LOG_BYTES:
            self._server_log.rename(self._server_log.with_name("postgres.log.1"))
        with open(self._server_log, "ab", opener=_open_private) as server_log:
            return subprocess.Popen(  # noqa: S603 - our own script
                [sys.executable, "-I", "-S", script, str(os.getpid()), str(self._uid), *command],
                stdin=subprocess.DEVNULL,
                stdout=server_log,
                stderr=server_log,
                # The lock goes with it: nobody else owns the directory before the guardian has stopped the server.
                pass_fds=[self._lock],
                # Out of the terminal's process group: Ctrl-C is for the owner, which stops the server last.
                start_new_session=True,
                cwd="/",
                env=environment(),
            )

    def _wait_until_ready(self, before: list[str]) -> None:
        assert self._guardian is not None
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while True:
            state = self._server_state()
            if state != before and state[-1:] == ["ready"]:
                return
            if self._guardian.poll() is not None or time.monotonic() > deadline:
                lines = self._server_log.read_text(errors="replace").splitlines()[-6:]
                raise EmbeddedPostgresError(
                    f"PostgreSQL did not start; the end of {self._server_log} says:\n" + "\n".join(lines)
                )
            time.sleep(0.01)

    def _server_state(self) -> list[str]:
        """The lines of `postmaster.pid`: process id first, readiness last."""
        try:
            return [line.strip() for line in (self._cluster / "postmaster.pid").read_text().splitlines()]
        except FileNotFoundError:
            return []

    def _stop_leftover(self) -> None:
        """Stops a server whose guardian was killed; under the lock, so it can only be one of an earlier run."""
        for request, patience in ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
            server = int(next(iter(self._server_state()), "0"))
            if not self._is_our_server(server):
                return
            self._log(f"Stopping PostgreSQL (process {server}) of an earlier run")
            os.kill(server, request)
            deadline = time.monotonic() + patience
            while self._is_our_server(server) and time.monotonic() < deadline:
                time.sleep(0.02)

    def _is_our_server(self, pid: int) -> bool:
        """Whether the process is a PostgreSQL of this cluster, and not a stranger who was given the same number."""
        return _is_alive(pid) and os.fsencode(self._cluster) in _command_line(pid)

    def _write_access_rules(self) -> None:
        """One role, one way in: the operating system tells PostgreSQL who stands at the socket."""
        user = user_name(os.geteuid())
        if user is None or re.search(r'^/|["\\\s]', user):
            raise EmbeddedPostgresError(
                f"PostgreSQL cannot match the user name of user id {os.geteuid()} ({user!r}). "
                "Start the server as another user, or set DATABASE_URL to a PostgreSQL server of yours."
            )
        self._write("cluster/pg_hba.conf", f"local all {ROLE} peer map={ROLE}\n")
        self._write("cluster/pg_ident.conf", f'{ROLE} "{user}" {ROLE}\n')

    def _make_socket_directory(self) -> Path:
        """Inside the data directory where clients can spell that path, else a short folder that nobody can guess."""
        self._remove_socket_directory()
        directory = self.data_directory / "socket"
        fits = len(str(directory / SOCKET_NAME)) <= LONGEST_SOCKET_PATH
        # asyncpg and PostgreSQL both read a comma as the start of another host.
        if fits and re.fullmatch(r"[A-Za-z0-9/._+@-]+", str(directory)):
            directory.mkdir(mode=0o700)
        else:
            directory = Path(tempfile.mkdtemp(prefix="suishen-", dir=_short_temporary_directory()))
            self._write("socket-directory", str(directory))
        self._give(directory)
        return directory

    def _remove_socket_directory(self) -> None:
        shutil.rmtree(self.data_directory / "socket", ignore_errors=True)
        record = self.data_directory / "socket-directory"
        if not record.exists():
            return
        outside = Path(record.read_text())
        # What a file says is no reason to delete as root: only a folder such as we make, and that is still ours.
        is_ours = outside.name.startswith("suishen-") and outside.parent == _short_temporary_directory()
        if is_ours and outside.is_dir() and outside.lstat().st_uid == self._uid:
            shutil.rmtree(outside)
        record.unlink()

    def _write(self, name: str, text: str) -> None:
        path = self.data_directory / name
        path.unlink(missing_ok=True)
        with open(path, "x", encoding="utf-8", opener=_open_private) as file:
            file.write(text)
        self._give(path)

    def _give(self, path: Path) -> None:
        if os.geteuid() == 0:
            os.chown(path, self._uid, self._uid, follow_symlinks=False)


def _short_temporary_directory() -> Path:
    """The usual one, unless its own path leaves no room for a socket's name."""
    usual = Path(tempfile.gettempdir()).resolve()
    room = LONGEST_SOCKET_PATH - len("/suishen-12345678/") - len(SOCKET_NAME)
    return usual if len(str(usual)) <= room and "," not in str(usual) else Path("/tmp").resolve()  # noqa: S108 - mkdtemp makes the name


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_alive(pid: int) -> bool:
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _command_line(pid: int) -> bytes:
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return b""
    listing = ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)]
    return subprocess.run(listing, capture_output=True, check=False).stdout  # noqa: S603 - a number is its only argument


def _dsn_at(socket_directory: Path) -> str:
    return f"postgresql://{ROLE}@/{DATABASE}?" + urlencode({"host": str(socket_directory), "port": "5432"})
