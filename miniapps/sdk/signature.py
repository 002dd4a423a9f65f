"""The gateway's signature on a request (RFC 9421, ES256) and the digest of its body (RFC 9530).

A streamed request has the tag "ssb-stream" and no digest, every other one the tag "ssb".

Refuses a request in which anything that matters stands outside the signature. Reads the raw target only.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from http_message_signatures import (
    ContentDigest,
    HTTPMessageSignaturesException,
    HTTPMessageVerifier,
    HTTPSignatureComponentResolver,
    HTTPSignatureKeyResolver,
    algorithms,
)

from .errors import Refused, UnknownKey
from .message import Message

TAG = "ssb"
STREAM_TAG = "ssb-stream"
LONGEST_LIFE_SECONDS = 60
SKEW_SECONDS = 5
LONGEST_FIELD = 4096
ALWAYS_COVERED = frozenset({"@method", "@authority", "@path", "@query", "x-request-id", "ssb-app"})
COVERED_WHEN_PRESENT = (
    "content-type",
    "content-digest",
    "idempotency-key",
    "ssb-assertion",
    "ssb-zone",
    "ssb-channel",
)


def says_stream(headers: Iterable[tuple[str, str]]) -> bool:
    """Whether a request says of itself that it is streamed, not yet believed: whether that holds, its signature tells.

    The gateway signs a request so only where the manifest declares the route as streamed.
    """
    return any(name.lower() == "signature-input" and f'tag="{STREAM_TAG}"' in value for name, value in headers)


@dataclass(frozen=True, slots=True)
class Proof:
    """What a signature that holds says of itself."""

    keyid: str
    nonce: str
    expires: int


def verify_signature(
    message: Message,
    *,
    find_key: Callable[[str], EllipticCurvePublicKey | None],
    authority: str,
    streamed: bool,
    now: float,
) -> Proof:
    """The proof that the gateway sent this very request; raises `Refused`. Remembers nothing: see `Replay`."""
    if any(len(message.headers.get(name, "")) > LONGEST_FIELD for name in ("signature", "signature-input")):
        raise Refused("signature-malformed")
    if not message.headers.get("signature") or not message.headers.get("signature-input"):
        raise Refused("signature-missing")
    keys = _FoundKeys(find_key)
    verifier = _Verifier(
        signature_algorithm=algorithms.ECDSA_P256_SHA256,
        key_resolver=keys,
        component_resolver_class=RawTarget,
    )
    try:
        results = verifier.verify(Signed(message, authority), max_age=None, expect_tag=STREAM_TAG if streamed else TAG)
    except HTTPMessageSignaturesException:
        if keys.unknown:
            raise UnknownKey("signature-key-unknown") from None
        raise Refused("signature-forged" if keys.asked else "signature-malformed") from None
    if len(results) != 1:
        raise Refused("signature-malformed")
    _refuse_coverage(message, set(results[0].covered_components))
    return _proof(results[0].parameters, now)


def verify_digest(message: Message) -> None:
    """Raises `Refused` unless the signed digest is that of the body; a request without body needs none."""
    field = message.headers.get("content-digest")
    if field is None:
        if message.body:
            raise Refused("digest-missing")
        return
    try:
        ContentDigest.verify(field, message.body)
    except HTTPMessageSignaturesException:
        raise Refused("digest-mismatch") from None


def _refuse_coverage(message: Message, covered: set[str]) -> None:
    needed = ALWAYS_COVERED | {name for name in COVERED_WHEN_PRESENT if name in message.headers}
    if not {f'"{name}"' for name in needed} <= covered:
        raise Refused("signature-coverage")


def _proof(parameters: dict[str, Any], now: float) -> Proof:
    created, expires, nonce = (parameters.get(name) for name in ("created", "expires", "nonce"))
    if not isinstance(created, int) or not isinstance(expires, int) or not isinstance(nonce, str) or not nonce:
        raise Refused("signature-malformed")
    if not 0 < expires - created <= LONGEST_LIFE_SECONDS:
        raise Refused("signature-too-long")
    if created > now + SKEW_SECONDS or expires <= now - SKEW_SECONDS:
        raise Refused("signature-expired")
    return Proof(keyid=str(parameters["keyid"]), nonce=nonce, expires=expires)


class Signed:
    """The library's view of a message. The URL is only there because it insists on one."""

    def __init__(self, message: Message, authority: str) -> None:
        self.method = message.method
        self.url = "https://signed.invalid/"
        self.headers = message.headers
        self.authority = authority
        self.path = message.path
        self.query = message.query


class RawTarget(HTTPSignatureComponentResolver):
    """Takes path and query from the raw target: the library would refuse characters that the gateway passes on."""

    def get_authority(self) -> str:
        return str(self.message.authority).lower()

    def get_path(self) -> str:
        return str(self.message.path)

    def get_query(self) -> str:
        return str(self.message.query)


class _Verifier(HTTPMessageVerifier):
    """Leaves times to `_proof`: the library would read the machine's clock."""

    def validate_created_and_expires(self, sig_input: Any, max_age: Any = None) -> None:
        """Decided by the caller, who has the clock."""


class _FoundKeys(HTTPSignatureKeyResolver):
    def __init__(self, find_key: Callable[[str], EllipticCurvePublicKey | None]) -> None:
        self._find_key = find_key
        self.asked = False
        self.unknown = False

    def resolve_public_key(self, key_id: str) -> EllipticCurvePublicKey | None:
        self.asked = True
        key = self._find_key(key_id)
        self.unknown = key is None
        return key
