"""Testers of a mini-app: a department names an invitation, a citizen accepts it, and the department never learns who.

What the department sees is its own label and whether somebody accepted. Whoever accepted may leave at any time.
"""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from app.kit.structs import Model, Request, Text
from miniapps.manifest.models import AppId, ShortText


class Tester(Model):
    """An invitation and what became of it. `subject_id` is the citizen's, and stays with the city."""

    id: UUID
    app_id: str
    label: str
    code_hash: bytes
    invited_by: UUID
    invited_at: datetime
    expires_at: datetime
    subject_id: UUID | None = None
    accepted_at: datetime | None = None
    ended_at: datetime | None = None


class InviteTester(Request):
    """`label` is the department's own word for whoever is to accept: 测试员甲. Nobody's name or number is needed."""

    label: ShortText


class AcceptInvitation(Request):
    """The code that the department handed over."""

    code: Annotated[str, Meta(min_length=16, max_length=64, pattern=r"^[A-Za-z0-9_-]+$(?!\n)")]


class TesterView(Model):
    """A tester as the department sees them."""

    id: UUID
    label: str
    state: Literal["invited", "accepted", "ended", "expired"]
    invited_at: datetime
    expires_at: datetime
    accepted_at: datetime | None
    ended_at: datetime | None


class Invitation(Model):
    """A new invitation. The code is shown this once."""

    tester: TesterView
    code: str


class TesterList(Model):
    """A mini-app's testers, newest first; `next` is the `after` of the following page."""

    items: list[TesterView]
    next: UUID | None


class TrialView(Model):
    """What a citizen tests: a mini-app of which they see releases before others do."""

    app_id: AppId
    name: Text
    department: str
    accepted_at: datetime


class TrialList(Model):
    """Everything that the citizen tests."""

    items: list[TrialView]


def tester_view(tester: Tester, now: datetime) -> TesterView:
    """What the department sees of `tester` now."""
    return TesterView(
        id=tester.id,
        label=tester.label,
        state=_state(tester, now),
        invited_at=tester.invited_at,
        expires_at=tester.expires_at,
        accepted_at=tester.accepted_at,
        ended_at=tester.ended_at,
    )


def _state(tester: Tester, now: datetime) -> Literal["invited", "accepted", "ended", "expired"]:
    if tester.ended_at is not None:
        return "ended"
    if tester.accepted_at is not None:
        return "accepted"
    return "expired" if tester.expires_at <= now else "invited"
