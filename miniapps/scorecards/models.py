"""What is known of a mini-app's year, and the verdict that follows from it. Pure."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias

from app.kit.structs import Model

Verdict: TypeAlias = Literal["keep", "merge", "retire"]
Reason: TypeAlias = Literal[
    "young",
    "ending",
    "unused",
    "little_used",
    "same_items",
    "failing",
    "unreliable",
    "slow",
    "dissatisfying",
    "late_replies",
    "not_accessible",
    "not_conforming",
]
TRIAL_TIME: Final = timedelta(days=180)
HARDLY_ANY_USERS: Final = 10
FEW_USERS: Final = 100
ENOUGH_CALLS: Final = 100
ENOUGH_RATINGS: Final = 30
ENOUGH_REPLIES: Final = 5
LEAST_SUCCESS: Final = 99.0
BROKEN_SUCCESS: Final = 90.0
LEAST_SATISFIED: Final = 80.0
HATED_SATISFIED: Final = 40.0
LEAST_PUNCTUAL: Final = 90.0


class Facts(Model):
    """A year of one mini-app. `users` are those of the last 90 days, None where nobody counts: a directory entry is a
    link to elsewhere. Shares are percentages, None where nothing was.

    `same_items_as` names a mini-app with more users that serves an item of this one.
    """

    published_at: datetime
    now: datetime
    ending: bool
    users: int | None
    calls: int
    success: float | None
    p95_ms: int | None
    promised_p95_ms: int | None
    promised_availability: float | None
    ratings: int
    satisfied: float | None
    replies_due: int
    punctual: float | None
    calls_back_open: int
    accessibility: Literal["none", "A", "AA", "AAA"]
    elder_mode: bool
    conformance: str | None
    same_items_as: str | None


class Judgement(Model):
    """A verdict and every reason for it, the weightiest first. With `keep`, reasons are what should become better."""

    verdict: Verdict
    reasons: tuple[Reason, ...]


class Scorecard(Model):
    """The card of one mini-app. A call of a card on the home page counts as a call."""

    app_id: str
    name: str
    department: str
    since: datetime
    facts: Facts
    judgement: Judgement


def judge(facts: Facts) -> Judgement:
    """What follows from the facts: the same for the same facts, and nothing without evidence.

    Better facts never give a worse verdict; who is younger than half a year is kept.
    """
    ends, joins, flaws = tuple(_ends(facts)), tuple(_joins(facts)), tuple(_flaws(facts))
    if facts.ending:
        return Judgement(verdict="retire", reasons=("ending", *flaws))
    if facts.now - facts.published_at < TRIAL_TIME:
        return Judgement(verdict="keep", reasons=("young", *flaws))
    if ends:
        return Judgement(verdict="retire", reasons=(*ends, *flaws))
    if joins:
        return Judgement(verdict="merge", reasons=(*joins, *flaws))
    return Judgement(verdict="keep", reasons=flaws)


def _ends(facts: Facts) -> Iterator[Reason]:
    if facts.users is not None and facts.users < HARDLY_ANY_USERS:
        yield "unused"
    if _below(facts.success, BROKEN_SUCCESS, facts.calls, ENOUGH_CALLS) and _below(
        facts.satisfied, HATED_SATISFIED, facts.ratings, ENOUGH_RATINGS
    ):
        yield "failing"


def _joins(facts: Facts) -> Iterator[Reason]:
    if facts.users is not None and facts.users < FEW_USERS:
        yield "little_used"
    if facts.same_items_as is not None:
        yield "same_items"


def _flaws(facts: Facts) -> Iterator[Reason]:
    promised = LEAST_SUCCESS if facts.promised_availability is None else facts.promised_availability
    if _below(facts.success, promised, facts.calls, ENOUGH_CALLS):
        yield "unreliable"
    if facts.calls >= ENOUGH_CALLS and _is_slow(facts):
        yield "slow"
    if _below(facts.satisfied, LEAST_SATISFIED, facts.ratings, ENOUGH_RATINGS):
        yield "dissatisfying"
    if _below(facts.punctual, LEAST_PUNCTUAL, facts.replies_due, ENOUGH_REPLIES):
        yield "late_replies"
    if facts.accessibility == "none" and not facts.elder_mode:
        yield "not_accessible"
    if facts.conformance not in {None, "passed"}:
        yield "not_conforming"


def _is_slow(facts: Facts) -> bool:
    """Whether the promise is broken; calls slower than every class that is counted break any."""
    if facts.promised_p95_ms is None:
        return False
    return facts.p95_ms is None or facts.p95_ms > facts.promised_p95_ms


def _below(share: float | None, least: float, count: int, enough: int) -> bool:
    return share is not None and count >= enough and share < least


def percent(part: int, whole: int) -> float | None:
    """A share with one decimal place; None of nothing."""
    return None if whole == 0 else round(part * 100 / whole, 1)
