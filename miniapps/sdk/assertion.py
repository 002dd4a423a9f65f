"""The `SSB-Assertion` header: a JWT by which the city says for whom it calls, to one mini-app, for at most a minute.

Refuses every algorithm but ES256, every other `typ`, and every `crit` header.
"""

from collections.abc import Callable
from typing import Any, cast

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from .errors import Refused, UnknownKey

TYP = "ssb-assertion+jwt"
LONGEST_LIFE_SECONDS = 60
LONGEST_TOKEN = 8192
SKEW_SECONDS = 5
# PyJWT would read the machine's clock, and gives no single reason.
_CHECKED_HERE: jwt.types.Options = {
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
    "verify_aud": False,
    "verify_iss": False,
}


def verify_assertion(
    token: str,
    *,
    find_key: Callable[[str], EllipticCurvePublicKey | None],
    issuer: str,
    app_id: str,
    now: float,
) -> dict[str, Any]:
    """The claims of a valid assertion; raises `Refused` with the first reason found."""
    key = _key_of(token, find_key)
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=["ES256"],
            options=_CHECKED_HERE,
        )
    except jwt.InvalidSignatureError:
        raise Refused("assertion-forged") from None
    except jwt.PyJWTError:
        raise Refused("assertion-malformed") from None
    if claims.get("iss") != issuer:
        raise Refused("assertion-issuer")
    if claims.get("aud") not in (app_id, [app_id]):
        raise Refused("assertion-audience")
    if not all(isinstance(claims.get(name), str) and claims[name] for name in ("sub", "jti")):
        raise Refused("assertion-malformed")
    _refuse_time(claims, now)
    return claims


def _key_of(token: str, find_key: Callable[[str], EllipticCurvePublicKey | None]) -> EllipticCurvePublicKey:
    if len(token) > LONGEST_TOKEN:
        raise Refused("assertion-malformed")
    try:
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError:
        raise Refused("assertion-malformed") from None
    if str(header.get("typ")).lower() != TYP or header.get("alg") != "ES256" or "crit" in header:
        raise Refused("assertion-malformed")
    key = find_key(str(header.get("kid")))
    if key is None:
        raise UnknownKey("assertion-key-unknown")
    return key


def _refuse_time(claims: dict[str, Any], now: float) -> None:
    times = [claims.get(name) for name in ("iat", "exp")]
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in times):
        raise Refused("assertion-malformed")
    issued_at, expires_at = cast("list[float]", times)
    if expires_at - issued_at > LONGEST_LIFE_SECONDS:
        raise Refused("assertion-too-long")
    if issued_at > now + SKEW_SECONDS:
        raise Refused("assertion-not-yet")
    if expires_at <= now - SKEW_SECONDS:
        raise Refused("assertion-expired")
