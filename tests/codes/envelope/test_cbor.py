"""Strict CBOR: what it accepts has one encoding, which is also the library's canonical one."""

from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codes.envelope import cbor
from codes.verdict import Reason, Refused

WIDE = cbor.Limits(max_bytes=1 << 16, max_depth=8, integer_keys=False)

leaves = st.one_of(
    st.integers(min_value=-(1 << 63), max_value=(1 << 63) - 1),
    st.binary(max_size=40),
    st.text(max_size=20),
    st.booleans(),
    st.none(),
)
values = st.recursive(
    leaves,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.integers(0, 1 << 40), inner, max_size=4)),
    max_leaves=12,
)


@given(values)
def test_round_trip(value: Any) -> None:
    assert cbor.decode(cbor.encode(value), WIDE) == value


@given(st.binary(max_size=64))
def test_accepts_only_the_one_encoding(data: bytes) -> None:
    try:
        value = cbor.decode(data, WIDE)
    except Refused:
        return
    assert cbor2.loads(data) == value
    if not _has_unlike_keys(value):
        assert cbor.encode(value) == data


def _has_unlike_keys(value: Any) -> bool:
    """Where the library's canonical order (RFC 7049, shorter first) is another than RFC 8949's bytewise one."""
    if isinstance(value, list):
        return any(_has_unlike_keys(item) for item in value)
    if not isinstance(value, dict):
        return False
    encoded = [cbor2.dumps(key) for key in value]
    return encoded != sorted(encoded, key=lambda key: (len(key), key)) or any(map(_has_unlike_keys, value.values()))


REFUSED = {
    "empty": "",
    "trailing byte": "0000",
    "integer in two bytes that fits one": "1817",
    "integer in three bytes that fits two": "1900ff",
    "integer in five bytes that fits three": "1a0000ffff",
    "integer in nine bytes that fits five": "1b00000000ffffffff",
    "negative not shortest": "3800",
    "indefinite bytes": "5f4101ff",
    "indefinite text": "7f6161ff",
    "indefinite array": "9f01ff",
    "indefinite map": "bf0101ff",
    "reserved head": "1c",
    "break alone": "ff",
    "duplicate keys": "a201010102",
    "unsorted keys": "a202010101",
    "unsorted signs": "a220010101",
    "bytes as key": "a1410101",
    "array as key": "a1800101",
    "false as key": "a1f401",
    "tag 18": "d28401020304",
    "tag 0": "c074323031332d30332d32315432303a30343a30305a",
    "tag 2": "c24101",
    "half float": "f93c00",
    "single float": "fa3f800000",
    "double float": "fb3ff0000000000000",
    "undefined": "f7",
    "simple 255": "f8ff",
    "bytes cut": "4401",
    "text cut": "6461",
    "text not UTF-8": "62c328",
    "surrogate in text": "63eda080",
    "two megabytes claimed": "5a00200000",
    "array of four billion": "9affffffff",
    "map cut": "a101",
    "head cut": "19ff",
}


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED.keys())
def test_refuses(data: str) -> None:
    with pytest.raises(Refused) as refused:
        cbor.decode(bytes.fromhex(data), WIDE)
    assert refused.value.reason is Reason.MALFORMED


def test_refuses_text_keys_in_a_code() -> None:
    data = cbor.encode({"a": 1})
    assert cbor.decode(data, WIDE) == {"a": 1}
    with pytest.raises(Refused):
        cbor.decode(data)


@pytest.mark.parametrize("depth", [5, 6])
def test_depth_is_limited(depth: int) -> None:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    data = cbor.encode(value)
    if depth == cbor.CODE.max_depth:
        assert cbor.decode(data) == value
    else:
        with pytest.raises(Refused):
            cbor.decode(data)


def test_size_is_limited_before_anything_is_read() -> None:
    with pytest.raises(Refused) as refused:
        cbor.decode(b"\xff" * 513)
    assert refused.value.reason is Reason.TOO_LARGE


@pytest.mark.parametrize("length", [0, 23, 24, 255, 256, 65535, 65536])
def test_bytes_head_is_the_library_s(length: int) -> None:
    assert cbor.bytes_head(length) == cbor2.dumps(bytes(length))[: -length or None]
