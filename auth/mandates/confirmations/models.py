"""What a helper asks the citizen beside them to confirm: one act, exactly so, within minutes (帮办)."""

from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias
from uuid import UUID

from app.kit.structs import Model, Request, Text
from auth.mandates.parties import PartyView

Decision: TypeAlias = Literal["confirmed", "declined"]
STANDS: Final = timedelta(minutes=10)


class Confirmation(Model):
    """A row. `fingerprint` is of exactly the act that was asked for."""

    id: UUID
    mandate_id: UUID
    fingerprint: bytes
    kind: str
    detail: dict[str, str]
    asked_at: datetime
    expires_at: datetime
    decided_at: datetime | None = None
    decision: Decision | None = None
    used_at: datetime | None = None


class DecideConfirmation(Request):
    """The citizen's word."""

    decision: Decision


class ConfirmationView(Model):
    """What would be done, by whom, and until when it can be said."""

    id: UUID
    mandate_id: UUID
    agent: PartyView
    kind: str
    text: Text
    detail: dict[str, str]
    asked_at: datetime
    expires_at: datetime
    decision: Decision | None


class ConfirmationList(Model):
    """What waits for the citizen's word; all of it, so `next` is always null."""

    items: list[ConfirmationView]
    next: str | None = None
