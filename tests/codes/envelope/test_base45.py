"""Base45: the RFC's own examples, the library as oracle, and everything that must be refused."""

import base45 as oracle
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codes.envelope import base45
from codes.verdict import Reason, Refused

ALPHABET = base45.ALPHABET.decode()


@pytest.mark.parametrize(
    ("data", "text"), [(b"AB", "BB8"), (b"Hello!!", "%69 VD92EX0"), (b"base-45", "UJCLQE7W581"), (b"ietf!", "QED8WEX0")]
)
def test_examples_of_the_rfc(data: bytes, text: str) -> None:
    assert base45.encode(data) == text
    assert base45.decode(text) == data


@given(st.binary(max_size=600))
def test_round_trip_as_the_library(data: bytes) -> None:
    text = base45.encode(data)
    assert text.encode() == oracle.b45encode(data)
    assert base45.decode(text) == data


@given(st.text(alphabet=ALPHABET, max_size=60))
def test_decodes_exactly_what_the_library_decodes(text: str) -> None:
    try:
        expected = oracle.b45decode(text)
    except ValueError:
        with pytest.raises(Refused):
            base45.decode(text)
        return
    assert base45.decode(text) == expected
    assert base45.encode(expected) == text


@pytest.mark.parametrize(
    "text", ["GGW", ":::", "::", "A", "BB8A", "bb8", "BB8\n", "B B\t", "BB８", "\ud800BB", "BB8=", "\x00\x00\x00"]
)
def test_refuses(text: str) -> None:
    with pytest.raises(Refused) as refused:
        base45.decode(text)
    assert refused.value.reason is Reason.MALFORMED
