"""The codes that officers show (I): asked for before they come, bound to one task, ended with it.

One counts for each task, and every officer of the task shows the same. Showing it costs nothing.
"""

import secrets
from datetime import datetime
from typing import Final
from uuid import UUID

from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.ids import new_id
from app.kit.keyring import Keyring
from auth.principal import Principal
from codes.enterprise.arrivals import repository
from codes.enterprise.arrivals.errors import NoCodeToShow
from codes.enterprise.arrivals.models import InspectionCode, InspectionCodeView
from codes.enterprise.inspections import repository as inspections
from codes.enterprise.inspections.errors import InspectionNotActive, InspectionUnknown
from codes.enterprise.inspections.models import Inspection
from codes.enterprise.inspections.records import record_deed
from codes.envelope.claims import CTI_BYTES, Claims, Kind
from codes.envelope.static_code import encode_static_code
from codes.keys import signer_of
from codes.status.models import StatusPointer
from codes.status.service import Statuses
from codes.trust.models import CodeFormat

KEY_PURPOSE: Final = "enterprise_code"


class InspectionCodes:
    """Issues the codes of tasks, and ends them."""

    def __init__(self, *, statuses: Statuses, keyring: Keyring, clock: Clock, code_format: CodeFormat) -> None:
        self._statuses = statuses
        self._keyring = keyring
        self._clock = clock
        self._code_format = code_format

    async def apply(self, connection: Connection, principal: Principal, inspection_id: UUID) -> InspectionCodeView:
        """The task's code, made now if none counts; raises `InspectionUnknown`, `InspectionNotActive`."""
        await inspections.lock_open(connection, inspection_id)
        inspection = await self._get_own(connection, principal, inspection_id)
        now = self._clock.now()
        if not inspection.is_active(now):
            raise InspectionNotActive
        code = await repository.find_active(connection, inspection_id)
        if code is None:
            code = await self._issue(connection, principal, inspection, now)
        return _view_of(code)

    async def revoke(self, connection: Connection, principal: Principal, inspection_id: UUID) -> InspectionCodeView:
        """Ends the code, as when a phone is lost, and leaves the task. Raises `InspectionUnknown`, `NoCodeToShow`."""
        inspection = await self._get_own(connection, principal, inspection_id)
        ended = await self.end(connection, principal, inspection)
        if ended is None:
            raise NoCodeToShow
        return _view_of(ended)

    async def end(self, connection: Connection, principal: Principal, inspection: Inspection) -> InspectionCode | None:
        """Voids the code of a task everywhere, in the caller's transaction; None when none counted."""
        now = self._clock.now()
        ended = await repository.mark_revoked(connection, inspection.id, now)
        if ended is None:
            return None
        await self._statuses.revoke(connection, [ended.pointer], expires_at=ended.expires_at, now=now)
        await record_deed(connection, principal, "inspection_code.revoked", inspection, now)
        return ended

    async def _issue(
        self, connection: Connection, principal: Principal, inspection: Inspection, now: datetime
    ) -> InspectionCode:
        code = self._make(await self._statuses.draw(connection), inspection, now)
        profile = self._keyring.active(KEY_PURPOSE).profile
        if await repository.insert_code(connection, code, profile=profile, issued_by=principal.actor):
            await record_deed(connection, principal, "inspection_code.issued", inspection, now)
            return code
        # Another officer of the task asked at the same moment.
        won = await repository.find_active(connection, inspection.id)
        if won is None:
            raise InspectionNotActive
        return won

    def _make(self, pointer: StatusPointer, inspection: Inspection, now: datetime) -> InspectionCode:
        expires_at = inspection.ends_at.replace(microsecond=0)
        claims = Claims(
            expires_at=int(expires_at.timestamp()),
            cti=secrets.token_bytes(CTI_BYTES),
            shard=pointer.shard,
            index=pointer.index,
            kind=Kind.I,
        )
        signer = signer_of(self._keyring.active(KEY_PURPOSE))
        return InspectionCode(
            id=new_id(),
            inspection_id=inspection.id,
            cti=claims.cti,
            shard=claims.shard,
            index=claims.index,
            carrier=encode_static_code(claims, signer, self._code_format.environment, self._code_format.host),
            state="active",
            issued_at=now,
            expires_at=expires_at,
        )

    async def _get_own(self, connection: Connection, principal: Principal, inspection_id: UUID) -> Inspection:
        inspection = await inspections.find_inspection(connection, inspection_id, principal.subject_id)
        if inspection is None:
            raise InspectionUnknown
        return inspection


def _view_of(code: InspectionCode) -> InspectionCodeView:
    return InspectionCodeView(
        inspection_id=code.inspection_id,
        carrier=code.carrier,
        state=code.state,
        issued_at=code.issued_at,
        expires_at=code.expires_at,
    )
