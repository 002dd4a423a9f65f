"""A log of scans that a scanner made without the city, and what the city finds of each of them afterwards. Pure."""

import base64
import hashlib
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final, Literal, TypeAlias
from uuid import UUID

import msgspec

from app.kit.structs import Model, Request
from codes.envelope.layout import LARGEST_SCENARIO
from codes.scenarios.models import Scenario
from codes.verdict import Reason, Verdict, verdict_of

MOST_ENTRIES: Final = 500
LATEST_UPLOAD: Final = timedelta(days=3)
"""Older scans cannot be held against the books of their time any more."""
CLOCKS_DIFFER: Final = timedelta(seconds=30)
FARTHEST_AHEAD: Final = timedelta(minutes=5)

Refusal: TypeAlias = Literal["too_old", "in_the_future", "entry_reused", "scenario_unknown"]


Nonce = Annotated[
    str, msgspec.Meta(pattern=r"^(?:[A-Za-z0-9_-]{4})*[A-Za-z0-9_-]{2,4}(?![\s\S])", min_length=11, max_length=43)
]


class Conflict(StrEnum):
    """Where a scan offline and the city's books disagree. The list only ever grows."""

    REPLAYED = "replayed"  # the same showing was accepted elsewhere, or twice here
    REVOKED = "revoked"  # the code was void or suspended at that moment
    VERDICT_DIFFERS = "verdict_differs"  # the door did something else than the city would have done
    CLOCK = "clock"  # the device's clock and the code's, or the city's, are too far apart


CAUSES: Final = {
    Reason.REPLAYED: Conflict.REPLAYED,
    Reason.REVOKED: Conflict.REVOKED,
    Reason.SUSPENDED: Conflict.REVOKED,
    Reason.STALE_CODE: Conflict.CLOCK,
    Reason.CLOCK_SKEW: Conflict.CLOCK,
    Reason.GRANT_EXPIRED: Conflict.CLOCK,
    Reason.NOT_YET_VALID: Conflict.CLOCK,
    Reason.TRUST_LIST_STALE: Conflict.CLOCK,
}
"""Why a door that accepted was wrong."""


class OfflineEntry(Request):
    """One scan: what was read, when and in which situation, and what the door did.

    `entry_id` makes an upload safe to repeat. A device that first asked online and got no answer uses the
    `request_id` of that question, so that the scan is not taken for a second one.
    """

    entry_id: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._:-]{8,64}(?![\s\S])")]
    code: str
    scenario: Annotated[int, msgspec.Meta(ge=0, le=LARGEST_SCENARIO)]
    scanned_at: Annotated[datetime, msgspec.Meta(tz=True)]
    verdict: Verdict
    reason: Reason
    cnonce: Nonce | None = None
    holder_checked: bool = False

    @property
    def nonce(self) -> bytes | None:
        """The nonce's bytes."""
        return None if self.cnonce is None else base64.urlsafe_b64decode(self.cnonce + "=" * (-len(self.cnonce) % 4))

    @property
    def digest(self) -> bytes:
        """Two entries of one digest say the same; keeps nothing readable of the code."""
        return hashlib.sha256(msgspec.json.encode(self)).digest()


class UploadLog(Request):
    """What a scanner kept while it could not ask, in any order."""

    entries: Annotated[list[OfflineEntry], msgspec.Meta(min_length=1, max_length=MOST_ENTRIES)]


class EntryAnswer(Model):
    """What became of one entry. Discloses nothing of the holder.

    recorded: now, or (repeated) at an earlier upload; known: the scan had been recorded online; refused: why, and
    sending it again helps nobody.
    """

    entry_id: str
    state: Literal["recorded", "known", "refused"]
    repeated: bool = False
    refusal: Refusal | None = None
    verification_id: UUID | None = None
    verdict: Verdict | None = None
    reason: Reason | None = None
    conflicts: list[Conflict] = msgspec.field(default_factory=list)


class LogAnswer(Model):
    """An answer to each entry, in the order of the log."""

    items: list[EntryAnswer]


class Remembered(Model):
    """A row: what an entry was, by its digest, and what it was told."""

    body_hash: bytes
    answer: EntryAnswer


def refusal_of(entry: OfflineEntry, scenario: Scenario | None, now: datetime) -> Refusal | None:
    """Why an entry cannot be recorded at all, or None."""
    if scenario is None:
        return "scenario_unknown"
    if entry.scanned_at > now + FARTHEST_AHEAD:
        return "in_the_future"
    oldest = min(LATEST_UPLOAD, timedelta(days=scenario.retention_days))
    return "too_old" if entry.scanned_at < now - oldest else None


def conflicts_of(entry: OfflineEntry, found: Reason, now: datetime) -> list[Conflict]:
    """Where the door and the city disagree, most telling first; a door that refused what the city refuses is right."""
    conflicts = [Conflict.CLOCK] if entry.scanned_at > now + CLOCKS_DIFFER else []
    if verdict_of(found) is entry.verdict:
        return conflicts
    cause = CAUSES.get(found) if entry.verdict is Verdict.ACCEPT else None
    named = [Conflict.VERDICT_DIFFERS] if cause is None else [cause, Conflict.VERDICT_DIFFERS]
    return named + [conflict for conflict in conflicts if conflict not in named]
