"""Sealed values open only as they were sealed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.vault import Vault, VaultError

VAULT = Vault(bytes(range(32)))


@given(st.binary(max_size=300), st.binary(max_size=40))
def test_open_returns_what_was_sealed(plaintext: bytes, context: bytes) -> None:
    assert VAULT.open("a", VAULT.seal("a", plaintext, context=context), context=context) == plaintext


@given(st.binary(max_size=60), st.data())
def test_open_refuses_any_flipped_bit(plaintext: bytes, data: st.DataObject) -> None:
    sealed = bytearray(VAULT.seal("a", plaintext))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(VaultError):
        VAULT.open("a", bytes(sealed))


@pytest.mark.parametrize(
    ("vault", "purpose", "context"),
    [(VAULT, "b", b""), (VAULT, "a", b"x"), (Vault(bytes(range(1, 33))), "a", b"")],
    ids=["another purpose", "another context", "another master key"],
)
def test_open_elsewhere_is_refused(vault: Vault, purpose: str, context: bytes) -> None:
    with pytest.raises(VaultError):
        vault.open(purpose, VAULT.seal("a", b"secret"), context=context)


@pytest.mark.parametrize("cut", [0, 1, 12, 13, 20])
def test_open_cut_value_is_refused(cut: int) -> None:
    with pytest.raises(VaultError):
        VAULT.open("a", VAULT.seal("a", b"secret")[:cut])


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_master_key_of_wrong_length_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Vault(bytes(length))


def test_sealing_twice_differs_and_blind_index_does_not() -> None:
    assert VAULT.seal("a", b"x") != VAULT.seal("a", b"x")
    assert VAULT.blind_index("phone", "1") == VAULT.blind_index("phone", "1")
    assert VAULT.blind_index("phone", "1") != VAULT.blind_index("number", "1")
