"""The fast lane: a registration that a law asks for while something lasts, and that is gone afterwards.

Begins with a review on a short clock, ends by its date at the latest 180 days later, goes on only when two people say
so, and is over when the department has signed that it deleted everything. Never becomes permanent.
"""

from datetime import UTC, datetime
from typing import Final

import msgspec

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection, Database
from app.kit.ids import new_id
from app.kit.structs import Text
from auth.principal import Principal
from miniapps.errors import (
    DeletionNotDue,
    EmergencyFixed,
    EmergencyTooLong,
    EmergencyUnknown,
    ExtensionUnknown,
    ExtensionWaits,
    ReceiptInvalid,
    SelfDecision,
)
from miniapps.lifecycle import repository
from miniapps.lifecycle.models import (
    DELETION_TYP,
    LONGEST_EMERGENCY,
    DecideExtension,
    DeletionClaims,
    DeletionView,
    EmergencyRow,
    EmergencyView,
    Extension,
    ExtensionView,
    ProposeExtension,
    ProveDeletion,
    Retirement,
    emergency_view,
    extension_view,
    lasts_too_long,
    read_deletion,
)
from miniapps.lifecycle.sunsets import Sunsets
from miniapps.manifest import Manifest, decode_canonical
from miniapps.receipts import read_receipt
from miniapps.registry import repository as apps
from miniapps.registry.models import App
from miniapps.registry.service import SEES_ALL, refuse_other_department
from miniapps.states import APP
from miniapps.tellers import Tellers

OVER: Final = Text(zh="应急登记已到期", en="The emergency registration has expired")
AT_ONCE: Final = 100
SYSTEM: Final = "system"


class Emergencies:
    """Keeps emergencies to their law and date."""

    def __init__(self, database: Database, sunsets: Sunsets, tellers: Tellers, clock: Clock) -> None:
        self._database = database
        self._sunsets = sunsets
        self._tellers = tellers
        self._clock = clock

    async def refuse_version(self, connection: Connection, manifest: Manifest) -> None:
        """Raises `EmergencyTooLong`, and `EmergencyFixed` for a version that makes an emergency of a service, a service
        of an emergency, or its time longer.
        """
        now, asked = self._clock.now(), manifest.emergency
        before = await repository.find_last_manifest(connection, manifest.app_id)
        if before is not None and (decode_canonical(before).emergency is None) != (asked is None):
            raise EmergencyFixed
        if asked is None:
            return
        running = await repository.find_emergency(connection, manifest.app_id)
        if running is not None and asked.expires_at > running.expires_at:
            raise EmergencyFixed
        if lasts_too_long(asked.expires_at, now):
            raise EmergencyTooLong(latest=(now + LONGEST_EMERGENCY).isoformat())

    async def begin(self, connection: Connection, manifest: Manifest, now: datetime) -> None:
        """A reviewer approved the manifest: its emergency, if it declares one, runs from now. Raises as above."""
        await self.refuse_version(connection, manifest)
        if manifest.emergency is None:
            return
        row = EmergencyRow(
            app_id=manifest.app_id,
            legal_basis=manifest.emergency.legal_basis,
            approved_at=now,
            expires_at=manifest.emergency.expires_at,
        )
        await repository.insert_emergency(connection, row)

    async def get_emergency(self, connection: Connection, principal: Principal, app_id: str) -> EmergencyView:
        """Where it stands; raises `AppUnknown`, `OtherDepartment`, `EmergencyUnknown`."""
        app = await apps.get_app(connection, app_id)
        if principal.roles.isdisjoint(SEES_ALL):
            refuse_other_department(principal, app.organization_id)
        row = await repository.get_emergency(connection, app_id)
        return emergency_view(row, await repository.list_extensions(connection, app_id), self._clock.now())

    async def propose_extension(
        self, connection: Connection, principal: Principal, app_id: str, request: ProposeExtension
    ) -> ExtensionView:
        """One person's word for going on; raises `EmergencyUnknown`, `EmergencyTooLong`, `ExtensionWaits`."""
        await self._running(connection, app_id)
        now = self._clock.now()
        self._refuse_length(request.until, now)
        extension = Extension(
            id=new_id(),
            app_id=app_id,
            until=request.until,
            reason=request.reason,
            proposed_by=principal.person_id,
            proposed_at=now,
        )
        if not await repository.insert_extension(connection, extension):
            raise ExtensionWaits
        await self._record(connection, principal.actor, "miniapp.extension_proposed", app_id, until=request.until)
        await self._tellers.alert(connection, "extension_proposed", app_id=app_id, now=now)
        return extension_view(extension)

    async def decide_extension(
        self, connection: Connection, principal: Principal, app_id: str, request: DecideExtension
    ) -> ExtensionView:
        """The other person's word. Raises `ExtensionUnknown`, `SelfDecision`, and as `propose_extension`."""
        await self._running(connection, app_id)
        waiting = [row for row in await repository.list_extensions(connection, app_id) if row.decided_at is None]
        if not waiting:
            raise ExtensionUnknown
        (extension,), now = waiting, self._clock.now()
        if extension.proposed_by == principal.person_id:
            raise SelfDecision
        if request.agreed:
            self._refuse_length(extension.until, now)
            await repository.mark_extended(connection, app_id, extension.until)
        await repository.mark_decided(connection, extension.id, principal.person_id, now, agreed=request.agreed)
        action = "miniapp.extended" if request.agreed else "miniapp.extension_declined"
        await self._record(connection, principal.actor, action, app_id, until=extension.until)
        decided = msgspec.structs.replace(
            extension, decided_by=principal.person_id, decided_at=now, agreed=request.agreed
        )
        return extension_view(decided)

    async def prove_deletion(
        self, connection: Connection, principal: Principal, app_id: str, request: ProveDeletion
    ) -> DeletionView:
        """Takes the department's signed word that nothing is left. The receipt is kept as it came.

        Raises `OtherDepartment`, `EmergencyUnknown`, `DeletionNotDue`, `ReceiptInvalid`.
        """
        app = await apps.get_app_locked(connection, app_id)
        refuse_other_department(principal, app.organization_id)
        row, now = await repository.get_emergency(connection, app_id), self._clock.now()
        if row.ended_at is None or row.proven_at is not None:
            raise DeletionNotDue
        claims = await self._read(connection, app_id, request.receipt)
        deleted_at = datetime.fromtimestamp(claims.deleted_at, UTC)
        # To the second: that is how finely the receipt tells it.
        if not row.ended_at.replace(microsecond=0) <= deleted_at <= now:
            raise ReceiptInvalid
        await repository.mark_proven(connection, app_id, now, request.receipt)
        await self._record(connection, principal.actor, "miniapp.deletion_proven", app_id, deleted_at=deleted_at)
        return DeletionView(app_id=app_id, deleted_at=deleted_at, counts=claims.counts, proven_at=now)

    async def end_expired(self) -> None:
        """Suspends and retires emergencies whose date has come; a periodic job. Each in a transaction of its own."""
        async with self._database.acquire() as connection:
            expired = await repository.list_expired(connection, self._clock.now(), AT_ONCE)
        for app_id in expired:
            async with self._database.transaction() as connection:
                app = await apps.get_app_locked(connection, app_id)
                row, now = await repository.get_emergency(connection, app_id), self._clock.now()
                if row.ended_at is None and row.expires_at <= now:
                    await self._end(connection, app, now)

    async def tell_unproven(self) -> None:
        """Alerts the department and the city once for every proof that is late; a periodic job."""
        now = self._clock.now()
        async with self._database.transaction() as connection:
            for app_id, organization_id in await repository.mark_unproven_told(connection, now, AT_ONCE):
                await self._record(connection, SYSTEM, "miniapp.deletion_overdue", app_id)
                await self._tellers.alert(
                    connection, "deletion_unproven", app_id=app_id, now=now, organization_id=organization_id
                )

    async def _end(self, connection: Connection, app: App, now: datetime) -> None:
        if app.state == "registered":  # approved, and never shown to anybody
            APP.walk(app.state, "retired")
            await apps.mark_state(connection, app.app_id, "retired")
            await self._sunsets.owe_proof(connection, app.app_id)
            return
        if app.state != "retiring":
            path = ("retiring",) if app.state == "suspended" else ("suspended", "retiring")
            APP.walk(app.state, *path)
            retirement = Retirement(
                app_id=app.app_id, ends_at=now, successor=None, reason=OVER, announced_by=None, announced_at=now
            )
            await repository.insert_retirement(connection, retirement)
        await self._record(connection, SYSTEM, "miniapp.emergency_ended", app.app_id)
        await self._sunsets.retire(connection, msgspec.structs.replace(app, state="retiring"), actor=SYSTEM)

    async def _running(self, connection: Connection, app_id: str) -> EmergencyRow:
        await apps.get_app_locked(connection, app_id)
        row = await repository.get_emergency(connection, app_id)
        if row.ended_at is not None or row.expires_at <= self._clock.now():
            raise EmergencyUnknown
        return row

    async def _read(self, connection: Connection, app_id: str, receipt: str) -> DeletionClaims:
        canonical = await repository.find_last_manifest(connection, app_id)
        if canonical is None:
            raise ReceiptInvalid
        claims = read_deletion(read_receipt(receipt, typ=DELETION_TYP, manifest=decode_canonical(canonical)))
        if claims is None or claims.app_id != app_id:
            raise ReceiptInvalid
        return claims

    def _refuse_length(self, until: datetime, now: datetime) -> None:
        if lasts_too_long(until, now):
            raise EmergencyTooLong(latest=(now + LONGEST_EMERGENCY).isoformat())

    async def _record(self, connection: Connection, actor: str, action: str, app_id: str, **detail: datetime) -> None:
        await audit.record(
            connection,
            clock_now=self._clock.now(),
            actor=actor,
            action=action,
            subject=f"miniapp:{app_id}",
            detail=msgspec.to_builtins(detail),
        )
