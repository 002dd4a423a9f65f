"""One reading of JSON: whatever the bytes, a value of the asked type or a refusal that quotes nothing of them."""

import contextlib
import json
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from app.kit.strict_json import JsonRefused, read_json
from app.kit.structs import Request

SECRET = "190000199001010011"


class Inner(Request):
    flag: bool


class Body(Request):
    number: Annotated[int, Meta(ge=0)] = 0
    text: str = ""
    kind: Literal["a", "b"] = "a"
    inner: Inner | None = None
    free: Any = None


ODDITIES = {
    "nothing": b"",
    "blanks": b"  ",
    "byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"text":"a"}'.encode("utf-16"),
    "not UTF-8": b'{"text":"\xff"}',
    "overlong UTF-8": b'{"text":"\xc0\xaf"}',
    "surrogate in UTF-8": b'{"text":"\xed\xa0\x80"}',
    "lone surrogate": b'{"text":"\\ud800"}',
    "low surrogate first": b'{"text":"\\udc00\\ud800"}',
    "NUL": b'{"text":"a\\u0000b"}',
    "NUL in a name": b'{"free":{"a\\u0000":1}}',
    "raw control character": b'{"text":"a\nb"}',
    "a name twice": b'{"number":1,"number":2}',
    "a name twice inside": b'{"inner":{"flag":true,"flag":false}}',
    "a name twice, escaped": b'{"number":1,"numbe\\u0072":2}',
    "deep lists": b'{"free":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deeper than sixty-four": b'{"free":' + b"[" * 70 + b"]" * 70 + b"}",
    "unclosed": b'{"number":1',
    "trailing": b'{"number":1} {}',
    "comma": b'{"number":1,}',
    "NaN": b'{"number":NaN}',
    "Infinity": b'{"number":-Infinity}',
    "1e400": b'{"number":1e400}',
    "1e400 anywhere": b'{"free":1e400}',
    "endless digits": b'{"number":' + b"9" * 10_000 + b"}",
    "text for a number": b'{"number":"301"}',
    "float for a number": b'{"number":1.0}',
    "truth for a number": b'{"number":true}',
    "number for a truth": b'{"inner":{"flag":1}}',
    "text for a truth": b'{"inner":{"flag":"true"}}',
    "number for a text": b'{"text":1}',
    "null for a text": b'{"text":null}',
    "below the least": b'{"number":-1}',
    "unknown field": b'{"nobody":1}',
    "unknown field inside": b'{"inner":{"flag":true,"x":1}}',
    "list for an object": b"[]",
    "text for an object": b'"{}"',
}


@pytest.mark.parametrize("body", ODDITIES.values(), ids=ODDITIES.keys())
def test_oddity_is_refused_with_a_reason(body: bytes) -> None:
    with pytest.raises(JsonRefused) as refused:
        read_json(body, Body)
    assert refused.value.reason


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"number": "301"}, "number"),
        ({"inner": {"flag": 1}}, "inner.flag"),
        ([], ""),
    ],
)
def test_refusal_says_where(body: Any, field: str) -> None:
    with pytest.raises(JsonRefused) as refused:
        read_json(json.dumps(body).encode(), Body)
    assert refused.value.field == field


@pytest.mark.parametrize(
    "body", [{"kind": SECRET}, {SECRET: 1}, {f"a`{SECRET}`": 1}, {"free": None, f"张\n{SECRET}": 1}]
)
def test_refusal_does_not_quote_what_was_sent(body: Any) -> None:
    with pytest.raises(JsonRefused) as refused:
        read_json(json.dumps(body).encode(), Body)
    assert SECRET not in refused.value.reason
    assert "张" not in str(refused.value)


def test_mistyped_field_is_named() -> None:
    with pytest.raises(JsonRefused, match="unknown field `numbre`"):
        read_json(b'{"numbre":1}', Body)


def test_surrogate_pair_and_plain_body_are_read() -> None:
    assert read_json(b'{"text":"\\ud83d\\ude00","number":7,"inner":{"flag":true}}', Body) == Body(
        text="\U0001f600", number=7, inner=Inner(flag=True)
    )


def test_whole_64_bits_are_left_to_the_field() -> None:
    assert read_json(b'{"number":9223372036854775808}', Body).number == 2**63


@given(st.binary(max_size=60))
def test_any_bytes_are_a_body_or_a_refusal(body: bytes) -> None:
    read: Body | None = None
    with contextlib.suppress(JsonRefused):
        read = read_json(body, Body)
    assert read is None or isinstance(read, Body)


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(st.characters(exclude_categories=["Cs"], min_codepoint=1)),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"], min_codepoint=1)), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(JSON_VALUES)
def test_ordinary_json_is_read_as_everybody_reads_it(value: Any) -> None:
    for body in (msgspec.json.encode(value), json.dumps(value).encode()):
        assert read_json(body, Any) == json.loads(body)
