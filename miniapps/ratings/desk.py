"""The department's side of ratings: reads them, replies in time, calls back. And what everybody may read of them."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection, Database
from app.kit.listing import cut
from app.kit.structs import Model
from auth.principal import Principal
from miniapps.calendar import WorkingCalendar
from miniapps.errors import AppUnknown, RatingSettled, RatingUnknown
from miniapps.ratings import repository
from miniapps.ratings.models import Rating, ReceivedRating, ReceivedRatings, Reply
from miniapps.ratings.statistics import Figures, ItemFigures, figures_of, item_figures
from miniapps.ratings.words import Words
from miniapps.registry import repository as apps
from miniapps.registry.service import SEES_ALL, refuse_other_department
from miniapps.rollouts import repository as rollouts
from miniapps.tellers import Tellers

SILENCE: Final = timedelta(days=10)
KNOWN_FOR: Final = timedelta(days=730)
SHOWN_FOR: Final = timedelta(minutes=1)
MOST_SHOWN: Final = 2000
AT_ONCE: Final = 100


class PublicRatings(Model):
    """What everybody may read of a mini-app's ratings in one year of the city's calendar.

    `figures` is null below ten ratings; so is an item that is missing.
    """

    app_id: str
    year: int
    figures: Figures | None
    items: tuple[ItemFigures, ...]


class RatingDesk:
    """What the staff of a department, and clocks, do with ratings."""

    def __init__(
        self, database: Database, tellers: Tellers, words: Words, clock: Clock, *, calendar: WorkingCalendar
    ) -> None:
        self._database = database
        self._tellers = tellers
        self._words = words
        self._clock = clock
        self._calendar = calendar
        self._shown: dict[tuple[str, int], tuple[datetime, PublicRatings]] = {}

    async def list_received(
        self,
        connection: Connection,
        principal: Principal,
        app_id: str,
        *,
        after: UUID | None,
        limit: int,
        waiting: bool,
    ) -> ReceivedRatings:
        """A page, newest first; raises `AppUnknown`, `OtherDepartment`."""
        app = await apps.get_app(connection, app_id)
        if principal.roles.isdisjoint(SEES_ALL):
            refuse_other_department(principal, app.organization_id)
        rows = await repository.list_received(connection, app_id, after, limit + 1, waiting=waiting)
        page, following = cut(rows, limit)
        return ReceivedRatings(items=[self._view(row) for row in page], next=following)

    async def reply(
        self, connection: Connection, principal: Principal, app_id: str, rating_id: UUID, request: Reply
    ) -> ReceivedRating:
        """Answers whoever rated, once; raises `OtherDepartment`, `RatingUnknown`, `RatingSettled`."""
        rating = await self._own(connection, principal, app_id, rating_id)
        if rating.reply_due_at is None or rating.replied_at is not None:
            raise RatingSettled(call_back=rating.call_back)
        sealed, now = self._words.seal_reply(rating_id, request.text), self._clock.now()
        await repository.mark_replied(connection, rating_id, now, sealed)
        replied = msgspec.structs.replace(rating, replied_at=now, reply_sealed=sealed)
        await self._record(connection, principal, "rating.replied", replied)
        if rating.rater_id is not None:
            await self._tellers.write(connection, rating.rater_id, "rating_replied", now)
        return self._view(replied)

    async def call_back(
        self, connection: Connection, principal: Principal, app_id: str, rating_id: UUID
    ) -> ReceivedRating:
        """Says that whoever rated badly was called; they say whether that settled it. Raises as `reply`."""
        rating = await self._own(connection, principal, app_id, rating_id)
        if rating.call_back != "open":
            raise RatingSettled(call_back=rating.call_back)
        now = self._clock.now()
        await repository.mark_called_back(connection, rating_id, now)
        called = msgspec.structs.replace(rating, call_back="called_back", called_back_at=now)
        await self._record(connection, principal, "rating.called_back", called)
        if rating.rater_id is not None:
            await self._tellers.write(connection, rating.rater_id, "rating_called_back", now)
        return self._view(called)

    async def show(self, connection: Connection, app_id: str, year: int | None) -> PublicRatings:
        """The public figures, counted at most once a minute on each worker.

        Raises `AppUnknown` also for what was never published: what a department prepares is nobody else's to know of.
        """
        if not await rollouts.find_ever_published(connection, app_id):
            raise AppUnknown
        now = self._clock.now()
        chosen = self._calendar.day_of(now).year if year is None else year
        kept = self._shown.get((app_id, chosen))
        if kept is not None and now - kept[0] < SHOWN_FOR:
            return kept[1]
        if len(self._shown) >= MOST_SHOWN:
            self._shown.clear()
        counted = await self._count(connection, app_id, chosen)
        self._shown[app_id, chosen] = (now, counted)
        return counted

    async def _count(self, connection: Connection, app_id: str, chosen: int) -> PublicRatings:
        return PublicRatings(
            app_id=app_id,
            year=chosen,
            figures=figures_of(await repository.count_levels(connection, app_id, chosen)),
            items=item_figures(await repository.count_item_levels(connection, app_id, chosen)),
        )

    async def tell_overdue(self) -> None:
        """Alerts department and city once for every reply that is late; a periodic job."""
        now = self._clock.now()
        async with self._database.transaction() as connection:
            for app_id, department in await repository.mark_overdue_told(connection, now, AT_ONCE):
                await self._tellers.alert(
                    connection, "rating_overdue", app_id=app_id, now=now, organization_id=department
                )

    async def close_silent(self) -> None:
        """Ends call-backs of which the citizen said nothing for ten days; a periodic job."""
        now = self._clock.now()
        async with self._database.transaction() as connection:
            await repository.mark_silent_closed(connection, now, now - SILENCE, AT_ONCE)

    async def forget_old(self) -> None:
        """Two years later nobody knows any more who rated, nor what they wrote; a periodic job."""
        now = self._clock.now()
        async with self._database.transaction() as connection:
            await repository.forget_old(connection, now - KNOWN_FOR, now)

    async def _own(self, connection: Connection, principal: Principal, app_id: str, rating_id: UUID) -> Rating:
        app = await apps.get_app(connection, app_id)
        refuse_other_department(principal, app.organization_id)
        rating = await repository.find_rating_locked(connection, rating_id)
        if rating is None or rating.app_id != app_id:
            raise RatingUnknown
        return rating

    def _view(self, rating: Rating) -> ReceivedRating:
        words = self._words.open(rating)
        late = rating.reply_due_at is not None and (rating.replied_at or self._clock.now()) > rating.reply_due_at
        return ReceivedRating(
            id=rating.id,
            item_code=rating.item_code,
            level=rating.level,
            tags=rating.tags,
            comment=words.comment,
            case=words.case,
            rated_at=rating.rated_at,
            reply=self._words.open_reply(rating),
            reply_due_at=rating.reply_due_at,
            replied_at=rating.replied_at,
            overdue=late,
            call_back=rating.call_back,
            resolved=rating.resolved,
        )

    async def _record(self, connection: Connection, principal: Principal, action: str, rating: Rating) -> None:
        await audit.record(
            connection,
            clock_now=self._clock.now(),
            actor=principal.actor,
            action=action,
            subject=f"rating:{rating.id}",
            detail={"app_id": rating.app_id, "call_back": rating.call_back},
        )
