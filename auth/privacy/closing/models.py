"""The end of an account at its holder's wish: asked for, thought over, done."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from app.kit.structs import Model
from auth.privacy.ports import OpenCase

ClosingState = Literal["cooling", "blocked", "cancelled", "done"]


class Closing(Model):
    """A row. `blocked`: its day came and something was open; it closes by itself once nothing is."""

    id: UUID
    person_id: UUID
    state: ClosingState
    requested_at: datetime
    due_at: datetime
    ended_at: datetime | None = None


class ClosingView(Model):
    """Where it stands, and what has to be brought to an end or handed over first."""

    state: Literal["none"] | ClosingState
    requested_at: datetime | None
    due_at: datetime | None
    open_cases: list[OpenCase]
