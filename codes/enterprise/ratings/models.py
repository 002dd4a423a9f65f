"""扫码评价: an enterprise rates an inspection. What is published is of a department, in groups, and names nobody.

A rating waits until `SMALLEST_GROUP` enterprises have rated the department, and is then released with the others, at
once and for good: from one day to the next, published figures never differ by fewer. In one group an enterprise has one
voice. Whoever operates the database can still see that an enterprise rated, never the rated.
"""

from datetime import date, timedelta
from typing import Annotated, Final, Literal, TypeAlias
from uuid import UUID

import msgspec

from app.kit.structs import Model, Request

SMALLEST_GROUP: Final = 5
RATE_WITHIN: Final = timedelta(days=30)
PUBLISHED_FOR: Final = timedelta(days=365)

Score = Annotated[int, msgspec.Meta(ge=1, le=5)]
Remark: TypeAlias = Literal[
    "courteous",
    "explained_well",
    "code_not_shown",
    "asked_for_held_documents",
    "longer_than_needed",
    "asked_for_favours",
]
"""Fixed words, because free text tells who wrote it."""


class RateInspection(Request):
    """What the enterprise says of one department's part: conduct and necessity, 1 (bad) to 5 (good)."""

    department_id: UUID
    conduct: Score
    necessity: Score
    remarks: Annotated[list[Remark], msgspec.Meta(max_length=6)] = msgspec.field(default_factory=list)


class RatingReceipt(Model):
    """That the rating was taken; it does not say how it was."""

    inspection_id: UUID
    department_id: UUID
    published_when: int = SMALLEST_GROUP
    """From how many enterprises on it is published together with theirs."""


class Totals(Model):
    """Sums over released ratings."""

    ratings: int = 0
    conduct: int = 0
    necessity: int = 0


class DepartmentRatings(Model):
    """What anybody may read: nothing while too few have rated (`withheld`), averages to one decimal otherwise."""

    department_id: UUID
    department: str
    withheld: bool
    ratings: int
    conduct: float | None
    necessity: float | None
    remarks: dict[Remark, int]
    since: date


def average(total: int, count: int) -> float | None:
    """To one decimal; None over nothing."""
    return round(total / count, 1) if count else None
