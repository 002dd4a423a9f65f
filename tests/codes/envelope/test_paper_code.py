"""Paper codes as bytes: written, read, and refused by name for everything that only looks like one."""

from typing import Any

import msgspec
import pytest
import qrcode
from hypothesis import given
from hypothesis import strategies as st

from codes.envelope import base45, cbor, cose
from codes.envelope.claims import Claims, Kind, encode_claims
from codes.envelope.cose import Environment, ObjectType, external_aad
from codes.envelope.paper_code import LONGEST_NAME, PaperFacts, encode_paper_code, facts_of, paper_code_of
from codes.envelope.profiles import Signer
from codes.offline import examine
from codes.status.models import Status, StatusEntry
from codes.trust.models import ScenarioPolicy
from codes.verdict import Reason, VerificationResult
from tests.codes.signed import (
    ENVIRONMENT,
    FORMAT,
    GRANT_KEY,
    LIBRARY,
    NOW,
    NOW_SECONDS,
    PHONE_KEY,
    PLACE_KEY,
    SHARD,
    STRANGER_KEY,
    TRUST_LIST,
    a_claims,
    a_personal_code,
    as_bytes,
    as_text,
    status_lists,
    verdict_on,
)

FACTS = PaperFacts(display_name="测*甲", document_tail="0011")
POLICY: ScenarioPolicy = msgspec.structs.replace(LIBRARY, kinds=frozenset({Kind.P, Kind.L}))


def paper_claims(**changes: Any) -> Claims:
    return a_claims(**({"kind": Kind.L, "device_key": None, "expires_at": NOW_SECONDS + 180 * 86400} | changes))


def a_paper(
    claims: Claims | None = None,
    facts: PaperFacts = FACTS,
    signer: Signer = GRANT_KEY,
    environment: Environment = ENVIRONMENT,
) -> str:
    return encode_paper_code(claims or paper_claims(), facts, signer, environment, FORMAT.prefix)


def signed_as(content: dict[int, Any], object_type: ObjectType = ObjectType.PAPER_CODE) -> str:
    """Any claims, with a right signature of the city over them as some type of object."""
    aad = external_aad(object_type, ENVIRONMENT)
    return as_text(cose.cose_sign1_sign(cbor.encode(content), GRANT_KEY, aad=aad))


def content_of(**changes: Any) -> dict[int, Any]:
    """The claims of a good paper as a map; `facts` replaces what is printed."""
    claims = paper_claims(facts={1: "测*甲", 2: "0011"} | changes.pop("facts", {}))
    return {**cbor.decode(encode_claims(claims)), **changes}


def on_paper(text: str, *, looked: bool = True, **how: Any) -> VerificationResult:
    return verdict_on(text, POLICY, holder_checked=looked, **how)


names = st.text(min_size=1, max_size=LONGEST_NAME)
tails = st.text(min_size=1, max_size=4)


@given(name=names, tail=tails, cti=st.binary(min_size=16, max_size=16), index=st.integers(0, 2**20 - 1))
def test_a_paper_reads_as_it_was_written(name: str, tail: str, cti: bytes, index: int) -> None:
    facts = PaperFacts(display_name=name, document_tail=tail)
    written = paper_claims(cti=cti, index=index)
    read = paper_code_of(cose.parse_sign1(as_bytes(a_paper(written, facts))))
    assert read.facts == facts
    assert (read.claims.cti, read.claims.index, read.claims.kind) == (cti, index, Kind.L)
    assert on_paper(a_paper(written, facts)).reason is Reason.OK


@given(name=st.text(max_size=200), number=st.text(max_size=40))
def test_no_more_than_the_tail_of_a_number_gets_on_paper(name: str, number: str) -> None:
    facts = facts_of(name, number)
    assert len(facts.document_tail) <= 4
    assert number.endswith(facts.document_tail)
    assert len(facts.display_name) <= LONGEST_NAME


@pytest.mark.parametrize("looked", [False, True])
def test_it_is_accepted_only_after_a_look(*, looked: bool) -> None:
    result = on_paper(a_paper(), looked=looked)
    assert result.reason is (Reason.OK if looked else Reason.HOLDER_CHECK_REQUIRED)
    assert result.verdict == ("ACCEPT" if looked else "REVIEW")
    assert result.printed == {"display_name": "测*甲", "document_tail": "0011"}


def test_a_look_changes_nothing_for_other_codes() -> None:
    assert on_paper(a_personal_code()).reason is Reason.OK
    assert on_paper(a_personal_code(), looked=False).reason is Reason.OK
    assert on_paper(a_personal_code(iat=NOW_SECONDS - 3600)).reason is Reason.STALE_CODE


BENT: dict[str, tuple[str, Reason]] = {
    "another kind": (a_paper(paper_claims(kind=Kind.P)), Reason.WRONG_CARRIER),
    "a sticker's kind": (a_paper(paper_claims(kind=Kind.E)), Reason.WRONG_CARRIER),
    "a device's key": (a_paper(paper_claims(device_key=PHONE_KEY.public_key())), Reason.MALFORMED),
    "signed by a stranger": (a_paper(signer=STRANGER_KEY), Reason.UNKNOWN_KEY),
    "signed by the key of places": (a_paper(signer=PLACE_KEY), Reason.KEY_NOT_FOR_KIND),
    "of another environment": (a_paper(environment=Environment.PRODUCTION), Reason.BAD_ISSUER_SIGNATURE),
    "signed as a grant": (signed_as(content_of(), ObjectType.GRANT), Reason.BAD_ISSUER_SIGNATURE),
    "signed as a sticker": (signed_as(content_of(), ObjectType.STATIC_CODE), Reason.BAD_ISSUER_SIGNATURE),
    "no facts": (signed_as({key: value for key, value in content_of().items() if key != -70004}), Reason.MALFORMED),
    "a fact more": (signed_as(content_of(facts={3: "190000199001010011"})), Reason.MALFORMED),
    "a fact less": (signed_as(content_of() | {-70004: {1: "测*甲"}}), Reason.MALFORMED),
    "a whole number": (signed_as(content_of(facts={2: "190000199001010011"})), Reason.MALFORMED),
    "an empty name": (signed_as(content_of(facts={1: ""})), Reason.MALFORMED),
    "a long name": (signed_as(content_of(facts={1: "名" * 41})), Reason.MALFORMED),
    "a number for a name": (signed_as(content_of(facts={1: 7})), Reason.MALFORMED),
    "bytes for a tail": (signed_as(content_of(facts={2: b"0011"})), Reason.MALFORMED),
    "a list of facts": (signed_as(content_of() | {-70004: ["测*甲", "0011"]}), Reason.MALFORMED),
    "an unknown claim": (signed_as(content_of() | {-70099: 1}), Reason.MALFORMED),
    "bytes behind it": (as_text(as_bytes(a_paper()) + b"\x00"), Reason.MALFORMED),
    "tagged twice": (as_text(b"\xd2" + as_bytes(a_paper())), Reason.MALFORMED),
    "another prefix": (a_paper().replace("SSM1:", "SSM2:"), Reason.UNKNOWN_VERSION),
    "lower case": (FORMAT.prefix + a_paper()[5:].lower(), Reason.MALFORMED),
}


@pytest.mark.parametrize(("text", "reason"), BENT.values(), ids=BENT.keys())
def test_a_bent_paper_is_refused_by_name_and_says_nothing(text: str, reason: Reason) -> None:
    result = on_paper(text)
    assert (result.verdict, result.reason, result.printed) == ("REJECT", reason, {})


def test_a_kid_that_is_not_signed_is_not_read() -> None:
    message = cose.parse_sign1(as_bytes(a_paper()))
    moved = cbor.encode([cbor.encode({1: -7}), {4: GRANT_KEY.kid}, message.payload, message.signature])
    assert on_paper(as_text(b"\xd2" + moved)).reason is Reason.MALFORMED


def test_a_grant_torn_out_of_a_phone_s_code_is_no_paper() -> None:
    grant = cose.parse_sign1(as_bytes(a_personal_code())).protected[13]
    assert on_paper(as_text(b"\xd2" + cbor.encode(grant))).reason is Reason.WRONG_CARRIER


def test_a_paper_under_a_phone_s_signature_is_no_personal_code() -> None:
    result = on_paper(a_personal_code(claims=a_claims(kind=Kind.L)))
    assert result.reason is Reason.WRONG_CARRIER


def test_time_lists_and_scenario_count_as_for_every_code() -> None:
    assert on_paper(a_paper(paper_claims(expires_at=NOW_SECONDS))).reason is Reason.GRANT_EXPIRED
    assert on_paper(a_paper(paper_claims(expires_at=NOW_SECONDS + 1))).reason is Reason.OK
    assert verdict_on(a_paper(), LIBRARY, holder_checked=True).reason is Reason.WRONG_CARRIER
    for status, reason in ((Status.INVALID, Reason.REVOKED), (Status.SUSPENDED, Reason.SUSPENDED)):
        lists = status_lists(StatusEntry(shard=SHARD, index=paper_claims().index, status=status))
        result = on_paper(a_paper(), lists=lists)
        assert (result.reason, result.printed) == (reason, {})
    closed = msgspec.structs.replace(POLICY, fails_open=False)
    assert verdict_on(a_paper(), closed, lists={}, holder_checked=True).reason is Reason.STATUS_UNKNOWN


@given(place=st.integers(0, 400), flip=st.integers(1, 255))
def test_no_changed_byte_is_accepted(place: int, flip: int) -> None:
    data = bytearray(as_bytes(a_paper()))
    data[place % len(data)] ^= flip
    examined = examine(FORMAT.prefix + base45.encode(bytes(data)), TRUST_LIST, FORMAT, NOW)
    assert examined.reason is not Reason.OK


def test_the_longest_paper_stays_a_small_picture() -> None:
    longest = a_paper(facts=PaperFacts(display_name="名" * LONGEST_NAME, document_tail="测测测测"))
    assert len(as_bytes(longest)) <= 512
    usual = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M)
    usual.add_data(a_paper(), optimize=0)
    usual.make()
    assert usual.version <= 10
