"""A recovery that waits: asked for in one session, good from one time to another, once."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from app.kit.structs import Model

USABLE: Final = timedelta(days=3)
"""How long after the wait; then it is asked for anew."""
RECENT_SECONDS: Final = 900
"""How old the code may be with which it is used: who has lost the number since does not use it."""


class Recovery(Model):
    """A row. `session_id` asked for it; whoever stops it ends that session too."""

    id: UUID
    person_id: UUID
    session_id: UUID
    asked_at: datetime
    due_at: datetime
    expires_at: datetime


class RecoveryView(Model):
    """As the holder sees it."""

    id: UUID
    asked_at: datetime
    due_at: datetime
    expires_at: datetime
