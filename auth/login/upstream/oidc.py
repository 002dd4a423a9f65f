"""What OpenID Connect asks of a client before it believes its provider: discovery, the answer, the ID token.

Pure. One provider is trusted by name; whatever comes from another, or is not exactly as asked for, is refused.
"""

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import msgspec

from app.kit.jwt import ALGORITHM
from app.kit.structs import Model
from auth.assurance import KEY, levels_of
from auth.documents import birth_date_of, document_number_is_valid, normalize_document_number, normalize_name
from auth.keys import ProofInvalid, is_numeric_date, read_unverified
from auth.login.upstream.keys import ALGORITHMS, ProviderKey, verify_token
from auth.people.models import NAME_CHECKED, Identity

SCOPE: Final = "openid identity"
"""`identity` asks for `name`, `document_type` and `document_number` in the ID token."""
MAX_AGE_SECONDS: Final = 300
"""The citizen proves themself now; an old session at the provider opens nothing here."""
CLOCKS_DIFFER_SECONDS: Final = 10
TYPES: Final = frozenset({"jwt", ""})
LONGEST_SUB: Final = 255
HIGHEST_AAL: Final = KEY
"""The third level is a key of the person's own that the city itself saw verified."""
_LOCAL: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_STATED: Final = re.compile(r"[\x21-\x7e]{1,2048}", re.ASCII)


class NotAsAsked(Exception):
    """What the provider said is not to be believed. The text names the part, never its content."""


class Metadata(Model):
    """What is needed of the provider's own description (OpenID Connect Discovery 1.0, RFC 8414, RFC 9126)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    pushed_authorization_request_endpoint: str
    code_challenge_methods_supported: tuple[str, ...]
    token_endpoint_auth_methods_supported: tuple[str, ...]
    id_token_signing_alg_values_supported: tuple[str, ...]
    authorization_response_iss_parameter_supported: bool
    token_endpoint_auth_signing_alg_values_supported: tuple[str, ...] = (ALGORITHM,)
    served_by: str = ""
    """Stand-ins say here that they are one."""


class NationalRequest(Model):
    """One way to the national provider and back."""

    redirect_uri: str
    state: str
    nonce: str
    verifier: str


class Asked(Model):
    """What was asked for in one attempt, and must come back."""

    issuer: str
    client_id: str
    nonce: str


class Told(Model):
    """What a believed ID token says."""

    sub: str
    ial: int
    aal: int
    identity: Identity | None


class _Claims(msgspec.Struct):
    iss: str
    sub: str
    aud: str | list[str]
    nonce: str
    exp: Any
    iat: Any
    auth_time: Any
    acr: str
    azp: str | None = None
    name: str | None = None
    document_type: str | None = None
    document_number: str | None = None


def read_metadata(document: bytes, issuer: str, *, production: bool) -> Metadata:
    """The description that stands at the issuer's own address; raises `NotAsAsked`.

    A provider without PAR, S256, `private_key_jwt`, a signature of FAPI 2.0 or `iss` in its answers is none for us:
    each of them closes an attack (RFC 9700, sections 2.1, 4.4 and 4.5). The city itself signs with ES256.
    """
    try:
        found = msgspec.json.decode(document, type=Metadata)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise NotAsAsked("metadata") from None
    if found.issuer != issuer:
        raise NotAsAsked("issuer")
    wanted = (
        ("S256", found.code_challenge_methods_supported),
        ("private_key_jwt", found.token_endpoint_auth_methods_supported),
        (ALGORITHM, found.token_endpoint_auth_signing_alg_values_supported),
    )
    signs = set(found.id_token_signing_alg_values_supported)
    if any(value not in offered for value, offered in wanted) or signs.isdisjoint(ALGORITHMS.values()):
        raise NotAsAsked("abilities")
    if not found.authorization_response_iss_parameter_supported:
        raise NotAsAsked("iss")
    if production and found.served_by:
        raise NotAsAsked("stand-in")
    for endpoint in (
        found.authorization_endpoint,
        found.token_endpoint,
        found.jwks_uri,
        found.pushed_authorization_request_endpoint,
    ):
        _refuse_open_address(endpoint, production=production)
    return found


def address_of_metadata(issuer: str) -> str:
    """Where the description stands (OpenID Connect Discovery 1.0, section 4)."""
    return f"{issuer.rstrip('/')}/.well-known/openid-configuration"


def _refuse_open_address(url: str, *, production: bool) -> None:
    parts = urlsplit(url)
    local = parts.scheme == "http" and parts.hostname in _LOCAL and not production
    if not (parts.scheme == "https" or local) or not parts.hostname or parts.username or parts.fragment:
        raise NotAsAsked("endpoint")


def pushed_form(request: NationalRequest, client_id: str, acr_values: Iterable[str]) -> dict[str, str]:
    """What is pushed (RFC 9126, section 2.1)."""
    return {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": request.redirect_uri,
        "scope": SCOPE,
        "state": request.state,
        "nonce": request.nonce,
        "code_challenge": challenge_of(request.verifier),
        "code_challenge_method": "S256",
        "max_age": str(MAX_AGE_SECONDS),
        "acr_values": " ".join(acr_values),
    }


def challenge_of(verifier: str) -> str:
    """Of a verifier (RFC 7636, section 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def leading_to(endpoint: str, *, client_id: str, request_uri: str) -> str:
    """The address to which the citizen goes; everything that was asked stands behind `request_uri`."""
    separator = "&" if urlsplit(endpoint).query else "?"
    return f"{endpoint}{separator}{urlencode({'client_id': client_id, 'request_uri': request_uri})}"


def code_in(*, code: str, iss: str, error: str, issuer: str) -> str:
    """The code of an answer that is this provider's; raises `NotAsAsked`.

    `iss` is demanded (RFC 9207, section 2.4): without it another provider's code could be carried here.
    """
    if iss != issuer:
        raise NotAsAsked("iss")
    if error or not _STATED.fullmatch(code):
        raise NotAsAsked("code")
    return code


def read_id_token(
    token: str, keys: Mapping[str, ProviderKey], asked: Asked, levels: Mapping[str, str], now: datetime
) -> Told:
    """What an ID token says, after every check of OpenID Connect Core, section 3.1.3.7; raises `NotAsAsked`.

    Its `acr` must be one that the city has a level for: a way in whose strength nobody knows opens nothing.
    """
    try:
        unverified = read_unverified(token)
        typ = str(unverified.header.get("typ", "")).lower()
        key = keys.get(str(unverified.header.get("kid", "")))
        if typ not in TYPES or key is None:
            raise NotAsAsked("key")
        claims = msgspec.convert(verify_token(unverified, key, typ=typ), _Claims)
    except (ProofInvalid, msgspec.ValidationError):
        raise NotAsAsked("token") from None
    _refuse_others(claims, asked)
    _refuse_other_times(claims, now.timestamp())
    found = levels_of(levels.get(claims.acr, ""))
    if found is None:
        raise NotAsAsked("acr")
    identity = _identity_in(claims) if found[0] >= NAME_CHECKED else None  # else anybody could type anybody's there
    return Told(sub=claims.sub, ial=found[0], aal=min(found[1], HIGHEST_AAL), identity=identity)


def kid_of_token(token: str) -> str:
    """By which key a token says it is signed; raises `NotAsAsked`. Good for finding the key, no more."""
    try:
        return str(read_unverified(token).header.get("kid", ""))
    except ProofInvalid:
        raise NotAsAsked("token") from None


def _refuse_others(claims: _Claims, asked: Asked) -> None:
    audience = [claims.aud] if isinstance(claims.aud, str) else claims.aud
    if claims.iss != asked.issuer:
        raise NotAsAsked("issuer")
    if audience != [asked.client_id] or claims.azp not in {None, asked.client_id}:
        raise NotAsAsked("audience")
    if claims.nonce != asked.nonce:
        raise NotAsAsked("nonce")
    if not 1 <= len(claims.sub) <= LONGEST_SUB or not claims.sub.isascii() or not claims.sub.isprintable():
        raise NotAsAsked("sub")


def _refuse_other_times(claims: _Claims, now: float) -> None:
    times = (claims.exp, claims.iat, claims.auth_time)
    if not all(is_numeric_date(value) for value in times):
        raise NotAsAsked("time")
    if now >= claims.exp + CLOCKS_DIFFER_SECONDS or claims.iat > now + CLOCKS_DIFFER_SECONDS:
        raise NotAsAsked("expired")
    if not now - MAX_AGE_SECONDS - CLOCKS_DIFFER_SECONDS <= claims.auth_time <= now + CLOCKS_DIFFER_SECONDS:
        raise NotAsAsked("auth_time")


def _identity_in(claims: _Claims) -> Identity | None:
    """The document that was told; None when it was not. What is told in part, or out of form, is refused."""
    parts = (claims.name, claims.document_type, claims.document_number)
    if not any(parts):
        return None
    identity = identity_told(*(part or "" for part in parts))
    if identity is None:
        raise NotAsAsked("document")
    return identity


def identity_told(name: str, document_type: str, document_number: str) -> Identity | None:
    """A document in the one form in which the city compares them; None when it is none."""
    normalized, number = normalize_name(name), normalize_document_number(document_number)
    try:
        identity = msgspec.convert(
            {"name": normalized, "document_type": document_type, "document_number": number}, Identity
        )
    except msgspec.ValidationError:
        return None
    if not document_number_is_valid(identity.document_type, number):
        return None
    return msgspec.structs.replace(identity, birth_date=birth_date_of(identity.document_type, number))
