"""Bent on purpose, then rightly signed: what is not exactly ours is refused by name, and nothing ever raises.

Most fuzzing stops at the signature. Here the city and the phone sign whatever was bent, so that every parser behind it
is reached; and what is accepted must be the only encoding of what it says.
"""

import contextlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import cbor2
import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from codes.envelope import base45, cbor, cose
from codes.envelope.claims import encode_claims
from codes.envelope.cose import ObjectType, external_aad
from codes.envelope.layout import read_usual
from codes.envelope.presentation import encode_grant, encode_presentation, parse_presentation
from codes.status.changes import AFTER, CHANGES, VerifiedChanges, changes_uri, verify_changes
from codes.status.changes import TYPE as CHANGES_TYPE
from codes.status.models import TYPE as LIST_TYPE
from codes.status.models import UNTIL, Status, status_uri, verify_status_list
from codes.trust.document import TrustListRefused, certify_list_key, verify_trust_list
from codes.trust.models import VerifiedTrustList
from codes.verdict import Reason, Refused
from tests.codes.signed import (
    ENVIRONMENT,
    FORMAT,
    GRANT_KEY,
    LIST_KEY,
    NOW,
    NOW_SECONDS,
    PHONE,
    ROOT_KEY,
    SHARD,
    STATUS_KEY,
    a_claims,
    as_text,
    signed_by_issuer,
    signed_by_phone,
    trusted,
    verdict_on,
)
from tests.codes.vectors.generate import a_trust_list

numbers = st.integers(-(1 << 64), (1 << 64) - 1)
leaves = st.none() | st.booleans() | numbers | st.binary(max_size=40) | st.text(max_size=12)
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(numbers, inner, max_size=4), max_leaves=12
)

Path = tuple[Any, ...]


def paths(tree: Any, here: Path = ()) -> Iterator[Path]:
    """Every place in a tree of lists and maps."""
    yield here
    for key, inner in tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ():
        yield from paths(inner, (*here, key))


def bend(tree: Any, path: Path, value: Any) -> Any:
    """`tree` with `value` at `path`."""
    if not path:
        return value
    head, *rest = path
    if isinstance(tree, dict):
        return {key: bend(inner, tuple(rest), value) if key == head else inner for key, inner in tree.items()}
    return [bend(inner, tuple(rest), value) if place == head else inner for place, inner in enumerate(tree)]


@st.composite
def bent(draw: st.DrawFn, tree: Any) -> Any:
    """A tree with one to three places replaced, dropped or added."""
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from(list(paths(tree))))
        tree = bend(tree, place, draw(values))
        if isinstance(tree, dict) and draw(st.booleans()):
            tree = tree | {draw(numbers): draw(leaves)}
    return tree


CLAIMS = cbor.decode(encode_claims(a_claims()))
PAYLOAD = {6: NOW_SECONDS - 5, -70002: 301}


def only_encoding(text: str) -> bool:
    """Whether writing what was read, with the signatures that were read, gives the same text."""
    read = parse_presentation(text, FORMAT.prefix)
    claims, presentation = encode_claims(read.claims), read.presentation
    content: dict[int, Any] = {6: presentation.iat, -70002: presentation.scenario}
    content |= {} if presentation.aud is None else {3: presentation.aud}
    content |= {} if presentation.cnonce is None else {39: presentation.cnonce}
    issuer, device = read.issuer_message, read.device_message
    grant = cose.assemble(cbor.encode(issuer.protected), claims, issuer.signature)
    message = cose.assemble(b"\xa2\x01\x26\x0d" + grant, cbor.encode(content), device.signature)
    return text == FORMAT.prefix + base45.encode(cbor.TAG_COSE_SIGN1 + message)


@given(claims=bent(CLAIMS), canonical=st.booleans())
@settings(max_examples=80)
def test_bent_claims_rightly_signed(claims: Any, canonical: bool) -> None:
    text = as_text(signed_by_phone(signed_by_issuer(cbor2.dumps(claims, canonical=canonical))))
    if verdict_on(text).reason is Reason.OK:
        assert only_encoding(text)


@given(payload=bent(PAYLOAD), canonical=st.booleans())
@settings(max_examples=80)
def test_a_bent_payload_rightly_signed(payload: Any, canonical: bool) -> None:
    text = as_text(signed_by_phone(signed_by_issuer(), cbor2.dumps(payload, canonical=canonical)))
    if verdict_on(text).reason is Reason.OK:
        assert only_encoding(text)


@given(headers=bent({1: -7, 4: GRANT_KEY.kid}), head=st.sampled_from([b"\xa2\x01\x26\x0d"]) | st.binary(max_size=6))
@settings(max_examples=80)
def test_bent_headers_rightly_signed(headers: Any, head: bytes) -> None:
    grant = signed_by_issuer(headers=headers) if isinstance(headers, dict) else cbor2.dumps(headers)
    text = as_text(signed_by_phone(grant, head=head))
    if verdict_on(text).reason is Reason.OK:
        assert only_encoding(text)


SEEDS = [
    encode_claims(a_claims()),
    cbor.encode(PAYLOAD),
    b"\xa0",
    b"\x80",
    b"\xfb\x3f\xf0\x00\x00\x00\x00\x00\x00",
    b"\xc1\x00",
    b"\x5f\x41a\xff",
]


@given(seed=st.sampled_from(SEEDS), at=st.integers(0, 110), cut=st.integers(0, 3), put=st.binary(max_size=3))
@example(seed=b"\xa0", at=0, cut=1, put=b"\xa1\x18\x01")
@settings(max_examples=200)
def test_what_our_decoder_accepts_cbor2_reads_alike_and_writes_alike(
    seed: bytes, at: int, cut: int, put: bytes
) -> None:
    data = seed[:at] + put + seed[at + cut :]
    try:
        value = cbor.decode(data)
    except Refused:
        return
    assert cbor2.loads(data) == value
    assert cbor2.dumps(value, canonical=True) == data


@given(st.binary(max_size=520))
@settings(max_examples=100)
def test_the_shortcut_for_usual_codes_never_raises_but_by_name(data: bytes) -> None:
    with contextlib.suppress(Refused):
        read_usual(b"\xd2\x84\x58" + data)


ROOTS = {ROOT_KEY.kid or b"": trusted(ROOT_KEY).verifying_key}
LISTED = cbor.decode(cose.parse_sign1(a_trust_list(), cbor.DOCUMENT).payload, cbor.DOCUMENT)
CERTIFICATE = certify_list_key(
    trusted(LIST_KEY).verifying_key, ROOT_KEY, ENVIRONMENT, now=NOW - timedelta(days=1), life=timedelta(days=20)
)


def signed_list(content: Any) -> bytes:
    headers = {1: -7, 4: LIST_KEY.kid, 13: cbor.decode(CERTIFICATE, cbor.DOCUMENT)}
    aad = external_aad(ObjectType.TRUST_LIST, ENVIRONMENT)
    signed = cose.sign_parts(cbor.encode(headers), cbor2.dumps(content, canonical=True), LIST_KEY, aad)
    return cbor.TAG_COSE_SIGN1 + signed


@given(content=bent(LISTED))
@settings(max_examples=100)
def test_a_bent_trust_list_rightly_signed_is_a_list_or_refused(content: Any) -> None:
    try:
        found = verify_trust_list(signed_list(content), ROOTS, ENVIRONMENT, now=NOW)
    except TrustListRefused:
        return
    assert isinstance(found, VerifiedTrustList)
    text = encode_presentation(
        encode_grant(a_claims(), GRANT_KEY, ENVIRONMENT).data,
        parse_presentation(as_text(signed_by_phone(signed_by_issuer())), FORMAT.prefix).presentation,
        PHONE,
        ENVIRONMENT,
        FORMAT.prefix,
    )
    assert verdict_on(text, trust_list=found).reason in Reason, "a list that is believed never breaks a verdict"


@given(
    content=bent(
        {2: changes_uri(FORMAT.host), 6: NOW_SECONDS, 65534: 30, AFTER: 4, UNTIL: 9, CHANGES: {SHARD: {1: [5, 7]}}}
    )
)
@settings(max_examples=80)
def test_bent_changes_rightly_signed_are_changes_or_refused(content: Any) -> None:
    aad = external_aad(ObjectType.STATUS_CHANGES, ENVIRONMENT)
    data = cose.cose_sign1_sign(cbor2.dumps(content, canonical=True), STATUS_KEY, aad=aad, protected={16: CHANGES_TYPE})
    key = trusted(STATUS_KEY).verifying_key
    try:
        found = verify_changes(data, lambda _message: key, host=FORMAT.host, environment=ENVIRONMENT)
    except Refused:
        return
    assert isinstance(found, VerifiedChanges)
    assert found.after <= found.until


@given(content=bent({2: status_uri(FORMAT.host, SHARD), 6: NOW_SECONDS, 65534: 300, 65533: {"bits": 2, "lst": b"x"}}))
@settings(max_examples=80)
def test_a_bent_status_list_rightly_signed_is_a_list_or_refused(content: Any) -> None:
    aad = external_aad(ObjectType.STATUS_LIST, ENVIRONMENT)
    data = cose.cose_sign1_sign(cbor2.dumps(content, canonical=True), STATUS_KEY, aad=aad, protected={16: LIST_TYPE})
    key = trusted(STATUS_KEY).verifying_key
    try:
        found = verify_status_list(data, lambda _message: key, shard=SHARD, host=FORMAT.host, environment=ENVIRONMENT)
    except Refused:
        return
    assert found.find_status(0) in {*Status, None}


def test_the_seeds_of_this_fuzzing_are_good_before_they_are_bent() -> None:
    """Else everything would be refused for one dull reason."""
    assert verdict_on(as_text(signed_by_phone(signed_by_issuer(cbor.encode(CLAIMS))))).reason is Reason.OK
    good = verify_trust_list(signed_list(LISTED), ROOTS, ENVIRONMENT, now=NOW)
    assert msgspec.structs.asdict(good)["version"] == LISTED[1]
