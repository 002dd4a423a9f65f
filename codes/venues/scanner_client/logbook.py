"""What a door saw while it could not ask: on disk before the door opens, brought to the city later.

A line of JSON for each scan. A line that a power cut tore is left out, never repaired. The codes themselves stand in
it, because the city examines them again; the file is for its owner only, and short-lived.
"""

import os
from collections.abc import Collection
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from app.kit.structs import Model
from codes.venues.scanner_client.device import OURS_ALONE, write_private
from codes.verdict import Verdict

MOST_AT_ONCE: Final = 500


class Entry(Model, omit_defaults=True):
    """One scan, as `POST /v1/verifications/batch` wants it."""

    entry_id: str
    code: str
    scenario: int
    scanned_at: datetime
    verdict: Verdict
    reason: str
    cnonce: str | None = None
    holder_checked: bool = False


class Logbook:
    """A file of entries, for one process at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, entry: Entry) -> None:
        """Appends `entry`; it is on the disk when this returns."""
        # A torn line before it must not swallow this one, hence the break at both ends.
        line = b"\n" + msgspec.json.encode(entry) + b"\n"
        with os.fdopen(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, OURS_ALONE), "ab") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())

    def entries(self) -> list[Entry]:
        """Every whole entry, oldest first."""
        if not self._path.exists():
            return []
        found = (_entry_of(line) for line in self._path.read_bytes().split(b"\n") if line)
        return [entry for entry in found if entry is not None]

    def next_batch(self) -> list[Entry]:
        """The oldest entries, as many as the city takes at once."""
        return self.entries()[:MOST_AT_ONCE]

    def drop(self, entry_ids: Collection[str]) -> None:
        """Forgets entries that the city has answered."""
        kept = [entry for entry in self.entries() if entry.entry_id not in entry_ids]
        write_private(self._path, b"".join(msgspec.json.encode(entry) + b"\n" for entry in kept))


def _entry_of(line: bytes) -> Entry | None:
    try:
        return msgspec.json.decode(line, type=Entry)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
