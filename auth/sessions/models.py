"""A session: one sign-in of one human being for one subject, and the family of refresh tokens that keeps it alive."""

from datetime import datetime, timedelta
from enum import Enum
from typing import Literal
from uuid import UUID

from app.kit.structs import Model
from auth.assurance import acr_of, faded_aal
from auth.principal import SubjectType

Method = Literal["otp", "password", "passkey", "step_up", "upstream", "network", "switch", "code", "scan", "launch"]


class Session(Model):
    """What is stored. `generation` counts the refresh tokens given out; only the hash of the last one is kept."""

    id: UUID
    subject_type: SubjectType
    subject_id: UUID
    holder_id: UUID
    """The human being (person or official) whose list shows it."""
    client_id: str
    scopes: frozenset[str]
    ial: int
    aal: int
    method: Method
    refresh_hash: bytes
    rotated_at: datetime
    authenticated_at: datetime
    created_at: datetime
    idle_seconds: int
    idle_expires_at: datetime
    expires_at: datetime
    generation: int = 0
    roles: frozenset[str] = frozenset()
    parent_id: UUID | None = None
    agent_id: UUID | None = None
    organization_id: UUID | None = None
    mandate_id: UUID | None = None
    device_id: UUID | None = None
    jkt: str | None = None
    unproven: bool = False
    phone_index: bytes | None = None
    """It stands on a phone alone, while its person is known by more."""
    revoked_at: datetime | None = None
    revoked_reason: str | None = None

    def lives(self, now: datetime) -> bool:
        """Whether it may still be used: neither ended, nor idle too long, nor too old."""
        return self.revoked_at is None and now < self.idle_expires_at and now < self.expires_at

    def aal_at(self, now: datetime) -> int:
        """What is left of the proof with which it began."""
        return faded_aal(self.aal, authenticated_at=self.authenticated_at, now=now)

    def acr_at(self, now: datetime) -> str:
        """How sure the session is of its subject at `now`."""
        return acr_of(self.ial, self.aal_at(now))


class UsedSession(Model):
    """A session that is used, and how the citizen proved themself in the one that it began in."""

    session: Session
    began_by: Method


class StartSession(Model):
    """What a way in knows when it succeeded."""

    subject_type: SubjectType
    subject_id: UUID
    holder_id: UUID
    client_id: str
    scopes: frozenset[str]
    ial: int
    aal: int
    method: Method
    authenticated_at: datetime
    idle_seconds: int
    absolute_seconds: int
    roles: frozenset[str] = frozenset()
    parent_id: UUID | None = None
    agent_id: UUID | None = None
    organization_id: UUID | None = None
    mandate_id: UUID | None = None
    device_id: UUID | None = None
    jkt: str | None = None
    unproven: bool = False
    phone_index: bytes | None = None


class SwitchSession(Model):
    """For whom a person speaks by a mandate: an organization or another person; not beyond `until`."""

    subject_type: Literal["organization", "person"]
    subject_id: UUID
    mandate_id: UUID
    scopes: frozenset[str]
    until: datetime | None = None
    most_ial: int = 3
    """How well the city knows whom the session speaks of; nobody is known better by somebody else's sign-in."""


class TokenPair(Model):
    """The answer of every way in and of a refresh (RFC 6749, section 5.1)."""

    access_token: str
    refresh_token: str
    token_type: Literal["Bearer", "DPoP"]
    expires_in: int
    scope: str


class Reuse(Enum):
    """What a refresh token means that is not the newest of its family."""

    REPEATED = "the same successor once more"
    STALE = "nothing: the session is over, or the key is another"
    THEFT = "someone has a copy"


class Presenter(Model):
    """What the one who shows a refresh token says and proves of themself."""

    client_id: str | None
    jkt: str | None

    def may_hold(self, session: Session) -> bool:
        """Whether the session could be theirs; a public client may leave its id out (RFC 6749, section 6)."""
        return self.jkt == session.jkt and self.client_id in {None, session.client_id}


def judge_old_token(
    session: Session, presenter: Presenter, *, generation: int, now: datetime, grace: timedelta
) -> Reuse:
    """What to make of a genuine refresh token of `generation` that could not be rotated.

    The same device, told by its DPoP key, may ask again for a short time, because answers get lost on the air. Once the
    successor has been used, or without a key, a second use means a copy.
    """
    if not session.lives(now) or not presenter.may_hold(session) or generation > session.generation:
        return Reuse.STALE
    retried = session.jkt is not None and generation == session.generation - 1
    return Reuse.REPEATED if retried and now - session.rotated_at <= grace else Reuse.THEFT
