"""How much one device, and one organization, may do before it has to wait; and how long a device keeps its scenario.

Windows are fixed, so that around the edge of two of them twice as much passes once, never more.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, TypeAlias
from uuid import UUID

from app.kit.structs import Model
from codes.scenarios.models import NAMING
from codes.verdict import Reason, Verdict, VerificationResult

Counted: TypeAlias = Literal["bad_codes", "named_holders", "wrong_sign_ons", "bad_logged"]
Scope: TypeAlias = Literal["scanner", "organization"]

SWITCH_LOCK: Final = timedelta(minutes=5)
BAD_CODE: Final = frozenset(
    {
        Reason.MALFORMED,
        Reason.TOO_LARGE,
        Reason.UNKNOWN_VERSION,
        Reason.UNKNOWN_KEY,
        Reason.KEY_NOT_FOR_KIND,
        Reason.ALG_MISMATCH,
        Reason.BAD_ISSUER_SIGNATURE,
        Reason.BAD_DEVICE_SIGNATURE,
        Reason.STATUS_UNKNOWN,
    }
)
"""What a code is that somebody made up. Whatever a true code can come to, by age or by mistake, is not among them."""


class Limit(Model):
    """At most `scanner` by one device and `organization` by all of its devices, in each window of `seconds`."""

    scanner: int
    organization: int
    seconds: int

    def window_of(self, now: datetime) -> datetime:
        """When the window began in which `now` lies."""
        return datetime.fromtimestamp(int(now.timestamp()) // self.seconds * self.seconds, UTC)


LIMITS: Final[Mapping[Counted, Limit]] = {
    # People do show payment codes at a gate, several a minute.
    "bad_codes": Limit(scanner=100, organization=5_000, seconds=600),
    # A counter names one person a minute; a hospital's whole morning fits.
    "named_holders": Limit(scanner=300, organization=10_000, seconds=3600),
    "wrong_sign_ons": Limit(scanner=20, organization=200, seconds=900),
    # A gate's worst day without the city comes in parts; trying codes out this way is slower than online.
    "bad_logged": Limit(scanner=2_000, organization=20_000, seconds=21_600),
}
SCANNING: Final[tuple[Counted, ...]] = ("bad_codes", "named_holders")
"""What keeps a device from scanning; wrong sign-ons only keep it from signing on."""
LOGGING: Final[tuple[Counted, ...]] = (*SCANNING, "bad_logged")
"""What keeps it from bringing a log: whoever may not ask one way may not ask the other."""


class Stop(Model):
    """Somebody who has to wait."""

    subject: UUID
    what: str
    scope: Scope
    organization_id: UUID
    counted: int
    since: datetime
    until: datetime


class StopList(Model):
    """All stops of an organization that are in force, latest first."""

    items: list[Stop]
    next: UUID | None = None


class Standing(Model):
    """What is known of a device before a scan: the limit that stops it, and the scenario in which it works."""

    stopped_by: str | None
    scenario: int | None


def counted_as(result: VerificationResult) -> Counted | None:
    """What a verdict counts as, or None for an ordinary one. A repeated answer counts no second time."""
    if result.repeated:
        return None
    if result.reason in BAD_CODE:
        return "bad_codes"
    named = result.verdict is Verdict.ACCEPT and not NAMING.isdisjoint(result.disclosed)
    return "named_holders" if named else None
