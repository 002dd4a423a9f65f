"""Sealed pointers open only where they were sealed, and tell nothing from outside."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codes.showing.grants.pointers import GrantPointer, Pointers

HERE = Pointers(bytes(32))


@given(batch=st.integers(0, (1 << 63) - 1), count=st.integers(1, 8))
def test_round_trip(batch: int, count: int) -> None:
    sealed = HERE.seal(batch, count)
    assert [HERE.open(cti) for cti in sealed] == [GrantPointer(batch=batch, number=number) for number in range(count)]
    assert len(set(sealed)) == count


@given(st.binary(min_size=16, max_size=16))
def test_invented_pointers_open_to_nothing(cti: bytes) -> None:
    assert HERE.open(cti) is None


@given(batch=st.integers(0, 1 << 40), bit=st.integers(0, 127))
def test_flipped_pointers_open_to_nothing(batch: int, bit: int) -> None:
    cti = bytearray(HERE.seal(batch, 1)[0])
    cti[bit // 8] ^= 1 << bit % 8
    assert HERE.open(bytes(cti)) is None


@pytest.mark.parametrize("length", [0, 15, 17, 32])
def test_other_lengths_open_to_nothing(length: int) -> None:
    assert HERE.open(bytes(length)) is None


def test_another_key_opens_nothing() -> None:
    assert Pointers(bytes(31) + b"\x01").open(HERE.seal(1, 1)[0]) is None
