"""Tokens and digits as text: what is made can be read, what is bent cannot, and no tag is right in two places."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codes.envelope import base45
from codes.envelope.cose import Environment
from codes.showing.online.carriers import (
    DIGITS,
    TOKEN_BYTES,
    TOKEN_CHARACTERS,
    OnlineSecret,
    encode_digits,
    encode_token,
    is_digits,
    is_token,
    luhn_digit,
    parse_digits,
    parse_token,
)
from codes.verdict import Reason, Refused
from tests.codes.signed import a_personal_code

PREFIX = "SSM1:"
SECRET = OnlineSecret(key=bytes(range(32)), environment=Environment.SANDBOX)
HANDLE, NUMBER = bytes(range(8)), "0123456789"
STEP = 118_000_000

handles = st.binary(min_size=8, max_size=8)
numbers = st.text("0123456789", min_size=10, max_size=10)
steps = st.integers(0, (1 << 32) - 1)
scenarios = st.integers(0, 0xFFFF)


def reason_of_token(text: str) -> Reason:
    with pytest.raises(Refused) as refused:
        parse_token(text, PREFIX)
    return refused.value.reason


def reason_of_digits(text: str) -> Reason:
    with pytest.raises(Refused) as refused:
        parse_digits(text)
    return refused.value.reason


@given(handle=handles, step=steps, scenario=scenarios)
def test_a_token_reads_as_it_was_made(handle: bytes, step: int, scenario: int) -> None:
    text = encode_token(SECRET, handle, step=step, scenario=scenario, prefix=PREFIX)
    assert len(text) == len(PREFIX) + TOKEN_CHARACTERS == 37
    assert is_token(text, PREFIX)
    read = parse_token(text, PREFIX)
    assert (read.handle, read.step, read.tag) == (handle, step, SECRET.tag(handle, step, scenario))


@given(number=numbers, step=steps, scenario=scenarios)
def test_digits_read_as_they_were_made(number: str, step: int, scenario: int) -> None:
    text = encode_digits(SECRET, number, step=step, scenario=scenario)
    assert len(text) == DIGITS
    assert is_digits(text)
    read = parse_digits(text)
    assert (read.handle, read.tag) == (number, SECRET.digits_tag(number, step, scenario))


@given(text=st.text(max_size=60))
def test_a_foreign_text_is_refused_and_raises_nothing_else(text: str) -> None:
    assert reason_of_token(text) in (Reason.MALFORMED, Reason.UNKNOWN_VERSION)
    if not (is_digits(text) and luhn_digit(text[:-1]) == text[-1]):
        assert reason_of_digits(text) is Reason.MALFORMED


@given(number=numbers, place=st.integers(0, DIGITS - 1), change=st.integers(1, 9))
def test_any_one_wrong_digit_is_found(number: str, place: int, change: int) -> None:
    text = encode_digits(SECRET, number, step=STEP, scenario=301)
    wrong = str((int(text[place]) + change) % 10)
    assert reason_of_digits(text[:place] + wrong + text[place + 1 :]) is Reason.MALFORMED


@given(number=numbers, place=st.integers(0, DIGITS - 2))
def test_neighbours_that_changed_places_are_found_but_for_0_and_9(number: str, place: int) -> None:
    text = encode_digits(SECRET, number, step=STEP, scenario=301)
    pair = text[place : place + 2]
    swapped = text[:place] + pair[::-1] + text[place + 2 :]
    if swapped == text or set(pair) == {"0", "9"}:
        return
    assert reason_of_digits(swapped) is Reason.MALFORMED


def test_the_check_digit_is_luhn_s() -> None:
    assert luhn_digit("7992739871") == "3"  # the example of ISO/IEC 7812
    assert luhn_digit("0" * 19) == "0"


BENT_DIGITS = {
    "19": encode_digits(SECRET, NUMBER, step=STEP, scenario=301)[:-1],
    "21": encode_digits(SECRET, NUMBER, step=STEP, scenario=301) + "0",
    "full-width": encode_digits(SECRET, NUMBER, step=STEP, scenario=301).translate(
        str.maketrans(string.digits, "０１２３４５６７８９")
    ),
    "a letter": "1" * 18 + "O1",
    "a sign": "-" + "1" * 19,
    "a superscript": "²" * 20,
    "nothing": "",
}


@pytest.mark.parametrize("text", BENT_DIGITS.values(), ids=BENT_DIGITS.keys())
def test_bent_digits_are_malformed(text: str) -> None:
    assert not is_digits(text)
    assert reason_of_digits(text) is Reason.MALFORMED


def test_another_version_has_a_name() -> None:
    body = "2" + NUMBER + "0" * 8
    assert reason_of_digits(body + luhn_digit(body)) is Reason.UNKNOWN_VERSION
    assert reason_of_token(PREFIX + base45.encode(b"\x02" + bytes(20))) is Reason.UNKNOWN_VERSION


@pytest.mark.parametrize("length", [0, 1, TOKEN_BYTES - 1, TOKEN_BYTES + 1, 200])
def test_a_token_has_one_length(length: int) -> None:
    text = PREFIX + base45.encode(b"\x01" * length)
    assert not is_token(text, PREFIX)
    assert reason_of_token(text) is Reason.MALFORMED


@pytest.mark.parametrize("text", ["SSM2:" + "0" * 32, "ssm1:" + "0" * 32, PREFIX + "GGW" + "0" * 29, PREFIX + "a" * 32])
def test_a_token_of_another_prefix_or_alphabet_is_refused(text: str) -> None:
    assert reason_of_token(text) in (Reason.MALFORMED, Reason.UNKNOWN_VERSION)


def test_a_personal_code_is_no_token() -> None:
    assert not is_token(a_personal_code(), PREFIX)
    assert not is_digits(a_personal_code())


@given(one=st.tuples(handles, steps, scenarios), other=st.tuples(handles, steps, scenarios))
def test_a_tag_is_right_for_one_handle_step_and_scenario(
    one: tuple[bytes, int, int], other: tuple[bytes, int, int]
) -> None:
    assert (SECRET.tag(*one) == SECRET.tag(*other)) == (one == other)


def test_another_environment_another_carrier_another_secret_is_another_tag() -> None:
    elsewhere = OnlineSecret(key=SECRET.key, environment=Environment.PRODUCTION)
    somebody = OnlineSecret(key=bytes(32), environment=SECRET.environment)
    tags = {secret.tag(HANDLE, STEP, 301) for secret in (SECRET, elsewhere, somebody)}
    assert len(tags) == 3
    as_digits = int.from_bytes(SECRET.tag(NUMBER.encode()[:8], STEP, 301), "big") % 10**8
    assert SECRET.digits_tag(NUMBER[:8], STEP, 301) != f"{as_digits:08}"
