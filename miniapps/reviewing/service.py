"""What waits for a reviewer, and who is told when it waits too long. Judges nothing: that is `releases.reviews`."""

from datetime import datetime
from typing import Final
from uuid import UUID

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection, Database
from app.kit.listing import cut
from miniapps.manifest import decode_canonical
from miniapps.releases.widening import widened
from miniapps.reviewing import repository
from miniapps.reviewing.models import WaitingReview, WaitingReviews, WaitingVersion
from miniapps.tellers import Tellers

AT_ONCE: Final = 100


class ReviewDesk:
    """The clock of every review, on whichever worker."""

    def __init__(self, database: Database, tellers: Tellers, clock: Clock) -> None:
        self._database = database
        self._tellers = tellers
        self._clock = clock

    async def list_waiting(self, connection: Connection, *, after: UUID | None, limit: int) -> WaitingReviews:
        """A page of what waits, the most urgent first."""
        rows, following = cut(await repository.list_waiting(connection, after, limit + 1), limit)
        now = self._clock.now()
        return WaitingReviews(items=[_view(row, now) for row in rows], next=following)

    async def tell_overdue(self) -> None:
        """Alerts the city's reviewers once for every review that is late; a periodic job."""
        now = self._clock.now()
        async with self._database.transaction() as connection:
            for late in await repository.mark_told(connection, now, AT_ONCE):
                await self._tellers.alert(connection, "review_overdue", app_id=late.app_id, now=now)
                await audit.record(
                    connection,
                    clock_now=now,
                    actor="system",
                    action="miniapp.review_overdue",
                    subject=f"miniapp:{late.app_id}",
                    detail={"code": late.code},
                )


def _view(row: WaitingVersion, now: datetime) -> WaitingReview:
    manifest = decode_canonical(row.manifest)
    grown = widened(decode_canonical(row.published), manifest) if row.published is not None else ()
    return WaitingReview(
        id=row.id,
        app_id=row.app_id,
        code=row.code,
        name=row.name,
        department=row.organization_name,
        emergency=manifest.emergency is not None,
        widened=sorted({widening.kind for widening in grown}),
        submitted_at=row.submitted_at,
        review_due_at=row.review_due_at,
        overdue=row.review_due_at <= now,
    )
