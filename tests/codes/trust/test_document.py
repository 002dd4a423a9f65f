"""The trust list is believed only from the root down, in its time, and never backwards."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codes.envelope import cbor
from codes.envelope.cose import Environment
from codes.envelope.profiles import Signer, VerifyingKey
from codes.trust.document import TrustList, TrustListRefused, certify_list_key, encode_trust_list, verify_trust_list
from codes.trust.models import VerifiedTrustList
from tests.codes.signed import (
    ENVIRONMENT,
    GRANT_KEY,
    KEYS,
    LIST_KEY,
    NOW,
    POLICIES,
    ROOT_KEY,
    STRANGER_KEY,
    TRUST_LIST,
    trusted,
)

ROOTS = {ROOT_KEY.kid or b"": trusted(ROOT_KEY).verifying_key}


def a_list(
    *,
    root: Signer = ROOT_KEY,
    list_key: Signer = LIST_KEY,
    certified: Signer = LIST_KEY,
    certified_at: datetime = NOW,
    life: timedelta = timedelta(days=30),
    environment: Environment = ENVIRONMENT,
) -> bytes:
    certificate = certify_list_key(trusted(certified).verifying_key, root, environment, now=certified_at, life=life)
    content = TrustList(
        version=7,
        issued_at=TRUST_LIST.issued_at,
        next_update_at=TRUST_LIST.next_update_at,
        keys=KEYS,
        scenarios=POLICIES,
    )
    return encode_trust_list(content, list_key, certificate, environment)


def believe(data: bytes, *, now: datetime = NOW, last_version: int | None = None) -> VerifiedTrustList:
    return verify_trust_list(data, ROOTS, ENVIRONMENT, now=now, last_version=last_version)


def test_round_trip() -> None:
    believed = believe(a_list())
    assert (believed.version, believed.issued_at, believed.scenarios) == (7, TRUST_LIST.issued_at, TRUST_LIST.scenarios)
    for kid, key in TRUST_LIST.keys.items():
        found = believed.keys[kid]
        assert (found.kinds, found.not_before, found.state) == (key.kinds, key.not_before, key.state)
        assert found.verifying_key.public_key == key.verifying_key.public_key


def test_the_same_or_a_newer_version_is_believed() -> None:
    assert believe(a_list(), last_version=7).version == 7
    assert believe(a_list(), last_version=6).version == 7


def why(data: bytes, **arguments: object) -> str:
    with pytest.raises(TrustListRefused) as refused:
        believe(data, **arguments)  # type: ignore[arg-type] # the cases below name each argument
    return refused.value.why


def test_an_older_version_is_refused() -> None:
    assert why(a_list(), last_version=8) == "rolled back"


def test_a_root_of_its_own_is_refused() -> None:
    assert why(a_list(root=STRANGER_KEY)) == "unknown root"


def test_a_forged_root_signature_is_refused() -> None:
    forger = Signer(profile=STRANGER_KEY.profile, private_key=STRANGER_KEY.private_key, kid=ROOT_KEY.kid)
    assert "BAD_ISSUER_SIGNATURE" in why(a_list(root=forger))


def test_a_list_signed_by_another_key_than_the_certified_is_refused() -> None:
    assert "BAD_ISSUER_SIGNATURE" in why(a_list(list_key=GRANT_KEY))


def test_a_list_of_another_environment_is_refused() -> None:
    assert "BAD_ISSUER_SIGNATURE" in why(a_list(environment=Environment.PRODUCTION))


@pytest.mark.parametrize("now", [NOW - timedelta(seconds=1), NOW + timedelta(days=30)])
def test_a_certificate_out_of_its_time_is_refused(now: datetime) -> None:
    assert why(a_list(), now=now) == "certificate expired or not yet valid"


def test_a_certificate_of_more_than_30_days_is_neither_made_nor_believed() -> None:
    key = trusted(LIST_KEY).verifying_key
    with pytest.raises(ValueError, match="30 days"):
        certify_list_key(key, ROOT_KEY, ENVIRONMENT, now=NOW, life=timedelta(days=31))


def test_a_key_of_the_list_does_not_certify() -> None:
    roots = ROOTS | {}
    with pytest.raises(TrustListRefused):
        verify_trust_list(a_list(root=GRANT_KEY), roots, ENVIRONMENT, now=NOW)


def test_every_flipped_bit_is_refused() -> None:
    data = a_list()
    for bit in range(0, len(data) * 8, 3):
        bent = bytearray(data)
        bent[bit // 8] ^= 1 << bit % 8
        with pytest.raises(TrustListRefused):
            believe(bytes(bent))


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    for tried in (data, cbor.TAG_COSE_SIGN1 + data):
        with pytest.raises(TrustListRefused):
            believe(tried)


@pytest.mark.parametrize("change", [{1: "7"}, {4: [{1: b"abcd"}]}, {4: 1}, {5: [{1: 301}]}, {3: -1}, {1: -1}])
def test_content_out_of_form_is_refused(change: dict[int, object]) -> None:
    from codes.envelope import cose
    from codes.envelope.cose import ObjectType, external_aad
    from codes.trust.document import _content_of

    good = TrustList(
        version=7,
        issued_at=TRUST_LIST.issued_at,
        next_update_at=TRUST_LIST.next_update_at,
        keys=KEYS,
        scenarios=POLICIES,
    )
    certificate = certify_list_key(trusted(LIST_KEY).verifying_key, ROOT_KEY, ENVIRONMENT, now=NOW, life=timedelta(1))
    headers = {1: -7, 4: LIST_KEY.kid, 13: cbor.decode(certificate, cbor.DOCUMENT)}
    data = cose.sign_parts(
        cbor.encode(headers),
        cbor.encode(_content_of(good) | change),
        LIST_KEY,
        external_aad(ObjectType.TRUST_LIST, ENVIRONMENT),
    )
    with pytest.raises(TrustListRefused):
        believe(cbor.TAG_COSE_SIGN1 + data)


def test_keys_are_ready_to_verify() -> None:
    key = believe(a_list()).keys[GRANT_KEY.kid or b""].verifying_key
    assert isinstance(key, VerifyingKey)
    assert key.verify(GRANT_KEY.sign(b"message"), b"message")
    assert not key.verify(GRANT_KEY.sign(b"message"), b"another")
