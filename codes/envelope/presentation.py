"""Personal codes: a grant of the city, and the fresh signature of the phone that it was made for.

The grant travels in the *protected* header, so that nobody can put another one under a presentation.
"""

from typing import Any

from app.kit.structs import Model
from codes.envelope import base45, cbor, cose, layout
from codes.envelope.claims import (
    PRESENTED,
    Claims,
    encode_claims,
    is_time,
    is_whole,
    parse_claims,
    require_issuer_headers,
    require_signature_length,
)
from codes.envelope.cose import Environment, ObjectType, Sign1, external_aad
from codes.envelope.layout import GRANT_HEADER, LARGEST_SCENARIO
from codes.envelope.profiles import Signer
from codes.verdict import Reason, Refused

LONGEST_TEXT = 800
IAT, SCENARIO, AUD, CNONCE = 6, -70002, 3, 39
LONGEST_AUD = 64
LONGEST_CNONCE = 32
PROTECTED_HEAD = b"\xa2\x01\x26\x0d"  # {1: -7, 13: ...


class Grant(Model):
    """A signed statement of the city: the holder of this key may show this code until then. `data` is untagged."""

    claims: Claims
    data: bytes


class Presentation(Model):
    """What the phone signs: when, for which scenario (0: none chosen), and for a place and a nonce if it was asked."""

    iat: int
    scenario: int = 0
    aud: str | None = None
    cnonce: bytes | None = None


class UnverifiedPresentation(Model):
    """A personal code as read; neither signature has been looked at."""

    device_message: Sign1
    issuer_message: Sign1
    claims: Claims
    presentation: Presentation


def encode_grant(claims: Claims, signer: Signer, environment: Environment) -> Grant:
    """Signs a grant. One signature, no I/O."""
    protected = cbor.encode({cose.ALGORITHM: signer.profile.algorithm, cose.KEY_ID: signer.kid})
    aad = external_aad(ObjectType.GRANT, environment)
    return Grant(claims=claims, data=cose.sign_parts(protected, encode_claims(claims), signer, aad))


def encode_presentation(
    grant: bytes, presentation: Presentation, signer: Signer, environment: Environment, prefix: str
) -> str:
    """The text of the QR picture: `signer` is the phone's key that `grant` names."""
    content: dict[int, Any] = {IAT: presentation.iat, SCENARIO: presentation.scenario}
    if presentation.aud is not None:
        content[AUD] = presentation.aud
    if presentation.cnonce is not None:
        content[CNONCE] = presentation.cnonce
    aad = external_aad(ObjectType.PRESENTATION, environment)
    message = cose.sign_parts(PROTECTED_HEAD + grant, cbor.encode(content), signer, aad)
    return prefix + base45.encode(cbor.TAG_COSE_SIGN1 + message)


def parse_presentation(text: str, prefix: str) -> UnverifiedPresentation:
    """Reads a personal code without believing it; raises `Refused` by reason, before any cryptography."""
    data = decode_text(text, prefix)
    return read_usual(data) or read_presentation(data)


def decode_text(text: str, prefix: str) -> bytes:
    """The bytes behind the city's prefix; raises `Refused` by reason."""
    if len(text) > LONGEST_TEXT:
        raise Refused(Reason.TOO_LARGE, "text")
    if not text.startswith(prefix):
        raise Refused(_reason_of_prefix(text, prefix), "prefix")
    return base45.decode(text[len(prefix) :])


def read_presentation(data: bytes) -> UnverifiedPresentation:
    """The same for the bytes of any personal code; raises `Refused`."""
    return presentation_of(cose.parse_sign1(data))


def presentation_of(message: Sign1) -> UnverifiedPresentation:
    """The same for a message that was read already."""
    if message.unprotected or message.protected.keys() != {cose.ALGORITHM, GRANT_HEADER}:
        raise Refused(Reason.MALFORMED, "presentation headers")
    require_signature_length(message)
    issuer_message = cose.sign1_of(message.protected[GRANT_HEADER])
    require_issuer_headers(issuer_message)
    claims = parse_claims(issuer_message.payload)
    _require_presented(claims)
    return UnverifiedPresentation(
        device_message=message,
        issuer_message=issuer_message,
        claims=claims,
        presentation=_parse_payload(message.payload),
    )


def read_usual(data: bytes) -> UnverifiedPresentation | None:
    """The same for the layout that nearly all codes have; None for every other."""
    usual = layout.read_usual(data)
    if usual is None:
        return None
    return UnverifiedPresentation(
        device_message=usual.device_message,
        issuer_message=usual.issuer_message,
        claims=usual.claims,
        presentation=Presentation(iat=usual.iat, scenario=usual.scenario),
    )


def _reason_of_prefix(text: str, prefix: str) -> Reason:
    """Another number after our brand is a version that this verifier does not know (yet)."""
    brand = prefix.rstrip(":").rstrip("0123456789")
    version, colon, _ = text[len(brand) :].partition(":")
    known_brand = bool(brand) and text.startswith(brand)
    return Reason.UNKNOWN_VERSION if known_brand and colon and version.isdecimal() else Reason.MALFORMED


def _require_presented(claims: Claims) -> None:
    if claims.kind not in PRESENTED:
        raise Refused(Reason.WRONG_CARRIER, "kind in presentation")
    if claims.device_key is None:
        raise Refused(Reason.MALFORMED, "grant without key")


def _parse_payload(payload: bytes) -> Presentation:
    content = cbor.decode(payload)
    if not isinstance(content, dict) or len(content) != 2 + (AUD in content) + (CNONCE in content):
        raise Refused(Reason.MALFORMED, "presentation")
    iat, scenario, aud, cnonce = content.get(IAT), content.get(SCENARIO), content.get(AUD), content.get(CNONCE)
    if not (is_time(iat) and is_whole(scenario, LARGEST_SCENARIO)):
        raise Refused(Reason.MALFORMED, "presentation")
    if AUD in content and not (isinstance(aud, str) and 0 < len(aud) <= LONGEST_AUD):
        raise Refused(Reason.MALFORMED, "aud")
    if CNONCE in content and not (isinstance(cnonce, bytes) and 0 < len(cnonce) <= LONGEST_CNONCE):
        raise Refused(Reason.MALFORMED, "cnonce")
    return Presentation(iat=iat, scenario=scenario, aud=aud, cnonce=cnonce)
