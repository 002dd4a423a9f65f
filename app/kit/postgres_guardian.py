"""The parent of an embedded PostgreSQL: starts it, restarts it after a crash, stops it when its owner is gone.

Run as a file of its own (`python -I -S postgres_guardian.py OWNER_PID UID COMMAND...`), because an owner killed with
SIGKILL cannot clean up after itself. It imports nothing but the standard library and refuses to outlive its owner.
"""

import os
import select
import signal
import subprocess
import sys
import time

LOOK_EVERY_SECONDS = 0.2
SETTLED_AFTER_SECONDS = 1.0
# After the postmaster is killed its backends may need a moment to leave; until then a new one refuses to start.
RESTARTS_IN_A_ROW = 150
FAST_SHUTDOWN_SECONDS = 20.0


class Guardian:
    """One PostgreSQL, one owner; `run` returns the exit code to leave with."""

    def __init__(self, owner: int, command: list[str]) -> None:
        self._owner = owner
        self._command = command
        self._stop_asked = False
        self._signals, write_end = os.pipe()
        os.set_blocking(self._signals, False)
        os.set_blocking(write_end, False)
        signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, self._ask_to_stop)

    def run(self) -> int:
        # The very first start gets no second try: what is wrong then is for the owner to hear.
        quick_failures = RESTARTS_IN_A_ROW
        while True:
            began = time.monotonic()
            code = self._run_once()
            if code == 0 or self._must_leave():
                return code
            if time.monotonic() - began > SETTLED_AFTER_SECONDS:
                quick_failures = 0
            quick_failures += 1
            if quick_failures > RESTARTS_IN_A_ROW:
                return code
            time.sleep(LOOK_EVERY_SECONDS)

    def _run_once(self) -> int:
        server = subprocess.Popen(self._command, stdin=subprocess.DEVNULL)  # noqa: S603 - built by our own driver
        while (code := server.poll()) is None:
            if self._must_leave():
                return stop(server)
            self._sleep_until_something_happens()
        return code

    def _must_leave(self) -> bool:
        return self._stop_asked or os.getppid() != self._owner

    def _sleep_until_something_happens(self) -> None:
        readable, _, _ = select.select([self._signals], [], [], LOOK_EVERY_SECONDS)
        if readable:
            os.read(self._signals, 1024)

    def _ask_to_stop(self, *_: object) -> None:
        self._stop_asked = True


def stop(server: "subprocess.Popen[bytes]") -> int:
    """Fast shutdown; what does not follow in time is cut off, which costs a recovery at the next start and no data."""
    for request, patience in ((signal.SIGINT, FAST_SHUTDOWN_SECONDS), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
        server.send_signal(request)
        try:
            return server.wait(timeout=patience)
        except subprocess.TimeoutExpired:
            continue
    return 1


def drop_privileges(uid: int) -> None:
    """For good: real, effective and saved ids, and no supplementary groups."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)


if __name__ == "__main__":
    os.umask(0o077)
    drop_privileges(int(sys.argv[2]))
    sys.exit(Guardian(int(sys.argv[1]), sys.argv[3:]).run())
