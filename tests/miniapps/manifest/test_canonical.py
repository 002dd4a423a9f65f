"""Reading, canonical form and hash: any bytes are either a manifest or a clear refusal."""

import hashlib
import json
import random
from typing import Any

import hypothesis.strategies as st
import jsonschema_rs
import msgspec
import pytest
import rfc8785
from hypothesis import given

from miniapps.manifest import (
    LONGEST_MANIFEST,
    Manifest,
    ManifestUnreadable,
    canonical_bytes,
    decode_canonical,
    json_schema,
    manifest_hash,
    parse_manifest,
    render_manifest,
)
from tests.miniapps.documents import encode, sound_document, spoil

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def shuffled(value: Any, order: random.Random) -> Any:
    if isinstance(value, dict):
        names = list(value)
        order.shuffle(names)
        return {name: shuffled(value[name], order) for name in names}
    return [shuffled(item, order) for item in value] if isinstance(value, list) else value


def test_parse_reads_every_group() -> None:
    manifest = parse_manifest(encode(sound_document()))

    assert manifest.app_id == "cn.example.library"
    assert [route.path for route in manifest.routes] == ["/loans", "/loans/{loan_id}/renewals"]
    assert manifest.backend is not None
    assert manifest.backend.base_url.live == "https://library.example.cn/suishen"
    assert manifest.widgets[0].timeout_ms == 300
    assert manifest.scopes[0].sensitivity == "personal"
    assert manifest.items[0].materials[0].source == "licence"


def test_hash_is_that_of_rfc_8785_over_the_document_as_it_was_sent() -> None:
    # Anybody can compute it with a standard tool; a default that changes here changes no reviewed hash.
    assert canonical_bytes(encode(sound_document())) == rfc8785.dumps(sound_document())
    assert manifest_hash(encode(sound_document())) == hashlib.sha256(rfc8785.dumps(sound_document())).hexdigest()


@given(st.randoms(use_true_random=False), st.sampled_from([None, 1, 4]))
def test_hash_ignores_order_and_spacing(order: random.Random, indent: int | None) -> None:
    document = json.dumps(shuffled(sound_document(), order), indent=indent).encode()

    assert manifest_hash(document) == manifest_hash(encode(sound_document()))


@pytest.mark.parametrize(
    ("path", "value"),
    [("version/code", 2), ("app_id", "cn.example.libraries"), ("backend/routes/0/scopes", []), ("sunset", None)],
)
def test_hash_differs_when_anything_differs(path: str, value: Any) -> None:
    assert manifest_hash(encode(spoil(path, value))) != manifest_hash(encode(sound_document()))


def test_round_trip_of_bytes_and_manifest() -> None:
    manifest = parse_manifest(encode(sound_document()))

    assert decode_canonical(canonical_bytes(encode(sound_document()))) == manifest
    assert parse_manifest(render_manifest(manifest)) == manifest


@given(
    st.builds(lambda code, name: spoil("version", {"code": code, "name": name}), st.integers(), st.text(max_size=40))
)
def test_round_trip_or_refusal_of_any_version(document: dict[str, Any]) -> None:
    try:
        manifest = parse_manifest(encode(document))
    except ManifestUnreadable:
        return
    assert parse_manifest(render_manifest(manifest)) == manifest


@given(st.binary(max_size=400))
def test_any_bytes_are_refused_and_never_crash(document: bytes) -> None:
    with pytest.raises(ManifestUnreadable):
        parse_manifest(document)


@given(json_values)
def test_any_json_is_refused_and_never_crashes(value: Any) -> None:
    with pytest.raises(ManifestUnreadable):
        parse_manifest(json.dumps(value).encode())


@given(st.sampled_from(sorted(sound_document())), json_values)
def test_any_group_replaced_never_crashes(group: str, value: Any) -> None:
    document = json.dumps(sound_document(**{group: value})).encode()
    try:
        manifest = parse_manifest(document)
    except ManifestUnreadable:
        return
    assert decode_canonical(canonical_bytes(document)) == manifest


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"null",
        b"[]",
        b"\xef\xbb\xbf" + encode(sound_document()),
        encode(sound_document()).decode().encode("utf-16"),
        encode(sound_document()) + b"{}",
        encode(sound_document()).replace(b'"app_id"', b'"app_id": "cn.example.other", "app_id"', 1),
        encode(sound_document()).replace(b'"code": 1', b'"code": NaN'),
        encode(sound_document()).replace(b'"code": 1', b'"code": 1.0'),
        encode(sound_document()).replace(b'"code": 1', b'"code": true'),
        encode(sound_document()).replace(b'"code": 1', b'"code": ' + b"9" * 5000),
        encode(sound_document()).replace("图书馆".encode(), b"\\ud800", 1),
        encode(sound_document()).replace("图书馆".encode(), b"\xff", 1),
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b" " * (LONGEST_MANIFEST + 1),
    ],
)
def test_parse_refuses_documents_with_two_readings(document: bytes) -> None:
    with pytest.raises(ManifestUnreadable):
        parse_manifest(document)
    with pytest.raises(ManifestUnreadable):
        canonical_bytes(document)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("schema", "ssb-manifest/2"),
        ("app_id", "library"),
        ("app_id", "CN.example.library"),
        ("app_id", "cn..library"),
        ("app_id", "cn.example.library\n"),
        ("app_id", "cn.example.-library"),
        ("app_id", "cn.example/../library"),
        ("app_id", "cn.例子.library"),
        ("version/code", 0),
        ("version/code", -1),
        ("version/code", 2**31),
        ("version/code", "1"),
        ("version/name", ""),
        ("short_name", "七个字的短名称"),
        ("short_name", ""),
        ("short_name", "图\u202e书"),
        ("short_name", "图\u200b书"),
        ("short_name", "图书\n"),
        ("name", {"zh": "图书馆"}),
        ("kind", "partial"),
        ("owner/org_code", "91310000MA1FL0000I"),
        ("zones", []),
        ("zones", ["19"]),
        ("audience", []),
        ("audience", ["robot"]),
        ("contacts", []),
        ("fallback/alt_channels", []),
        ("backend/routes/0/path", "loans"),
        ("backend/routes/0/path", "/loans/"),
        ("backend/routes/0/path", "/loans//mine"),
        ("backend/routes/0/path", "/loans/../cards"),
        ("backend/routes/0/path", "/loans/%2e%2e"),
        ("backend/routes/0/path", "/.ssb/cards"),
        ("backend/routes/0/path", "/loans/{id}x"),
        ("backend/routes/0/path", "/loans/{Id}"),
        ("backend/routes/0/path", "/loans?all=1"),
        ("backend/routes/0/path", "/loans;v=1"),
        ("backend/routes/0/path", "/loans\n"),
        ("backend/routes/0/path", "/loans\\mine"),
        ("backend/routes/0/path", "/" + "a" * 256),
        ("backend/routes/0/method", "get"),
        ("backend/routes/0/method", "TRACE"),
        ("backend/routes/0/min_ial", 4),
        ("backend/routes/0/timeout_ms", 10),
        ("backend/routes/0/timeout_ms", 600_000),
        ("backend/routes/0/body", "chunked"),
        ("backend/routes/0/rate", {"requests": 0, "per_seconds": 1}),
        ("backend/base_url", {}),
        ("widgets/0/timeout_ms", 5000),
        ("widgets/0/id", "Loans!"),
        ("data/scopes/0/basis", "curiosity"),
        ("data/scopes/0/retention_days", -1),
        ("data/masking/0/pointer", "items"),
        ("support/hotline", "call us"),
        ("sunset", {"at": "2030-01-01T00:00:00"}),
    ],
)
def test_parse_refuses_a_wrong_field(path: str, value: Any) -> None:
    document = sound_document() | {"sunset": None}
    assert parse_manifest(encode(document)).sunset is None

    with pytest.raises(ManifestUnreadable):
        parse_manifest(encode(spoil(path, value)))


@pytest.mark.parametrize(
    "place",
    ["", "version", "name", "owner", "backend", "backend/base_url", "backend/routes/0", "widgets/0", "data/scopes/0"],
)
def test_parse_refuses_an_unknown_field_everywhere(place: str) -> None:
    with pytest.raises(ManifestUnreadable, match="unknown field"):
        parse_manifest(encode(spoil(f"{place}/surprise".lstrip("/"), 1)))


def test_schema_is_valid_and_agrees_with_the_parser() -> None:
    schema = json_schema()
    jsonschema_rs.meta.validate(schema)
    check = jsonschema_rs.validator_for(schema)

    assert check.is_valid(sound_document())
    assert not check.is_valid(spoil("surprise", 1))
    assert not check.is_valid(spoil("backend/routes/0/path", "/loans/"))
    assert not check.is_valid(spoil("short_name", "七个字的短名称"))


def test_default_fields_are_left_out_of_rendered_form() -> None:
    manifest = parse_manifest(encode(sound_document()))

    assert b"conduct" not in render_manifest(manifest)
    assert msgspec.convert(msgspec.to_builtins(manifest), Manifest) == manifest
