"""A version that waits for its judgement, as reviewers see it in their list."""

from datetime import datetime
from uuid import UUID

from app.kit.structs import Model


class WaitingVersion(Model):
    """A row: a version under review and whose it is."""

    id: UUID
    app_id: str
    code: int
    name: str
    organization_id: UUID
    organization_name: str
    manifest: bytes
    published: bytes | None
    submitted_at: datetime
    review_due_at: datetime


class WaitingReview(Model):
    """A version under review. `widened` names in which ways it asks for more than what is published."""

    id: UUID
    app_id: str
    code: int
    name: str
    department: str
    emergency: bool
    widened: list[str]
    submitted_at: datetime
    review_due_at: datetime
    overdue: bool


class WaitingReviews(Model):
    """The most urgent first; `next` is the id to go on after."""

    items: list[WaitingReview]
    next: UUID | None


class OverdueReview(Model):
    """A version whose review is late and of which nobody was told yet."""

    id: UUID
    app_id: str
    code: int
