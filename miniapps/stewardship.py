"""Puts together what looks after mini-apps while they live and when they end: reviews on time, endings, ratings.

Joined by `wiring`; decides nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from litestar import Router

from app.kit.floor import Floor
from app.kit.jobs import Job
from miniapps.lifecycle import routes as lifecycle_routes
from miniapps.lifecycle.emergencies import Emergencies
from miniapps.lifecycle.sunsets import Sunsets
from miniapps.manifest import Manifest
from miniapps.ratings import routes as ratings_routes
from miniapps.ratings.desk import RatingDesk
from miniapps.ratings.service import Ratings
from miniapps.ratings.words import Words
from miniapps.registry.service import Registry
from miniapps.releases.service import Releases
from miniapps.reviewing import routes as reviewing_routes
from miniapps.reviewing.service import ReviewDesk
from miniapps.scorecards import routes as scorecards_routes
from miniapps.scorecards.service import Scorecards
from miniapps.settings import MiniappsSettings
from miniapps.tellers import Tellers

MINUTE = 60.0
HOUR = 3600.0
SOON = 5.0
HANDLERS: list[Router] = [
    reviewing_routes.router,
    lifecycle_routes.router,
    ratings_routes.router,
    scorecards_routes.router,
]


@dataclass(frozen=True, kw_only=True)
class Stewardship:
    """What looks after mini-apps."""

    tellers: Tellers
    review_desk: ReviewDesk
    sunsets: Sunsets
    emergencies: Emergencies
    ratings: Ratings
    rating_desk: RatingDesk
    scorecards: Scorecards

    def provided(self) -> dict[str, Any]:
        """What the handlers are given, by name."""
        return {
            "review_desk": self.review_desk,
            "sunsets": self.sunsets,
            "emergencies": self.emergencies,
            "ratings": self.ratings,
            "rating_desk": self.rating_desk,
            "scorecards": self.scorecards,
        }

    def jobs(self) -> list[Job]:
        """Everything that falls due. Each row is taken by one worker, whichever comes first."""
        return [
            Job(name="miniapps.reviews.overdue", every_seconds=MINUTE, run=self.review_desk.tell_overdue),
            Job(name="miniapps.emergencies.end", every_seconds=SOON, run=self.emergencies.end_expired),
            Job(name="miniapps.emergencies.unproven", every_seconds=MINUTE, run=self.emergencies.tell_unproven),
            Job(name="miniapps.sunsets.announce", every_seconds=MINUTE, run=self.sunsets.announce_declared),
            Job(name="miniapps.sunsets.retire", every_seconds=SOON, run=self.sunsets.retire_due),
            Job(name="miniapps.sunsets.consents", every_seconds=SOON, run=self.sunsets.end_consents),
            Job(name="miniapps.ratings.overdue", every_seconds=MINUTE, run=self.rating_desk.tell_overdue),
            Job(name="miniapps.ratings.silent", every_seconds=MINUTE, run=self.rating_desk.close_silent),
            Job(name="miniapps.ratings.forget", every_seconds=HOUR, run=self.rating_desk.forget_old),
        ]


def build_stewardship(
    floor: Floor, settings: MiniappsSettings, *, registry: Registry, releases: Releases
) -> Stewardship:
    """All of it on this floor, unopened."""
    tellers, words, calendar = Tellers(), Words(floor.vault), settings.calendar
    sunsets = Sunsets(
        floor.database,
        registry,
        tellers,
        floor.clock,
        notice=timedelta(days=settings.sunset_notice_days),
        proof_within=timedelta(days=settings.proof_days),
    )
    return Stewardship(
        tellers=tellers,
        review_desk=ReviewDesk(floor.database, tellers, floor.clock),
        sunsets=sunsets,
        emergencies=Emergencies(floor.database, sunsets, tellers, floor.clock),
        ratings=Ratings(releases, tellers, words, floor.vault, floor.clock, calendar=calendar),
        scorecards=Scorecards(releases, floor.clock),
        rating_desk=RatingDesk(floor.database, tellers, words, floor.clock, calendar=calendar),
    )


def due_of(settings: MiniappsSettings) -> Callable[[Manifest, datetime], datetime]:
    """Until when a version is to be judged: in working days, or in hours while something lasts that a law names."""

    def due(manifest: Manifest, now: datetime) -> datetime:
        if manifest.emergency is not None:
            return now + timedelta(hours=settings.emergency_review_hours)
        return settings.calendar.after(now, settings.review_days)

    return due
