"""A form ticket on its way: issued by a scan, redeemed by the counter, confirmed or declined by the citizen. Pure."""

from datetime import datetime, timedelta
from typing import Annotated, Final, Literal, TypeAlias
from uuid import UUID

import msgspec

from app.kit.structs import Model, Request
from codes.lines import ONE_LINE
from codes.scenarios.models import Attribute
from codes.verdict import ScannedBy

TICKET_LIVES: Final = timedelta(minutes=10)
CONFIRM_WITHIN: Final = timedelta(minutes=30)
UNREDEEMED_STAYS: Final = timedelta(days=1)
SCAN_SIGNED_BEFORE: Final = timedelta(minutes=3)
SCAN_SIGNED_AFTER: Final = timedelta(minutes=1)
"""How far the second that a code was signed in may lie from the moment in which its ticket was issued."""

State: TypeAlias = Literal["issued", "redeemed", "confirmed", "declined"]
Decision: TypeAlias = Literal["confirmed", "declined"]
Channel: TypeAlias = Literal["counter"]


class RedeemTicket(Request):
    """What a counter sends for prefilled fields. `title` is what the citizen will read the form to be.

    Without `fields`: everything that the scan disclosed. `request_id` makes a retry safe; it is signed.
    """

    ticket: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{43}(?![\s\S])")]
    title: Annotated[str, msgspec.Meta(min_length=2, max_length=100, pattern=ONE_LINE)]
    fields: Annotated[list[Attribute], msgspec.Meta(min_length=1, max_length=20)] | None = None
    request_id: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._:-]{8,64}(?![\s\S])")] | None = None


class DecideForm(Request):
    """The citizen's word on a form that a counter filled in."""

    decision: Decision


class FormTicket(Model):
    """A row. `fields` are names; what they say is asked of identity each time and kept nowhere."""

    id: UUID
    ticket_hash: bytes
    verification_id: UUID
    item: str
    scenario: int
    basis: str
    organization_id: UUID
    site_id: UUID
    counter: ScannedBy
    person_id: UUID
    state: State
    issued_at: datetime
    expires_at: datetime
    forget_at: datetime
    guardian_id: UUID | None = None
    redeemed_at: datetime | None = None
    redeemed_by: UUID | None = None
    request_id: str | None = None
    title: str | None = None
    fields: list[str] | None = None
    decided_at: datetime | None = None
    decided_by: UUID | None = None

    @property
    def confirm_before(self) -> datetime | None:
        """When the citizen's silence becomes a no."""
        return None if self.redeemed_at is None else self.redeemed_at + CONFIRM_WITHIN

    def state_at(self, now: datetime) -> Literal["waiting", "confirmed", "declined", "lapsed"]:
        """What a redeemed form is worth at `now`."""
        if self.state in {"confirmed", "declined"}:
            return "confirmed" if self.state == "confirmed" else "declined"
        return "waiting" if self.confirm_before is not None and now < self.confirm_before else "lapsed"


class PrefilledForm(Model):
    """What the counter gets, once: the fields, and the case in which the citizen has yet to confirm them."""

    id: UUID
    verification_id: UUID
    item: str
    title: str
    channel: Channel
    basis: str
    fields: dict[str, str | bool | list[str]]
    confirm_before: datetime
    repeated: bool = False


class CaseView(Model):
    """A case as the counter that redeemed it reads it. Only a confirmed one counts."""

    id: UUID
    verification_id: UUID
    item: str
    title: str
    channel: Channel
    state: Literal["waiting", "confirmed", "declined", "lapsed"]
    confirm_before: datetime
    decided_at: datetime | None


class FormView(Model):
    """A form as the citizen reads it: which counter, for what, filled in with which fields."""

    id: UUID
    on_behalf_of: UUID | None
    """The child, when a guardian reads a form for a child."""
    item: str
    title: str
    channel: Channel
    counter: ScannedBy
    basis: str
    fields: list[str]
    state: Literal["waiting", "confirmed", "declined", "lapsed"]
    redeemed_at: datetime
    confirm_before: datetime
    decided_at: datetime | None


class FormList(Model):
    """A page of forms, newest first."""

    items: list[FormView]
    next: UUID | None
