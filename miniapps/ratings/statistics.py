"""Public figures out of ratings, such that nobody stands out in them. Pure.

Ratings are published ten at a time, in the order in which they came, so that two looks never differ by one citizen.
Levels are told apart only as far as each group told has at least ten ratings, or none.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from app.kit.structs import Model

SMALLEST: Final = 10
LEVELS: Final = (1, 2, 3, 4, 5)
SATISFIED_FROM: Final = 3
PARTITIONS: Final[tuple[tuple[tuple[int, ...], ...], ...]] = (
    tuple((level,) for level in LEVELS),
    ((1, 2), (3,), (4,), (5,)),
    ((1, 2), (3, 4, 5)),
)
Counts = Mapping[int, int]


class Bucket(Model):
    """How many ratings had one of these levels."""

    levels: tuple[int, ...]
    count: int


class Figures(Model):
    """What is told of a group of ratings.

    `satisfied_at_least` is a percentage that is never too high; exact where it can be without telling of few people.
    """

    count: int
    satisfied_at_least: int
    buckets: tuple[Bucket, ...]


class ItemFigures(Model):
    """The same of one service item."""

    item_code: str
    figures: Figures


def is_safe(count: int) -> bool:
    """Whether a number tells of nobody, or of ten people at least."""
    return count == 0 or count >= SMALLEST


def figures_of(counts: Counts) -> Figures | None:
    """The finest figures that are safe; None for fewer than ten ratings."""
    total = sum(counts.values())
    if total < SMALLEST:
        return None
    for partition in PARTITIONS:
        buckets = _buckets(counts, partition)
        if all(is_safe(bucket.count) for bucket in buckets):
            return Figures(count=total, satisfied_at_least=_at_least(counts, total), buckets=buckets)
    return Figures(count=total, satisfied_at_least=_at_least(counts, total), buckets=())


def item_figures(items: Mapping[str, Counts]) -> tuple[ItemFigures, ...]:
    """Figures of the items with ten ratings or more, by item code.

    Who is not satisfied is told in whole tens, rounded up: taken from the figures of the whole, it leads to nobody.
    """
    told = {code: sum(counts.values()) for code, counts in items.items() if sum(counts.values()) >= SMALLEST}
    return tuple(
        ItemFigures(
            item_code=code,
            figures=Figures(
                count=count,
                satisfied_at_least=_percent(count, -(-_bad(items[code]) // SMALLEST) * SMALLEST),
                buckets=(),
            ),
        )
        for code, count in sorted(told.items())
    )


def _buckets(counts: Counts, partition: Iterable[tuple[int, ...]]) -> tuple[Bucket, ...]:
    return tuple(Bucket(levels=levels, count=sum(counts.get(level, 0) for level in levels)) for levels in partition)


def _bad(counts: Counts) -> int:
    return sum(count for level, count in counts.items() if level < SATISFIED_FROM)


def _at_least(counts: Counts, total: int) -> int:
    """Exact where both halves are safe. Else fewer than ten who are not satisfied count as nine; who are, as none."""
    bad = _bad(counts)
    if not is_safe(total - bad):
        return 0
    return _percent(total, bad if is_safe(bad) else SMALLEST - 1)


def _percent(total: int, bad: int) -> int:
    return max(total - bad, 0) * 100 // total
