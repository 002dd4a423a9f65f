"""The city's public keys: a JSON Web Key Set (RFC 7517), kept in memory, read again when a new key shows up.

Refuses redirects, oversized documents and every key that is not a P-256 signature key of a named purpose. A key is
found for its own purpose only: what makes assertions signs no requests, and the other way about.
"""

import base64
import binascii
import http.client
import json
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeAlias
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec

from .errors import KeysUnavailable

LONGEST_DOCUMENT = 64 * 1024
COORDINATE_BYTES = 32
WELL_KNOWN = "/.well-known/ssb-jwks"
PURPOSE = "ssb_purpose"
ASSERTION = "assertion"
GATEWAY = "gateway"

KeySet: TypeAlias = Mapping[tuple[str, str], ec.EllipticCurvePublicKey]
"""Keys by purpose and name."""


class Keys(Protocol):
    """Where public keys come from."""

    def find(self, purpose: str, kid: str) -> ec.EllipticCurvePublicKey | None:
        """The key by that name for `ASSERTION` or `GATEWAY`, or None. Asks nobody."""
        ...

    def is_fresh(self) -> bool:
        """Whether what is in memory may be used without asking again."""
        ...

    def refresh(self) -> bool:
        """Asks again; True when it did. May block; raises `KeysUnavailable` when there is nothing to fall back on."""
        ...


class Jwks:
    """A set that never changes: for tests, and for keys handed over by hand."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._keys = read_jwks(document)

    def find(self, purpose: str, kid: str) -> ec.EllipticCurvePublicKey | None:
        """The key by that name for that purpose, or None."""
        return self._keys.get((purpose, kid))

    def is_fresh(self) -> bool:
        """Always."""
        return True

    def refresh(self) -> bool:
        """There is nobody to ask."""
        return False


class JwksUrl:
    """The set that a city publishes. Safe to share between threads.

    Read again after `fresh_seconds`, and earlier for an unknown key, but never more often than every
    `patience_seconds`: forged key names must not make us hammer the city. While the city is away, keys read before
    go on being believed for `stale_seconds`.
    """

    def __init__(
        self,
        url: str,
        *,
        fetch: Callable[[str], bytes] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        fresh_seconds: float = 300,
        patience_seconds: float = 2,
        retry_seconds: float = 10,
        stale_seconds: float = 24 * 3600,
    ) -> None:
        self._url = url
        self._fetch = fetch or fetch_document
        self._monotonic = monotonic
        self._fresh_seconds = fresh_seconds
        self._patience_seconds = patience_seconds
        self._retry_seconds = retry_seconds
        self._stale_seconds = stale_seconds
        self._keys: KeySet = {}
        self._read_at = float("-inf")
        self._asked_at = float("-inf")
        self._lock = threading.Lock()

    def find(self, purpose: str, kid: str) -> ec.EllipticCurvePublicKey | None:
        """The key by that name for that purpose, as far as is known, or None."""
        return self._keys.get((purpose, kid)) if self._monotonic() - self._read_at <= self._stale_seconds else None

    def is_fresh(self) -> bool:
        """Whether the last reading is recent enough, or a newer one was tried a moment ago."""
        now = self._monotonic()
        tried = bool(self._keys) and now - self._asked_at <= self._retry_seconds
        return tried or now - self._read_at <= self._fresh_seconds

    def refresh(self) -> bool:
        """Reads the set again, unless that was tried a moment ago; True when the set is newer than the call."""
        called_at = self._monotonic()
        with self._lock:
            now = self._monotonic()
            if self._read_at >= called_at:
                return True
            if now - self._asked_at < self._patience_seconds:
                return False
            self._asked_at = now
            try:
                self._keys = read_jwks(json.loads(self._fetch(self._url)))
            except (OSError, http.client.HTTPException, ValueError) as error:
                if now - self._read_at > self._stale_seconds:
                    raise KeysUnavailable(type(error).__name__) from None
                return False
            self._read_at = now
            return True


def read_jwks(document: Any) -> KeySet:
    """Every usable key of a set. Keys of other kinds or purposes are passed over; a broken document is a `ValueError`.

    A key that does not say what it is for is for nothing.
    """
    entries = document.get("keys") if isinstance(document, Mapping) else None
    if not isinstance(entries, list):
        raise ValueError("Not a JSON Web Key Set.")  # noqa: TRY004 - a broken document is one kind of error
    return {(entry[PURPOSE], entry["kid"]): _public_key(entry) for entry in entries if _is_usable(entry)}


def fetch_document(url: str) -> bytes:
    """The body behind `url`, at most 64 KiB, within 3 seconds, following nothing."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "https":
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            host, parts.port, timeout=3, context=ssl.create_default_context()
        )
    elif parts.scheme == "http":
        connection = http.client.HTTPConnection(host, parts.port, timeout=3)
    else:
        raise ValueError("Keys are read over http or https.")
    try:
        connection.request("GET", parts.path or "/", headers={"Accept": "application/json"})
        response = connection.getresponse()
        body = response.read(LONGEST_DOCUMENT + 1)
    finally:
        connection.close()
    if response.status != http.client.OK or len(body) > LONGEST_DOCUMENT:
        raise ValueError("The key set did not come.")
    return body


def _is_usable(entry: Any) -> bool:
    return (
        isinstance(entry, Mapping)
        and isinstance(entry.get("kid"), str)
        and entry.get(PURPOSE) in (ASSERTION, GATEWAY)
        and (entry.get("kty"), entry.get("crv")) == ("EC", "P-256")
        and entry.get("use", "sig") == "sig"
        and entry.get("alg", "ES256") == "ES256"
    )


def _public_key(entry: Mapping[str, Any]) -> ec.EllipticCurvePublicKey:
    x, y = _coordinate(entry.get("x")), _coordinate(entry.get("y"))
    return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()


def _coordinate(text: Any) -> int:
    if not isinstance(text, str):
        raise ValueError("A key has no point.")  # noqa: TRY004 - a broken document is one kind of error
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        raise ValueError("A key's point is not base64url.") from None
    if len(raw) != COORDINATE_BYTES:
        raise ValueError("A key's point has the wrong size.")
    return int.from_bytes(raw, "big")
