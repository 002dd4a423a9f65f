"""What a thin client is given, and the rules of its life. Pure."""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

import msgspec

from app.kit.structs import Model, Request
from codes.envelope.cose import Environment

PROFILE_HMAC_SHA256 = 1
HANDLES = 8
ISSUES_PER_DAY = 8
LONGEST_HOURS = 24
STEPS_AROUND = 1
STEPS_REMEMBERED = 20
"""How far back a step is still told apart from nonsense, so that a slow queue reads 请刷新 and not 此码无效."""


class IssueOnlineCode(Request):
    """A call for one secret with its handles, good for `hours`. The session says whose they are."""

    hours: Annotated[int, msgspec.Meta(ge=1, le=LONGEST_HOURS)] = LONGEST_HOURS

    @property
    def life(self) -> timedelta:
        """How long the code counts."""
        return timedelta(hours=self.hours)


class HandleView(Model):
    """One handle in both its forms: base64url of 8 bytes for tokens, 10 digits for lines."""

    handle: str
    digits: str


class OnlineCodeView(Model):
    """What the client keeps, and whatever else it needs to make tokens without asking again.

    It takes the next handle whenever the code screen opens, so that two organizations see two of them.
    """

    id: UUID
    secret: str
    handles: list[HandleView]
    version: int
    step_seconds: int
    prefix: str
    environment: Environment
    issued_at: datetime
    expires_at: datetime


class NewOnlineCode(Model):
    """A row before it stands."""

    id: UUID
    person_id: UUID
    device_id: UUID | None
    secret_sealed: bytes
    issued_at: datetime
    expires_at: datetime


class KnownHandle(Model):
    """What the books say of a handle that somebody showed."""

    handle: bytes
    digits: str
    online_code_id: UUID
    person_id: UUID
    secret_sealed: bytes
    expires_at: datetime
    revoked_at: datetime | None


class Match(Model):
    """The step and the scenario under which a shown tag is right."""

    step: int
    scenario: int
