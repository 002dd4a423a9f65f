"""Pages: all rows, each once, in order, however small the pages are."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from app.kit.listing import cut
from app.kit.structs import Model


class Row(Model):
    id: UUID


ROWS = st.lists(st.uuids(), unique=True, max_size=12).map(lambda ids: [Row(id=each) for each in sorted(ids)])


@given(rows=ROWS, limit=st.integers(1, 13))
def test_pages_one_after_the_other_hold_every_row_once(rows: list[Row], limit: int) -> None:
    read, after = list[Row](), None
    while True:
        rest = [row for row in rows if after is None or row.id > after]
        page, after = cut(rest[: limit + 1], limit)
        assert len(page) <= limit
        read += page
        if after is None:
            break
    assert read == rows


def test_a_page_that_is_just_full_is_the_last() -> None:
    assert cut([Row(id=UUID(int=1))], 1) == ([Row(id=UUID(int=1))], None)


def test_another_column_may_be_the_cursor() -> None:
    assert cut([UUID(int=1), UUID(int=2)], 1, lambda row: row) == ([UUID(int=1)], UUID(int=1))
