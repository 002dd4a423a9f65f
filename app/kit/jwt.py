"""Signed tokens with every check made every time: `typ`, `iss`, `aud`, time by our own clock, algorithm by key.

PyJWT reads them. Refuses everything but ES256 (RFC 7518, section 3.4), every `crit` header, and keys that come in a
token.
"""

import base64
import functools
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from app.kit.keyring import SigningKey

ALGORITHM = "ES256"
LONGEST_TOKEN = 8192
_SCHEME = ECDSA(SHA256())
_COORDINATE_BYTES = 32
COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
"""A JWS in its compact form (RFC 7515, section 7.1). PyJWT also takes padding, a second spelling of the same token."""


class InvalidToken(Exception):
    """The token is not one of ours for this place and time. The text says why, for the log only."""


def sign_jwt(key: SigningKey, *, typ: str, claims: dict[str, Any]) -> str:
    """A compact JWS over `claims` (RFC 7515, section 3.1), made with `key`; times in them are numbers.

    Two thirds of what PyJWT takes for it: the header is the same each time, and nothing has to be found out first.
    """
    assert isinstance(key.private_key, EllipticCurvePrivateKey)
    signed = _header(key.kid, typ) + b"." + _base64url(msgspec.json.encode(claims))
    r, s = decode_dss_signature(key.private_key.sign(signed, _SCHEME))
    signature = r.to_bytes(_COORDINATE_BYTES, "big") + s.to_bytes(_COORDINATE_BYTES, "big")
    return (signed + b"." + _base64url(signature)).decode()


def verify_jwt(
    token: str,
    *,
    find_key: Callable[[str], EllipticCurvePublicKey | None],
    typ: str,
    issuer: str,
    audience: str,
    now: datetime,
    leeway_seconds: int = 0,
) -> dict[str, Any]:
    """The claims of a valid token; raises `InvalidToken`.

    `exp` and `iat` are required and read against `now`. `aud` must be exactly `audience`, or a list that holds it.
    """
    key = _key_of(token, find_key, typ)
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            audience=audience,
            issuer=issuer,
            options={"verify_exp": False, "verify_iat": False, "verify_nbf": False, "require": ["exp", "iat"]},
        )
    except jwt.PyJWTError as error:
        raise InvalidToken(type(error).__name__) from None
    _refuse_wrong_time(claims, now.timestamp(), leeway_seconds)
    return claims


@functools.lru_cache(maxsize=64)
def _header(kid: str, typ: str) -> bytes:
    return _base64url(msgspec.json.encode({"typ": typ, "alg": ALGORITHM, "kid": kid}))


def _base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _key_of(token: str, find_key: Callable[[str], EllipticCurvePublicKey | None], typ: str) -> EllipticCurvePublicKey:
    if len(token) > LONGEST_TOKEN or not COMPACT.fullmatch(token):
        raise InvalidToken("form")
    try:
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError as error:
        raise InvalidToken(type(error).__name__) from None
    if str(header.get("typ", "")).lower() != typ or header.get("alg") != ALGORITHM or "crit" in header:
        raise InvalidToken("header")
    key = find_key(str(header.get("kid", "")))
    if key is None:
        raise InvalidToken("unknown key")
    return key


def _refuse_wrong_time(claims: dict[str, Any], now: float, leeway: int) -> None:
    times = {name: claims[name] for name in ("exp", "iat", "nbf") if name in claims}
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in times.values()):
        raise InvalidToken("time is not a number")
    if now >= times["exp"] + leeway:
        raise InvalidToken("expired")
    if times["iat"] > now + leeway or times.get("nbf", 0) > now + leeway:
        raise InvalidToken("not yet valid")
