"""A check of an enterprise: the verdict on its code, and what each source of the scenario knows, with its time.

It rests on a task whose officers the enterprise has met, or on an emergency, which gives a reason and stays marked.
"""

from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec

from app.kit.structs import Model, Request, Text
from codes.enterprise.checks.ports import Cause, Fact
from codes.envelope.presentation import LONGEST_TEXT
from codes.lines import ONE_LINE
from codes.verdict import Check, Freshness, Reason, Retry, Source, Verdict

EMERGENCY: Final = 802
"""The one scenario in which a check may go without a task."""
LONGEST_CODE = 4 * LONGEST_TEXT
"""Longer than any code, so that a code that is too large is a verdict; a flood of text is a malformed request."""


class CheckEnterprise(Request):
    """What the officer's device sends: the text of the picture, byte for byte, and the task it acts under.

    In an emergency there is no task: then `emergency_reason` stands in its place, and the enterprise reads it.
    """

    code: Annotated[str, msgspec.Meta(max_length=LONGEST_CODE)]
    scenario: int
    inspection_id: UUID | None = None
    emergency_reason: Annotated[str, msgspec.Meta(min_length=4, max_length=200, pattern=ONE_LINE)] | None = None


class SourceReport(Model):
    """One source's part of the page. A missing one is shown as missing, with its cause, and holds nobody up.

    `as_of` is when the register last knew better, `stale_after_hours` how old that may be; `took_ms` what asking took.
    """

    name: str
    state: Literal["ok", "missing", "stale"]
    names: Text = Text(zh="", en="")  # answers that were kept before sources had names
    cause: Cause | None = None
    as_of: datetime | None = None
    stale_after_hours: int | None = None
    took_ms: int = 0
    facts: list[Fact] = msgspec.field(default_factory=list)


class CheckView(Model):
    """The answer to a check: the result object of every scan, with the facts of each source."""

    verification_id: UUID
    verdict: Verdict
    reason: Reason
    retry: Retry
    mode: Literal["online"]
    kind: Literal["E"]
    scenario: int
    checked_at: datetime
    inspection_id: UUID | None
    checks: list[Check]
    freshness: Freshness
    emergency: bool = False
    disclosed: dict[str, str] = msgspec.field(default_factory=dict)
    sources: list[SourceReport] = msgspec.field(default_factory=list)
    repeated: bool = False


class EnterpriseCheck(Model):
    """A row. `answer` is what the officer was told, once the sources have been asked."""

    id: UUID
    inspection_id: UUID | None
    organization_id: UUID
    scenario: int
    officer_id: UUID
    department_id: UUID
    checked_at: datetime
    request_key: bytes | None
    body_hash: bytes
    state: Literal["asking", "answered"]
    answer: dict[str, Any] | None = None
    emergency_reason: str | None = None


class StoredRecord(Model):
    """A check with what its task says; one in an emergency has none, and says why."""

    id: UUID
    organization_id: UUID
    checked_at: datetime
    scenario: int
    inspection_id: UUID | None
    department_id: UUID
    officer_id: UUID
    purpose: str | None
    authority: str | None
    emergency_reason: str | None
    sources: list[Source] | None


class CheckRecord(Model):
    """A check as the enterprise reads it: who came, why, on whose authority, and which sources were asked."""

    verification_id: UUID
    at: datetime
    department: str
    officer: str
    scenario: int
    scenario_names: Text
    legal_basis: Text
    purpose: str
    authority: str
    inspection_id: UUID | None
    emergency: bool
    sources: list[Source]


class EmergencyCheck(Model):
    """A check without a task, as those read it who watch over the officers."""

    verification_id: UUID
    at: datetime
    department: str
    officer_id: UUID
    organization_name: str
    reason: str


class EmergencyChecks(Model):
    """A page of checks without a task, newest first."""

    items: list[EmergencyCheck]
    next: UUID | None


class CheckRecords(Model):
    """A page of checks, newest first."""

    items: list[CheckRecord]
    next: UUID | None
