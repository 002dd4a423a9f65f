"""What a masked name, number or phone shows, and that it never shows more."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.masking import graphemes, mask_document, mask_name, mask_phone


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("张建国", "张*国"),
        ("张三", "张*"),
        ("张", "*"),
        ("", "*"),
        ("欧阳建国", "欧**国"),
        ("阿卜杜拉·买买提", "阿***提"),
        ("王\U00020089\U00030edd", "王*\U00030edd"),
        ("葛\U000e0100城", "葛\U000e0100*"),
    ],
)
def test_name_is_masked_by_grapheme(name: str, masked: str) -> None:
    assert mask_name(name) == masked


def test_graphemes_marks_stay_with_their_letter() -> None:
    assert graphemes("e\u0301a\u200db") == ["é", "a\u200db"]


@given(st.text(alphabet="张王李建国明华丽", min_size=1, max_size=60))
def test_masked_name_shows_two_characters_at_most(name: str) -> None:
    masked = mask_name(name)
    assert len(masked.replace("*", "")) <= 2
    assert "*" in masked
    assert len(masked) <= 5


def test_document_shows_its_ends_only() -> None:
    assert mask_document("19000019900101123X") == "1****************X"
    assert mask_document("12345") == "*****"


def test_phone_shows_head_and_tail() -> None:
    assert mask_phone("19900001234") == "199****1234"
    assert mask_phone("123") == "***"
