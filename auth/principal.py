"""Who is calling: what a verified access token says, and nothing that a client claims beside it."""

from datetime import datetime, timedelta
from typing import Literal, TypeAlias
from uuid import UUID

from app.kit.structs import Model

SubjectType: TypeAlias = Literal["person", "organization", "official"]


class Principal(Model):
    """The subject a token speaks of, the human being behind it, and how sure we are of both."""

    subject_type: SubjectType
    subject_id: UUID
    session_id: UUID
    client_id: str
    authenticated_at: datetime
    agent_id: UUID | None = None
    """The person who acts when the subject is an organization; None when the subject acts for itself."""
    scopes: frozenset[str] = frozenset()
    ial: int = 1
    aal: int = 1
    device_id: UUID | None = None
    roles: frozenset[str] = frozenset()
    """An official's roles: system_admin, security_admin, audit_admin, reviewer, developer, inspector, …"""
    organization_id: UUID | None = None
    """The official's own organization (department)."""
    mandate_id: UUID | None = None
    unproven: bool = False
    """The session stands on a phone alone, while its person is known by more: it may be a number's new holder."""

    @property
    def person_id(self) -> UUID:
        """The human being behind: the agent if there is one, else the subject itself (for an official, the account)."""
        return self.agent_id or self.subject_id

    @property
    def subject(self) -> str:
        """The subject as it stands in the audit log and in `sub`: "person:<uuid>"."""
        return f"{self.subject_type}:{self.subject_id}"

    @property
    def actor(self) -> str:
        """Who did it, for the audit log: the person acting for an organization is the actor, not the organization."""
        return f"person:{self.agent_id}" if self.agent_id else self.subject

    def authenticated_within(self, span: timedelta, now: datetime) -> bool:
        """Whether this human being proved themself at most `span` ago; a step-up fades, it never sticks."""
        return now - self.authenticated_at <= span
