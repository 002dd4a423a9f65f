"""When a release on its way is so bad that it is taken back without asking anybody. Pure: counts in, findings out.

A share counts against the published release's own share in the same span, and against a cap that no release may pass.
Refuses to judge by a handful: what is compared is the share that is left when chance is given the benefit of the doubt;
and by one citizen's word: what is found of a release among citizens must be found without any one voice as well.
"""

import math
from collections.abc import Sequence
from typing import Final, Literal, TypeAlias

from msgspec import structs

from app.kit.structs import Model
from miniapps.releases.health import BOUNDS_MS, Health, together

Measure: TypeAlias = Literal["faults", "timeouts", "bad_signatures", "slow", "bad_ratings"]

CONFIDENCE: Final = 2.58
"""Standard deviations: a release as good as it may be is found bad in fewer than one look of two hundred."""
STRIKES: Final = 3
"""Looks in a row, a second apart, until a release is halted; a good look takes one back."""
ENOUGH_CALLS: Final = 30
ENOUGH_TO_COMPARE: Final = 100
ENOUGH_RATINGS: Final = 10
TIMES_WORSE: Final = 3
SLOW_WITHOUT_COMPARISON_MS: Final = 3200


class Bounds(Model):
    """A share up to `floor` is never too much, one above `cap` always, and in between three times the published one."""

    floor: float
    cap: float


BOUNDS: Final[dict[Measure, Bounds]] = {
    "faults": Bounds(floor=0.02, cap=0.10),
    "timeouts": Bounds(floor=0.02, cap=0.10),
    "bad_signatures": Bounds(floor=0.01, cap=0.05),
    "slow": Bounds(floor=0.15, cap=0.50),
    "bad_ratings": Bounds(floor=0.20, cap=0.50),
}


class Seen(Model):
    """One release in one span: how its calls went, and how citizens rated what they did with it."""

    health: Health = Health()
    ratings: int = 0
    bad_ratings: int = 0


class TooBad(Model):
    """One measure that is worse than it may be: `bad` of `of`, where a share of `limit` would do."""

    measure: Measure
    bad: int
    of: int
    limit: float


def judge(gray: Seen, published: Seen | None) -> tuple[TooBad, ...]:
    """Everything in which the gray release is worse than it may be, beside the published one if there is one."""
    found = (_judge(measure, gray, published) for measure in BOUNDS)
    return tuple(too_bad for too_bad in found if too_bad is not None)


def stand(found: Sequence[TooBad], gray: Seen, published: Seen | None, voices: Sequence[Health]) -> tuple[TooBad, ...]:
    """What of `found` is found as well when the calls of any one voice are left out."""
    rest = [
        structs.replace(gray, health=together(each for place, each in enumerate(voices) if place != left_out))
        for left_out in range(len(voices))
    ]
    return tuple(each for each in found if all(_judge(each.measure, others, published) for others in rest))


def strikes_after(strikes: int, *, bad: bool) -> int:
    """How many looks count against the release now."""
    return strikes + 1 if bad else max(0, strikes - 1)


def surely_more_than(bad: int, of: int) -> float:
    """The share that is left when chance is given the benefit: Wilson's lower bound (1927)."""
    if bad == 0:
        return 0.0
    square = CONFIDENCE**2
    share = bad / of
    middle = share + square / (2 * of)
    spread = CONFIDENCE * math.sqrt(share * (1 - share) / of + square / (4 * of * of))
    return max(0.0, (middle - spread) / (1 + square / of))


def _judge(measure: Measure, gray: Seen, published: Seen | None) -> TooBad | None:
    slow_ms = _slow_ms(published)
    bad, of = _counts(measure, gray, slow_ms)
    if of < (ENOUGH_RATINGS if measure == "bad_ratings" else ENOUGH_CALLS):
        return None
    limit = _limit(measure, published, slow_ms)
    return TooBad(measure=measure, bad=bad, of=of, limit=limit) if surely_more_than(bad, of) > limit else None


def _limit(measure: Measure, published: Seen | None, slow_ms: int) -> float:
    bounds = BOUNDS[measure]
    bad, of = (0, 0) if published is None else _counts(measure, published, slow_ms)
    if of < (ENOUGH_RATINGS if measure == "bad_ratings" else ENOUGH_TO_COMPARE):
        return bounds.cap
    return min(bounds.cap, max(bounds.floor, TIMES_WORSE * bad / of))


def _counts(measure: Measure, seen: Seen, slow_ms: int) -> tuple[int, int]:
    if measure == "bad_ratings":
        return seen.bad_ratings, seen.ratings
    if measure == "slow":
        return seen.health.slower_than(slow_ms), seen.health.calls
    return getattr(seen.health, measure), seen.health.calls


def _slow_ms(published: Seen | None) -> int:
    """What counts as slow: twice what 95 of 100 calls of the published release take."""
    if published is None or published.health.calls < ENOUGH_TO_COMPARE:
        return SLOW_WITHOUT_COMPARISON_MS
    p95_ms = published.health.p95_ms
    if p95_ms is None:
        return BOUNDS_MS[-1]
    return next((bound for bound in BOUNDS_MS if bound >= 2 * p95_ms), BOUNDS_MS[-1])
