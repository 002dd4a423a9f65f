"""A copy of everything for the person it is about: asked for with a fresh sign-in, made in the background, kept a week.

Every room and package adds its part; a part that fails fails the whole, since a copy with a hole would be a lie.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection, Database
from app.kit.errors import RateLimited
from app.kit.ids import new_id
from app.kit.listing import cut
from app.kit.outbox import Outbox
from auth.attempts import Limit, spend_attempt
from auth.errors import IdentityLevelTooLow
from auth.messages.service import Messages
from auth.people.service import People
from auth.principal import Principal
from auth.privacy.exports import repository
from auth.privacy.exports.errors import ExportNotReady, ExportRunning, ExportUnknown
from auth.privacy.exports.models import FORMAT, GIVEN_UP_AFTER, KEPT, Export, ExportFile, ExportView, view_of
from auth.privacy.ports import ExportsPersons
from auth.privacy.repository import list_merged
from auth.settings import DAY_SECONDS
from auth.subject_keys.service import SubjectVault

TOPIC: Final = "privacy.export"
FILE_PURPOSE: Final = "export-file"
MERGED: Final = "merged_accounts"
"""What the same human being did under an account that was merged into theirs stands there, part by part."""
A_DAY: Final = Limit(kind="export", most=3, window_seconds=DAY_SECONDS)


class Exports:
    """Takes requests for copies, makes them, gives them out."""

    def __init__(
        self,
        *,
        database: Database,
        people: People,
        messages: Messages,
        outbox: Outbox,
        subject_vault: SubjectVault,
        clock: Clock,
        parts: Sequence[ExportsPersons],
    ) -> None:
        self._database = database
        self._people = people
        self._messages = messages
        self._outbox = outbox
        self._subject_vault = subject_vault
        self._clock = clock
        self._parts = list(parts)

    def add(self, part: ExportsPersons) -> None:
        """From now on copies have this part too."""
        self._parts.append(part)

    async def request_export(self, connection: Connection, principal: Principal) -> ExportView:
        """A copy that will be made. Raises `IdentityLevelTooLow`, `RateLimited` and `ExportRunning`."""
        await self._require_known(connection, principal)
        now = self._clock.now()
        locked_for = await spend_attempt(connection, A_DAY, principal.subject_id.bytes, now)
        if locked_for is not None:
            raise RateLimited(retry_after=locked_for)  # what was counted before is committed; this one adds nothing
        export = Export(id=new_id(), person_id=principal.subject_id, state="pending", requested_at=now)
        if not await repository.insert_export(connection, export):
            raise ExportRunning
        await self._outbox.enqueue(connection, topic=TOPIC, payload={"export_id": str(export.id)}, now=now)
        await self._messages.write(connection, principal.subject_id, "export_requested", now)
        await self._record(connection, principal.actor, "export.requested", export.person_id, export.id)
        return view_of(export)

    async def list_exports(
        self, connection: Connection, principal: Principal, *, after: UUID | None, limit: int
    ) -> tuple[list[ExportView], UUID | None]:
        """A page of the caller's copies, newest first, and the `after` of the next page."""
        rows = await repository.list_exports(connection, principal.subject_id, after, limit + 1)
        page, following = cut(rows, limit)
        return [view_of(row) for row in page], following

    async def open_file(self, connection: Connection, principal: Principal, export_id: UUID) -> ExportFile:
        """The caller's copy. Raises `IdentityLevelTooLow`, `ExportUnknown` and `ExportNotReady`."""
        await self._require_known(connection, principal)
        person_id = principal.subject_id
        if await repository.find_export(connection, export_id, person_id) is None:
            raise ExportUnknown
        sealed = await repository.find_file(connection, export_id, person_id, self._clock.now())
        if sealed is None:
            raise ExportNotReady
        await self._record(connection, principal.actor, "export.fetched", person_id, export_id)
        opened = await self._subject_vault.open(connection, person_id, FILE_PURPOSE, sealed, context=export_id.bytes)
        return msgspec.json.decode(opened, type=ExportFile)

    async def make(self, payload: dict[str, Any]) -> None:
        """Makes a copy that waits, whole or not at all; the handler of the outbox topic, harmless when repeated."""
        async with self._database.transaction() as connection:
            export = await repository.find_pending_locked(connection, UUID(payload["export_id"]))
            if export is None:
                return
            now = self._clock.now()
            file = await self._collect(connection, export, now)
            sealed = await self._subject_vault.seal(
                connection, export.person_id, FILE_PURPOSE, file, context=export.id.bytes
            )
            await repository.mark_ready(connection, export.id, sealed, now=now, until=now + KEPT)
            await self._messages.write(connection, export.person_id, "export_ready", now)
            await self._record(connection, "system", "export.made", export.person_id, export.id)

    async def forget(self, connection: Connection, now: datetime) -> None:
        """Deletes files whose week is over, gives up on what could not be made; part of a periodic job."""
        await repository.mark_expired(connection, now)
        await repository.mark_failed(connection, now - GIVEN_UP_AFTER)

    async def erase_person(self, connection: Connection, person_id: UUID, _now: datetime) -> None:
        """Nobody fetches a copy of an account that is no more."""
        await repository.delete_exports(connection, person_id)

    async def person_merged(
        self, _connection: Connection, _merged_id: UUID, _kept_id: UUID, _now: datetime
    ) -> Sequence[UUID]:
        """Copies stay with the account that asked for them."""
        return ()

    async def person_unmerged(
        self, connection: Connection, _merged_id: UUID, kept_id: UUID, _moved: Sequence[UUID], _now: datetime
    ) -> None:
        """They were two people: what one of them copied of the other meanwhile is given out no more."""
        await repository.delete_exports(connection, kept_id)

    async def _collect(self, connection: Connection, export: Export, now: datetime) -> bytes:
        parts = await self._parts_of(connection, export.person_id)
        parts[MERGED] = [
            {"id": account_id, "parts": await self._parts_of(connection, account_id)}
            for account_id in await list_merged(connection, export.person_id)
        ]
        return msgspec.json.encode(
            ExportFile(format=FORMAT, id=export.id, person_id=export.person_id, made_at=now, parts=parts)
        )

    async def _parts_of(self, connection: Connection, account_id: UUID) -> dict[str, Any]:
        return {part.export_name: await part.export_person(connection, account_id) for part in self._parts}

    async def _require_known(self, connection: Connection, principal: Principal) -> None:
        if not await self._people.is_known_to(connection, principal):
            level = (await self._people.get_person(connection, principal.subject_id)).identity_level
            raise IdentityLevelTooLow(required_ial=level, ial=principal.ial)

    async def _record(self, connection: Connection, actor: str, action: str, person_id: UUID, export_id: UUID) -> None:
        await audit.record(
            connection,
            clock_now=self._clock.now(),
            actor=actor,
            action=action,
            subject=f"person:{person_id}",
            detail={"export_id": str(export_id)},
        )
