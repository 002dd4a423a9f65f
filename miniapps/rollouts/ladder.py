"""How a release grows: which step may follow, and that nobody who had it loses it by growth. Pure.

1 → 5 → 20 → 50 → 100 per cent, each at least a while long, then everybody. Refuses to skip a step, to take one back and
to leave a zone out that was in: whoever wants less rolls the release back.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from miniapps.errors import StateConflict, StepNotNext, StepTooSoon, ZonesNarrowed
from miniapps.releases.models import Release
from miniapps.states import RELEASE
from miniapps.zones.codes import lies_in

STEPS: Final = (1, 5, 20, 50, 100)
EVERYBODY: Final = 100


def next_percent(release: Release) -> int | None:
    """The share after the present one; None when everybody's turn has come, and for a release that has ended.

    Everybody of some zones is not everybody: the whole city has it for a while, and watched, before it is published.
    """
    if release.state not in {"internal", "gray"}:
        return None
    if release.percent == EVERYBODY and release.zones:
        return EVERYBODY
    return next((step for step in STEPS if step > release.percent), None)


def ready_at(release: Release, dwell: timedelta) -> datetime:
    """From when on it may grow. Testers may hand over at once: they are there to look before anybody else."""
    return release.stage_at if release.state == "internal" else release.stage_at + dwell


def refuse_step(release: Release, percent: int, zones: Collection[str], *, now: datetime, dwell: timedelta) -> None:
    """Raises `StateConflict`, `StepNotNext`, `ZonesNarrowed` or `StepTooSoon` when this step may not be taken.

    The same share in more zones is a step as well.
    """
    if release.state not in {"internal", "gray"}:
        raise StateConflict(of=RELEASE.name, state=release.state, wanted="gray")
    again = release.state == "gray" and percent == release.percent
    if set(zones) == set(release.zones) if again else percent != next_percent(release):
        raise StepNotNext(next=next_percent(release))
    if release.state == "gray" and not is_within(release.zones, zones):
        raise ZonesNarrowed(zones=sorted(release.zones))
    _refuse_haste(release, now, dwell)


def refuse_publication(release: Release, *, now: datetime, dwell: timedelta) -> None:
    """Raises `StateConflict`, `StepNotNext` or `StepTooSoon` unless the last step has been lived through."""
    RELEASE.walk(release.state, "published")
    if next_percent(release) is not None:
        raise StepNotNext(next=next_percent(release))
    _refuse_haste(release, now, dwell)


def _refuse_haste(release: Release, now: datetime, dwell: timedelta) -> None:
    ready = ready_at(release, dwell)
    if now < ready:
        raise StepTooSoon(ready_at=ready.isoformat())


def is_within(zones: Collection[str], others: Collection[str]) -> bool:
    """Whether everybody in `zones` is in `others` too; none named means the whole city."""
    if not others:
        return True
    return bool(zones) and all(any(lies_in(zone, whole) for whole in others) for zone in zones)
