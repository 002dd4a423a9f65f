"""The shortcut for usual codes: it takes them, it takes nothing else, and never reads anything its own way."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from codes.envelope import cbor, cose
from codes.envelope.claims import LARGEST_SHARD, SHARD_INDICES, Kind
from codes.envelope.layout import LARGEST_SCENARIO, read_usual
from codes.envelope.presentation import Presentation, read_presentation
from codes.verdict import Reason, Refused
from tests.codes.signed import NOW_SECONDS, a_claims, a_personal_code, as_bytes, signed_by_issuer, signed_by_phone

HEADS = (0, 23, 24, 255, 256, 65_535, 65_536, SHARD_INDICES - 1)
PLAIN = as_bytes(a_personal_code())


def outcome(read: Callable[[bytes], Any], data: bytes) -> Any:
    try:
        return read(data)
    except Refused as refused:
        return refused.reason


def same(data: bytes) -> bool:
    """Whether the shortcut took `data`; fails when it read anything that the long way would not read so."""
    assert agree(data)
    return outcome(read_usual, data) is not None


def agree(data: bytes) -> bool:
    """Whether the shortcut leaves `data` to the long way, or reads in it exactly what that reads."""
    usual = outcome(read_usual, data)
    if usual is None:
        return True
    read = outcome(read_presentation, data)
    if isinstance(usual, Reason) or isinstance(read, Reason):
        return usual is read
    presentation = Presentation(iat=usual.iat, scenario=usual.scenario)
    return (usual.device_message, usual.issuer_message, usual.claims, presentation) == (
        read.device_message,
        read.issuer_message,
        read.claims,
        read.presentation,
    )


@pytest.mark.parametrize("index", HEADS)
@pytest.mark.parametrize("shard", [*HEADS, LARGEST_SHARD])
def test_every_length_of_a_status_pointer_is_usual(shard: int, index: int) -> None:
    assert same(as_bytes(a_personal_code(claims=a_claims(shard=shard, index=index))))


@pytest.mark.parametrize("scenario", [0, 23, 24, 255, 256, LARGEST_SCENARIO])
@pytest.mark.parametrize("kind", [Kind.P, Kind.F])
def test_every_scenario_and_both_kinds_are_usual(scenario: int, kind: Kind) -> None:
    assert same(as_bytes(a_personal_code(claims=a_claims(kind=kind), scenario=scenario)))


@pytest.mark.parametrize(
    "unusual",
    [
        {"aud": "gate-1"},
        {"cnonce": bytes(8)},
        {"iat": 65_535},
        {"iat": 1 << 32},
        {"claims": a_claims(expires_at=1)},
        {"claims": a_claims(expires_at=1 << 32)},
        {"claims": a_claims(facts={1: "x"})},
        {"claims": a_claims(kind=Kind.E)},
        {"claims": a_claims(device_key=None)},
    ],
)
def test_what_is_rare_takes_the_long_way(unusual: dict[str, Any]) -> None:
    assert not same(as_bytes(a_personal_code(**unusual)))


@pytest.mark.parametrize(
    "payload",
    [
        {6: NOW_SECONDS, -70002: LARGEST_SCENARIO + 1},
        {6: NOW_SECONDS, -70003: 301},
        {6: NOW_SECONDS},
    ],
)
def test_what_nobody_may_say_is_not_usual(payload: dict[int, Any]) -> None:
    assert not same(signed_by_phone(signed_by_issuer(), cbor.encode(payload)))


def test_an_index_outside_its_shard_is_not_usual() -> None:
    assert not same(as_bytes(a_personal_code(claims=a_claims(index=SHARD_INDICES))))


@given(at=st.integers(0, len(PLAIN) - 1), value=st.integers(0, 255))
def test_no_changed_byte_is_read_in_two_ways(at: int, value: int) -> None:
    assert agree(PLAIN[:at] + bytes((value,)) + PLAIN[at + 1 :])


@given(at=st.integers(0, len(PLAIN)), cut=st.integers(0, 4), put=st.binary(max_size=4))
@example(at=len(PLAIN), cut=0, put=b"\x00")
def test_no_cut_or_insertion_is_read_in_two_ways(at: int, cut: int, put: bytes) -> None:
    assert agree(PLAIN[:at] + put + PLAIN[at + cut :])


def test_every_head_of_every_byte_agrees() -> None:
    """All single-byte changes of what is not key, pointer or signature: exhaustive, since heads decide lengths."""
    taken = [same(PLAIN[:at] + bytes((value,)) + PLAIN[at + 1 :]) for at in _heads() for value in range(256)]
    assert any(taken)
    assert not all(taken)


def _heads() -> list[int]:
    """Where structure stands: everything outside the long random strings."""
    grant = cose.sign1_of(cbor.decode(read_presentation(PLAIN).device_message.protected_bytes)[13])
    long = [grant.signature, read_presentation(PLAIN).device_message.signature, bytes(range(16))]
    covered = {place for part in long for place in range(PLAIN.index(part), PLAIN.index(part) + len(part))}
    return [place for place in range(len(PLAIN)) if place not in covered]
