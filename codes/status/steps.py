"""Lets the public see what changed: in numbered steps of some seconds, each filled up with decoys.

A decoy is a place that no code was ever given, marked as the codes beside it are. Whoever compares lists, or reads
steps, cannot tell which of at least 32 places were revoked together, nor when they expire together.
"""

import itertools
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from app.kit.clock import Clock
from app.kit.database import Connection, Database, notify
from app.kit.keyring import Keyring
from app.kit.structs import Model
from codes.errors import ChangesForgotten
from codes.keys import signer_of
from codes.status import step_repository as repository
from codes.status.changes import decoys_for, encode_changes
from codes.status.models import Status, StatusPointer
from codes.status.service import CHANNEL, GRANTS_PER_BATCH, KEY_PURPOSE, Statuses
from codes.status.step_repository import Change
from codes.trust.models import CodeFormat

STEP_EVERY_SECONDS = 10
KEPT_FOR = timedelta(hours=1)
RESERVE_EVERY = timedelta(seconds=30)
RESERVE_LIVES = timedelta(hours=24)
SIGNED_ANEW_AFTER = timedelta(seconds=5)
MOST_DOCUMENTS = 1024


class PublishedChanges(Model):
    """A signed document as it leaves."""

    body: bytes
    until: int
    signed_at: datetime
    kid: str


class StatusSteps:
    """Takes steps and publishes them. With a pull every 30 s a change is at the door within 60 s of its commit."""

    def __init__(
        self, *, database: Database, keyring: Keyring, clock: Clock, statuses: Statuses, code_format: CodeFormat
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._clock = clock
        self._statuses = statuses
        self._code_format = code_format
        self._published: dict[int, PublishedChanges] = {}

    async def take_when_due(self) -> None:
        """Shows every committed change at once; a periodic job that one worker at a time does."""
        async with self._database.transaction() as connection:
            if await repository.lock_steps(connection):
                await self._take(connection, self._clock.now())

    async def publish(self, connection: Connection, after: int) -> PublishedChanges:
        """Every change after step `after`, at most 5 s old; raises `ChangesForgotten`."""
        now = self._clock.now()
        found = self._published.get(after)
        if found is None or now - found.signed_at >= SIGNED_ANEW_AFTER or not self._is_believed(found.kid):
            found = await self._sign(connection, after, now)
            self._remember(after, found)
        return found

    async def _take(self, connection: Connection, now: datetime) -> None:
        await self._reserve(connection, now)
        await repository.delete_old_steps(connection, now - KEPT_FOR)
        changes = await repository.mark_shown(connection)
        if not changes:
            return
        decoys = await self._decoys(connection, changes, now)
        await repository.insert_step(connection, [*changes, *decoys], now)
        await repository.delete_valid(connection)
        for shard in sorted({change.shard for change in [*changes, *decoys]}):
            await notify(connection, CHANNEL, str(shard))

    async def _reserve(self, connection: Connection, now: datetime) -> None:
        """A few places every half minute, so that at any time they lie scattered among the codes of a whole day."""
        last = await repository.find_last_reserved_at(connection)
        if last is None or now - last >= RESERVE_EVERY:
            await repository.insert_reserve(connection, await self._unused(connection, GRANTS_PER_BATCH), now)
            await repository.delete_reserve(connection, now - RESERVE_LIVES)

    async def _unused(self, connection: Connection, count: int) -> list[StatusPointer]:
        batches = await repository.insert_unused_batches(connection, -(-count // GRANTS_PER_BATCH))
        return [place for number in batches for place in self._statuses.pointers_of_batch(number)][:count]

    async def _decoys(self, connection: Connection, changes: Sequence[Change], now: datetime) -> list[Change]:
        """For each sort of change: as many of nobody's places do the same, and are forgotten at the same times."""
        decoys: list[Change] = []
        for (before, status), group in itertools.groupby(sorted(changes, key=_sort_of), key=_sort_of):
            alike = list(group)
            places = await self._places(connection, before, decoys_for(len(alike)))
            decoys += [
                Change(
                    shard=place.shard,
                    index=place.index,
                    before=before,
                    status=status,
                    expires_at=secrets.choice(alike).expires_at,
                )
                for place in places
            ]
        await repository.insert_decoys(connection, [decoy for decoy in decoys if decoy.status], now)
        return decoys

    async def _places(self, connection: Connection, before: Status, count: int) -> list[StatusPointer]:
        """Places of nobody's that the lists call `before`."""
        if before is Status.SUSPENDED:
            return await repository.take_suspended_decoys(connection, count)
        places = await repository.take_reserve(connection, count)
        return places + await self._unused(connection, count - len(places))

    async def _sign(self, connection: Connection, after: int, now: datetime) -> PublishedChanges:
        steps = await repository.get_steps(connection)
        if not steps.first - 1 <= after <= steps.last:
            raise ChangesForgotten
        key = self._keyring.active(KEY_PURPOSE)
        body = encode_changes(
            await repository.list_changes(connection, after, steps.last),
            after=after,
            until=steps.last,
            host=self._code_format.host,
            now=now,
            signer=signer_of(key),
            environment=self._code_format.environment,
        )
        return PublishedChanges(body=body, until=steps.last, signed_at=now, kid=key.kid)

    def _is_believed(self, kid: str) -> bool:
        return self._keyring.find(KEY_PURPOSE, kid) is not None

    def _remember(self, after: int, document: PublishedChanges) -> None:
        """One document for each step that doors stand at: only steps that exist get here, and few are kept."""
        if len(self._published) >= MOST_DOCUMENTS:
            self._published.clear()
        self._published[after] = document


def _sort_of(change: Change) -> tuple[Status, Status]:
    return change.before, change.status
