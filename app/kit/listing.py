"""Cursor pagination: a page is cut from the rows that were read. How one is asked for stands in `app.kit.http`."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from uuid import UUID

T = TypeVar("T")


def _id_of(row: Any) -> UUID:
    found: UUID = row.id
    return found


def cut(rows: Sequence[T], limit: int, cursor_of: Callable[[T], UUID] = _id_of) -> tuple[Sequence[T], UUID | None]:
    """A page of `rows`, which were read up to one more than `limit`, and the `after` of the next page if there is one.

    The cursor is the `id` of the page's last row unless `cursor_of` says otherwise.
    """
    page = rows[:limit]
    return page, cursor_of(page[-1]) if len(rows) > limit else None
