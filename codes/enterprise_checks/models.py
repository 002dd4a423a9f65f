"""A check of an enterprise: the verdict on its code, and what each source of the scenario knows, with its time."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from app.kit.structs import Model, Request, Text
from codes.enterprise_checks.ports import Fact
from codes.envelope.presentation import LONGEST_TEXT
from codes.verdict import Check, Freshness, Reason, Retry, Source, Verdict

LONGEST_CODE = 4 * LONGEST_TEXT
"""Longer than any code, so that a code that is too large is a verdict; a flood of text is a malformed request."""


class CheckEnterprise(Request):
    """What the officer's device sends: the text of the picture, byte for byte, and the task it acts under."""

    code: Annotated[str, msgspec.Meta(max_length=LONGEST_CODE)]
    scenario: int
    inspection_id: UUID


class SourceReport(Model):
    """One source's part of the page. A missing one is shown as missing and holds nobody up."""

    name: str
    state: Literal["ok", "missing", "stale"]
    as_of: datetime | None = None
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
    inspection_id: UUID
    checks: list[Check]
    freshness: Freshness
    disclosed: dict[str, str] = msgspec.field(default_factory=dict)
    sources: list[SourceReport] = msgspec.field(default_factory=list)
    repeated: bool = False


class EnterpriseCheck(Model):
    """A row. `answer` is what the officer was told, once the sources have been asked."""

    id: UUID
    inspection_id: UUID
    organization_id: UUID
    scenario: int
    officer_id: UUID
    department_id: UUID
    checked_at: datetime
    request_key: bytes | None
    body_hash: bytes
    state: Literal["asking", "answered"]
    answer: dict[str, Any] | None = None


class StoredRecord(Model):
    """A check with what its task says."""

    id: UUID
    checked_at: datetime
    scenario: int
    inspection_id: UUID
    department_id: UUID
    officer_id: UUID
    purpose: str
    authority: str
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
    inspection_id: UUID
    sources: list[Source]


class CheckRecords(Model):
    """A page of checks, newest first."""

    items: list[CheckRecord]
    next: UUID | None
