"""Keys that a client publishes at its `jwks_uri`: what is read there, and how long it is believed.

Pure. Takes public P-256 signing keys with a name (RFC 7517) and nothing else; a document with one wrong thing in it is
no document.
"""

from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from app.kit.structs import Model
from auth.keys import ProofInvalid, PublicJwk, public_key_of

FRESH: Final = timedelta(minutes=5)
"""What is older is asked for anew while it is used: a key that was taken away is good for so long, and one use."""
KEPT: Final = timedelta(days=1)
"""How long a client may sign in while its own address does not answer."""
ASK_AT_MOST_EVERY: Final = timedelta(seconds=10)
"""However many assertions name a key that nobody knows."""
LARGEST: Final = 64 * 1024
MOST_KEYS: Final = 16
LONGEST_NAME: Final = 64


class KeysUnreadable(Exception):
    """What stands at the address is no set of keys for us. The text names the fault, never the content."""


class StoredKeys(Model):
    """The keys of one client, by `kid`, as they were found at `jwks_uri`."""

    jwks_uri: str
    keys: dict[str, PublicJwk]
    asked_at: datetime
    fetched_at: datetime | None = None

    def usable(self, jwks_uri: str, now: datetime) -> dict[str, PublicJwk]:
        """Those that may be believed: of this very address, and not too old."""
        kept = self.fetched_at is not None and now - self.fetched_at <= KEPT
        return self.keys if kept and self.jwks_uri == jwks_uri else {}

    def is_fresh(self, jwks_uri: str, now: datetime) -> bool:
        """Whether there is no need to ask again."""
        return self.jwks_uri == jwks_uri and self.fetched_at is not None and now - self.fetched_at <= FRESH


class _Document(msgspec.Struct):
    keys: list[dict[str, Any]]


def read_keys(document: bytes) -> dict[str, PublicJwk]:
    """The signing keys of a JSON Web Key Set, by `kid`; raises `KeysUnreadable`.

    Keys of other kinds are for others and are passed over (RFC 7517, section 5); a private key is never passed over.
    """
    try:
        listed = msgspec.json.decode(document, type=_Document).keys
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise KeysUnreadable("not a key set") from None
    if len(listed) > MOST_KEYS:
        raise KeysUnreadable("too many keys")
    if any("d" in key or "k" in key for key in listed):
        raise KeysUnreadable("a secret key")
    keys = [_key_of(key) for key in listed if _is_for_signing(key)]
    named = {key.kid: key for key in keys if key.kid is not None}
    if len(named) != len(keys):
        raise KeysUnreadable("a name that is missing or stands twice")
    return named


def _is_for_signing(key: dict[str, Any]) -> bool:
    return (
        key.get("kty") == "EC"
        and key.get("crv") == "P-256"
        and key.get("use", "sig") == "sig"
        and key.get("alg", "ES256") == "ES256"
    )


def _key_of(key: dict[str, Any]) -> PublicJwk:
    try:
        found = msgspec.convert({name: key.get(name) for name in ("kty", "crv", "x", "y", "kid")}, PublicJwk)
        public_key_of(found)
    except (msgspec.ValidationError, ProofInvalid):
        raise KeysUnreadable("not a key") from None
    if found.kid is not None and not 1 <= len(found.kid) <= LONGEST_NAME:
        raise KeysUnreadable("a name that is missing or too long")
    return found
