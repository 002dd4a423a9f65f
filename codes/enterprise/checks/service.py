"""一码核查: an officer scans an enterprise's code, and every source of the scenario says what it knows.

A check rests on a task whose officers the enterprise has met (先赋码、凭码检查), or on an emergency with a reason. No
connection is held while sources are asked. The row that the enterprise reads is written before the first question, so
that nobody is asked about an enterprise without a trace.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection, Database
from app.kit.errors import Forbidden, SuishenError
from app.kit.idempotency import IdempotencyKeyInUse, IdempotencyKeyReused
from app.kit.ids import new_id
from app.kit.structs import Model
from auth.principal import Principal
from codes.enterprise.checks import repository
from codes.enterprise.checks.basis import Basis, find_basis
from codes.enterprise.checks.errors import CheckBasisInvalid, EnterpriseNotInTask
from codes.enterprise.checks.models import CheckEnterprise, CheckView, EnterpriseCheck
from codes.enterprise.checks.ports import Question
from codes.enterprise.checks.sources import SourceDesk
from codes.enterprise.enterprises.reading import Reading, StickerReader
from codes.scenarios.catalogue import Scenarios
from codes.verdict import Reason, retry_of, verdict_of
from codes.verification.models import policy_of

GIVEN_UP_AFTER: Final = timedelta(seconds=30)


class Attempt(Model):
    """One request of an officer, as it stands in the books. `row` is there when the same request came before."""

    id: UUID
    at: datetime
    request_key: bytes | None
    body_hash: bytes
    row: EnterpriseCheck | None = None


class Begun(Model):
    """A check whose row is written, and whose sources are to be asked now."""

    view: CheckView
    question: Question
    sources: tuple[str, ...]


class EnterpriseChecks:
    """Checks by officers."""

    def __init__(
        self, *, database: Database, stickers: StickerReader, scenarios: Scenarios, desk: SourceDesk, clock: Clock
    ) -> None:
        self._database = database
        self._stickers = stickers
        self._scenarios = scenarios
        self._desk = desk
        self._clock = clock

    async def check(
        self, principal: Principal, request: CheckEnterprise, request_key: bytes | None = None
    ) -> CheckView | SuishenError:
        """The page of facts, or REJECT for a bad code, or a refusal that has been written down.

        The same `request_key` of the same officer gives the stored answer again; raises `IdempotencyKeyInUse`,
        `IdempotencyKeyReused` and `CheckBasisInvalid`. Opens its own transactions: call it without one.
        """
        if (request.inspection_id is None) == (request.emergency_reason is None):
            raise CheckBasisInvalid
        async with self._database.transaction() as connection:
            begun = await self._begin(connection, principal, request, request_key)
        if not isinstance(begun, Begun):
            return begun
        reports = await self._desk.ask_all(begun.sources, begun.question, self._clock.now())
        view = msgspec.structs.replace(begun.view, sources=reports)
        async with self._database.transaction() as connection:
            await repository.mark_answered(connection, view.verification_id, msgspec.to_builtins(view))
        return view

    async def _begin(
        self, connection: Connection, principal: Principal, request: CheckEnterprise, request_key: bytes | None
    ) -> Begun | CheckView | SuishenError:
        """Everything that is decided before anybody is asked, in one transaction."""
        attempt = await self._attempt(connection, principal, request, request_key)
        if attempt.row is not None and attempt.row.answer is not None:
            return msgspec.structs.replace(msgspec.convert(attempt.row.answer, CheckView), repeated=True)
        basis = await find_basis(connection, self._scenarios, principal, request, attempt.at)
        if isinstance(basis, SuishenError):
            return await self._refuse(connection, principal, request, basis)
        reading = await self._stickers.read(connection, request.code, policy_of(basis.scenario))
        view = _view_of(attempt, basis, reading)
        code = reading.sticker.code
        if view.reason is not Reason.OK or code is None:
            await self._record(connection, principal, "enterprise_check.rejected", view, basis.organization_id)
            return view
        if basis.organization_id not in (None, code.organization_id):
            return await self._refuse(connection, principal, request, EnterpriseNotInTask())
        await self._write(connection, _row_of(attempt, basis, principal, code.organization_id), attempt)
        made = "enterprise_check.emergency" if view.emergency else "enterprise_check.made"
        await self._record(connection, principal, made, view, code.organization_id)
        credit_code = reading.sticker.credit_code
        question = Question(check_id=attempt.id, credit_code=credit_code, scenario=basis.scenario.number)
        return Begun(view=view, question=question, sources=basis.scenario.sources)

    async def _attempt(
        self, connection: Connection, principal: Principal, request: CheckEnterprise, request_key: bytes | None
    ) -> Attempt:
        now, body_hash = self._clock.now(), hashlib.sha256(msgspec.json.encode(request)).digest()
        if request_key is None:
            return Attempt(id=new_id(), at=now, request_key=None, body_hash=body_hash)
        earlier = await repository.find_check_by_request(connection, principal.subject_id, request_key)
        if earlier is not None and earlier.body_hash != body_hash:
            raise IdempotencyKeyReused
        check_id = new_id() if earlier is None else earlier.id
        return Attempt(id=check_id, at=now, request_key=request_key, body_hash=body_hash, row=earlier)

    async def _write(self, connection: Connection, row: EnterpriseCheck, attempt: Attempt) -> None:
        if attempt.row is None:
            written = await repository.insert_check(connection, row)
        else:
            given_up_before = attempt.at - GIVEN_UP_AFTER
            written = await repository.mark_asked_again(connection, row.id, attempt.at, given_up_before)
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
            subject=f"inspection:{request.inspection_id or 'none'}",
            detail={"refusal": refusal.slug, "scenario": request.scenario},
        )
        return refusal

    async def _record(
        self, connection: Connection, principal: Principal, action: str, view: CheckView, organization_id: UUID | None
    ) -> None:
        detail: dict[str, Any] = {"check": str(view.verification_id), "reason": view.reason}
        if view.inspection_id is not None:
            detail["inspection"] = str(view.inspection_id)
        await audit.record(
            connection,
            clock_now=self._clock.now(),
            actor=principal.actor,
            action=action,
            subject=f"organization:{organization_id or 'unknown'}",
            detail=detail,
        )


def _row_of(attempt: Attempt, basis: Basis, principal: Principal, organization_id: UUID) -> EnterpriseCheck:
    return EnterpriseCheck(
        id=attempt.id,
        inspection_id=basis.inspection_id,
        organization_id=organization_id,
        scenario=basis.scenario.number,
        officer_id=principal.subject_id,
        department_id=basis.department_id,
        checked_at=attempt.at,
        request_key=attempt.request_key,
        body_hash=attempt.body_hash,
        state="asking",
        emergency_reason=basis.emergency_reason,
    )


def _view_of(attempt: Attempt, basis: Basis, reading: Reading) -> CheckView:
    """Nothing is disclosed unless the verdict is ACCEPT."""
    sticker = reading.sticker
    accepted = sticker.reason is Reason.OK
    return CheckView(
        verification_id=attempt.id,
        verdict=verdict_of(sticker.reason),
        reason=sticker.reason,
        retry=retry_of(sticker.reason),
        mode="online",
        kind="E",
        scenario=basis.scenario.number,
        checked_at=attempt.at,
        inspection_id=basis.inspection_id,
        emergency=basis.emergency_reason is not None,
        checks=reading.checks,
        freshness=reading.freshness,
        disclosed={"organization_name": sticker.name, "credit_code": sticker.credit_code} if accepted else {},
    )
