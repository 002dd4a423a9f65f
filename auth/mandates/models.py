"""A mandate: who may act for whom, in what part, since when, proved by what."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from app.kit.structs import Model

MandateKind = Literal["responsible_person"]


class Mandate(Model):
    """What is stored. The agent is a person; the principal, in this first kind, an organization."""

    id: UUID
    principal_id: UUID
    agent_id: UUID
    kind: MandateKind
    role: str
    proof: str
    starts_at: datetime
    ends_at: datetime | None = None
    revoked_at: datetime | None = None
    revoked_reason: str | None = None

    def lives(self, now: datetime) -> bool:
        """Whether it may be acted on at `now`."""
        return self.revoked_at is None and self.starts_at <= now and (self.ends_at is None or now < self.ends_at)
