"""COSE_Sign1 (RFC 9052, section 4.2): sign and verify, on our codes and on foreign data alike.

The algorithm comes from the key. What an object is and which environment it belongs to is signed along with it as
`external_aad`, so that a signature made for one thing is worth nothing on another.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from app.kit.structs import Model
from codes.envelope import cbor
from codes.envelope.profiles import Signer, VerifyingKey
from codes.verdict import Reason, Refused

ALGORITHM, KEY_ID = 1, 4
PARTS = 4
SIGNATURE1 = b"\x84\x6aSignature1"
NO_HEADERS = b"\xa0"


class Environment(StrEnum):
    """Where a signature counts."""

    PRODUCTION = "production"
    SANDBOX = "sandbox"
    DEVELOPMENT = "development"


class ObjectType(StrEnum):
    """What a signature speaks of."""

    GRANT = "grant"
    PRESENTATION = "presentation"
    STATIC_CODE = "static-code"
    PAPER_CODE = "paper-code"
    LIST_KEY = "list-key"
    TRUST_LIST = "trust-list"
    STATUS_LIST = "status-list"
    STATUS_CHANGES = "status-changes"
    RECEIPT = "receipt"


def external_aad(object_type: ObjectType, environment: Environment) -> bytes:
    """The bytes that are signed with every object of a type in an environment, and never sent."""
    return AAD[object_type, environment]


AAD = {
    (object_type, environment): f"suishen:1:{environment}:{object_type}".encode()
    for object_type in ObjectType
    for environment in Environment
}


class Sign1(Model):
    """A COSE_Sign1 that was read; whether its signature is right is another question."""

    protected_bytes: bytes
    protected: dict[Any, Any]
    unprotected: dict[Any, Any]
    payload: bytes
    signature: bytes


SIGNATURE_STEP = {
    Reason.BAD_ISSUER_SIGNATURE: "issuer_signature",
    Reason.BAD_DEVICE_SIGNATURE: "device_signature",
}

KeyLookup = Callable[[Sign1], VerifyingKey | None]


def to_be_signed(protected: bytes, aad: bytes, payload: bytes) -> bytes:
    """The Sig_structure of RFC 9052, section 4.4, put together without a tree."""
    head = cbor.bytes_head
    return b"".join((SIGNATURE1, head(len(protected)), protected, head(len(aad)), aad, head(len(payload)), payload))


def assemble(protected: bytes, payload: bytes, signature: bytes) -> bytes:
    """The array of four with an empty unprotected header, untagged."""
    head = cbor.bytes_head
    signed = (head(len(protected)), protected, NO_HEADERS, head(len(payload)), payload)
    return b"".join((b"\x84", *signed, head(len(signature)), signature))


def sign_parts(protected: bytes, payload: bytes, signer: Signer, aad: bytes) -> bytes:
    """Signs encoded headers and payload as they are; untagged."""
    return assemble(protected, payload, signer.sign(to_be_signed(protected, aad, payload)))


def cose_sign1_sign(
    payload: bytes, signer: Signer, *, aad: bytes = b"", protected: Mapping[int, Any] | None = None
) -> bytes:
    """A tagged COSE_Sign1. The algorithm, and the key id if there is one, go into the protected header."""
    headers: dict[int, Any] = {ALGORITHM: signer.profile.algorithm, **(protected or {})}
    if signer.kid is not None:
        headers[KEY_ID] = signer.kid
    return cbor.TAG_COSE_SIGN1 + sign_parts(cbor.encode(headers), payload, signer, aad)


def parse_sign1(data: bytes, limits: cbor.Limits = cbor.CODE) -> Sign1:
    """Reads a tagged COSE_Sign1 without believing it; raises `Refused`."""
    if len(data) > limits.max_bytes:
        raise Refused(Reason.TOO_LARGE, "cose size")
    return sign1_of(cbor.decode(cbor.untag_sign1(data), limits), limits)


def sign1_of(item: Any, limits: cbor.Limits = cbor.CODE) -> Sign1:
    """The same for an array that was decoded already, such as a grant inside a header."""
    if not isinstance(item, list) or len(item) != PARTS:
        raise Refused(Reason.MALFORMED, "cose array")
    protected, unprotected, payload, signature = item
    if not (isinstance(protected, bytes) and isinstance(payload, bytes) and isinstance(signature, bytes)):
        raise Refused(Reason.MALFORMED, "cose parts")
    headers = cbor.decode(protected, limits)
    if not (isinstance(headers, dict) and isinstance(unprotected, dict)):
        raise Refused(Reason.MALFORMED, "cose headers")
    return Sign1(
        protected_bytes=protected, protected=headers, unprotected=unprotected, payload=payload, signature=signature
    )


def check_signature(message: Sign1, key: VerifyingKey, aad: bytes, bad: Reason = Reason.BAD_ISSUER_SIGNATURE) -> None:
    """Raises `Refused`: ALG_MISMATCH when the message names another algorithm than its key's, else `bad`."""
    if message.protected.get(ALGORITHM) != key.profile.algorithm:
        raise Refused(Reason.ALG_MISMATCH, SIGNATURE_STEP[bad])
    if not key.verify(message.signature, to_be_signed(message.protected_bytes, aad, message.payload)):
        raise Refused(bad, SIGNATURE_STEP[bad])


def cose_sign1_verify(
    data: bytes, key_lookup: KeyLookup, aad: bytes = b"", limits: cbor.Limits = cbor.FOREIGN
) -> Sign1:
    """The message in `data` when its signature is right; raises `Refused` by reason.

    `key_lookup` sees the unverified message and finds the key by its protected header (or, for foreign data, wherever
    that system keeps the key id); None is UNKNOWN_KEY.
    """
    message = parse_sign1(data, limits)
    key = key_lookup(message)
    if key is None:
        raise Refused(Reason.UNKNOWN_KEY, "cose key")
    check_signature(message, key, aad)
    return message
