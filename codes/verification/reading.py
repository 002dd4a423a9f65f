"""What every carrier comes down to before it is judged: a signed code, an online token, digits, or a typed document.

A new carrier is a new way to a `Reading`; judging, disclosing and recording are the same for all of them.
"""

from datetime import UTC, datetime
from typing import Protocol

from app.kit.database import Connection
from app.kit.structs import Model
from codes.offline import STEPS, Examined, Shown
from codes.verdict import Reason
from codes.verification.ports import Scans
from codes.verification.standing import NOT_READ, Standing


class Guard(Model):
    """What an accepted scan uses up: the same pointer and second are accepted once, over all workers.

    `spent_until` says that the pointer itself is used up too, for every second until then.
    """

    cti: bytes
    iat: datetime
    spent_until: datetime | None = None


class Reading(Model):
    """What was read, what the books say of it, and what an acceptance would use up (None: nothing).

    `skipped` are steps that were not made although those around them were.
    """

    examined: Examined
    standing: Standing
    guard: Guard | None = None
    skipped: tuple[str, ...] = ()


class ReadsCodes(Protocol):
    """One kind of carrier that only the city's books can read."""

    async def read(self, connection: Connection, scanner: Scans, text: str, scenario: int, now: datetime) -> Reading:
        """What `text` is; whether it is this reader's at all was asked before."""
        ...

    def recognises(self, text: str) -> bool:
        """Whether `text` has the shape of this carrier."""
        ...


def unread(reason: Reason, step: str, shown: Shown | None = None) -> Reading:
    """A refusal from before anything was looked at: no step but that one was made."""
    return Reading(examined=Examined(reason=reason, failed_step=step, shown=shown), standing=NOT_READ, skipped=STEPS)


def guard_of(examined: Examined) -> Guard | None:
    """A presentation counts once; one that answered a nonce uses its whole grant up."""
    presentation, claims = examined.presentation, examined.claims
    if presentation is None or claims is None:
        return None
    return Guard(
        cti=claims.cti,
        iat=_time(presentation.iat),
        spent_until=None if presentation.cnonce is None else _time(claims.expires_at),
    )


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
