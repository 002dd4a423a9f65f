"""一码核查: an officer scans an enterprise's code, and every source of the scenario says what it knows.

No connection is held while sources are asked. The row that the enterprise reads is written before the first question,
so that nobody is asked about an enterprise without a trace.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection, Database
from app.kit.errors import Forbidden, SuishenError
from app.kit.idempotency import IdempotencyKeyInUse, IdempotencyKeyReused
from app.kit.ids import new_id
from app.kit.structs import Model
from auth.principal import Principal
from codes.enterprise_checks import repository
from codes.enterprise_checks.errors import EnterpriseNotInTask, InspectionTaskRequired
from codes.enterprise_checks.models import CheckEnterprise, CheckView, EnterpriseCheck
from codes.enterprise_checks.ports import EnterpriseSource, Question
from codes.enterprise_checks.sources import ask_all
from codes.enterprises.reading import Reading, StickerReader
from codes.inspections import repository as inspections
from codes.inspections.models import Inspection
from codes.scenarios.catalogue import Scenarios
from codes.scenarios.models import Scenario
from codes.verdict import Reason, retry_of, verdict_of
from codes.verification.models import policy_of

GIVEN_UP_AFTER: Final = timedelta(seconds=30)


class Begun(Model):
    """A check whose row is written, and whose sources are to be asked now."""

    row: EnterpriseCheck
    reading: Any  # Reading, whose struct holds no wire types
    scenario: Scenario


class EnterpriseChecks:
    """Checks by officers with an active task."""

    def __init__(
        self,
        *,
        database: Database,
        stickers: StickerReader,
        scenarios: Scenarios,
        sources: Mapping[str, EnterpriseSource],
        clock: Clock,
        deadline_seconds: float,
        stale_after: timedelta,
    ) -> None:
        self._database = database
        self._stickers = stickers
        self._scenarios = scenarios
        self._sources = sources
        self._clock = clock
        self._deadline_seconds = deadline_seconds
        self._stale_after = stale_after

    async def check(
        self, principal: Principal, request: CheckEnterprise, request_key: bytes | None = None
    ) -> CheckView | SuishenError:
        """The page of facts, or REJECT for a bad code, or a refusal that has been written down.

        The same `request_key` of the same officer gives the stored answer again; raises `IdempotencyKeyInUse` and
        `IdempotencyKeyReused`. Opens its own transactions: call it without one.
        """
        async with self._database.transaction() as connection:
            begun = await self._begin(connection, principal, request, request_key)
        if not isinstance(begun, Begun):
            return begun
        question = Question(
            check_id=begun.row.id, credit_code=begun.reading.sticker.credit_code, scenario=begun.row.scenario
        )
        reports = await ask_all(
            begun.scenario.sources,
            self._sources,
            question,
            deadline_seconds=self._deadline_seconds,
            stale_after=self._stale_after,
            now=self._clock.now(),
        )
        view = msgspec.structs.replace(_view_of(begun.row, begun.reading), sources=reports)
        async with self._database.transaction() as connection:
            await repository.mark_answered(connection, begun.row.id, msgspec.to_builtins(view))
        return view

    async def _begin(
        self, connection: Connection, principal: Principal, request: CheckEnterprise, request_key: bytes | None
    ) -> Begun | CheckView | SuishenError:
        """Everything that is decided before anybody is asked, in one transaction."""
        now = self._clock.now()
        body_hash = hashlib.sha256(msgspec.json.encode(request)).digest()
        earlier = await self._find_earlier(connection, principal, request_key, body_hash)
        if earlier is not None and earlier.answer is not None:
            return msgspec.structs.replace(msgspec.convert(earlier.answer, CheckView), repeated=True)
        inspection = await inspections.find_inspection(connection, request.inspection_id, principal.subject_id)
        if inspection is None or not inspection.is_active(now) or inspection.scenario != request.scenario:
            return await self._refuse(connection, principal, request, InspectionTaskRequired())
        scenario = self._scenarios.get(inspection.scenario)
        reading = await self._stickers.read(connection, request.code, policy_of(scenario))
        row = earlier or _row_of(inspection, now, request_key, body_hash)
        if reading.sticker.reason is not Reason.OK or reading.sticker.code is None:
            await self._record(connection, principal, "enterprise_check.rejected", row, reading.sticker.reason)
            return _view_of(row, reading)
        if reading.sticker.code.organization_id != inspection.organization_id:
            return await self._refuse(connection, principal, request, EnterpriseNotInTask())
        await self._write(connection, row, earlier, now)
        await self._record(connection, principal, "enterprise_check.made", row, Reason.OK)
        return Begun(row=row, reading=reading, scenario=scenario)

    async def _find_earlier(
        self, connection: Connection, principal: Principal, request_key: bytes | None, body_hash: bytes
    ) -> EnterpriseCheck | None:
        if request_key is None:
            return None
        earlier = await repository.find_check_by_request(connection, principal.subject_id, request_key)
        if earlier is not None and earlier.body_hash != body_hash:
            raise IdempotencyKeyReused
        return earlier

    async def _write(
        self, connection: Connection, row: EnterpriseCheck, earlier: EnterpriseCheck | None, now: datetime
    ) -> None:
        if earlier is None:
            written = await repository.insert_check(connection, row)
        else:
            written = await repository.mark_asked_again(connection, row.id, now, now - GIVEN_UP_AFTER)
        if not written:
            raise IdempotencyKeyInUse

    async def _refuse(
        self, connection: Connection, principal: Principal, request: CheckEnterprise, refusal: Forbidden
    ) -> Forbidden:
        """Written down, then returned: raising it would roll the memory back."""
        await audit.record(
            connection,
            clock_now=self._clock.now(),
            actor=principal.actor,
            action="enterprise_check.refused",
            subject=f"inspection:{request.inspection_id}",
            detail={"refusal": refusal.slug, "scenario": request.scenario},
        )
        return refusal

    async def _record(
        self, connection: Connection, principal: Principal, action: str, row: EnterpriseCheck, reason: Reason
    ) -> None:
        await audit.record(
            connection,
            clock_now=self._clock.now(),
            actor=principal.actor,
            action=action,
            subject=f"organization:{row.organization_id}",
            detail={"check": str(row.id), "inspection": str(row.inspection_id), "reason": reason},
        )


def _row_of(inspection: Inspection, now: datetime, request_key: bytes | None, body_hash: bytes) -> EnterpriseCheck:
    return EnterpriseCheck(
        id=new_id(),
        inspection_id=inspection.id,
        organization_id=inspection.organization_id,
        scenario=inspection.scenario,
        officer_id=inspection.officer_id,
        department_id=inspection.department_id,
        checked_at=now,
        request_key=request_key,
        body_hash=body_hash,
        state="asking",
    )


def _view_of(row: EnterpriseCheck, reading: Reading) -> CheckView:
    """Nothing is disclosed unless the verdict is ACCEPT."""
    sticker = reading.sticker
    accepted = sticker.reason is Reason.OK
    return CheckView(
        verification_id=row.id,
        verdict=verdict_of(sticker.reason),
        reason=sticker.reason,
        retry=retry_of(sticker.reason),
        mode="online",
        kind="E",
        scenario=row.scenario,
        checked_at=row.checked_at,
        inspection_id=row.inspection_id,
        checks=reading.checks,
        freshness=reading.freshness,
        disclosed={"organization_name": sticker.name, "credit_code": sticker.credit_code} if accepted else {},
    )
