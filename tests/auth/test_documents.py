"""Document numbers, credit codes, names and phones: what is well formed, and that one changed character is noticed."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.masking import mask_name
from auth.documents import (
    age_on,
    birth_date_of,
    credit_code_is_valid,
    document_number_is_valid,
    id_card_number_is_valid,
    make_synthetic_credit_code,
    make_synthetic_id_number,
    normalize_document_number,
    normalize_name,
    normalize_phone,
)

births = st.dates(min_value=date(1900, 1, 1), max_value=date(2099, 12, 31))
sequences = st.integers(min_value=0, max_value=999)
credit_sequences = st.integers(min_value=0, max_value=99_999_999)


def test_id_number_of_the_standard_is_valid() -> None:
    # The worked examples of GB 11643-1999, annex A.
    assert id_card_number_is_valid("11010519491231002X")
    assert id_card_number_is_valid("440524188001010014")


@pytest.mark.parametrize(
    "number",
    [
        "",
        "11010519491231002x",
        "110105194912310021",
        "11010519490231002X",  # 31 February
        "1101051949123100",
        "11010519491231002X ",
        "11010519491231002X\n",
        "１1010519491231002X",
        "٠10105194912310020",
        "01010519491231002X",
        "X10105194912310020",
    ],
)
def test_id_number_out_of_form_is_refused(number: str) -> None:
    assert not id_card_number_is_valid(number)


@given(births, sequences)
def test_synthetic_id_number_round_trips(birth: date, sequence: int) -> None:
    number = make_synthetic_id_number(birth=birth, sequence=sequence)
    assert number.startswith("190000")
    assert document_number_is_valid("id_card", number)
    assert birth_date_of("id_card", number) == birth


@given(births, sequences, st.integers(0, 17), st.sampled_from("0123456789X"))
def test_id_number_one_changed_character_is_noticed(birth: date, sequence: int, place: int, other: str) -> None:
    number = make_synthetic_id_number(birth=birth, sequence=sequence)
    changed = number[:place] + other + number[place + 1 :]
    assert id_card_number_is_valid(changed) == (changed == number)


@given(births, sequences, st.integers(6, 16))
def test_id_number_two_swapped_digits_are_noticed(birth: date, sequence: int, place: int) -> None:
    number = make_synthetic_id_number(birth=birth, sequence=sequence)
    swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    assert id_card_number_is_valid(swapped) == (swapped == number)


@given(st.text(max_size=24))
def test_any_text_is_judged_without_an_exception(text: str) -> None:
    number = normalize_document_number(text)
    assert id_card_number_is_valid(number) in {True, False}
    assert credit_code_is_valid(text) in {True, False}
    name = normalize_name(text)
    assert name is None or normalize_name(name) == name
    assert normalize_document_number(number) == number
    normalize_phone(text)
    for kind in ("id_card", "passport", "travel_permit_hk_macau", "foreigner_permanent_residence"):
        assert document_number_is_valid(kind, number) in {True, False}


@pytest.mark.parametrize("code", ["91350100M000100Y43", "91310000631696382C"])
def test_credit_code_known_good_is_valid(code: str) -> None:
    assert credit_code_is_valid(code)


@pytest.mark.parametrize(
    "code", ["", "91350100M000100Y44", "91350100m000100Y43", "9135010OM000100Y43", "91350100M000100Y43\n", "9" * 18]
)
def test_credit_code_out_of_form_is_refused(code: str) -> None:
    assert not credit_code_is_valid(code)


@given(credit_sequences)
def test_synthetic_credit_code_round_trips(sequence: int) -> None:
    code = make_synthetic_credit_code(sequence=sequence)
    assert credit_code_is_valid(code)
    assert code.startswith("91190000")


@given(credit_sequences, st.integers(0, 17), st.sampled_from("0123456789ABCDEFGHJKLMNPQRTUWXY"))
def test_credit_code_one_changed_character_is_noticed(sequence: int, place: int, other: str) -> None:
    code = make_synthetic_credit_code(sequence=sequence)
    changed = code[:place] + other + code[place + 1 :]
    assert credit_code_is_valid(changed) == (changed == code)


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        ("travel_permit_hk_macau", "H12345678"),
        ("travel_permit_hk_macau", "M1234567801"),
        ("travel_permit_taiwan", "12345678"),
        ("passport", "E12345678"),
        ("foreigner_permanent_residence", "ABC123456789012"),
    ],
)
def test_other_documents_well_formed(kind: str, number: str) -> None:
    assert document_number_is_valid(kind, number)  # type: ignore[arg-type] # parametrize widens the literal


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        ("travel_permit_hk_macau", "X12345678"),
        ("travel_permit_taiwan", "1234567"),
        ("passport", "E1"),
        ("residence_permit_hk_macau_taiwan", "11010519491231002X"),
        ("foreigner_permanent_residence", "11010519491231002X"),
        ("foreigner_permanent_residence", "AB1234567890123"),
    ],
)
def test_other_documents_out_of_form_are_refused(kind: str, number: str) -> None:
    assert not document_number_is_valid(kind, number)  # type: ignore[arg-type] # parametrize widens the literal


def test_residence_permit_and_permanent_residence_card_carry_a_birth_date() -> None:
    permit = make_synthetic_id_number(birth=date(1990, 2, 3), sequence=12, region="810000")
    card = make_synthetic_id_number(birth=date(1980, 5, 6), sequence=7, region="911156")
    assert birth_date_of("residence_permit_hk_macau_taiwan", permit) == date(1990, 2, 3)
    assert document_number_is_valid("foreigner_permanent_residence", card)
    assert birth_date_of("foreigner_permanent_residence", card) == date(1980, 5, 6)
    assert birth_date_of("passport", "E12345678") is None


@pytest.mark.parametrize("dot", ["·", "•", "・", "．"])
def test_name_any_middle_dot_is_one_name(dot: str) -> None:
    assert normalize_name(f" 阿卜杜拉 {dot} 买买提 ") == "阿卜杜拉·买买提"


@pytest.mark.parametrize(
    "rare",
    [
        *"\U00020089\U00030edd\U000323af\U0002ebf0\U000323b0\ue863",  # Extensions B, G, H, I, J; before Unicode had it
        *"\uf92c\uf979\uf995\uf9e7\uf9f1\ufa0c\ufa0d\ufa0e\ufa18\ufa20",  # of GB 18030; NFC would change nine of them
    ],
)
def test_name_rare_characters_are_kept(rare: str) -> None:
    assert normalize_name(f"王{rare}") == f"王{rare}"
    assert mask_name(f"{rare}王") == f"{rare}*"


@pytest.mark.parametrize("none", ["\U0002ffff", "\U0003fffe", "\U00040000", "\U000e0001"])
def test_what_will_never_be_a_character_is_no_name(none: str) -> None:
    assert normalize_name(f"王{none}") is None


def test_letters_are_composed() -> None:
    assert normalize_name("Rene\u0301 \uf92c") == "Ren\u00e9 \uf92c"


@pytest.mark.parametrize("name", ["", "  ", "张三1", "张\u0000三", "<b>", "张" * 101, "张\u202e三", "🙂"])
def test_name_that_is_none_is_refused(name: str) -> None:
    assert normalize_name(name) is None


@pytest.mark.parametrize("phone", ["19900001234", "+86 199 0000 1234", "0086-199-0000-1234", "１９９００００１２３４"])
def test_phone_is_written_one_way(phone: str) -> None:
    assert normalize_phone(phone) == "19900001234"


@pytest.mark.parametrize("phone", ["", "1990000123", "199000012345", "12900001234", "+1 199 0000 1234", "1990000123a"])
def test_phone_out_of_form_is_refused(phone: str) -> None:
    assert normalize_phone(phone) is None


def test_age_counts_whole_years() -> None:
    born = date(2008, 2, 29)
    assert age_on(date(2026, 2, 28), born=born) == 17
    assert age_on(date(2026, 3, 1), born=born) == 18
