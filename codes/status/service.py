"""Status lists as the public pulls them, and the two ways to change one: void a code, or suspend and restore it.

A change counts online from its commit; the lists show it with the next step (see `steps`). Every worker keeps the
signed list of a shard for a moment and drops it as soon as any node takes a step. While it cannot hear of steps it
keeps no list for longer than a second.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from app.kit.clock import Clock
from app.kit.database import Connection, Database, Notifications
from app.kit.keyring import Keyring
from app.kit.structs import Model
from codes.envelope.claims import LARGEST_SHARD
from codes.errors import ShardUnknown
from codes.keys import signer_of
from codes.status import repository, step_repository
from codes.status.models import TTL_SECONDS, Status, StatusPointer, encode_status_list, pack
from codes.status.slots import Family, Slots, shards_until
from codes.trust.models import CodeFormat

CHANNEL = "codes_status"
KEY_PURPOSE = "status_list"
GRANTS_PER_BATCH = 8
FRESH_FOR = timedelta(seconds=TTL_SECONDS / 2)
HEARD_WITHIN_SECONDS = 1.0
UNHEARD_FRESH_FOR = timedelta(seconds=HEARD_WITHIN_SECONDS)
EXPIRED_STAY = timedelta(days=4)
"""Logs of offline scans come up to three days late, and are held against what was void then."""


class PublishedStatusList(Model):
    """A signed list as it leaves."""

    shard: int
    body: bytes
    etag: str
    signed_at: datetime
    kid: str


class Statuses:
    """The status of every code. A step is in the lists of every worker within a second of its commit."""

    def __init__(
        self, *, database: Database, keyring: Keyring, clock: Clock, slots: Slots, code_format: CodeFormat
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._clock = clock
        self._notifications: Notifications | None = None
        self._slots = slots
        self._code_format = code_format
        self._published: dict[int, PublishedStatusList] = {}
        self._shards: tuple[datetime, list[int]] | None = None
        self._changes = 0

    def listen(self, notifications: Notifications) -> None:
        """Forgets signed lists when a shard changed anywhere, and the shards in use when a change may be missed."""
        notifications.on(CHANNEL, self._forget)
        self._notifications = notifications

    def pointers_of_batch(self, number: int, count: int = GRANTS_PER_BATCH) -> list[StatusPointer]:
        """Where the statuses of a batch of grants stand; computed, never stored."""
        return self._slots.pointers(Family.GRANT, number * GRANTS_PER_BATCH, count)

    async def draw(self, connection: Connection) -> StatusPointer:
        """A place of its own for a code that lives for months."""
        slot = await repository.insert_static_slot(connection)
        return self._slots.pointers(Family.STATIC, slot, 1)[0]

    async def revoke(
        self, connection: Connection, pointers: Sequence[StatusPointer], *, expires_at: datetime, now: datetime
    ) -> None:
        """Voids codes for good, in the caller's transaction."""
        await repository.insert_status(connection, pointers, Status.INVALID, expires_at, now)

    async def suspend(
        self, connection: Connection, pointers: Sequence[StatusPointer], *, expires_at: datetime, now: datetime
    ) -> None:
        """Takes codes out until they are restored; those that are void stay void."""
        await repository.insert_status(connection, pointers, Status.SUSPENDED, expires_at, now)

    async def restore(self, connection: Connection, pointer: StatusPointer) -> bool:
        """Makes a suspended code valid again; False when it was not suspended."""
        return await repository.mark_restored(connection, pointer, self._clock.now())

    async def find_status(self, connection: Connection, pointer: StatusPointer) -> Status:
        """The truth of this moment, from the database."""
        return await repository.find_status(connection, pointer)

    async def find_status_at(self, connection: Connection, pointer: StatusPointer, moment: datetime) -> Status | None:
        """What it was at `moment`; None when it never changed."""
        return await repository.find_status_at(connection, pointer, moment)

    async def list_shards(self, connection: Connection) -> list[int]:
        """The shards in which any code in use may have its status, as of at most 150 s ago."""
        now = self._clock.now()
        if self._shards is None or now - self._shards[0] > FRESH_FOR:
            self._shards = (now, await self._read_shards(connection, now))
        return self._shards[1]

    async def publish(self, connection: Connection, shard: int) -> PublishedStatusList:
        """The signed list of a shard, at most 150 s old, with every step of more than a second ago.

        Raises `ShardUnknown`.
        """
        now = self._clock.now()
        found = self._published.get(shard)
        if found is not None and now - found.signed_at < self._fresh_for() and self._is_believed(found.kid):
            return found
        if not 0 <= shard <= LARGEST_SHARD or shard not in await self._known_shards(connection, shard):
            raise ShardUnknown
        return await self._sign(connection, shard, now)

    async def forget_expired(self) -> None:
        """Deletes the statuses of codes that have ended; a periodic job."""
        async with self._database.acquire() as connection:
            await repository.delete_expired(connection, self._clock.now() - EXPIRED_STAY)

    def _is_believed(self, kid: str) -> bool:
        """A list under a key that was withdrawn is worth nothing, however young it is."""
        return self._keyring.find(KEY_PURPOSE, kid) is not None

    def _fresh_for(self) -> timedelta:
        """Memory counts as long as a step would have been heard of."""
        heard = self._notifications is not None and self._notifications.healthy_within(HEARD_WITHIN_SECONDS)
        return FRESH_FOR if heard else UNHEARD_FRESH_FOR

    async def _known_shards(self, connection: Connection, shard: int) -> list[int]:
        """Reads again when `shard` is not among the ones remembered: a new block may just have begun."""
        known = await self.list_shards(connection)
        if shard not in known:
            self._shards = None
            known = await self.list_shards(connection)
        return known

    async def _read_shards(self, connection: Connection, now: datetime) -> list[int]:
        used = await repository.get_slots_in_use(connection, now)
        last = used.last_batch
        first = last if used.first_batch is None else used.first_batch
        grants = shards_until(Family.GRANT, first * GRANTS_PER_BATCH, (last + 1) * GRANTS_PER_BATCH - 1)
        static = [] if used.last_static is None else shards_until(Family.STATIC, 0, used.last_static)
        return sorted(grants + static)

    async def _sign(self, connection: Connection, shard: int, now: datetime) -> PublishedStatusList:
        changes = self._changes
        step = (await step_repository.get_steps(connection)).last  # read first: the entries may be newer, never older
        packed = pack(await repository.list_shown(connection, shard))
        key = self._keyring.active(KEY_PURPOSE)
        body = encode_status_list(
            packed,
            shard=shard,
            host=self._code_format.host,
            now=now,
            signer=signer_of(key),
            environment=self._code_format.environment,
            step=step,
        )
        etag = f'"{hashlib.sha256(body).hexdigest()[:24]}"'
        published = PublishedStatusList(shard=shard, body=body, etag=etag, signed_at=now, kid=key.kid)
        if changes == self._changes:  # else a step was taken while these entries were read
            self._published[shard] = published
        return published

    def _forget(self, payload: str | None) -> None:
        self._changes += 1
        if payload is None:
            self._published.clear()
            self._shards = None
        else:
            self._published.pop(int(payload), None)
