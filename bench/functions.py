"""Rows without a server: pure functions beside the bare signatures that they cannot do without."""

import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from statistics import median

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from bench.result import Row
from codes.envelope.claims import Claims, Kind
from codes.envelope.cose import Environment
from codes.envelope.presentation import Presentation, encode_grant, encode_presentation
from codes.envelope.profiles import ES256, Signer, VerifyingKey
from codes.offline import verify_offline
from codes.status.models import VerifiedStatusList
from codes.trust.models import CodeFormat, ScenarioPolicy, TrustedKey, VerifiedTrustList
from codes.verdict import Reason, VerificationResult

ROUNDS = 9
SECONDS_EACH = 0.25
FORMAT = CodeFormat(environment=Environment.DEVELOPMENT, prefix="SSM1:", host="code.example")
KID = b"\x01\x02\x03\x04"


def rows() -> list[Row]:
    """Verify offline, and issue a grant."""
    now = datetime.now(UTC)
    issuer, device = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    verify = _offline_verification(issuer, device, now)
    assert verify().reason is Reason.OK
    bare_verify, bare_sign = _bare(issuer)
    offline, two_verifications = side_by_side(verify, lambda: (bare_verify(), bare_verify()))
    grants, signatures = side_by_side(_grant_issue(issuer, device, now), bare_sign)
    return [
        Row(
            row="verify offline",
            unit="1/s",
            ours=offline,
            limit=two_verifications,
            limit_is="two bare P-256 verifications",
            promise=0.6,
        ),
        Row(
            row="grant issue",
            unit="1/s",
            ours=grants,
            limit=signatures,
            limit_is="one bare P-256 signature",
            promise=0.35,
        ),
    ]


def offline_probe() -> Callable[[], float]:
    """Measures the rate of offline verification for a moment, whenever it is called."""
    issuer, device = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    verify = _offline_verification(issuer, device, datetime.now(UTC))
    return lambda: _rate(verify)


def side_by_side(ours: Callable[[], object], limit: Callable[[], object]) -> tuple[float, float]:
    """Median rates of both, measured in turn so that a slow minute slows both."""
    ours_rates, limit_rates = [], []
    for _ in range(ROUNDS):
        ours_rates.append(_rate(ours))
        limit_rates.append(_rate(limit))
    return median(ours_rates), median(limit_rates)


def _rate(act: Callable[[], object]) -> float:
    count, start = 0, time.perf_counter()
    while (spent := time.perf_counter() - start) < SECONDS_EACH:
        for _ in range(20):
            act()
        count += 20
    return count / spent


def _bare(issuer: ec.EllipticCurvePrivateKey) -> tuple[Callable[[], object], Callable[[], object]]:
    message, algorithm, public = secrets.token_bytes(120), ec.ECDSA(SHA256()), issuer.public_key()
    signature = issuer.sign(message, algorithm)
    return lambda: public.verify(signature, message, algorithm), lambda: issuer.sign(message, algorithm)


def _claims(device: ec.EllipticCurvePrivateKey, now: datetime) -> Claims:
    return Claims(
        expires_at=int((now + timedelta(hours=20)).timestamp()),
        cti=secrets.token_bytes(16),
        shard=0,
        index=77,
        kind=Kind.P,
        device_key=device.public_key(),
    )


def _grant_issue(
    issuer: ec.EllipticCurvePrivateKey, device: ec.EllipticCurvePrivateKey, now: datetime
) -> Callable[[], object]:
    claims, signer = _claims(device, now), Signer(profile=ES256, private_key=issuer, kid=KID)
    return lambda: encode_grant(claims, signer, Environment.DEVELOPMENT)


def _offline_verification(
    issuer: ec.EllipticCurvePrivateKey, device: ec.EllipticCurvePrivateKey, now: datetime
) -> Callable[[], VerificationResult]:
    signer = Signer(profile=ES256, private_key=issuer, kid=KID)
    grant = encode_grant(_claims(device, now), signer, Environment.DEVELOPMENT)
    text = encode_presentation(
        grant.data,
        Presentation(iat=int(now.timestamp()), scenario=301),
        Signer(profile=ES256, private_key=device),
        Environment.DEVELOPMENT,
        FORMAT.prefix,
    )
    policy = ScenarioPolicy(number=301, kinds=frozenset({Kind.P}), freshness_seconds=45)
    key = TrustedKey(
        kid=KID,
        verifying_key=VerifyingKey(profile=ES256, public_key=issuer.public_key()),
        kinds=frozenset({Kind.P}),
        not_before=0,
        not_after=None,
        state="active",
    )
    trust_list = VerifiedTrustList(
        version=1, issued_at=now, next_update_at=now + timedelta(hours=1), keys={KID: key}, scenarios={301: policy}
    )
    lists = {0: _empty_status_list(now)}
    return lambda: verify_offline(
        text, trust_list=trust_list, status_lists=lists, policy=policy, code_format=FORMAT, now=now
    )


def _empty_status_list(now: datetime) -> VerifiedStatusList:
    return VerifiedStatusList(shard=0, issued_at=now, ttl_seconds=300, packed=bytes(2**20 // 4))
