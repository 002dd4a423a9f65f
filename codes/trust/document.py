"""The trust list as signed bytes: write one, and believe one only when root, time and version allow. Pure.

root key → certifies a list key for at most 30 days → signs {version, issued, next update, keys, scenario policy}.
Refuses a version older than the last one seen: a rolled-back list would bring revoked keys back.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from app.kit.structs import Model
from codes.envelope import cbor, cose
from codes.envelope.claims import KID_BYTES, Kind, is_time, is_whole
from codes.envelope.cose import Environment, ObjectType, Sign1, external_aad
from codes.envelope.layout import LARGEST_SCENARIO
from codes.envelope.profiles import PROFILES, Signer, VerifyingKey
from codes.trust.models import ScenarioPolicy, TrustedKey, VerifiedTrustList
from codes.verdict import Refused

VERSION, ISSUED, NEXT_UPDATE, KEYS, SCENARIOS = 1, 2, 3, 4, 5
KID, PROFILE, PUBLIC_KEY, KINDS, NOT_BEFORE, NOT_AFTER, STATE = 1, 2, 3, 4, 5, 6, 7
NUMBER, SCENARIO_KINDS, GENERAL_OK, HIGH_VALUE, FAILS_OPEN, FRESHNESS = 1, 2, 3, 4, 5, 6
CERTIFICATE = 13  # kcwt, as in a presentation: the token that vouches for the signing key
CNF, COSE_KEY, EXP, NBF = 8, 1, 4, 5
LONGEST_CERTIFICATE = timedelta(days=30)
LONGEST_FRESHNESS = 45
LARGEST_VERSION = (1 << 53) - 1
STATES = frozenset({"next", "active", "retired"})


class TrustListRefused(Exception):
    """This list is not to be believed. `why` is for the log."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class TrustList(Model):
    """A list before it is signed."""

    version: int
    issued_at: datetime
    next_update_at: datetime
    keys: tuple[TrustedKey, ...]
    scenarios: tuple[ScenarioPolicy, ...]


def certify_list_key(
    list_key: VerifyingKey, root: Signer, environment: Environment, *, now: datetime, life: timedelta
) -> bytes:
    """The root's statement that this key signs trust lists from now for `life`, at most 30 days; untagged."""
    if life > LONGEST_CERTIFICATE:
        raise ValueError("A list key is certified for at most 30 days.")
    claims = {
        EXP: _seconds(now + life),
        NBF: _seconds(now),
        CNF: {COSE_KEY: list_key.profile.encode_key(list_key.public_key)},
    }
    headers = cbor.encode({cose.ALGORITHM: root.profile.algorithm, cose.KEY_ID: root.kid})
    return cose.sign_parts(headers, cbor.encode(claims), root, external_aad(ObjectType.LIST_KEY, environment))


def encode_trust_list(trust_list: TrustList, signer: Signer, certificate: bytes, environment: Environment) -> bytes:
    """The signed list, as published."""
    headers = {
        cose.ALGORITHM: signer.profile.algorithm,
        cose.KEY_ID: signer.kid,
        CERTIFICATE: cbor.decode(certificate, cbor.DOCUMENT),
    }
    aad = external_aad(ObjectType.TRUST_LIST, environment)
    signed = cose.sign_parts(cbor.encode(headers), cbor.encode(_content_of(trust_list)), signer, aad)
    return cbor.TAG_COSE_SIGN1 + signed


def content_of(keys: Iterable[TrustedKey], scenarios: Iterable[ScenarioPolicy]) -> bytes:
    """What a list says apart from its version and times, as bytes to compare."""
    return cbor.encode([[_key_content(key) for key in keys], [_scenario_content(policy) for policy in scenarios]])


def verify_trust_list(
    data: bytes,
    roots: Mapping[bytes, VerifyingKey],
    environment: Environment,
    *,
    now: datetime,
    last_version: int | None = None,
) -> VerifiedTrustList:
    """The list in `data`; raises `TrustListRefused`.

    `last_version` is the highest version this verifier has ever believed. A list past its next update is still
    returned: whether a door opens on it is the scenario's policy.
    """
    try:
        message = cose.parse_sign1(data, cbor.DOCUMENT)
        list_key = _certified_key(message, roots, environment, now)
        cose.check_signature(message, list_key, external_aad(ObjectType.TRUST_LIST, environment))
        trust_list = _parse(cbor.decode(message.payload, cbor.DOCUMENT))
    except Refused as refused:
        raise TrustListRefused(str(refused)) from None
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise TrustListRefused(f"content: {type(error).__name__}") from None
    if last_version is not None and trust_list.version < last_version:
        raise TrustListRefused("rolled back")
    return trust_list


def _certified_key(
    message: Sign1, roots: Mapping[bytes, VerifyingKey], environment: Environment, now: datetime
) -> VerifyingKey:
    certificate = cose.sign1_of(message.protected.get(CERTIFICATE), cbor.DOCUMENT)
    root = roots.get(certificate.protected.get(cose.KEY_ID, b""))
    if root is None:
        raise TrustListRefused("unknown root")
    cose.check_signature(certificate, root, external_aad(ObjectType.LIST_KEY, environment))
    claims = cbor.decode(certificate.payload, cbor.DOCUMENT)
    begins, ends = claims[NBF], claims[EXP]
    if not (is_time(begins) and is_time(ends) and ends - begins <= LONGEST_CERTIFICATE.total_seconds()):
        raise TrustListRefused("certificate of more than 30 days")
    if not begins <= now.timestamp() < ends:
        raise TrustListRefused("certificate expired or not yet valid")
    return VerifyingKey(profile=root.profile, public_key=root.profile.decode_key(claims[CNF][COSE_KEY]))


def _parse(content: dict[int, Any]) -> VerifiedTrustList:
    version = content[VERSION]
    if not is_whole(version, LARGEST_VERSION):
        raise TrustListRefused("version")
    # A key of a profile that this verifier does not know is nobody's key; the list is still the list.
    keys = [_parse_key(item) for item in content[KEYS] if item[PROFILE] in PROFILES]
    scenarios = [_parse_scenario(item) for item in content[SCENARIOS]]
    return VerifiedTrustList(
        version=version,
        issued_at=_time(content[ISSUED]),
        next_update_at=_time(content[NEXT_UPDATE]),
        keys={key.kid: key for key in keys},
        scenarios={policy.number: policy for policy in scenarios},
    )


def _parse_key(item: dict[int, Any]) -> TrustedKey:
    profile, kid = PROFILES[item[PROFILE]], item[KID]
    if not isinstance(kid, bytes) or len(kid) != KID_BYTES:
        raise TrustListRefused("kid")
    not_after = item.get(NOT_AFTER)
    if not is_time(item[NOT_BEFORE]) or not (not_after is None or is_time(not_after)) or item[STATE] not in STATES:
        raise TrustListRefused("key")
    return TrustedKey(
        kid=kid,
        verifying_key=VerifyingKey(profile=profile, public_key=profile.decode_key(item[PUBLIC_KEY])),
        kinds=frozenset(item[KINDS]),
        not_before=item[NOT_BEFORE],
        not_after=not_after,
        state=item[STATE],
    )


def _parse_scenario(item: dict[int, Any]) -> ScenarioPolicy:
    if not (is_whole(item[NUMBER], LARGEST_SCENARIO) and is_whole(item[FRESHNESS], LONGEST_FRESHNESS)):
        raise TrustListRefused("scenario")
    return ScenarioPolicy(
        number=item[NUMBER],
        kinds=frozenset(Kind(kind) for kind in item[SCENARIO_KINDS]),
        freshness_seconds=item[FRESHNESS],
        general_ok=item[GENERAL_OK] is True,
        high_value=item[HIGH_VALUE] is True,
        fails_open=item[FAILS_OPEN] is True,
    )


def _content_of(trust_list: TrustList) -> dict[int, Any]:
    return {
        VERSION: trust_list.version,
        ISSUED: _seconds(trust_list.issued_at),
        NEXT_UPDATE: _seconds(trust_list.next_update_at),
        KEYS: [_key_content(key) for key in trust_list.keys],
        SCENARIOS: [_scenario_content(policy) for policy in trust_list.scenarios],
    }


def _key_content(key: TrustedKey) -> dict[int, Any]:
    profile = key.verifying_key.profile
    content = {
        KID: key.kid,
        PROFILE: profile.number,
        PUBLIC_KEY: profile.encode_key(key.verifying_key.public_key),
        KINDS: sorted(key.kinds),
        NOT_BEFORE: key.not_before,
        STATE: key.state,
    }
    return content if key.not_after is None else content | {NOT_AFTER: key.not_after}


def _scenario_content(policy: ScenarioPolicy) -> dict[int, Any]:
    return {
        NUMBER: policy.number,
        SCENARIO_KINDS: sorted(int(kind) for kind in policy.kinds),
        GENERAL_OK: policy.general_ok,
        HIGH_VALUE: policy.high_value,
        FAILS_OPEN: policy.fails_open,
        FRESHNESS: policy.freshness_seconds,
    }


def _seconds(at: datetime) -> int:
    return int(at.timestamp())


def _time(seconds: Any) -> datetime:
    if not is_time(seconds):
        raise TrustListRefused("time")
    return datetime.fromtimestamp(seconds, UTC)
