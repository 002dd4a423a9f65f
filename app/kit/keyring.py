"""Signing keys of the city: made here, sealed in the database, apart by purpose, rotated without a refusal.

A key is `next` (published, does not sign yet), `active` (signs) or `retired` (only verifies, until what it signed has
expired). Private keys leave the database only sealed; this module never prints or exports one.
"""

import base64
import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection, Database, Notifications, notify
from app.kit.structs import Model, convert
from app.kit.vault import Vault

PROFILE_ES256, PROFILE_ED25519 = 1, 2
CHANNEL = "kit_keyring"
SEAL_PURPOSE = "keyring"
KID_BYTES = 4
PURPOSES = (
    "token",  # access and ID tokens
    "upstream_client",  # by which the city proves itself to the national identity provider
    "assertion",  # what the gateway tells a department of the caller
    "gateway",  # request signatures towards departments
    "sandbox_assertion",  # the same two, of citizens who do not exist, towards test servers
    "sandbox_gateway",
    "grant",  # personal and family codes
    "paper_code",  # codes on paper, which live for months
    "enterprise_code",  # codes of enterprises, places and inspections
    "trust_root",
    "trust_list",
    "status_list",
    "receipt",
    "audit",  # checkpoints
)
# These are found by their id in the signed trust list, which names the profile of each; all others are ES256 for good.
ANY_PROFILE = frozenset({"grant", "paper_code", "enterprise_code", "status_list", "receipt"})
# How long a retired key still verifies: as long as the longest-lived thing that it signed, and no longer.
RETIRED_KEYS_LIVE = {
    "token": timedelta(hours=1),
    "upstream_client": timedelta(hours=1),
    "assertion": timedelta(hours=1),
    "gateway": timedelta(hours=1),
    "sandbox_assertion": timedelta(hours=1),
    "sandbox_gateway": timedelta(hours=1),
    "grant": timedelta(days=2),
    "paper_code": timedelta(days=182),
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
    public_key: Any  # of the profile's kind, which msgspec cannot name


class SigningKey(VerifyKey):
    """Both halves. Only the process that signs holds one."""

    private_key: Any


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


class KeyUnknown(Exception):
    """No key of this purpose has this id, or it is believed no more anyhow."""


class ProfileNotForPurpose(Exception):
    """Whoever checks what is signed for this purpose speaks ES256 and nothing else."""


PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | Ed25519PrivateKey
PublicKey: TypeAlias = ec.EllipticCurvePublicKey | Ed25519PublicKey


def new_private_key(profile: int) -> PrivateKey:
    """A fresh key of a profile."""
    return Ed25519PrivateKey.generate() if profile == PROFILE_ED25519 else ec.generate_private_key(ec.SECP256R1())


def kid_of(public_key: PublicKey) -> str:
    """The first 4 bytes of SHA-256 over the key (P-256: the uncompressed point), in hexadecimal."""
    if isinstance(public_key, Ed25519PublicKey):
        data = public_key.public_bytes_raw()
    else:
        data = public_key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    return hashlib.sha256(data).digest()[:KID_BYTES].hex()


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

MARK_WITHDRAWN = "update kit.signing_key set state = 'retired', not_after = $3 where purpose = $1 and kid = $2"

DELETE_NEXT = "delete from kit.signing_key where purpose = $1 and state = 'next'"

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
                    await self._insert(connection, purpose, state, PROFILE_ES256)
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
        await self._let_next_sign(connection, purpose, now)
        await self._tell(connection, "key.rotated", purpose, {}, now)

    async def announce(self, connection: Connection, purpose: str, profile: int) -> None:
        """Publishes another next key, of this profile, instead of the present one, which never signed anything.

        The next rotation changes the algorithm: after `ANNOUNCED_FOR`, as always. Raises `ProfileNotForPurpose`.
        """
        if profile != PROFILE_ES256 and purpose not in ANY_PROFILE:
            raise ProfileNotForPurpose(f"What is signed for {purpose} is checked as ES256 and nothing else.")
        await connection.execute(LOCK_PURPOSES)
        await connection.execute(DELETE_NEXT, purpose)
        await self._insert(connection, purpose, "next", profile)
        await self._tell(connection, "key.announced", purpose, {"profile": profile}, self._clock.now())

    async def withdraw(self, connection: Connection, purpose: str, kid: str) -> None:
        """Believes nothing more that this key signed, from now on; if it was active, the next one signs at once.

        Raises `KeyUnknown`. For a key that was stolen: unlike a retired one it verifies nothing, not even of yesterday.
        """
        now = self._clock.now()
        await connection.execute(LOCK_PURPOSES)
        found = [key for key in await list_keys(connection, now) if (key.purpose, key.kid) == (purpose, kid)]
        if not found:
            raise KeyUnknown(f"No key of {purpose} has the id {kid}, or it is believed no more: see suishen keys list.")
        await connection.execute(MARK_WITHDRAWN, purpose, kid, now)
        if found[0].state == "active":
            await self._let_next_sign(connection, purpose, now)
        elif found[0].state == "next":
            await self._insert(connection, purpose, "next", found[0].profile)
        await self._tell(connection, "key.withdrawn", purpose, {"kid": kid}, now)

    async def _let_next_sign(self, connection: Connection, purpose: str, now: datetime) -> None:
        stored = await list_keys(connection, now)
        profile = next(key.profile for key in stored if (key.purpose, key.state) == (purpose, "next"))
        await connection.execute(MARK_ACTIVE, purpose)
        await self._insert(connection, purpose, "next", profile)

    async def _tell(
        self, connection: Connection, action: str, purpose: str, detail: dict[str, Any], now: datetime
    ) -> None:
        await audit.record(
            connection, clock_now=now, actor="system", action=action, subject=f"key:{purpose}", detail=detail
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

    async def _insert(self, connection: Connection, purpose: str, state: str, profile: int) -> None:
        private_key = new_private_key(profile)
        kid = kid_of(private_key.public_key())
        der = private_key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        sealed = self._vault.seal(SEAL_PURPOSE, der, context=self._context(kid, purpose))
        await connection.execute(INSERT_KEY, kid, purpose, profile, state, sealed, self._clock.now())

    def _open(self, stored: StoredKey) -> SigningKey:
        der = self._vault.open(SEAL_PURPOSE, stored.private_sealed, context=self._context(stored.kid, stored.purpose))
        private_key = serialization.load_der_private_key(der, password=None)
        assert isinstance(private_key, PrivateKey)
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
