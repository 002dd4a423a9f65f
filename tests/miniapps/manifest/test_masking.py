"""What the manifest hides arrives hidden, or nothing arrives: no shape of an answer lets the clear text through."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from miniapps.manifest import Masking
from miniapps.manifest.masking import LARGEST_MASKED, Mask, NotMaskable, compile_mask, mask, mask_answer

JSON = [(b"Content-Type", b"application/json")]
SECRET = "\U0001f512"  # stands nowhere else in what hypothesis makes


def a_mask(pointer: str, rule: str = "name") -> Mask:
    return compile_mask(msgspec.convert({"method": "GET", "path": "/x", "pointer": pointer, "rule": rule}, Masking))


def answered(body: bytes, *masks: Mask, status: int = 200, headers: list[tuple[bytes, bytes]] = JSON) -> bytes:
    return mask_answer(status, headers, body, masks or (a_mask("/name"),))


@pytest.mark.parametrize(
    ("pointer", "document", "expected"),
    [
        ("/name", {"name": "张建国", "n": 1}, {"name": "张*国", "n": 1}),
        ("/a/b", {"a": {"b": "张三", "c": "张三"}}, {"a": {"b": "张*", "c": "张三"}}),
        ("/items/*/name", {"items": [{"name": "张三"}, {"id": 1}, 5]}, {"items": [{"name": "张*"}, {"id": 1}, 5]}),
        ("/*/name", [{"name": "张三"}], [{"name": "张*"}]),
        ("/*", ["张三", None], ["张*", None]),
        ("/by/*", {"by": {"1": "张三", "*": "李四"}}, {"by": {"1": "张*", "*": "李*"}}),
        ("/1", ["张三", "李四"], ["张三", "李*"]),
        ("/01", ["张三", "李四"], ["张三", "李四"]),
        ("/1", {"1": "张三"}, {"1": "张*"}),
        ("/name", {"name": None}, {"name": None}),
        ("/name", {}, {}),
        ("/name/x", {"name": "张三"}, {"name": "张三"}),
        ("/name", "张三", "张三"),
        ("/name", [], []),
    ],
)
def test_mask_follows_the_pointer(pointer: str, document: Any, expected: Any) -> None:
    before = msgspec.json.encode(document)
    assert mask(document, [a_mask(pointer)]) == expected
    assert msgspec.json.encode(document) == before


@pytest.mark.parametrize(
    ("rule", "value", "expected"),
    [
        ("phone", "19900001234", "199****1234"),
        ("phone", 19900001234, "199****1234"),
        ("document", "19000019900101123X", "1****************X"),
        ("document", 123456.5, "1******5"),
    ],
)
def test_mask_keeps_the_rule(rule: str, value: Any, expected: str) -> None:
    body = msgspec.json.encode({"x": value})
    assert msgspec.json.decode(answered(body, a_mask("/x", rule))) == {"x": expected}


def test_masks_are_applied_one_after_the_other() -> None:
    body = '{"name":"张建国","phone":"19900001234"}'.encode()
    assert answered(body, a_mask("/name"), a_mask("/phone", "phone")).decode() == (
        '{"name":"张*国","phone":"199****1234"}'
    )


@pytest.mark.parametrize("value", ['["张建国"]', '{"first":"张建国"}', "true", "[]"])
def test_mask_refuses_what_is_not_a_text(value: str) -> None:
    with pytest.raises(NotMaskable, match="not-text"):
        answered(f'{{"name":{value}}}'.encode())


def test_numbers_beside_the_mask_keep_every_digit() -> None:
    body = b'{"name":"ab","a":1.10,"b":123456789012345678901234567890,"c":0.1000000000000000055,"d":1E+400}'
    assert answered(body) == body.replace(b'"ab"', b'"a*"')


def test_a_member_that_stands_twice_leaves_once() -> None:
    assert answered('{"name":"张建国","na\\u006de":"李建国"}'.encode()).decode() == '{"name":"李*国"}'


@pytest.mark.parametrize(
    "content_type",
    [b"application/json", b"Application/JSON; charset=UTF-8", b'application/problem+json;charset="utf-8"'],
)
def test_json_of_every_name_is_masked(content_type: bytes) -> None:
    assert answered(b'{"name":"abc"}', headers=[(b"content-type", content_type)]) == b'{"name":"a*c"}'


@pytest.mark.parametrize(
    ("headers", "body", "reason"),
    [
        ([], b"{}", "not-json"),
        ([(b"Content-Type", b"text/html")], b"{}", "not-json"),
        ([(b"Content-Type", b"text/json")], b"{}", "not-json"),
        ([(b"Content-Type", b"application/json; charset=utf-16")], b"{}", "not-json"),
        ([(b"Content-Type", b"application/json, text/html")], b"{}", "not-json"),
        ([*JSON, *JSON], b"{}", "not-json"),
        ([*JSON, (b"Content-Encoding", b"gzip")], b"{}", "encoded"),
        ([*JSON, (b"content-encoding", b"identity"), (b"CONTENT-ENCODING", b"br")], b"{}", "encoded"),
        ([*JSON, (b"Content-Range", b"bytes 0-1/9")], b"{}", "partial"),
        (JSON, b"<html>", "not-json"),
        (JSON, b"{", "not-json"),
        (JSON, b"{} {}", "not-json"),
        (JSON, b"\xef\xbb\xbf{}", "not-json"),
        (JSON, b'"\xff"', "not-json"),
        (JSON, b'"\\ud800"', "not-json"),
        (JSON, b"NaN", "not-json"),
        (JSON, b"1e99999999999999999999", "not-json"),
        (JSON, b"[" * 100_000 + b"]" * 100_000, "not-json"),
        (JSON, b'"' + b" " * LARGEST_MASKED + b'"', "too-large"),
    ],
)
def test_an_answer_that_cannot_be_read_is_refused(headers: list[tuple[bytes, bytes]], body: bytes, reason: str) -> None:
    with pytest.raises(NotMaskable, match=f"^{reason}$"):
        answered(body, headers=headers)


def test_a_part_of_an_answer_is_refused() -> None:
    with pytest.raises(NotMaskable, match="partial"):
        answered('"张建国"'.encode(), status=206)


def test_the_largest_answer_is_masked_and_an_empty_one_has_nothing_to_hide() -> None:
    assert answered(b'"' + b" " * (LARGEST_MASKED - 2) + b'"')
    assert answered(b"", headers=[]) == b""


leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
documents = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc*01"), inner, max_size=4),
    max_leaves=20,
)
pointers = st.lists(st.sampled_from("abc*01"), min_size=1, max_size=4).map(lambda tokens: "/" + "/".join(tokens))


@given(documents, pointers, st.sampled_from(["name", "document", "phone"]))
def test_masking_twice_is_masking_once(document: Any, pointer: str, rule: str) -> None:
    try:
        once = mask(document, [a_mask(pointer, rule)])
    except NotMaskable:
        return
    assert mask(once, [a_mask(pointer, rule)]) == once


@given(documents, st.lists(st.sampled_from(["a", "b", 0, 1]), min_size=1, max_size=4))
def test_a_secret_that_the_pointer_names_never_arrives(document: Any, place: list[str | int]) -> None:
    planted = msgspec.json.encode(plant(document, place))
    masks = [a_mask("/" + "/".join(str(token) for token in place))]
    starred = [a_mask("/" + "/".join("*" for _ in place))]
    assert SECRET in planted.decode()
    for chosen in (masks, starred):
        try:
            shown = mask_answer(200, JSON, planted, chosen)
        except NotMaskable:
            continue
        assert SECRET not in shown.decode()


def plant(document: Any, place: list[str | int]) -> Any:
    """The document with a secret at `place`, growing what is missing."""
    if not place:
        return f"a{SECRET}b"
    head, rest = place[0], place[1:]
    if isinstance(head, int):
        elements = list(document) if isinstance(document, list) else []
        elements += [None] * (head + 1 - len(elements))
        elements[head] = plant(elements[head], rest)
        return elements
    members = document if isinstance(document, dict) else {}
    return members | {head: plant(members.get(head), rest)}
