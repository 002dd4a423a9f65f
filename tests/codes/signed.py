"""A city of fixed keys that signs codes, and bends them: the same bytes at every run, without a database."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from app.kit.keyring import kid_of
from codes.envelope import base45, cbor, cose
from codes.envelope.claims import Claims, Kind, encode_claims
from codes.envelope.cose import Environment, ObjectType, external_aad
from codes.envelope.paper_code import PaperFacts, encode_paper_code
from codes.envelope.presentation import PROTECTED_HEAD, Presentation, encode_grant, encode_presentation
from codes.envelope.profiles import COORDINATE_BYTES, ED25519, PROFILES, Es256, Signer, VerifyingKey
from codes.envelope.static_code import encode_static_code
from codes.offline import Challenge, verify_offline
from codes.status.models import StatusEntry, VerifiedStatusList, pack
from codes.trust.models import CodeFormat, KeyUse, ScenarioPolicy, TrustedKey, VerifiedTrustList
from codes.verdict import VerificationResult

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
NOW_SECONDS = int(NOW.timestamp())
ENVIRONMENT = Environment.SANDBOX
FORMAT = CodeFormat(environment=ENVIRONMENT, prefix="SSM1:", host="code.example.cn")
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
SHARD = 3
HALF_YEAR = 182 * 86400

LIBRARY = ScenarioPolicy(
    number=301, kinds=frozenset({Kind.P, Kind.F}), freshness_seconds=45, general_ok=True, fails_open=True
)
HOTEL = ScenarioPolicy(number=601, kinds=frozenset({Kind.P}), freshness_seconds=45)
RACE = ScenarioPolicy(number=406, kinds=frozenset({Kind.P}), freshness_seconds=45, high_value=True)
COUNTER = ScenarioPolicy(number=501, kinds=frozenset({Kind.P, Kind.L}), freshness_seconds=45)
FIRE = ScenarioPolicy(number=804, kinds=frozenset({Kind.E}), freshness_seconds=0)
POLICIES = (LIBRARY, HOTEL, RACE, COUNTER, FIRE)


class RepeatableEs256(Es256):
    """RFC 6979: the same signature at every run, so that vectors can be compared byte by byte."""

    def sign(self, private_key: ec.EllipticCurvePrivateKey, message: bytes) -> bytes:
        r, s = decode_dss_signature(private_key.sign(message, ec.ECDSA(SHA256(), deterministic_signing=True)))
        return r.to_bytes(COORDINATE_BYTES, "big") + s.to_bytes(COORDINATE_BYTES, "big")


def a_key(seed: int) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(seed, ec.SECP256R1())


def a_signer(key: ec.EllipticCurvePrivateKey) -> Signer:
    return Signer(profile=RepeatableEs256(), private_key=key, kid=bytes.fromhex(kid_of(key.public_key())))


GRANT_KEY, PLACE_KEY, STATUS_KEY, LIST_KEY, ROOT_KEY, STRANGER_KEY = (a_signer(a_key(seed)) for seed in range(11, 17))
SECOND_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
GRANT_KEY_2 = Signer(profile=ED25519, private_key=SECOND_KEY, kid=bytes.fromhex(kid_of(SECOND_KEY.public_key())))
PHONE_KEY = a_key(21)
PHONE = Signer(profile=RepeatableEs256(), private_key=PHONE_KEY)


def trusted(signer: Signer, *kinds: int, **changes: Any) -> TrustedKey:
    key = TrustedKey(
        kid=signer.kid or b"",
        verifying_key=VerifyingKey(profile=PROFILES[signer.profile.number], public_key=signer.private_key.public_key()),
        kinds=frozenset(kinds),
        not_before=NOW_SECONDS - 86400,
        not_after=None,
        state="active",
    )
    return msgspec.structs.replace(key, **changes)


KEYS = (
    trusted(GRANT_KEY, Kind.P, Kind.F, Kind.L),
    trusted(GRANT_KEY_2, Kind.P, Kind.F, Kind.L),
    trusted(PLACE_KEY, Kind.E, Kind.V, Kind.I),
    trusted(STATUS_KEY, KeyUse.STATUS_LIST),
)
TRUST_LIST = VerifiedTrustList(
    version=7,
    issued_at=NOW - timedelta(minutes=10),
    next_update_at=NOW + timedelta(hours=23),
    keys={key.kid: key for key in KEYS},
    scenarios={policy.number: policy for policy in POLICIES},
)


def a_claims(**changes: Any) -> Claims:
    claims = Claims(
        expires_at=NOW_SECONDS + 43200,
        cti=bytes(range(16)),
        shard=SHARD,
        index=70_000,
        kind=Kind.P,
        device_key=PHONE_KEY.public_key(),
    )
    return msgspec.structs.replace(claims, **changes)


def a_static_claims(**changes: Any) -> Claims:
    return a_claims(**({"expires_at": NOW_SECONDS + HALF_YEAR, "kind": Kind.E, "device_key": None} | changes))


def a_personal_code(
    *,
    claims: Claims | None = None,
    issuer: Signer = GRANT_KEY,
    phone: Signer = PHONE,
    environment: Environment = ENVIRONMENT,
    **payload: Any,
) -> str:
    grant = encode_grant(claims or a_claims(), issuer, environment)
    content = {"iat": NOW_SECONDS - 5, "scenario": 301} | payload
    return encode_presentation(grant.data, Presentation(**content), phone, environment, FORMAT.prefix)


def a_sticker(claims: Claims | None = None, issuer: Signer = PLACE_KEY) -> str:
    return encode_static_code(claims or a_static_claims(), issuer, ENVIRONMENT, FORMAT.host)


def a_paper(claims: Claims | None = None, issuer: Signer = GRANT_KEY) -> str:
    content = claims or a_claims(kind=Kind.L, device_key=None, expires_at=NOW_SECONDS + HALF_YEAR)
    facts = PaperFacts(display_name="测*甲", document_tail="0011")
    return encode_paper_code(content, facts, issuer, ENVIRONMENT, FORMAT.prefix)


def as_text(data: bytes) -> str:
    return FORMAT.prefix + base45.encode(data)


def as_bytes(text: str) -> bytes:
    return base45.decode(text.removeprefix(FORMAT.prefix))


def signed_by_phone(grant: bytes, payload: bytes | None = None, head: bytes = PROTECTED_HEAD) -> bytes:
    """A presentation over any grant bytes and any payload bytes, with a right signature of the phone; tagged."""
    content = cbor.encode({6: NOW_SECONDS - 5, -70002: 301}) if payload is None else payload
    aad = external_aad(ObjectType.PRESENTATION, ENVIRONMENT)
    return cbor.TAG_COSE_SIGN1 + cose.sign_parts(head + grant, content, PHONE, aad)


def signed_by_issuer(claims: bytes | None = None, headers: dict[int, Any] | None = None) -> bytes:
    """A grant over any claims bytes and headers, with a right signature of the city; untagged."""
    protected = cbor.encode({1: -7, 4: GRANT_KEY.kid} if headers is None else headers)
    content = encode_claims(a_claims()) if claims is None else claims
    return cose.sign_parts(protected, content, GRANT_KEY, external_aad(ObjectType.GRANT, ENVIRONMENT))


def status_lists(*entries: StatusEntry, issued_at: datetime = NOW) -> dict[int, VerifiedStatusList]:
    return {SHARD: VerifiedStatusList(shard=SHARD, issued_at=issued_at, ttl_seconds=300, packed=pack(entries))}


def verdict_on(
    text: str,
    policy: ScenarioPolicy = LIBRARY,
    *,
    now: datetime = NOW,
    trust_list: VerifiedTrustList = TRUST_LIST,
    lists: dict[int, VerifiedStatusList] | None = None,
    challenge: Challenge | None = None,
    holder_checked: bool = False,
) -> VerificationResult:
    return verify_offline(
        text,
        trust_list=trust_list,
        status_lists=status_lists() if lists is None else lists,
        policy=policy,
        code_format=FORMAT,
        now=now,
        challenge=challenge,
        holder_checked=holder_checked,
    )


def high_s_twin(text: str) -> str:
    """The other signature of the same presentation, which every P-256 signature has."""
    data = as_bytes(text)
    s = int.from_bytes(data[-COORDINATE_BYTES:], "big")
    return as_text(data[:-COORDINATE_BYTES] + (ORDER - s).to_bytes(COORDINATE_BYTES, "big"))


Bent = Callable[[], str]
