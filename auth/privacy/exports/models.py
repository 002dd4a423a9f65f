"""A copy of everything that the city keeps about a person."""

from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from app.kit.structs import Model

FORMAT: Final = "suishen-export/1"
KEPT: Final = timedelta(days=7)
GIVEN_UP_AFTER: Final = timedelta(hours=1)
ExportState = Literal["pending", "ready", "failed", "expired"]


class Export(Model):
    """A row. `file_sealed` opens, with the person's own key, to an `ExportFile` in JSON."""

    id: UUID
    person_id: UUID
    state: ExportState
    requested_at: datetime
    ready_at: datetime | None = None
    expires_at: datetime | None = None


class ExportView(Model):
    """A copy as its person sees it. While it is `ready`, `/v1/me/export/{id}/file` gives it."""

    id: UUID
    state: ExportState
    requested_at: datetime
    ready_at: datetime | None
    expires_at: datetime | None


class ExportFile(Model):
    """The copy: one part for each room that keeps something, by its name."""

    format: str
    id: UUID
    person_id: UUID
    made_at: datetime
    parts: dict[str, Any]


def view_of(export: Export) -> ExportView:
    """What the person is shown."""
    return ExportView(
        id=export.id,
        state=export.state,
        requested_at=export.requested_at,
        ready_at=export.ready_at,
        expires_at=export.expires_at,
    )
