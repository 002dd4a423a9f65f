"""The modules of a code: the version that the paper promises, and drawing that loses nothing."""

import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st

from codes.pictures.files import picture_of
from codes.pictures.matrix import matrix_of, runs_of, version_of

ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"


@settings(max_examples=25, deadline=None)
@given(st.text(ALPHANUMERIC, min_size=1, max_size=120).map(lambda text: "A" + text + "Z"))
def test_what_is_drawn_is_read(text: str) -> None:
    assert [found.text for found in zxingcpp.read_barcodes(picture_of(text, 3))] == [text]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.booleans(), min_size=1, max_size=30), max_size=12))
def test_runs_are_the_same_modules(rows: list[list[bool]]) -> None:
    matrix = tuple(map(tuple, rows))
    drawn = {(x + step, y) for x, y, length in runs_of(matrix) for step in range(length)}
    assert drawn == {(x, y) for y, row in enumerate(matrix) for x, dark in enumerate(row) if dark}
    runs = list(runs_of(matrix))
    assert not any((x + length, y) in drawn for x, y, length in runs), "a run ends only where the row turns light"


@pytest.mark.parametrize(("letters", "version"), [(20, 1), (21, 2), (419, 12), (420, 13)])
def test_the_version_is_that_of_the_standard(letters: int, version: int) -> None:
    """ISO/IEC 18004, table 7: alphanumeric capacities at level M."""
    assert version_of(matrix_of("A" * letters)) == version


def test_a_stronger_correction_is_not_the_same_code() -> None:
    assert len(matrix_of("A" * 200, "Q")) > len(matrix_of("A" * 200, "M"))
