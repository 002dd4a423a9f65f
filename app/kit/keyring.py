"""Signing keys of the city: made here, sealed in the database, apart by purpose, rotated without a refusal.

A key is `next` (published, does not sign yet), `active` (signs) or `retired` (only verifies, until what it signed has
expired). Private keys leave the database only sealed; this module never prints or exports one.
"""

import base64
import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection, Database, Notifications, notify
from app.kit.structs import Model, convert
from app.kit.vault import Vault

PROFILE_ES256 = 1
CHANNEL = "kit_keyring"
SEAL_PURPOSE = "keyring"
KID_BYTES = 4
PURPOSES = (
    "token",  # access and ID tokens
    "assertion",  # what the gateway tells a department of the caller
    "gateway",  # request signatures towards departments
    "grant",  # personal codes
    "enterprise_code",  # codes of enterprises, places and inspections
    "trust_root",
    "trust_list",
    "status_list",
    "receipt",
    "audit",  # checkpoints
)
# How long a retired key still verifies: as long as the longest-lived thing that it signed, and no longer.
RETIRED_KEYS_LIVE = {
    "token": timedelta(hours=1),
    "assertion": timedelta(hours=1),
    "gateway": timedelta(hours=1),
    "grant": timedelta(days=2),
    "enterprise_code": timedelta(days=740),
    "trust_root": timedelta(days=740),
    "trust_list": timedelta(days=40),
    "status_list": timedelta(days=2),
    "receipt": timedelta(days=3660),
    "audit": timedelta(days=3660),
}
# Two refresh periods of everybody who holds public keys: a key that nobody has read yet must not sign.
ANNOUNCED_FOR = timedelta(minutes=10)


class VerifyKey(Model):
    """The public half, with the time in which it may be believed. `kid` is 8 lower-case hexadecimal characters."""

    kid: str
    purpose: str
    profile: int
    state: str
    not_before: datetime
    not_after: datetime | None
    public_key: Any  # EllipticCurvePublicKey, which msgspec cannot name


class SigningKey(VerifyKey):
    """Both halves. Only the process that signs holds one."""

    private_key: Any  # EllipticCurvePrivateKey


class StoredKey(Model):
    """A row of `kit.signing_key`."""

    kid: str
    purpose: str
    profile: int
    state: str
    private_sealed: bytes
    created_at: datetime
    not_after: datetime | None


class MissingKey(Exception):
    """No key signs for this purpose: `suishen keys` shows what there is."""


class KeyNotAnnounced(Exception):
    """The next key has not been public for long enough; what it signed would be refused."""


def kid_of(public_key: ec.EllipticCurvePublicKey) -> str:
    """The first 4 bytes of SHA-256 over the uncompressed point, in hexadecimal."""
    point = public_key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    return hashlib.sha256(point).digest()[:KID_BYTES].hex()


SELECT_KEYS = """
select kid, purpose, profile, state, private_sealed, created_at, not_after
  from kit.signing_key
 where not_after is null or not_after > $1
 order by purpose, created_at, kid
"""


async def list_keys(connection: Connection, now: datetime) -> list[StoredKey]:
    """Every key that may still sign or verify."""
    return [convert(row, StoredKey) for row in await connection.fetch(SELECT_KEYS, now)]


INSERT_KEY = """
insert into kit.signing_key (kid, purpose, profile, state, private_sealed, created_at, not_after)
values ($1, $2, $3, $4, $5, $6, null)
"""

LOCK_PURPOSES = "select pg_advisory_xact_lock(hashtext('kit.signing_key'))"

MARK_RETIRED = "update kit.signing_key set state = 'retired', not_after = $2 where purpose = $1 and state = 'active'"

MARK_ACTIVE = "update kit.signing_key set state = 'active' where purpose = $1 and state = 'next'"


class Keyring:
    """All usable keys in memory, reloaded when any node changes one.

    Guaranteed: at most one key is active for a purpose; a key is published as `next` before it ever signs.
    """

    def __init__(self, database: Database, vault: Vault, clock: Clock, *, environment: str = "development") -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._environment = environment
        self._keys: dict[str, dict[str, SigningKey]] = {}
        self._changes, self._seen = 1, 0

    def listen(self, notifications: Notifications) -> None:
        """Marks the memory stale whenever a key changed anywhere, or a change may have been missed."""
        notifications.on(CHANNEL, lambda _payload: self._mark_stale())

    def active(self, purpose: str) -> SigningKey:
        """The key that signs for `purpose`; raises `MissingKey`."""
        for key in self._keys.get(purpose, {}).values():
            if key.state == "active":
                return key
        raise MissingKey(purpose)

    def find(self, purpose: str, kid: str) -> VerifyKey | None:
        """The key `kid` of `purpose`, in whatever state, or None."""
        return self._keys.get(purpose, {}).get(kid)

    def all(self, purpose: str) -> list[VerifyKey]:
        """Every key of `purpose` that may be believed now or soon."""
        return list(self._keys.get(purpose, {}).values())

    async def load(self, connection: Connection) -> None:
        """Reads all keys anew and swaps them in one step."""
        seen = self._changes  # taken before the read: a change that is told meanwhile is read again
        keys: dict[str, dict[str, SigningKey]] = {}
        for stored in await list_keys(connection, self._clock.now()):
            keys.setdefault(stored.purpose, {})[stored.kid] = self._open(stored)
        self._keys, self._seen = keys, seen

    async def refresh(self) -> None:
        """Reloads when something changed; a periodic job, and the moment of start."""
        if self._seen == self._changes:
            return
        async with self._database.acquire() as connection:
            await self.load(connection)

    async def ensure(self, connection: Connection, purposes: Iterable[str]) -> None:
        """Makes an active and a next key where there is none. Safe when several nodes start at once."""
        await connection.execute(LOCK_PURPOSES)
        present = {(key.purpose, key.state) for key in await list_keys(connection, self._clock.now())}
        for purpose in purposes:
            for state in ("active", "next"):
                if (purpose, state) not in present:
                    await self._insert(connection, purpose, state)
        await self.load(connection)

    async def rotate(self, connection: Connection, purpose: str, *, force: bool = False) -> None:
        """Active becomes retired, next becomes active, a new next is published; in the caller's transaction.

        Raises `KeyNotAnnounced` while the next key is younger than `ANNOUNCED_FOR`, and always for the root, which
        offline verifiers were given by hand; `force` is for a key that was stolen.

        Memory follows the notification, after the commit: a rotation that rolls back never signs anything.
        """
        now = self._clock.now()
        await connection.execute(LOCK_PURPOSES)
        if not force:
            await self._require_announced(connection, purpose, now)
        await connection.execute(MARK_RETIRED, purpose, now + RETIRED_KEYS_LIVE[purpose])
        await connection.execute(MARK_ACTIVE, purpose)
        await self._insert(connection, purpose, "next")
        await audit.record(
            connection, clock_now=now, actor="system", action="key.rotated", subject=f"key:{purpose}", detail={}
        )
        await notify(connection, CHANNEL, purpose)

    async def _require_announced(self, connection: Connection, purpose: str, now: datetime) -> None:
        if purpose == "trust_root":
            raise KeyNotAnnounced(
                "Every offline verifier was given this root by hand, and would have to be given anew."
            )
        announced = [key for key in await list_keys(connection, now) if (key.purpose, key.state) == (purpose, "next")]
        if any(now - key.created_at < ANNOUNCED_FOR for key in announced):
            raise KeyNotAnnounced(f"The next key of {purpose} is too young: wait until it is {ANNOUNCED_FOR} old.")

    def _mark_stale(self) -> None:
        self._changes += 1

    def _context(self, kid: str, purpose: str) -> bytes:
        return f"{self._environment}:{purpose}:{kid}".encode()

    async def _insert(self, connection: Connection, purpose: str, state: str) -> None:
        private_key = ec.generate_private_key(ec.SECP256R1())
        kid = kid_of(private_key.public_key())
        der = private_key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        sealed = self._vault.seal(SEAL_PURPOSE, der, context=self._context(kid, purpose))
        await connection.execute(INSERT_KEY, kid, purpose, PROFILE_ES256, state, sealed, self._clock.now())

    def _open(self, stored: StoredKey) -> SigningKey:
        der = self._vault.open(SEAL_PURPOSE, stored.private_sealed, context=self._context(stored.kid, stored.purpose))
        private_key = serialization.load_der_private_key(der, password=None)
        assert isinstance(private_key, ec.EllipticCurvePrivateKey)
        return SigningKey(
            kid=stored.kid,
            purpose=stored.purpose,
            profile=stored.profile,
            state=stored.state,
            not_before=stored.created_at,
            not_after=stored.not_after,
            public_key=private_key.public_key(),
            private_key=private_key,
        )


def public_jwk(key: VerifyKey) -> dict[str, str]:
    """The public half as a JSON Web Key (RFC 7517) for signatures."""
    numbers = key.public_key.public_numbers()
    return {
        "kty": "EC",
        "crv": "P-256",
        "x": _coordinate(numbers.x),
        "y": _coordinate(numbers.y),
        "kid": key.kid,
        "alg": "ES256",
        "use": "sig",
    }


def _coordinate(value: int) -> str:
    return base64.urlsafe_b64encode(value.to_bytes(32, "big")).rstrip(b"=").decode()
