"""The course of a release: what staff ask for, and what they are shown of it."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from app.kit.structs import Model, Request, Text
from miniapps.manifest.models import LocalText, ZoneCode
from miniapps.releases.models import ReleaseView
from miniapps.releases.widening import Widening
from miniapps.states import ReleaseState


class TakeStep(Request):
    """Lets a release reach more citizens: the next share, of these zones or, when none is named, of the whole city."""

    percent: Literal[1, 5, 20, 50, 100]
    zones: Annotated[tuple[ZoneCode, ...], Meta(max_length=100)] = ()


class RollBack(Request):
    """Takes a release back at once; the reason stands in its course."""

    reason: LocalText


class Step(Model):
    """One step of a release's course. `actor` is "system" when the city's own watch halted it."""

    id: UUID
    state: ReleaseState
    percent: int
    zones: tuple[str, ...]
    actor: str
    reason: Text | None
    taken_at: datetime


class StepView(Model):
    """A step as staff see it."""

    state: ReleaseState
    percent: int
    zones: tuple[str, ...]
    actor: str
    reason: Text | None
    taken_at: datetime


class NextStep(Model):
    """What may come next. `percent` null: publication; `zones` are those that it must not leave out."""

    percent: int | None
    zones: tuple[str, ...]
    ready_at: datetime


class HealthView(Model):
    """How a release fared since its present stage began. Shares are of `calls`; `p95_ms` is the end of its class."""

    calls: int
    faults: int
    timeouts: int
    bad_signatures: int
    p95_ms: int | None
    ratings: int
    bad_ratings: int


class ReleaseDetail(Model):
    """A release with its course, how it fares beside what is published, and what it asks for beyond that.

    `asks_anew`: citizens who consented to the published version are asked again, because they would read other words.
    """

    release: ReleaseView
    course: list[StepView]
    next: NextStep | None
    health: HealthView
    published_health: HealthView | None
    widening: tuple[Widening, ...]
    asks_anew: bool


class ReleaseList(Model):
    """A mini-app's releases, newest first; `next` is the `after` of the following page."""

    items: list[ReleaseView]
    next: UUID | None


def step_view(step: Step) -> StepView:
    """What staff see of `step`."""
    return StepView(
        state=step.state,
        percent=step.percent,
        zones=step.zones,
        actor=step.actor,
        reason=step.reason,
        taken_at=step.taken_at,
    )
