"""What a way in hands to a browser: who proved themself there, how surely, and on what it stands."""

from datetime import datetime
from uuid import UUID

from app.kit.structs import Model
from auth.sessions.models import Method


class BrowserProof(Model):
    """A person proved themself to this browser. `parent_id` is the session that vouched for them, if one did.

    `until` is when what vouched for them ends by itself.
    """

    person_id: UUID
    ial: int
    aal: int
    method: Method
    unproven: bool = False
    parent_id: UUID | None = None
    until: datetime | None = None
