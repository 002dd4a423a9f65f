"""Signatures on HTTP requests (RFC 9421) with ES256, and digests of their bodies (RFC 9530): pure functions of bytes.

Speaks a strict subset: one signature a request, plain components, canonical spelling. Refuses whatever it would have
to guess: component parameters (`;sf`, `;bs`, `;req`), repeated components or parameters, unknown parameters.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from app.kit.structs import Model

ALGORITHM: Final = "ecdsa-p256-sha256"
CLOCK_SKEW_SECONDS: Final = 5
LONGEST_FIELD: Final = 4096
COORDINATE_BYTES: Final = 32

_ECDSA: Final = ECDSA(SHA256())
_LABEL = r"[a-z*][a-z0-9_.*-]{0,63}"
_STRING = r'"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"'
_COMPONENT = r'"@?[a-z0-9!#$%&\'*+.^_`|~-]+"'
_PARAMETER = rf";(?P<name>[a-z][a-z0-9_-]*)=(?P<value>{_STRING}|-?[0-9]{{1,15}})"
_INPUT = re.compile(
    rf"(?P<label>{_LABEL})=(?P<text>\((?P<covered>(?:{_COMPONENT}(?: {_COMPONENT})*)?)\)"
    rf"(?P<params>(?:;[a-z][a-z0-9_-]*=(?:{_STRING}|-?[0-9]{{1,15}}))*))"
)
_SIGNATURE = re.compile(rf"(?P<label>{_LABEL})=:(?P<bytes>[A-Za-z0-9+/]*={{0,2}}):")
_EACH_PARAMETER = re.compile(_PARAMETER)
_INTEGERS = frozenset({"created", "expires"})
_STRINGS = frozenset({"nonce", "alg", "keyid", "tag"})
_UNSAFE = re.compile(r"[^\x20-\x7e\t]")


class SignatureInvalid(Exception):
    """The request carries no signature that holds. The text names the reason, for the log; never key or body."""


class RequestParts(Model):
    """What of a request can be signed. `path` and `query` are raw, as sent; `query` is "" or begins with "?".

    `headers` has lower-case names; several lines of one field are joined by ", " in their order.
    """

    method: str
    authority: str
    path: str
    query: str
    headers: Mapping[str, str]


class SignatureParams(Model):
    """The signature's metadata (RFC 9421, section 2.3). Times are whole seconds since 1970."""

    keyid: str
    created: int
    expires: int | None = None
    nonce: str | None = None
    tag: str | None = None
    alg: str | None = None


class ParsedSignature(Model):
    """A signature as it stands in the headers. `params_text` is its metadata byte for byte, as the signer wrote it."""

    label: str
    covered: tuple[str, ...]
    params: SignatureParams
    signature: bytes
    params_text: str


def signature_base(parts: RequestParts, covered: Sequence[str], signature_params_text: str) -> bytes:
    """The bytes that are signed (RFC 9421, section 2.5); raises `SignatureInvalid` when a component is missing."""
    if len(set(covered)) != len(covered):
        raise SignatureInvalid("a component is covered twice")
    lines = [f'"{name}": {_component(parts, name)}' for name in covered]
    lines.append(f'"@signature-params": {signature_params_text}')
    return "\n".join(lines).encode("ascii")


def sign(
    parts: RequestParts,
    *,
    label: str,
    covered: Sequence[str],
    params: SignatureParams,
    sign_bytes: Callable[[bytes], bytes],
) -> dict[str, str]:
    """The two header fields to add: `signature-input` and `signature`."""
    text = _params_text(covered, params)
    signature = base64.b64encode(sign_bytes(signature_base(parts, covered, text))).decode()
    return {"signature-input": f"{label}={text}", "signature": f"{label}=:{signature}:"}


def parse(headers: Mapping[str, str]) -> ParsedSignature:
    """Reads the one signature of a request, without believing it; raises `SignatureInvalid`."""
    given = _match(_INPUT, headers, "signature-input")
    proof = _match(_SIGNATURE, headers, "signature")
    if given["label"] != proof["label"]:
        raise SignatureInvalid("the labels of signature and signature-input differ")
    return ParsedSignature(
        label=given["label"],
        covered=tuple(name.strip('"') for name in given["covered"].split()),
        params=_read_params(given["params"]),
        signature=_decode_base64(proof["bytes"]),
        params_text=given["text"],
    )


def verify(
    parts: RequestParts,
    *,
    find_key: Callable[[str], Callable[[bytes, bytes], bool] | None],
    required: Collection[str],
    tag: str,
    now: int,
    max_age_seconds: int = 60,
) -> ParsedSignature:
    """The request's signature when it holds; raises `SignatureInvalid` otherwise.

    `find_key(keyid)` gives a function (message, signature) -> bool, or None for an unknown key.
    """
    parsed = parse(parts.headers)
    verify_bytes = find_key(parsed.params.keyid)
    if verify_bytes is None:
        raise SignatureInvalid("unknown key")
    check(
        parsed, parts, verify_bytes=verify_bytes, required=required, tag=tag, now=now, max_age_seconds=max_age_seconds
    )
    return parsed


def check(
    parsed: ParsedSignature,
    parts: RequestParts,
    *,
    verify_bytes: Callable[[bytes, bytes], bool],
    required: Collection[str],
    tag: str,
    now: int,
    max_age_seconds: int = 60,
) -> None:
    """Returns when the signature that was read from `parts` holds; raises `SignatureInvalid` otherwise.

    Every name in `required` must be covered; a covered `content-digest` is compared with the body by the caller
    (`digest_matches`), who also refuses a nonce seen before: this function remembers nothing.
    """
    _refuse_metadata(parsed, required, tag)
    _refuse_time(parsed.params, now, max_age_seconds)
    if not verify_bytes(signature_base(parts, parsed.covered, parsed.params_text), parsed.signature):
        raise SignatureInvalid("the signature does not match the request")


def content_digest(body: bytes) -> str:
    """The Content-Digest field of `body` (RFC 9530), with SHA-256."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def digest_matches(field: str, body: bytes) -> bool:
    """Whether a received Content-Digest is exactly the one we would have written for `body`."""
    return hmac.compare_digest(field.encode(), content_digest(body).encode())


def ecdsa_p256_signer(private_key: EllipticCurvePrivateKey) -> Callable[[bytes], bytes]:
    """Signs with P-256 and SHA-256; 64 bytes r ‖ s (RFC 9421, section 3.3.4)."""

    def sign_bytes(message: bytes) -> bytes:
        r, s = decode_dss_signature(private_key.sign(message, _ECDSA))
        return r.to_bytes(COORDINATE_BYTES, "big") + s.to_bytes(COORDINATE_BYTES, "big")

    return sign_bytes


def ecdsa_p256_verifier(public_key: EllipticCurvePublicKey) -> Callable[[bytes, bytes], bool]:
    """Verifies what `ecdsa_p256_signer` made. ECDSA is malleable: never use the signature's bytes as an identity."""

    def verify_bytes(message: bytes, signature: bytes) -> bool:
        if len(signature) != 2 * COORDINATE_BYTES:
            return False
        r, s = (int.from_bytes(half, "big") for half in (signature[:COORDINATE_BYTES], signature[COORDINATE_BYTES:]))
        try:
            public_key.verify(encode_dss_signature(r, s), message, _ECDSA)
        except InvalidSignature:
            return False
        return True

    return verify_bytes


def _component(parts: RequestParts, name: str) -> str:
    if not name.startswith("@"):
        value = parts.headers.get(name)
        if value is None:
            raise SignatureInvalid(f"the request has no {name}")
        value = value.strip(" \t")
    elif name in _DERIVED:
        value = _DERIVED[name](parts)
    else:
        raise SignatureInvalid("a component is not one of a request")
    if _UNSAFE.search(value):
        raise SignatureInvalid(f"{name} has characters that cannot be signed")
    return value


_DERIVED: Final[Mapping[str, Callable[[RequestParts], str]]] = {
    "@method": lambda parts: parts.method,
    "@authority": lambda parts: parts.authority.lower(),
    "@path": lambda parts: parts.path or "/",
    "@query": lambda parts: parts.query or "?",
    "@request-target": lambda parts: (parts.path or "/") + parts.query,
}


def _params_text(covered: Sequence[str], params: SignatureParams) -> str:
    text = "(" + " ".join(f'"{name}"' for name in covered) + f");created={params.created}"
    if params.expires is not None:
        text += f";expires={params.expires}"
    for name in ("nonce", "alg", "keyid", "tag"):
        value = getattr(params, name)
        if value is not None:
            text += f";{name}={_quote(value)}"
    return text


def _quote(value: str) -> str:
    if not value.isascii() or not value.isprintable():
        raise ValueError("A signature parameter must be printable ASCII.")
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _match(pattern: re.Pattern[str], headers: Mapping[str, str], name: str) -> re.Match[str]:
    value = headers.get(name, "")
    if not value:
        raise SignatureInvalid(f"the request has no {name}")
    found = pattern.fullmatch(value.strip(" ")) if len(value) <= LONGEST_FIELD else None
    if found is None:
        raise SignatureInvalid(f"{name} is not one signature in canonical form")
    return found


def _read_params(text: str) -> SignatureParams:
    params: dict[str, str | int] = {}
    for found in _EACH_PARAMETER.finditer(text):
        name, value = found["name"], found["value"]
        if name in params:
            raise SignatureInvalid("a parameter stands twice")
        if name in _INTEGERS and value[0] != '"':
            params[name] = int(value)
        elif name in _STRINGS and value[0] == '"':
            params[name] = re.sub(r'\\(["\\])', r"\1", value[1:-1])
        else:
            raise SignatureInvalid("a parameter is unknown or of the wrong type")
    if "keyid" not in params or "created" not in params:
        raise SignatureInvalid("keyid or created is missing")
    return SignatureParams(**params)  # type: ignore[arg-type]  # names and types were checked one by one above


def _decode_base64(text: str) -> bytes:
    try:
        decoded = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise SignatureInvalid("the signature is not base64") from None
    if base64.b64encode(decoded).decode() != text:
        raise SignatureInvalid("the signature is not canonical base64")
    return decoded


def _refuse_metadata(parsed: ParsedSignature, required: Collection[str], tag: str) -> None:
    if parsed.params.tag != tag:
        raise SignatureInvalid("the signature was made for another use")
    if parsed.params.alg not in {None, ALGORITHM}:
        raise SignatureInvalid("the algorithm is not accepted")
    missing = set(required) - set(parsed.covered)
    if missing:
        raise SignatureInvalid(f"not covered: {', '.join(sorted(missing))}")


def _refuse_time(params: SignatureParams, now: int, max_age_seconds: int) -> None:
    if params.created > now + CLOCK_SKEW_SECONDS:
        raise SignatureInvalid("created lies in the future")
    if params.created < now - max_age_seconds:
        raise SignatureInvalid("the signature is too old")
    if params.expires is not None and not params.created < params.expires > now:
        raise SignatureInvalid("the signature has expired")
