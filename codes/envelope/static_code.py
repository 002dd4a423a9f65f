"""Codes on paper and stickers (E, V, I): an uppercase URL with a signed pointer, for any phone's camera.

The host stands in the text but is not believed: what counts is the signature over the pointer.
"""

import base64
import binascii

from app.kit.structs import Model
from codes.envelope import cose
from codes.envelope.claims import PRINTED, Claims, encode_claims, parse_claims, require_issuer_headers
from codes.envelope.cose import Environment, ObjectType, Sign1, external_aad
from codes.envelope.presentation import LONGEST_TEXT
from codes.envelope.profiles import Signer
from codes.verdict import Reason, Refused

VERSION = "1"
BASE32_GROUP = 8


class UnverifiedStaticCode(Model):
    """A static code as read; its signature has not been looked at."""

    issuer_message: Sign1
    claims: Claims


def static_prefix(host: str) -> str:
    """What every static code of a city begins with; all of it is in the alphanumeric QR alphabet.

    `host` is a host name, or a whole origin where it is not https (a laptop's http://127.0.0.1:8000).
    """
    origin = host if "://" in host else f"https://{host}"
    return f"{origin.upper()}/{VERSION}/"


def encode_static_code(claims: Claims, signer: Signer, environment: Environment, host: str) -> str:
    """The URL to print. One signature, no I/O."""
    aad = external_aad(ObjectType.STATIC_CODE, environment)
    data = cose.cose_sign1_sign(encode_claims(claims), signer, aad=aad)
    return static_prefix(host) + base64.b32encode(data).decode("ascii").rstrip("=")


def parse_static_code(text: str, host: str) -> UnverifiedStaticCode:
    """Reads a static code without believing it; raises `Refused` by reason, before any cryptography."""
    if len(text) > LONGEST_TEXT:
        raise Refused(Reason.TOO_LARGE, "text")
    prefix = static_prefix(host)
    if not text.startswith(prefix):
        raise Refused(_reason_of_prefix(text, prefix), "prefix")
    message = cose.parse_sign1(_decode_base32(text[len(prefix) :]))
    require_issuer_headers(message)
    claims = parse_claims(message.payload)
    if claims.kind not in PRINTED:
        raise Refused(Reason.WRONG_CARRIER, "kind in static code")
    if claims.device_key is not None:
        raise Refused(Reason.MALFORMED, "static code with key")
    return UnverifiedStaticCode(issuer_message=message, claims=claims)


def _reason_of_prefix(text: str, prefix: str) -> Reason:
    site = prefix.removesuffix(f"{VERSION}/")
    version, slash, _ = text[len(site) :].partition("/")
    return Reason.UNKNOWN_VERSION if text.startswith(site) and slash and version.isdecimal() else Reason.MALFORMED


def _decode_base32(text: str) -> bytes:
    """Unpadded and canonical: leftover bits are zero, so that every code has one text."""
    try:
        data = base64.b32decode(text + "=" * (-len(text) % BASE32_GROUP))
    except (binascii.Error, ValueError):
        raise Refused(Reason.MALFORMED, "base32") from None
    if base64.b32encode(data).decode("ascii").rstrip("=") != text:
        raise Refused(Reason.MALFORMED, "base32")
    return data
