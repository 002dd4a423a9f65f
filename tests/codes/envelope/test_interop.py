"""Every signed object against python-cwt in both directions, and vectors that others published, read by our code."""

import base64
import zlib
from collections.abc import Callable
from typing import Any
from uuid import UUID

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cwt import COSE, COSEKey

from app.kit.keyring import PROFILE_ES256, Keyring, SigningKey
from codes.envelope import cbor, cose
from codes.envelope.claims import encode_claims
from codes.envelope.cose import ObjectType, external_aad
from codes.envelope.presentation import PROTECTED_HEAD, encode_grant
from codes.envelope.profiles import ED25519, ES256, Signer, VerifyingKey
from codes.envelope.static_code import static_prefix
from codes.offline import status_list_key
from codes.status.changes import encode_changes, verify_changes
from codes.status.models import (
    PER_BYTE,
    SHARD_BYTES,
    Status,
    StatusEntry,
    VerifiedStatusList,
    inflate,
    verify_status_list,
)
from codes.trust.document import verify_trust_list
from codes.verdict import Reason, Refused
from codes.verification.receipts import Receipts
from tests.codes.signed import (
    ENVIRONMENT,
    FIRE,
    FORMAT,
    GRANT_KEY,
    LIST_KEY,
    NOW,
    NOW_SECONDS,
    PHONE,
    PLACE_KEY,
    ROOT_KEY,
    SHARD,
    STATUS_KEY,
    TRUST_LIST,
    a_claims,
    a_key,
    a_personal_code,
    a_signer,
    a_static_claims,
    a_sticker,
    as_bytes,
    as_text,
    trusted,
    verdict_on,
)
from tests.codes.vectors.generate import a_status_list, a_trust_list

RECEIPT_KEY = a_signer(a_key(17))
STEPS = {"after": 4, "until": 9}


def oracle(signer: Signer, *, private: bool = False) -> Any:
    """The key as python-cwt takes it: COSE_Key with both coordinates."""
    numbers = signer.private_key.private_numbers()
    point = numbers.public_numbers
    content: dict[int, Any] = {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}
    if signer.kid is not None:
        content[2] = signer.kid
    if private:
        content[-4] = numbers.private_value.to_bytes(32, "big")
    return COSEKey.new(content)


def by_oracle(payload: bytes, signer: Signer, kind: ObjectType, protected: dict[int, Any]) -> bytes:
    """The same object, signed by the other implementation."""
    signed = COSE.new(deterministic_header=True).encode_and_sign(
        payload,
        oracle(signer, private=True),
        protected={1: -7, **protected},
        external_aad=external_aad(kind, ENVIRONMENT),
    )
    assert isinstance(signed, bytes)
    return signed


def some_changes() -> bytes:
    entries = [StatusEntry(shard=SHARD, index=index, status=Status.INVALID) for index in (5, 77, 70_000)]
    return encode_changes(entries, **STEPS, host=FORMAT.host, now=NOW, signer=STATUS_KEY, environment=ENVIRONMENT)


def sticker_bytes(text: str) -> bytes:
    body = text.removeprefix(static_prefix(FORMAT.host))
    return base64.b32decode(body + "=" * (-len(body) % 8))


class OneKey(Keyring):
    """A keyring of one fixed key."""

    def __init__(self) -> None:
        pass

    def active(self, purpose: str) -> SigningKey:
        return SigningKey(
            kid=(RECEIPT_KEY.kid or b"").hex(),
            purpose=purpose,
            profile=PROFILE_ES256,
            state="active",
            not_before=NOW,
            not_after=None,
            private_key=RECEIPT_KEY.private_key,
            public_key=RECEIPT_KEY.private_key.public_key(),
        )


def a_receipt() -> bytes:
    nobody = UUID(int=1)
    receipts = Receipts(OneKey(), ENVIRONMENT)
    text = receipts.sign(nobody, Reason.OK, scenario=301, scanner_id=nobody, now=NOW)
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


OURS: dict[str, tuple[Callable[[], bytes], Signer, ObjectType]] = {
    "presentation": (lambda: as_bytes(a_personal_code()), PHONE, ObjectType.PRESENTATION),
    "grant": (
        lambda: cbor.TAG_COSE_SIGN1 + encode_grant(a_claims(), GRANT_KEY, ENVIRONMENT).data,
        GRANT_KEY,
        ObjectType.GRANT,
    ),
    "static code": (lambda: sticker_bytes(a_sticker()), PLACE_KEY, ObjectType.STATIC_CODE),
    "status list": (a_status_list, STATUS_KEY, ObjectType.STATUS_LIST),
    "status changes": (some_changes, STATUS_KEY, ObjectType.STATUS_CHANGES),
    "trust list": (a_trust_list, LIST_KEY, ObjectType.TRUST_LIST),
    "receipt": (a_receipt, RECEIPT_KEY, ObjectType.RECEIPT),
}


@pytest.mark.parametrize("name", OURS)
def test_python_cwt_believes_ours(name: str) -> None:
    make, signer, kind = OURS[name]
    payload = COSE.new().decode(make(), oracle(signer), external_aad=external_aad(kind, ENVIRONMENT))
    assert payload == cose.parse_sign1(make(), cbor.DOCUMENT).payload


@pytest.mark.parametrize("name", OURS)
def test_python_cwt_refuses_ours_as_anything_else(name: str) -> None:
    make, signer, kind = OURS[name]
    for other in set(ObjectType) - {kind}:
        with pytest.raises(Exception, match="verify"):
            COSE.new().decode(make(), oracle(signer), external_aad=external_aad(other, ENVIRONMENT))


def foreign_grant() -> list[Any]:
    """A grant by the other implementation, as the array that goes into a header."""
    tagged = by_oracle(encode_claims(a_claims()), GRANT_KEY, ObjectType.GRANT, {4: GRANT_KEY.kid})
    grant: list[Any] = cbor2.loads(tagged).value
    return grant


def test_we_accept_a_personal_code_that_python_cwt_signed_twice() -> None:
    payload = cbor.encode({6: NOW_SECONDS - 5, -70002: 301})
    code = by_oracle(payload, PHONE, ObjectType.PRESENTATION, {13: foreign_grant()})
    assert verdict_on(as_text(code)).reason is Reason.OK
    assert cose.parse_sign1(code).protected_bytes.startswith(PROTECTED_HEAD)


def test_we_accept_a_sticker_that_python_cwt_signed() -> None:
    data = by_oracle(encode_claims(a_static_claims()), PLACE_KEY, ObjectType.STATIC_CODE, {4: PLACE_KEY.kid})
    text = static_prefix(FORMAT.host) + base64.b32encode(data).decode().rstrip("=")
    assert verdict_on(text, FIRE).reason is Reason.OK


def headers_of(data: bytes) -> dict[int, Any]:
    protected: dict[int, Any] = cbor2.loads(cbor2.loads(data).value[0])
    return {label: value for label, value in protected.items() if label != cose.ALGORITHM}


def resigned(data: bytes, signer: Signer, kind: ObjectType) -> bytes:
    """Our object with the same headers and payload, signed by the other implementation."""
    return by_oracle(cbor2.loads(data).value[2], signer, kind, headers_of(data))


def test_we_believe_lists_that_python_cwt_signed() -> None:
    listed = resigned(a_trust_list(), LIST_KEY, ObjectType.TRUST_LIST)
    roots = {ROOT_KEY.kid or b"": trusted(ROOT_KEY).verifying_key}
    assert verify_trust_list(listed, roots, ENVIRONMENT, now=NOW).version == TRUST_LIST.version
    status = resigned(a_status_list(), STATUS_KEY, ObjectType.STATUS_LIST)
    assert believed(status).find_status(80_001) is Status.INVALID
    changes = resigned(some_changes(), STATUS_KEY, ObjectType.STATUS_CHANGES)
    found = verify_changes(changes, status_key, host=FORMAT.host, environment=ENVIRONMENT)
    assert set(found.statuses[SHARD]) == {5, 77, 70_000}


def status_key(message: cose.Sign1) -> VerifyingKey | None:
    return status_list_key(TRUST_LIST, message, NOW)


def believed(data: bytes) -> VerifiedStatusList:
    return verify_status_list(data, status_key, shard=SHARD, host=FORMAT.host, environment=ENVIRONMENT)


def test_our_status_list_read_by_the_draft_with_nothing_of_ours() -> None:
    """Section 5.2: type in the protected header; sub, iat, ttl, status_list; zlib; lowest bits first."""
    protected, unprotected, payload, _signature = cbor2.loads(a_status_list()).value
    assert cbor2.loads(protected)[16] == "application/statuslist+cwt"
    assert unprotected == {}
    claims = cbor2.loads(payload)
    assert claims[2] == f"https://{FORMAT.host}/v1/status/{SHARD}"
    assert (claims[6], claims[65534], claims[65533]["bits"]) == (NOW_SECONDS, 300, 2)
    packed = zlib.decompress(claims[65533]["lst"])
    assert len(packed) == SHARD_BYTES
    found = {
        place * PER_BYTE + part: value
        for place, byte in enumerate(packed)
        if byte
        for part in range(PER_BYTE)
        if (value := byte >> 2 * part & 3)
    }
    assert found == {80_000: 2, 80_001: 1}


def test_the_second_profile_agrees_with_python_cwt_both_ways() -> None:
    private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    signer = Signer(profile=ED25519, private_key=private, kid=b"\x01\x02\x03\x04")
    public = VerifyingKey(profile=ED25519, public_key=private.public_key())
    content = {1: 1, 2: signer.kid, 3: -8, -1: 6, -2: private.public_key().public_bytes_raw()}
    theirs = COSEKey.new(content | {-4: private.private_bytes_raw()})
    assert ED25519.encode_key(private.public_key()) == {1: 1, -1: 6, -2: content[-2]}
    ours = cose.cose_sign1_sign(b"payload", signer, aad=b"aad")
    assert COSE.new().decode(ours, COSEKey.new(content), external_aad=b"aad") == b"payload"
    signed = COSE.new(alg_auto_inclusion=True).encode_and_sign(b"payload", theirs, external_aad=b"aad")
    assert isinstance(signed, bytes)
    assert cose.cose_sign1_verify(signed, lambda _message: public, b"aad").payload == b"payload"
    with pytest.raises(Refused) as refused:
        cose.cose_sign1_verify(signed, lambda _message: public, b"another")
    assert refused.value.reason is Reason.BAD_ISSUER_SIGNATURE


# Published by the COSE working group (github.com/cose-wg/Examples: ecdsa-sig-01, sign-pass-01, -02, sign-fail-01, -02).
COSE_WG_KEY = VerifyingKey(
    profile=ES256,
    public_key=ec.EllipticCurvePublicNumbers(
        x=0xBAC5B11CAD8F99F9C72B05CF4B9E26D244DC189F745228255A219A86D6A09EFF,
        y=0x20138BF82DC1B6D562BE0FA54AB7804A3A64B6D72CCFED6B6FB6ED28BBFC117E,
        curve=ec.SECP256R1(),
    ).public_key(),
)
CONTENT = "54546869732069732074686520636F6E74656E742E"
R = "EAE868ECC176883766C5DC5BA5B8DCA25DAB3C2E56A551CE5705B793914348E1"
WITH_CONTENT_TYPE = (
    f"D28445A201260300A104423131{CONTENT}5840{R}72727F48461FABBBA2E343492DDECAC3983686250BC68E9F1A7A07D41225B59F"
)
WITH_EXTERNAL = (
    f"D28443A10126A104423131{CONTENT}5840{R}55388B10C4F1B59A6733EAB416870A945111A4B2FBDBEF33A77234B1DEFF2F9B"
)
UNPROTECTED_ALGORITHM = (
    f"D28441A0A2012604423131{CONTENT}5840{R}1A02E5F0344BF2D4EE5C7FD75A68A9F5E0B3CC1F1FC1409C189566586FF9D610"
)
CHANGED = (
    f"D28443A10126A104423131{CONTENT[:-1]}F5840{R}9F43D6C6BA654472DA301B645B293C9BA939295B97C4BDB847782BFF384C5794"
)
EXTERNAL = bytes.fromhex("11AA22BB33CC44DD55006699")


@pytest.mark.parametrize(("vector", "aad"), [(WITH_CONTENT_TYPE, b""), (WITH_EXTERNAL, EXTERNAL)])
def test_messages_of_the_cose_working_group_are_believed(vector: str, aad: bytes) -> None:
    message = cose.cose_sign1_verify(bytes.fromhex(vector), lambda _message: COSE_WG_KEY, aad)
    assert (message.payload, message.unprotected) == (b"This is the content.", {4: b"11"})


@pytest.mark.parametrize(
    ("vector", "aad", "reason"),
    [
        (CHANGED, b"", Reason.BAD_ISSUER_SIGNATURE),
        (WITH_EXTERNAL, b"", Reason.BAD_ISSUER_SIGNATURE),
        (WITH_CONTENT_TYPE, EXTERNAL, Reason.BAD_ISSUER_SIGNATURE),
        ("D9 03E6".replace(" ", "") + WITH_EXTERNAL[2:], EXTERNAL, Reason.MALFORMED),
        (UNPROTECTED_ALGORITHM, b"", Reason.ALG_MISMATCH),  # valid there; here what is not signed is not read
    ],
)
def test_bent_messages_of_the_cose_working_group_are_refused(vector: str, aad: bytes, reason: Reason) -> None:
    with pytest.raises(Refused) as refused:
        cose.cose_sign1_verify(bytes.fromhex(vector), lambda _message: COSE_WG_KEY, aad)
    assert refused.value.reason is reason


# The example of draft-ietf-oauth-status-list, section 5.2, with the key of its appendix.
DRAFT_KEY = VerifyingKey(
    profile=ES256,
    public_key=ec.EllipticCurvePublicNumbers(
        x=int.from_bytes(base64.urlsafe_b64decode("I3HWm_0Ds1dPMI-IWmf4mBmH-YaeAVbPVu7vB27CxXo="), "big"),
        y=int.from_bytes(base64.urlsafe_b64decode("6N_d5Elj9bs1htgV3okJKIdbHEpkgTmAluYKJemzn1M="), "big"),
        curve=ec.SECP256R1(),
    ).public_key(),
)
DRAFT_TOKEN = (
    "d2845820a2012610781a6170706c69636174696f6e2f7374617475736c6973742b637774a1044231325850a50278216874747073"
    "3a2f2f6578616d706c652e636f6d2f7374617475736c697374732f31061a648c5bea041a8898dfea19fffe19a8c019fffda26462"
    "69747301636c73744a78dadbb918000217015d"
)
DRAFT_R = (
    "30e39052d23cc3cdeca77c915d5e8763353565fa772c47f5176f77b5e406b114",
    "93fa4d01032b18c35e2fe1101b77fd6cc9440022caa4694450c4e4e9feab4e99",
)
DRAFT_S = (
    "30b3dce2ae21c07f4491fc12acdd7ec82875099d28f035d9b1893e2825e63488",
    "d1fa6d9772ce2bf3a12e0323ded7c982c5e101a5e67f0cbc1e2b6f57ce99c279",
)


@pytest.mark.parametrize("revision", [0, 1])  # two revisions signed the same claims anew
def test_the_draft_s_own_token_is_read_and_its_signature_holds(revision: int) -> None:
    data = bytes.fromhex(f"{DRAFT_TOKEN}5840{DRAFT_R[revision]}{DRAFT_S[revision]}")
    message = cose.cose_sign1_verify(data, lambda _message: DRAFT_KEY)
    claims = cbor.decode(message.payload, cbor.FOREIGN)
    assert message.protected[16] == "application/statuslist+cwt"
    assert (claims[2], claims[65533]["bits"]) == ("https://example.com/statuslists/1", 1)
    bits = inflate(claims[65533]["lst"])
    assert [bits[index // 8] >> index % 8 & 1 for index in range(16)] == [
        1,
        0,
        0,
        1,
        1,
        1,
        0,
        1,
        1,
        1,
        0,
        0,
        0,
        1,
        0,
        1,
    ]
