"""The report of a conformance run: a plain document that names the manifest it is about, and itself by its hash.

Holds statuses and stable words only: no token, no signature, nothing of what a department answered.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Final, Literal, TypeAlias

import msgspec
import rfc8785
from msgspec import Meta

from app.kit.structs import Request

Outcome: TypeAlias = Literal["passed", "failed", "warned", "skipped"]
Environment: TypeAlias = Literal["local", "sandbox", "live"]
Group: TypeAlias = Literal["answers", "caller", "request", "cards", "bounds", "privacy"]

SCHEMA: Final = "ssb-conformance/1"
KIT: Final = "2"
"""Rises when a case is added, so that an old report is known as such."""

Word = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{0,63}$(?!\n)")]
Note = Annotated[str, Meta(max_length=300, pattern=r"^[^\u0000-\u001f\u007f]*$(?!\n)")]


class Told(Request):
    """A text of the kit's, in both languages."""

    zh: Note
    en: Note


class CaseResult(Request):
    """One case: what was tried, what came of it, and what to do when it failed."""

    id: Word
    group: Group
    outcome: Outcome
    title: Told
    seen: Note
    advice: Told | None = None
    milliseconds: Annotated[int, Meta(ge=0, le=3_600_000)] = 0


class ConformanceReport(Request, kw_only=True):
    """What came of all cases. `backend` is where the requests went, `manifest_hash` what they were made from."""

    schema: Literal["ssb-conformance/1"] = "ssb-conformance/1"
    kit: Annotated[str, Meta(pattern=r"^[0-9]{1,6}$(?!\n)")] = KIT
    app_id: Annotated[str, Meta(max_length=128)]
    version_code: Annotated[int, Meta(ge=1, le=2_147_483_647)]
    manifest_hash: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
    environment: Environment
    backend: Annotated[str, Meta(max_length=512, pattern=r"^https?://[^\s\u0000-\u001f]+$(?!\n)")]
    made_at: Annotated[datetime, Meta(tz=True)]
    milliseconds: Annotated[int, Meta(ge=0, le=3_600_000)]
    outcome: Literal["passed", "failed"]
    cases: Annotated[tuple[CaseResult, ...], Meta(min_length=1, max_length=500)]

    def count(self, outcome: Outcome) -> int:
        """How many cases ended so."""
        return sum(case.outcome == outcome for case in self.cases)


def outcome_of(cases: Iterable[CaseResult]) -> Literal["passed", "failed"]:
    """A run passes when nothing failed; a warning is for the author and the reviewer."""
    return "failed" if any(case.outcome == "failed" for case in cases) else "passed"


def report_hash(report: ConformanceReport) -> bytes:
    """SHA-256 of the canonical form (RFC 8785): 32 bytes that name this very report."""
    return hashlib.sha256(rfc8785.dumps(msgspec.to_builtins(report))).digest()
