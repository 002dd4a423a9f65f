"""Helpers (帮办、代办人员) and volunteers: people with a badge, for whom an organization answers."""

from datetime import datetime
from typing import Annotated, Final, Literal, TypeAlias
from uuid import UUID

from msgspec import Meta

from app.kit.structs import Model, Request
from auth.mandates.models import MandateKind
from auth.mandates.parties import DocumentHolder

HelperKind: TypeAlias = Literal["helper", "volunteer"]
WEARS: Final[dict[MandateKind, HelperKind]] = {"assisted": "helper", "volunteer": "volunteer"}
"""Which badge a mandate beside the citizen needs."""
BADGE_DIGITS: Final = 8


class Helper(Model):
    """A row."""

    id: UUID
    badge: str
    kind: HelperKind
    person_id: UUID
    organization_id: UUID
    appointed_at: datetime
    ends_at: datetime
    ended_at: datetime | None = None


class AppointHelper(Request):
    """Somebody whom the official's organization answers for; volunteers for 90 days at most, helpers for a year."""

    person: DocumentHolder
    kind: HelperKind
    days: Annotated[int, Meta(ge=1, le=366)]


class HelperView(Model):
    """A helper as their organization sees them, by badge and masked name."""

    id: UUID
    badge: str
    kind: HelperKind
    name: str | None
    appointed_at: datetime
    ends_at: datetime
    ended_at: datetime | None


class HelperList(Model):
    """Newest first; `next` is the `after` of the following page."""

    items: list[HelperView]
    next: UUID | None
