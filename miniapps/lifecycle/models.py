"""Endings and emergencies: what is announced, what is due, and what a department signs when its data is gone."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from app.kit.structs import Model, Request, Text
from miniapps.manifest import LONGEST_EMERGENCY_DAYS
from miniapps.manifest.models import AppId, LocalText
from miniapps.states import AppState

LONGEST_EMERGENCY: Final = timedelta(days=LONGEST_EMERGENCY_DAYS)
DELETION_TYP: Final = "ssb-deletion+jwt"
Reason = Annotated[str, Meta(min_length=1, max_length=2000, pattern=r"\S")]


class Retirement(Model):
    """An announced end. `announced_by` None: the manifest said it, or an emergency was over."""

    app_id: str
    ends_at: datetime
    successor: str | None
    reason: Text
    announced_by: UUID | None
    announced_at: datetime
    retired_at: datetime | None = None
    consents_ended_at: datetime | None = None


class AnnounceSunset(Request):
    """Says when a mini-app ends, why, and which one follows. It cannot be taken back."""

    at: Annotated[datetime, Meta(tz=True)]
    reason: LocalText
    successor: AppId | None = None


class SunsetView(Model):
    """An announced end as staff see it."""

    app_id: str
    state: AppState
    ends_at: datetime
    successor: str | None
    reason: Text
    announced_at: datetime
    retired_at: datetime | None
    consents_ended_at: datetime | None


class EmergencyRow(Model):
    """An emergency registration: allowed by a review, until a date, and what is owed afterwards."""

    app_id: str
    legal_basis: str
    approved_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None
    proof_due_at: datetime | None = None
    proven_at: datetime | None = None
    proof: str | None = None

    def state_at(self, now: datetime) -> Literal["running", "deletion_due", "deletion_overdue", "proven"]:
        """Where it stands."""
        if self.proven_at is not None:
            return "proven"
        if self.proof_due_at is None:
            return "running"
        return "deletion_due" if now < self.proof_due_at else "deletion_overdue"


class Extension(Model):
    """A proposal to go on until later, and what a second reviewer said."""

    id: UUID
    app_id: str
    until: datetime
    reason: str
    proposed_by: UUID
    proposed_at: datetime
    decided_by: UUID | None = None
    decided_at: datetime | None = None
    agreed: bool | None = None


class ProposeExtension(Request):
    """One reviewer's proposal; another decides."""

    until: Annotated[datetime, Meta(tz=True)]
    reason: Reason


class DecideExtension(Request):
    """The second reviewer's word."""

    agreed: bool


class ExtensionView(Model):
    """A proposal as staff see it."""

    id: UUID
    until: datetime
    reason: str
    proposed_by: UUID
    proposed_at: datetime
    decided_by: UUID | None
    decided_at: datetime | None
    agreed: bool | None


class EmergencyView(Model):
    """An emergency registration as staff see it, with every extension that was proposed."""

    app_id: str
    state: Literal["running", "deletion_due", "deletion_overdue", "proven"]
    legal_basis: str
    approved_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    proof_due_at: datetime | None
    proven_at: datetime | None
    extensions: list[ExtensionView]


class ProveDeletion(Request):
    """A compact JWS by a key of the manifest's `backend.keys`; see `DeletionClaims` for what it says."""

    receipt: Annotated[str, Meta(min_length=1, max_length=8192)]


class DeletionClaims(Model):
    """What a department signs: who says it, of which app, how many of what it deleted, and when (Unix seconds)."""

    iss: str
    app_id: str
    deleted_at: Annotated[int, Meta(ge=0, lt=2**40)]
    counts: Annotated[
        dict[Annotated[str, Meta(min_length=1, max_length=64)], Annotated[int, Meta(ge=0, lt=2**53)]],
        Meta(min_length=1, max_length=100),
    ]


class DeletionView(Model):
    """A proof that was taken."""

    app_id: str
    deleted_at: datetime
    counts: Mapping[str, int]
    proven_at: datetime


def sunset_view(retirement: Retirement, state: AppState) -> SunsetView:
    """What staff see of an announced end."""
    return SunsetView(
        app_id=retirement.app_id,
        state=state,
        ends_at=retirement.ends_at,
        successor=retirement.successor,
        reason=retirement.reason,
        announced_at=retirement.announced_at,
        retired_at=retirement.retired_at,
        consents_ended_at=retirement.consents_ended_at,
    )


def emergency_view(row: EmergencyRow, extensions: list[Extension], now: datetime) -> EmergencyView:
    """What staff see of an emergency."""
    return EmergencyView(
        app_id=row.app_id,
        state=row.state_at(now),
        legal_basis=row.legal_basis,
        approved_at=row.approved_at,
        expires_at=row.expires_at,
        ended_at=row.ended_at,
        proof_due_at=row.proof_due_at,
        proven_at=row.proven_at,
        extensions=[extension_view(extension) for extension in extensions],
    )


def extension_view(extension: Extension) -> ExtensionView:
    """What staff see of a proposal."""
    return msgspec.convert(extension, ExtensionView, from_attributes=True)


def lasts_too_long(until: datetime, now: datetime) -> bool:
    """Whether an emergency may not be allowed at `now` to last until then: it is over, or more than 180 days away."""
    return not now < until <= now + LONGEST_EMERGENCY


def read_deletion(claims: dict[str, Any]) -> DeletionClaims | None:
    """The claims of a deletion receipt, or None when they have another shape."""
    try:
        return msgspec.convert(claims, DeletionClaims)
    except msgspec.ValidationError:
        return None
