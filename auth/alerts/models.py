"""What officials are told: something that a machine did by itself and a human being should look at."""

from datetime import datetime
from uuid import UUID

from app.kit.structs import Model, Text


class Alert(Model):
    """A row. `subject` is an opaque id; `roles` are told in the organization, `city_roles` wherever they work."""

    id: UUID
    kind: str
    organization_id: UUID | None
    roles: tuple[str, ...]
    city_roles: tuple[str, ...]
    subject: str
    raised_at: datetime
    read_at: datetime | None = None
    readers: int = 0


class AlertView(Model):
    """An alert as one official sees it: when they read it, and how many have."""

    id: UUID
    kind: str
    text: Text
    organization_id: UUID | None
    subject: str
    raised_at: datetime
    read_at: datetime | None
    readers: int


class AlertList(Model):
    """Alerts, newest first; `next` is the `after` of the following page."""

    items: list[AlertView]
    next: UUID | None
