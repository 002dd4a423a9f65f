"""What every way in comes to when it succeeded: whom it opens, and how sure that makes us. Opens nothing by itself."""

from uuid import UUID

from app.kit.structs import Model
from auth.sessions.models import Method


class Proved(Model):
    """A human being showed just now who they are."""

    person_id: UUID
    ial: int
    aal: int
    method: Method
    device_id: UUID | None = None
    """The enrolled device whose key the caller proved to hold, if any."""
    unproven: bool = False
    """A phone alone was shown, and the person is known by more than that."""
    phone_index: bytes | None = None
    """By which number, where a code was shown: what it opened ends with it."""
