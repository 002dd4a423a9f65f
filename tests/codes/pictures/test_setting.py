"""Text into a width: nothing is lost but what is said to be cut, and nothing sticks out."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codes.pictures.lettering import measure, outline
from codes.pictures.setting import ELLIPSIS, LEADING, NEVER_FIRST, fit, wrap

NAMES = st.text(
    st.sampled_from("演示餐饮有限公司（集团）第二分，。Suishen International 12345"), min_size=1, max_size=60
)


def without_blanks(text: str) -> str:
    return "".join(text.split())


@settings(max_examples=60, deadline=None)
@given(NAMES, st.floats(12, 60))
def test_lines_hold_the_whole_text_and_begin_with_no_closing_mark(text: str, width: float) -> None:
    lines = wrap(text, size=5, weight=400, width=width)
    assert without_blanks("".join(lines)) == without_blanks(text)
    assert not any(line[0] in NEVER_FIRST for line in lines[1:] if line)


@settings(max_examples=60, deadline=None)
@given(NAMES, st.floats(30, 180), st.floats(8, 40))
def test_fitted_text_stays_within_its_box(text: str, width: float, height: float) -> None:
    size, lines = fit(text, sizes=(12, 9, 6, 4), weight=700, width=width, height=height)
    assert size in {12, 9, 6, 4}
    assert len(lines) == 1 or len(lines) * LEADING * size <= height
    whole = without_blanks(text)
    said = without_blanks("".join(lines))
    assert said == whole or (said.endswith(ELLIPSIS) and whole.startswith(said[:-1]))


def test_a_name_that_fits_is_as_large_as_may_be() -> None:
    assert fit("演示", sizes=(12, 9), weight=700, width=100, height=20) == (12, ["演示"])


def test_a_name_beyond_all_sizes_is_cut_visibly() -> None:
    _size, lines = fit("演" * 90, sizes=(12, 9), weight=700, width=50, height=14)
    assert lines == ["演演演演" + ELLIPSIS]


def test_latin_words_are_kept_whole() -> None:
    assert wrap("Suishen International Trading", size=5, weight=400, width=40) == [
        "Suishen",
        "International",
        "Trading",
    ]


@pytest.mark.parametrize("weight", [400, 700])
@pytest.mark.parametrize("text", ["演示餐饮有限公司", "Suishen 12345", "𠮷龘！（A）"])
def test_bitmaps_and_outlines_agree_on_widths(text: str, weight: int) -> None:
    advances = sum(outline(character, weight).advance for character in text) / 1000
    assert advances == pytest.approx(measure(text, weight), abs=0.02)


@pytest.mark.parametrize("character", "随申演示餐饮𠮷龘䶮㛃")
def test_common_and_rare_characters_of_names_have_a_shape(character: str) -> None:
    assert outline(character, 400) != outline("\U0010ffff", 400)


def test_a_character_that_no_font_has_is_a_box_and_no_fault() -> None:
    assert outline("\U0010ffff", 400).strokes
