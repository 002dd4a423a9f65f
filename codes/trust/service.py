"""Publishes the trust list: a new version when a key or a scenario changes, and often enough that none grows stale.

Versions only rise. Every worker holds the verified list in memory and reads it anew when another version appeared.
"""

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from app.kit.clock import Clock
from app.kit.database import Connection, Database, Notifications, notify
from app.kit.keyring import Keyring, VerifyKey
from app.kit.structs import Model
from codes.envelope.claims import Kind
from codes.keys import signer_of, verifying_key_of
from codes.settings import CodesSettings
from codes.trust import repository
from codes.trust.document import (
    LONGEST_CERTIFICATE,
    TrustList,
    certify_list_key,
    content_of,
    encode_trust_list,
    verify_trust_list,
)
from codes.trust.models import KeyUse, ScenarioPolicy, TrustedKey, VerifiedTrustList
from codes.trust.repository import StoredTrustList

CHANNEL = "codes_trust_list"
ROOT_PURPOSE, LIST_PURPOSE = "trust_root", "trust_list"
OLD_LISTS_STAY = timedelta(days=7)
KINDS_OF_PURPOSE: dict[str, frozenset[int]] = {
    "grant": frozenset({Kind.P, Kind.F}),
    "paper_code": frozenset({Kind.L}),
    "enterprise_code": frozenset({Kind.E, Kind.V, Kind.I}),
    "status_list": frozenset({KeyUse.STATUS_LIST}),
    "receipt": frozenset({KeyUse.RECEIPT}),
}


class PublishedTrustList(Model):
    """The list in force: as it leaves, and ready to verify with."""

    body: bytes
    etag: str
    verified: VerifiedTrustList


class TrustLists:
    """The trust list of this city."""

    def __init__(
        self,
        *,
        database: Database,
        keyring: Keyring,
        clock: Clock,
        policies: Callable[[], Sequence[ScenarioPolicy]],
        settings: CodesSettings,
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._clock = clock
        self._policies = policies
        self._settings = settings
        self._current: PublishedTrustList | None = None
        self._changes, self._loaded_at_change = 0, -1

    def listen(self, notifications: Notifications) -> None:
        """Reads the list anew when a version appeared anywhere, or may have been missed."""
        notifications.on(CHANNEL, lambda _payload: self._note_change())

    def roots(self) -> list[VerifyKey]:
        """The public root keys, which verifiers are given by hand and keep."""
        return self._keyring.all(ROOT_PURPOSE)

    def held(self) -> PublishedTrustList | None:
        """The list in force, if this worker has it in memory."""
        return self._current if self._loaded_at_change == self._changes else None

    async def current(self, connection: Connection) -> PublishedTrustList:
        """The list in force. Publishes the first one in the caller's transaction when there is none yet."""
        changes = self._changes
        if (held := self.held()) is not None:
            return held
        stored = await repository.find_latest(connection)
        if stored is None:
            # Not kept in memory: the caller's transaction may still roll this version back.
            return self._believe(await self._publish_next(connection))
        # Counted before the read: a change that came while reading makes the next call read again.
        self._current, self._loaded_at_change = self._believe(stored), changes
        return self._current

    async def publish_when_due(self) -> None:
        """Adds a version if one is due, and takes the latest into memory; a periodic job of every worker."""
        async with self._database.transaction() as connection:
            await self._publish_if_due(connection)
            await repository.delete_old(connection, self._clock.now() - OLD_LISTS_STAY)
        async with self._database.acquire() as connection:
            await self.current(connection)

    async def _publish_if_due(self, connection: Connection) -> None:
        latest = await repository.find_latest(connection)
        if latest and (self._current is None or latest.version != self._current.verified.version):
            self._note_change()  # also when no notification came through
        if not self._is_due(latest):
            return
        await repository.lock_versions(connection)
        # This worker's keys may be the old ones: read them before believing that the list is what is out of date.
        await self._keyring.load(connection)
        if self._is_due(await repository.find_latest(connection)):
            await self._publish_next(connection)

    def _is_due(self, latest: StoredTrustList | None) -> bool:
        if latest is None or latest.content_digest != self._digest():
            return True
        age = self._clock.now() - latest.issued_at
        return age >= timedelta(seconds=self._settings.trust_list_republish_seconds)

    async def _publish_next(self, connection: Connection) -> StoredTrustList:
        await repository.lock_versions(connection)
        latest = await repository.find_latest(connection)
        now = self._clock.now().replace(microsecond=0)
        life = timedelta(seconds=self._settings.trust_list_life_seconds)
        version = 1 if latest is None else latest.version + 1
        stored = StoredTrustList(
            version=version,
            issued_at=now,
            next_update_at=now + life,
            content_digest=self._digest(),
            body=self._sign(version, now, now + life),
        )
        await repository.insert_trust_list(connection, stored)
        await notify(connection, CHANNEL, str(version))
        self._note_change()
        return stored

    def _sign(self, version: int, now: datetime, next_update_at: datetime) -> bytes:
        environment = self._settings.code_format.environment
        list_key = self._keyring.active(LIST_PURPOSE)
        certificate = certify_list_key(
            verifying_key_of(list_key),
            signer_of(self._keyring.active(ROOT_PURPOSE)),
            environment,
            now=now,
            life=LONGEST_CERTIFICATE,
        )
        trust_list = TrustList(
            version=version,
            issued_at=now,
            next_update_at=next_update_at,
            keys=self._keys(),
            scenarios=tuple(self._policies()),
        )
        return encode_trust_list(trust_list, signer_of(list_key), certificate, environment)

    def _keys(self) -> tuple[TrustedKey, ...]:
        keys = [
            _trusted(key, kinds) for purpose, kinds in KINDS_OF_PURPOSE.items() for key in self._keyring.all(purpose)
        ]
        return tuple(sorted(keys, key=lambda key: key.kid))

    def _digest(self) -> bytes:
        """Of what the list says and who vouches for it: a withdrawn list key or root is not waited out for an hour."""
        vouching = [self._keyring.active(purpose).kid for purpose in (LIST_PURPOSE, ROOT_PURPOSE)]
        return hashlib.sha256(content_of(self._keys(), self._policies()) + "".join(vouching).encode()).digest()

    def _believe(self, stored: StoredTrustList) -> PublishedTrustList:
        last = None if self._current is None else self._current.verified.version
        verified = verify_trust_list(
            stored.body,
            {bytes.fromhex(root.kid): verifying_key_of(root) for root in self.roots()},
            self._settings.code_format.environment,
            now=self._clock.now(),
            last_version=last,
        )
        return PublishedTrustList(body=stored.body, etag=f'"{stored.version}"', verified=verified)

    def _note_change(self) -> None:
        self._changes += 1


def _trusted(key: VerifyKey, kinds: frozenset[int]) -> TrustedKey:
    return TrustedKey(
        kid=bytes.fromhex(key.kid),
        verifying_key=verifying_key_of(key),
        kinds=kinds,
        not_before=int(key.not_before.timestamp()),
        not_after=None if key.not_after is None else int(key.not_after.timestamp()),
        state=key.state,
    )
