"""COSE_Sign1 against an independent implementation, in both directions, and against bent messages."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cwt import COSE, COSEKey
from hypothesis import given
from hypothesis import strategies as st

from codes.envelope import cbor, cose
from codes.envelope.cose import Environment, ObjectType, Sign1, external_aad
from codes.envelope.presentation import parse_presentation
from codes.envelope.profiles import ES256, Signer, VerifyingKey
from codes.verdict import Reason, Refused
from tests.codes.signed import ENVIRONMENT, FORMAT, GRANT_KEY, PHONE_KEY, a_key, a_personal_code, as_bytes

KEY = a_key(31)
SIGNER = Signer(profile=ES256, private_key=KEY, kid=b"\x01\x02\x03\x04")
PUBLIC = VerifyingKey(profile=ES256, public_key=KEY.public_key())


def oracle_key(
    key: ec.EllipticCurvePrivateKey, *, private: bool = False, kid: bytes | None = b"\x01\x02\x03\x04"
) -> Any:
    numbers = key.private_numbers()
    content: dict[int, Any] = {
        1: 2,
        3: -7,
        -1: 1,
        -2: numbers.public_numbers.x.to_bytes(32, "big"),
        -3: numbers.public_numbers.y.to_bytes(32, "big"),
    }
    if kid is not None:
        content[2] = kid
    if private:
        content[-4] = numbers.private_value.to_bytes(32, "big")
    return COSEKey.new(content)


@given(payload=st.binary(min_size=1, max_size=200), aad=st.binary(max_size=40))
def test_the_oracle_believes_us(payload: bytes, aad: bytes) -> None:
    data = cose.cose_sign1_sign(payload, SIGNER, aad=aad)
    assert COSE.new().decode(data, oracle_key(KEY), external_aad=aad) == payload


@given(payload=st.binary(min_size=1, max_size=200), aad=st.binary(max_size=40))
def test_we_believe_the_oracle(payload: bytes, aad: bytes) -> None:
    data = COSE.new(alg_auto_inclusion=True, kid_auto_inclusion=False).encode_and_sign(
        payload, oracle_key(KEY, private=True), protected={4: b"\x01\x02\x03\x04"}, external_aad=aad
    )
    message = cose.cose_sign1_verify(data, lambda _message: PUBLIC, aad)
    assert message.payload == payload
    assert message.protected[cose.KEY_ID] == b"\x01\x02\x03\x04"


def test_the_oracle_believes_both_signatures_of_a_personal_code() -> None:
    text = a_personal_code()
    read = parse_presentation(text, FORMAT.prefix)
    device = COSE.new().decode(
        as_bytes(text), oracle_key(PHONE_KEY, kid=None), external_aad=external_aad(ObjectType.PRESENTATION, ENVIRONMENT)
    )
    assert device == read.device_message.payload
    grant = read.issuer_message
    tagged = cbor.TAG_COSE_SIGN1 + cose.assemble(grant.protected_bytes, grant.payload, grant.signature)
    issuer = COSE.new().decode(
        tagged,
        oracle_key(GRANT_KEY.private_key, kid=GRANT_KEY.kid),
        external_aad=external_aad(ObjectType.GRANT, ENVIRONMENT),
    )
    assert issuer == grant.payload


def refusal(data: bytes, aad: bytes = b"", key: VerifyingKey | None = PUBLIC) -> Reason:
    with pytest.raises(Refused) as refused:
        cose.cose_sign1_verify(data, lambda _message: key, aad)
    return refused.value.reason


def test_another_aad_key_or_no_key_is_refused() -> None:
    data = cose.cose_sign1_sign(b"payload", SIGNER, aad=b"here")
    other = VerifyingKey(profile=ES256, public_key=a_key(32).public_key())
    assert refusal(data, b"there") is Reason.BAD_ISSUER_SIGNATURE
    assert refusal(data, b"here", other) is Reason.BAD_ISSUER_SIGNATURE
    assert refusal(data, b"here", None) is Reason.UNKNOWN_KEY


@pytest.mark.parametrize("algorithm", [-8, -35, -37, -65535, 5, None, "ES256"])
def test_the_message_does_not_choose_its_algorithm(algorithm: Any) -> None:
    protected = cbor.encode({1: algorithm, 4: SIGNER.kid})
    data = cbor.TAG_COSE_SIGN1 + cose.sign_parts(protected, b"payload", SIGNER, b"")
    assert refusal(data) is Reason.ALG_MISMATCH


@pytest.mark.parametrize("length", [0, 63, 65, 70])
def test_a_signature_of_another_length_is_refused(length: int) -> None:
    data = cbor.TAG_COSE_SIGN1 + cose.assemble(cbor.encode({1: -7}), b"payload", bytes(length))
    assert refusal(data) is Reason.BAD_ISSUER_SIGNATURE


@pytest.mark.parametrize(
    "item",
    [
        [],
        [b"", {}, b""],
        [b"", {}, b"", b"", b""],
        [{}, {}, b"", b""],
        [b"\xa0", [], b"", b""],
        [b"\xa0", {}, None, b""],
        {},
        1,
    ],
)
def test_what_is_not_a_sign1_is_malformed(item: Any) -> None:
    assert refusal(cbor.TAG_COSE_SIGN1 + cbor.encode(item)) is Reason.MALFORMED


def test_untagged_or_twice_tagged_is_malformed() -> None:
    data = cose.cose_sign1_sign(b"payload", SIGNER)
    assert refusal(data[1:]) is Reason.MALFORMED
    assert refusal(cbor.TAG_COSE_SIGN1 + data) is Reason.MALFORMED


def test_every_object_and_environment_has_its_own_aad() -> None:
    made = {external_aad(kind, environment) for kind in ObjectType for environment in Environment}
    assert len(made) == len(ObjectType) * len(Environment)


def test_the_lookup_sees_where_a_foreign_system_keeps_its_key_id() -> None:
    seen: list[Sign1] = []

    def lookup(message: Sign1) -> VerifyingKey:
        seen.append(message)
        return PUBLIC

    data = COSE.new(alg_auto_inclusion=True).encode_and_sign(
        b"p", oracle_key(KEY, private=True), unprotected={4: b"far away"}
    )
    cose.cose_sign1_verify(data, lookup)
    assert seen[0].unprotected == {4: b"far away"}
