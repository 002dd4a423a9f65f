"""The access row: one JSON line on standard output for every call to a department, with nothing personal in it.

Written straight, in either log format: the log's chain of processors took a tenth of a whole call. All rows of one turn
of the event loop go out together, at its end: a writing for each had the interpreter change threads for each.
"""

import asyncio
import sys
from datetime import datetime
from typing import Final, Protocol
from weakref import WeakSet

import msgspec

from app.kit.structs import Model
from gateway.meters import count_call

_ENCODER: Final = msgspec.json.Encoder()


class AccessRow(Model, kw_only=True):
    """What is kept of a call. `route` is the manifest's template, never the path; times in milliseconds. `decision` is
    "allowed", or the slug of what refused or ended it.

    `whole` is false when the answer broke off after it had begun.
    """

    timestamp: datetime
    level: str = "info"
    event: str = "gateway.call"
    request_id: str
    app_id: str
    method: str
    route: str
    status: int
    decision: str
    origin: str
    department_ms: float
    total_ms: float
    bytes: int
    whole: bool = True


class AccessLog:
    """The rows of this turn of the loop. A worker that is killed takes those with it, and none before them."""

    def __init__(self) -> None:
        self._rows: list[bytes] = []
        self._loop: asyncio.AbstractEventLoop | None = None  # the one that will write them

    def add(self, row: AccessRow) -> None:
        """One line, out before the running loop waits again."""
        loop = asyncio.get_running_loop()
        if not self._rows or loop is not self._loop:
            loop.call_soon(self._write)
            self._loop = loop
        self._rows.append(_ENCODER.encode(row) + b"\n")

    def _write(self) -> None:
        rows, self._rows = self._rows, []
        out = sys.stdout.buffer
        out.write(b"".join(rows))
        out.flush()


_LOG: Final = AccessLog()


class HearsRows(Protocol):
    """Whoever tells others of calls."""

    def add(self, row: AccessRow) -> None:
        """A call is over."""
        ...


_hearing: Final = WeakSet[HearsRows]()


def tell_of_rows(hears: HearsRows) -> None:
    """It hears of every row from now on, for as long as it is there."""
    _hearing.add(hears)


def write_row(row: AccessRow) -> None:
    """The row of a call that is over, and one more in the metrics."""
    count_call(row.app_id, row.origin, row.status, row.department_ms / 1000)
    _LOG.add(row)
    if len(_hearing):  # going through a set of weak references is dear, even an empty one
        for each in _hearing:
            each.add(row)
