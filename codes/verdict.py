"""What a scan says: reasons, verdicts, and the one result object of every mode. Pure; holds no rule about codes.

The strings are public and stable: scanners, logs and other cities' programs compare them.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

import msgspec

from app.kit.structs import Model, Text


class Verdict(StrEnum):
    """What the door may do."""

    ACCEPT = "ACCEPT"
    REJECT = "REJECT"
    REVIEW = "REVIEW"


class Retry(StrEnum):
    """What helps the holder of a code that was not accepted."""

    NONE = "none"
    REFRESH_CODE = "refresh_code"
    OTHER_METHOD = "other_method"
    LATER = "later"


class Reason(StrEnum):
    """Why. The list only ever grows."""

    OK = "OK"
    MALFORMED = "MALFORMED"
    TOO_LARGE = "TOO_LARGE"
    WRONG_CARRIER = "WRONG_CARRIER"
    UNKNOWN_VERSION = "UNKNOWN_VERSION"
    UNKNOWN_KEY = "UNKNOWN_KEY"
    KEY_NOT_FOR_KIND = "KEY_NOT_FOR_KIND"
    ALG_MISMATCH = "ALG_MISMATCH"
    BAD_ISSUER_SIGNATURE = "BAD_ISSUER_SIGNATURE"
    BAD_DEVICE_SIGNATURE = "BAD_DEVICE_SIGNATURE"
    GRANT_EXPIRED = "GRANT_EXPIRED"
    NOT_YET_VALID = "NOT_YET_VALID"
    STALE_CODE = "STALE_CODE"
    CLOCK_SKEW = "CLOCK_SKEW"
    REPLAYED = "REPLAYED"
    REVOKED = "REVOKED"
    SUSPENDED = "SUSPENDED"
    STATUS_UNKNOWN = "STATUS_UNKNOWN"
    SCENARIO_MISMATCH = "SCENARIO_MISMATCH"
    SCANNER_NOT_REGISTERED = "SCANNER_NOT_REGISTERED"
    SCANNER_NOT_ALLOWED = "SCANNER_NOT_ALLOWED"
    CONSENT_REQUIRED = "CONSENT_REQUIRED"
    HOLDER_CHECK_REQUIRED = "HOLDER_CHECK_REQUIRED"
    TRUST_LIST_STALE = "TRUST_LIST_STALE"
    RATE_LIMITED = "RATE_LIMITED"
    TEMPORARY = "TEMPORARY"


class Refused(Exception):
    """A step of a pure core says no, by reason. `step` names the check for the log; it never quotes the input."""

    def __init__(self, reason: Reason, step: str) -> None:
        super().__init__(f"{reason} at {step}")
        self.reason = reason
        self.step = step


REVIEWED = frozenset(
    {
        Reason.SUSPENDED,
        Reason.STATUS_UNKNOWN,
        Reason.TRUST_LIST_STALE,
        Reason.CONSENT_REQUIRED,
        Reason.HOLDER_CHECK_REQUIRED,
        Reason.RATE_LIMITED,
        Reason.TEMPORARY,
    }
)

REFRESHED = frozenset(
    {
        Reason.GRANT_EXPIRED,
        Reason.STALE_CODE,
        Reason.CLOCK_SKEW,
        Reason.REPLAYED,
        Reason.SCENARIO_MISMATCH,
        Reason.CONSENT_REQUIRED,
    }
)

LATER = frozenset({Reason.NOT_YET_VALID, Reason.TRUST_LIST_STALE, Reason.RATE_LIMITED, Reason.TEMPORARY})

DESK = frozenset({Reason.SCANNER_NOT_REGISTERED, Reason.SCANNER_NOT_ALLOWED, Reason.NOT_YET_VALID})


def verdict_of(reason: Reason) -> Verdict:
    """A suspended or uncheckable code is looked at by a person; everything else that is not OK is refused."""
    if reason is Reason.OK:
        return Verdict.ACCEPT
    return Verdict.REVIEW if reason in REVIEWED else Verdict.REJECT


def retry_of(reason: Reason) -> Retry:
    """What the holder or the scanner may try next."""
    if reason is Reason.OK:
        return Retry.NONE
    if reason in REFRESHED:
        return Retry.REFRESH_CODE
    return Retry.LATER if reason in LATER else Retry.OTHER_METHOD


class Door(Model):
    """What a door shows: one word and one action."""

    word: Text
    action: Text


PASS = Door(word=Text(zh="通过", en="Pass"), action=Text(zh="请通行。", en="Please go through."))
REFRESH = Door(
    word=Text(zh="请刷新", en="Refresh"),
    action=Text(zh="请刷新随申码后重新出示。", en="Refresh the code and show it again."),
)
SET_CLOCK = Door(
    word=Text(zh="请刷新", en="Refresh"),
    action=Text(zh="请校准手机时间后刷新。", en="Set the phone's clock, then refresh the code."),
)
BY_HAND = Door(
    word=Text(zh="转人工核验", en="Check by hand"),
    action=Text(zh="请出示证件，由工作人员核验。", en="Show a document; a person will check."),
)
INVALID = Door(
    word=Text(zh="此码无效", en="Not valid"),
    action=Text(zh="请使用其他方式或前往人工窗口。", en="Use another way, or go to the counter."),
)


def door_of(reason: Reason) -> Door:
    """One of 通过, 请刷新, 转人工核验, 此码无效; the detail goes to the log, never to the queue behind the holder."""
    if reason is Reason.OK:
        return PASS
    if reason is Reason.CLOCK_SKEW:
        return SET_CLOCK
    if reason in REVIEWED or reason in DESK:
        return BY_HAND
    return REFRESH if reason in REFRESHED else INVALID


class Check(Model, omit_defaults=True):
    """One step of a verification. `needed` names the scenario that a mismatching code would have to carry."""

    name: str
    result: Literal["pass", "fail", "skipped", "stale"]
    needed: int | None = None


class Freshness(Model):
    """How old is what the verdict rests on. Ages are whole seconds; a part that played no role is None."""

    trust_list_version: int | None = None
    trust_list_age_s: int | None = None
    status_as_of: datetime | None = None
    code_age_s: int | None = None


class Source(Model):
    """What one register answered in an enterprise check."""

    name: str
    state: Literal["ok", "missing", "stale"]
    as_of: datetime | None = None


class ScannedBy(Model):
    """Who scanned: names of the organization, the site and the device."""

    org: str
    site: str
    device: str


class VerificationResult(Model, kw_only=True):
    """The answer to a scan, of the same shape online and offline. Nothing is disclosed unless the verdict is ACCEPT."""

    verification_id: str | None
    verdict: Verdict
    reason: Reason
    retry: Retry
    mode: Literal["online", "offline"]
    repeated: bool = False
    kind: str | None = None
    """A letter of `Kind`; `document` when staff typed a number; None when nothing could be read."""
    scenario: int
    checks: list[Check]
    freshness: Freshness
    disclosed: dict[str, Any] = msgspec.field(default_factory=dict)
    withheld: list[str] = msgspec.field(default_factory=list)
    sources: list[Source] = msgspec.field(default_factory=list)
    scanner: ScannedBy | None = None
    receipt: str | None = None
    form_ticket: str | None = None
    """At a counter: what the department redeems once for the holder's prefilled fields."""
    printed: dict[str, str] = msgspec.field(default_factory=dict)
    """What a paper code says of its holder on its own face, for the comparison with a document."""

    @property
    def door(self) -> Door:
        """What the door shows."""
        return door_of(self.reason)
