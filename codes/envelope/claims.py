"""What the city signs into a code: until when, which pointer, which status bits, which kind, for which device key.

Grants (P, F) and static codes (E, V, I) carry the same claims; only grants carry a key.
"""

from enum import IntEnum
from typing import Any, TypeGuard

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from app.kit.structs import Model
from codes.envelope import cbor
from codes.envelope.cose import ALGORITHM, KEY_ID, Sign1
from codes.envelope.profiles import ES256, VerifyingKey
from codes.verdict import Reason, Refused

EXP, CTI, CNF, STATUS, KIND, FACTS = 4, 7, 8, -70000, -70001, -70004
COSE_KEY = 1  # the member of `cnf` (RFC 8747, section 3.2)
CTI_BYTES = 16
KID_BYTES = 4
SHARD_INDICES = 1 << 20
LARGEST_SHARD = (1 << 32) - 1
LATEST_TIME = (1 << 37) - 1  # beyond the year 6000, and within what datetime can say


class Kind(IntEnum):
    """The kinds of codes; the number stands in the bytes, the letter in results."""

    P = 1
    F = 2
    L = 3
    O = 4  # noqa: E741 - the letter is the kind's public name
    E = 5
    V = 6
    I = 7  # noqa: E741 - the letter is the kind's public name


KINDS = {int(kind): kind for kind in Kind}
PRESENTED = frozenset({Kind.P, Kind.F})
PRINTED = frozenset({Kind.E, Kind.V, Kind.I})


class Claims(Model):
    """The claims of a grant or a static code. Times are seconds since 1970; `device_key` is a P-256 public key."""

    expires_at: int
    cti: bytes
    shard: int
    index: int
    kind: Kind
    device_key: Any = None  # EllipticCurvePublicKey, which msgspec cannot name
    facts: Any = None


def encode_claims(claims: Claims) -> bytes:
    """The claims as a CWT claims set."""
    content: dict[int, Any] = {EXP: claims.expires_at, CTI: claims.cti}
    if claims.device_key is not None:
        content[CNF] = {COSE_KEY: ES256.encode_key(claims.device_key)}
    content[STATUS] = [claims.shard, claims.index]
    content[KIND] = int(claims.kind)
    if claims.facts is not None:
        content[FACTS] = claims.facts
    return cbor.encode(content)


def parse_claims(payload: bytes) -> Claims:
    """Reads a claims set without believing it; raises `Refused` (MALFORMED), also for a claim that nobody knows."""
    content = cbor.decode(payload)
    if not isinstance(content, dict):
        raise Refused(Reason.MALFORMED, "claims")
    expires_at, cti, status, kind = content.get(EXP), content.get(CTI), content.get(STATUS), content.get(KIND)
    known = 4 + (CNF in content) + (FACTS in content)
    if len(content) != known or not isinstance(cti, bytes) or len(cti) != CTI_BYTES or not is_time(expires_at):
        raise Refused(Reason.MALFORMED, "claims")
    shard, index = _status_of(status)
    return Claims(
        expires_at=expires_at,
        cti=cti,
        shard=shard,
        index=index,
        kind=_kind_of(kind),
        device_key=_device_key_of(content[CNF]) if CNF in content else None,
        facts=content.get(FACTS),
    )


def is_time(value: Any) -> TypeGuard[int]:
    """Whether `value` is a time that we would write: whole seconds, not negative, not beyond what a clock can say."""
    return type(value) is int and 0 <= value <= LATEST_TIME


def is_whole(value: Any, largest: int) -> TypeGuard[int]:
    """Whether `value` is an integer of 0 to `largest`; True and False are none."""
    return type(value) is int and 0 <= value <= largest


def kid_of(message: Sign1) -> bytes:
    """The key id in the protected header; anywhere else it is not signed, so it is not read. Raises `Refused`."""
    kid = message.protected.get(KEY_ID)
    if not isinstance(kid, bytes) or len(kid) != KID_BYTES:
        raise Refused(Reason.UNKNOWN_KEY, "kid")
    return kid


def require_issuer_headers(message: Sign1) -> None:
    """{1: alg, 4: kid} protected and nothing unprotected; raises `Refused`."""
    kid_of(message)
    if message.unprotected or message.protected.keys() != {ALGORITHM, KEY_ID}:
        raise Refused(Reason.MALFORMED, "issuer headers")
    require_signature_length(message)


def require_signature_length(message: Sign1) -> None:
    """Fixed-length signatures only: DER, which varies, is refused before any cryptography."""
    if len(message.signature) != ES256.signature_bytes:
        raise Refused(Reason.MALFORMED, "signature length")


def device_verifying_key(public_key: EllipticCurvePublicKey) -> VerifyingKey:
    """The device's key with the one profile that phones' hardware speaks."""
    return VerifyingKey(profile=ES256, public_key=public_key)


def _status_of(status: Any) -> tuple[int, int]:
    match status:
        case [shard, index] if is_whole(shard, LARGEST_SHARD) and is_whole(index, SHARD_INDICES - 1):
            return shard, index
    raise Refused(Reason.MALFORMED, "status pointer")


def _kind_of(kind: Any) -> Kind:
    found = KINDS.get(kind) if type(kind) is int else None
    if found is None:
        raise Refused(Reason.MALFORMED, "kind")
    return found


def _device_key_of(cnf: Any) -> EllipticCurvePublicKey:
    if not isinstance(cnf, dict) or cnf.keys() != {COSE_KEY}:
        raise Refused(Reason.MALFORMED, "cnf")
    return ES256.decode_key(cnf[COSE_KEY])
