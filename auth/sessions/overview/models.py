"""What a person recognises their sign-ins by: for whom, on which device, in which program, when first and last."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from app.kit.structs import Model, Request, Text
from auth.principal import SubjectType
from auth.sessions.models import Method


class SessionContext(Model):
    """A row: what stands beside a session."""

    session_id: UUID
    agent: str = ""
    name_sealed: bytes | None = None


class SessionView(Model):
    """A session as its holder sees it. Where somebody was is not kept, so it is not shown."""

    id: UUID
    parent_id: UUID | None
    """The session that it began in, and ends with."""
    subject_type: SubjectType
    subject_id: UUID
    client_id: str
    client_name: Text
    method: Method
    name: str | None
    """What the holder calls it."""
    agent: str
    """Program and system, as they said of themselves; "" when unknown."""
    device_id: UUID | None
    device_name: str | None
    ial: int
    aal: int
    current: bool
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime


class NameSession(Request):
    """What the holder calls a session from now on."""

    name: Annotated[str, Meta(min_length=1, max_length=64)]
