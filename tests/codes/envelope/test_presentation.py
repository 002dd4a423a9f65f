"""Personal and static codes: round trips, sizes that fit a small picture, and bits that do not turn unnoticed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codes.envelope import cbor
from codes.envelope.claims import LARGEST_SHARD, PRESENTED, PRINTED, SHARD_INDICES, Kind, encode_claims
from codes.envelope.presentation import parse_presentation
from codes.envelope.static_code import parse_static_code, static_prefix
from codes.verdict import Reason, Refused
from tests.codes.signed import (
    FIRE,
    FORMAT,
    LIBRARY,
    NOW_SECONDS,
    PHONE_KEY,
    a_claims,
    a_personal_code,
    a_static_claims,
    a_sticker,
    as_bytes,
    as_text,
    signed_by_issuer,
    signed_by_phone,
    verdict_on,
)

claims_parts = {
    "expires_at": st.integers(0, 1 << 36),
    "cti": st.binary(min_size=16, max_size=16),
    "shard": st.integers(0, LARGEST_SHARD),
    "index": st.integers(0, SHARD_INDICES - 1),
}


@given(
    parts=st.fixed_dictionaries(claims_parts | {"kind": st.sampled_from(sorted(PRESENTED))}),
    payload=st.fixed_dictionaries(
        {"iat": st.integers(0, 1 << 36), "scenario": st.integers(0, 0xFFFF)},
        optional={"aud": st.text(min_size=1, max_size=30), "cnonce": st.binary(min_size=1, max_size=32)},
    ),
)
def test_personal_code_round_trip(parts: dict[str, Any], payload: dict[str, Any]) -> None:
    read = parse_presentation(a_personal_code(claims=a_claims(**parts), **payload), FORMAT.prefix)
    assert {name: getattr(read.claims, name) for name in parts} == parts
    assert {name: getattr(read.presentation, name) for name in payload} == payload
    assert read.claims.device_key == PHONE_KEY.public_key()


@given(parts=st.fixed_dictionaries(claims_parts | {"kind": st.sampled_from(sorted(PRINTED))}))
def test_static_code_round_trip(parts: dict[str, Any]) -> None:
    text = a_sticker(a_static_claims(**parts))
    read = parse_static_code(text, FORMAT.host)
    assert {name: getattr(read.claims, name) for name in parts} == parts
    assert text.isupper()


def test_sizes_stay_small() -> None:
    text = a_personal_code(scenario=17)
    assert len(as_bytes(text)) <= 258
    assert len(text) <= 392
    assert len(a_sticker()) <= len(static_prefix(FORMAT.host)) + 200


def test_every_flipped_bit_of_a_personal_code_is_refused() -> None:
    data = as_bytes(a_personal_code())
    assert verdict_on(as_text(data)).reason is Reason.OK
    for bit in range(len(data) * 8):
        bent = bytearray(data)
        bent[bit // 8] ^= 1 << bit % 8
        assert verdict_on(as_text(bytes(bent))).reason is not Reason.OK, f"bit {bit}"


def test_every_changed_character_of_a_sticker_is_refused() -> None:
    text = a_sticker()
    assert verdict_on(text, FIRE).reason is Reason.OK
    begin = len(static_prefix(FORMAT.host))
    for at in range(begin, len(text)):
        for other in "A7":
            if text[at] != other:
                assert verdict_on(text[:at] + other + text[at + 1 :], FIRE).reason is not Reason.OK, f"at {at}"


@given(st.text(max_size=120))
def test_no_text_raises(text: str) -> None:
    for policy in (LIBRARY, FIRE):
        for tried in (text, FORMAT.prefix + text, static_prefix(FORMAT.host) + text):
            assert verdict_on(tried, policy).reason is not Reason.OK


@given(st.binary(max_size=200))
def test_no_bytes_raise(data: bytes) -> None:
    assert verdict_on(as_text(data)).reason is not Reason.OK
    assert verdict_on(as_text(signed_by_phone(data))).reason is not Reason.OK
    assert verdict_on(as_text(signed_by_phone(signed_by_issuer(data)))).reason is not Reason.OK


CLAIMS = {4: NOW_SECONDS + 43200, 7: bytes(16), -70000: [3, 70_000], -70001: 1}
KEYED: dict[int, Any] = CLAIMS | {
    8: {1: {1: 2, -1: 1, -2: PHONE_KEY.public_key().public_numbers().x.to_bytes(32, "big"), -3: False}}
}


@pytest.mark.parametrize(
    "claims",
    [
        CLAIMS,
        [],
        KEYED | {4: True},
        KEYED | {4: -1},
        KEYED | {4: 1 << 60},
        KEYED | {7: bytes(15)},
        KEYED | {7: "0123456789abcdef"},
        KEYED | {-70000: [3]},
        KEYED | {-70000: [3, SHARD_INDICES]},
        KEYED | {-70000: [-1, 0]},
        KEYED | {-70000: [True, 0]},
        KEYED | {-70001: 0},
        KEYED | {-70001: "P"},
        KEYED | {-70001: True},
        KEYED | {-70009: 1},
        KEYED | {5: 1},
        KEYED | {8: {}},
        KEYED | {8: {1: {}}},
        KEYED | {8: {1: {1: 2, -1: 1, -2: b"\xff" * 32, -3: True}}},
        KEYED | {8: {1: {1: 2, -1: 1, -2: bytes(31), -3: True}}},
        KEYED | {8: {1: {1: 2, -1: 1, -2: bytes(32), -3: bytes(32)}}},
        KEYED | {8: {1: {1: 2, -1: 2, -2: bytes(32), -3: True}}},
        KEYED | {8: KEYED[8] | {2: 1}},
    ],
)
def test_claims_out_of_form_are_malformed(claims: Any) -> None:
    assert verdict_on(as_text(signed_by_phone(signed_by_issuer(cbor.encode(claims))))).reason is Reason.MALFORMED


@pytest.mark.parametrize(
    "payload",
    [
        {6: NOW_SECONDS},
        {-70002: 301},
        {6: str(NOW_SECONDS), -70002: 301},
        {6: NOW_SECONDS, -70002: -1},
        {6: NOW_SECONDS, -70002: 1 << 16},
        {6: NOW_SECONDS, -70002: 301, 3: ""},
        {6: NOW_SECONDS, -70002: 301, 3: b"x"},
        {6: NOW_SECONDS, -70002: 301, 39: bytes(33)},
        {6: NOW_SECONDS, -70002: 301, 39: None},
        {6: NOW_SECONDS, -70002: 301, 40: 1},
        [NOW_SECONDS, 301],
    ],
)
def test_payload_out_of_form_is_malformed(payload: Any) -> None:
    text = as_text(signed_by_phone(signed_by_issuer(), cbor.encode(payload)))
    assert verdict_on(text).reason is Reason.MALFORMED


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", Reason.MALFORMED),
        ("SSM2:ABC", Reason.UNKNOWN_VERSION),
        ("SSM19:ABC", Reason.UNKNOWN_VERSION),
        ("SSM:ABC", Reason.MALFORMED),
        ("SSMX:ABC", Reason.MALFORMED),
        ("ssm1:ABC", Reason.MALFORMED),
        ("SSM1：ABC", Reason.MALFORMED),
        (" SSM1:ABC", Reason.MALFORMED),
        ("SSM1:", Reason.MALFORMED),
        ("SSM1:" + "0" * 796, Reason.TOO_LARGE),
        ("SSM1:" + "0" * 795, Reason.TOO_LARGE),
        ("0" * 2_000_000, Reason.TOO_LARGE),
        ("HTTPS://CODE.EXAMPLE.CN/2/AAAA", Reason.UNKNOWN_VERSION),
        ("HTTPS://CODE.EXAMPLE.CN/1/", Reason.MALFORMED),
        ("HTTPS://CODE.EXAMPLE.CN/1/A=======", Reason.MALFORMED),
        ("HTTPS://CODE.EXAMPLE.CN/1/aaaa", Reason.MALFORMED),
        ("https://code.example.cn/1/AAAA", Reason.MALFORMED),
        ("HTTPS://CODE.EXAMPLE.CN.EVIL.CN/1/AAAA", Reason.MALFORMED),
        ("wxp://f2f0abc", Reason.MALFORMED),
    ],
)
def test_texts_that_are_no_codes(text: str, reason: Reason) -> None:
    assert verdict_on(text).reason is reason


def test_a_sticker_with_a_key_or_a_grant_without_one_is_malformed() -> None:
    with pytest.raises(Refused):
        parse_static_code(a_sticker(a_static_claims(device_key=PHONE_KEY.public_key())), FORMAT.host)
    with pytest.raises(Refused):
        parse_presentation(a_personal_code(claims=a_claims(device_key=None)), FORMAT.prefix)


def test_kinds_travel_only_in_their_own_carrier() -> None:
    assert verdict_on(a_personal_code(claims=a_claims(kind=Kind.E))).reason is Reason.WRONG_CARRIER
    assert verdict_on(a_sticker(a_static_claims(kind=Kind.P)), FIRE).reason is Reason.WRONG_CARRIER
    assert encode_claims(a_claims()) != encode_claims(a_static_claims())
