"""Appoints operators, lets them sign on to a device and off again, and ends them: at once, at every device."""

import base64
import hmac
import secrets
from typing import Any, Final
from uuid import UUID

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection, notify
from app.kit.errors import SuishenError
from app.kit.ids import new_id
from app.kit.listing import cut
from app.kit.vault import Vault
from auth.principal import Principal
from codes.venues.admissions.limiter import Limiter
from codes.venues.operators import repository
from codes.venues.operators.errors import OperatorNumberInUse, SignOnIncomplete, SignOnRefused, SignOnsStopped
from codes.venues.operators.models import (
    LONGEST_SHIFT,
    PIN_DIGITS,
    AppointedOperator,
    AppointOperator,
    Duty,
    Operator,
    OperatorList,
    OperatorView,
    SignOn,
    view_of,
)
from codes.venues.scanners.directory import CHANNEL
from codes.venues.scanners.models import Scanner
from codes.venues.scanners.service import require_in_charge

PIN_PURPOSE: Final = "codes.operator-pin"
BADGE_PURPOSE: Final = "codes.operator-badge"
BADGE_PREFIX: Final = "SSB1:"
BADGE_BYTES: Final = 20
PROFILE_HMAC_SHA256: Final = 1


class Operators:
    """Operators of organizations. Who may appoint and end them is who looks after the organization's scanners."""

    def __init__(self, vault: Vault, limiter: Limiter, clock: Clock) -> None:
        self._vault = vault
        self._limiter = limiter
        self._clock = clock

    async def appoint(
        self, connection: Connection, principal: Principal, request: AppointOperator
    ) -> AppointedOperator:
        """A new operator with the PIN and the badge, which are told this once. Raises `OperatorNumberInUse`."""
        require_in_charge(principal, request.organization_id)
        operator_id, pin, badge = new_id(), _new_pin(), _new_badge()
        operator = Operator(
            id=operator_id,
            organization_id=request.organization_id,
            number=request.number,
            pin_index=self._pin_index(operator_id, pin),
            state="active",
            wrong_pins=0,
            locked_until=None,
            appointed_at=self._clock.now(),
        )
        badge_index = self._vault.blind_index(BADGE_PURPOSE, badge)
        if not await repository.insert_operator(
            connection, operator, badge_index=badge_index, profile=PROFILE_HMAC_SHA256
        ):
            raise OperatorNumberInUse
        await self._record(connection, principal.actor, "operator.appointed", operator_id, {})
        return AppointedOperator(
            id=operator.id,
            organization_id=operator.organization_id,
            number=operator.number,
            state=operator.state,
            appointed_at=operator.appointed_at,
            ended_at=None,
            pin=pin,
            badge=badge,
        )

    async def end(self, connection: Connection, principal: Principal, operator_id: UUID) -> OperatorView:
        """Ends an appointment, and its duty everywhere. Raises `OperatorUnknown`."""
        operator = await repository.get_operator(connection, operator_id)
        require_in_charge(principal, operator.organization_id)
        if await repository.mark_ended(connection, operator_id, self._clock.now()):
            for scanner_id in await repository.delete_duties(connection, operator_id):
                await notify(connection, CHANNEL, str(scanner_id))
            await self._record(connection, principal.actor, "operator.ended", operator_id, {})
        return view_of(await repository.get_operator(connection, operator_id))

    async def list_page(
        self, connection: Connection, principal: Principal, organization_id: UUID, *, after: UUID | None, limit: int
    ) -> OperatorList:
        """A page of an organization's operators."""
        require_in_charge(principal, organization_id)
        rows = await repository.list_operators(connection, organization_id, after, limit + 1)
        page, following = cut(rows, limit)
        return OperatorList(items=[view_of(row) for row in page], next=following)

    async def sign_on(self, connection: Connection, scanner: Scanner, request: SignOn) -> Duty | SuishenError:
        """Puts an operator on duty at this device, for one shift at most; whoever was there before is relieved.

        A refusal is returned, not raised: a wrong PIN has to be remembered. Raises `SignOnIncomplete`.
        """
        method = request.method
        if method is None:
            raise SignOnIncomplete
        now = self._clock.now()
        if await self._limiter.is_stopped(connection, scanner, "wrong_sign_ons", now):
            return SignOnsStopped()
        operator = await (self._by_badge if method == "badge" else self._by_pin)(connection, scanner, request)
        if operator is None:
            await self._limiter.count(connection, scanner, "wrong_sign_ons", now)
            return SignOnRefused()
        duty = Duty(scanner_id=scanner.id, operator_id=operator.id, method=method, since=now, until=now + LONGEST_SHIFT)
        await repository.insert_duty(connection, duty)
        await self._record_duty(connection, scanner, "operator.signed_on", operator.id, {"method": method})
        return duty

    async def sign_off(self, connection: Connection, scanner: Scanner) -> None:
        """Ends whatever duty there is at this device."""
        operator_id = await repository.delete_duty(connection, scanner.id)
        if operator_id is not None:
            await self._record_duty(connection, scanner, "operator.signed_off", operator_id, {})

    async def _by_badge(self, connection: Connection, scanner: Scanner, request: SignOn) -> Operator | None:
        index = self._vault.blind_index(BADGE_PURPOSE, request.badge or "")
        return await repository.find_by_badge(connection, index, scanner.organization_id)

    async def _by_pin(self, connection: Connection, scanner: Scanner, request: SignOn) -> Operator | None:
        operator = await repository.find_by_number(connection, scanner.organization_id, request.number or "")
        now = self._clock.now()
        if operator is None or operator.is_locked(now):
            return None
        if hmac.compare_digest(operator.pin_index, self._pin_index(operator.id, request.pin or "")):
            await repository.mark_tries(connection, operator.id, 0, None)
            return operator
        await self._count_wrong_pin(connection, scanner, operator)
        return None

    async def _count_wrong_pin(self, connection: Connection, scanner: Scanner, operator: Operator) -> None:
        locked_until = operator.lock_after_wrong_pin(self._clock.now())
        tries = 0 if locked_until else operator.wrong_pins + 1
        await repository.mark_tries(connection, operator.id, tries, locked_until)
        if locked_until:
            await self._record(connection, scanner.actor, "operator.locked", operator.id, {})

    def _pin_index(self, operator_id: UUID, pin: str) -> bytes:
        # A million PINs are tried in no time by whoever has the hash: only the master key keeps them.
        return self._vault.blind_index(PIN_PURPOSE, f"{operator_id}:{pin}")

    async def _record_duty(
        self, connection: Connection, scanner: Scanner, action: str, operator_id: UUID, detail: dict[str, Any]
    ) -> None:
        await self._record(connection, scanner.actor, action, operator_id, detail)
        await notify(connection, CHANNEL, str(scanner.id))

    async def _record(
        self, connection: Connection, actor: str, action: str, operator_id: UUID, detail: dict[str, Any]
    ) -> None:
        await audit.record(
            connection,
            clock_now=self._clock.now(),
            actor=actor,
            action=action,
            subject=f"operator:{operator_id}",
            detail=detail,
        )


def _new_pin() -> str:
    return f"{secrets.randbelow(10**PIN_DIGITS):0{PIN_DIGITS}}"


def _new_badge() -> str:
    return BADGE_PREFIX + base64.b32encode(secrets.token_bytes(BADGE_BYTES)).decode("ascii")
