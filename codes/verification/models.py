"""A scan: the request of it, its record, and the rule of what may leave. Pure."""

from datetime import datetime
from typing import Annotated, Literal, TypeAlias
from uuid import UUID

import msgspec

from app.kit.structs import Model, Request, Text
from codes.envelope.claims import Kind
from codes.scenarios.models import GENERAL, Scenario
from codes.status.models import Status, StatusPointer
from codes.trust.models import ScenarioPolicy
from codes.verdict import Reason, ScannedBy, Verdict
from codes.verification.ports import SubjectType

GENERAL_ATTRIBUTES = frozenset({"openid", "entitlements"})

Mode: TypeAlias = Literal["online", "offline"]


class Asked(Request):
    """What every question of a scanner says, whatever was shown to it.

    `request_id` makes a retry safe; it is signed. `holder_checked`: a member of staff compared the holder with a
    document, which paper and typed numbers need.
    """

    scenario: int
    request_id: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._:-]{8,64}(?![\s\S])")] | None = None
    holder_checked: bool = False
    item: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9._-]{1,63}(?![\s\S])")] | None = None
    """At a counter: the item of business that the holder came for. The answer then brings a form ticket."""


class VerifyCode(Asked, kw_only=True):
    """What a scanner sends: what it read, and in which situation."""

    code: str
    cnonce: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{11,43}(?![\s\S])")] | None = None


class GrantKey(Model):
    """What finds a grant in the books: its batch, the place of its status, and its pointer."""

    batch: int
    place: StatusPointer
    cti: bytes


class GrantStanding(Model):
    """What the database knows of a grant at this moment."""

    person_id: UUID
    device_id: UUID
    grants: int
    revoked_at: datetime | None
    status: int | None
    spent: bool = False
    frozen: bool = False
    guardian_id: UUID | None = None
    mandate_id: UUID | None = None

    @property
    def true_status(self) -> Status:
        """Revocation of the batch and the status of the grant say the same; the stricter one counts."""
        return Status.INVALID if self.revoked_at is not None else Status(self.status or Status.VALID)


class Verification(Model):
    """A row: one scan. `guard_cti` stands only in an accepted presentation, and makes it unique."""

    id: UUID
    iat: datetime
    guard_cti: bytes | None
    verified_at: datetime
    scanner_id: UUID
    organization_id: UUID
    scanned_by: ScannedBy
    request_id: str | None
    subject_type: SubjectType | None
    subject_id: UUID | None
    kind: str | None
    scenario: int
    basis: str
    disclosed: list[str]
    withheld: list[str]
    verdict: Verdict
    reason: Reason
    guardian_id: UUID | None = None
    """Whose phone showed the code, when it was the holder's guardian's."""
    answer_sealed: bytes | None = None
    operator_id: UUID | None = None
    """Who had signed on at the device, and answers for the scan."""
    mode: Mode = "online"
    recorded_at: datetime | None = None
    """When the city heard of an offline scan; `verified_at` is when it happened."""
    said: Verdict | None = None
    """What the door did offline; `verdict` is what the city finds for that moment."""
    conflicts: list[str] = msgspec.field(default_factory=list)


class RecordedScan(Verification):
    """A scan as its holder may read it; if its notice was deferred, by which law and until when."""

    deferred_by: str | None = None
    deferred_until: datetime | None = None


class Retention(Model):
    """A row: the scans of `scenario` before `forgotten_until` know nobody any more."""

    scenario: int
    days: int
    forgotten_until: datetime


class StoredAnswer(Model):
    """The first answer to a presentation, for whoever sends the same request again."""

    id: UUID
    scanner_id: UUID
    request_id: str | None
    answer_sealed: bytes | None


class ScenarioName(Model):
    """A scenario as the citizen reads it."""

    number: int
    names: Text


class Deferral(Model):
    """Why the holder reads of a scan only now."""

    legal_basis: str
    until: datetime


class ScanView(Model):
    """Who looked at the citizen's code, where, why, and what they were told.

    Offline, `said` is what the door did, `verdict` what the city found afterwards, and `conflicts` why they may differ.
    """

    verification_id: UUID
    at: datetime
    scanner: ScannedBy
    scenario: ScenarioName
    basis: str
    kind: str | None
    verdict: Verdict
    reason: Reason
    disclosed: list[str]
    withheld: list[str]
    mode: Mode
    said: Verdict | None
    conflicts: list[str]
    recorded_at: datetime | None
    deferral: Deferral | None
    on_behalf_of: UUID | None
    """The child, when a guardian showed the child's code: the record is the child's and the guardian's."""


class ScanList(Model):
    """A page of scans, latest first."""

    items: list[ScanView]
    next: str | None


def policy_of(scenario: Scenario) -> ScenarioPolicy:
    """As much of a scenario as a verifier needs, online and in the trust list."""
    return ScenarioPolicy(
        number=scenario.number,
        kinds=frozenset(Kind[kind] for kind in scenario.kinds),
        freshness_seconds=scenario.freshness_seconds,
        general_ok=scenario.general_ok,
        high_value=scenario.high_value,
        fails_open=scenario.stale_list == "open",
    )


def attributes_allowed(scenario: Scenario, chosen_scenario: int | None) -> frozenset[str]:
    """What may leave in this scenario on its basis.

    Choosing the scenario on the phone is the consent, or the use of the ticket or contract; a code that was opened
    without context (0) chose nothing, so it answers about entitlements only. A static code (None) says what hangs on
    the wall anyway. Nothing here widens what the scenario discloses.
    """
    allowed = frozenset[str](scenario.discloses)
    return allowed & GENERAL_ATTRIBUTES if chosen_scenario == GENERAL else allowed
