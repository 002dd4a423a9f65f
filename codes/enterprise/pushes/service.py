"""Departments write pushes, let each other's large ones go, withdraw them, and read who has them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.ids import new_id
from app.kit.listing import cut
from auth.principal import Principal
from codes.enterprise.inspections.service import department_of
from codes.enterprise.pushes import repository
from codes.enterprise.pushes.errors import (
    AudienceInvalid,
    AudienceTooLarge,
    PushesExhausted,
    PushNotWaiting,
    PushUnknown,
    SecondOfficialRequired,
)
from codes.enterprise.pushes.models import (
    WRITTEN_IN,
    Audience,
    Push,
    PushLimits,
    PushList,
    PushView,
    Receipt,
    ReceiptList,
    Receipts,
    State,
    WritePush,
)
from codes.enterprise.pushes.subjects import Subjects
from codes.enterprise.pushes.templates import Templates
from codes.enterprise_ports import FindsOrganizations


class Pushes:
    """The pushes of departments. Each department sees, approves and withdraws its own."""

    def __init__(
        self,
        *,
        organizations: FindsOrganizations,
        subjects: Subjects,
        templates: Templates,
        limits: PushLimits,
        clock: Clock,
    ) -> None:
        self._organizations = organizations
        self._subjects = subjects
        self._templates = templates
        self._limits = limits
        self._clock = clock

    async def write(self, connection: Connection, principal: Principal, request: WritePush) -> PushView:
        """A push on its way, or waiting for a second official when many are addressed. Its audience is fixed now.

        Raises `TemplateUnknown`, `PushTextInvalid`, `AudienceInvalid`, `AudienceTooLarge`, `PushesExhausted`,
        `DepartmentMissing`.
        """
        department_id = department_of(principal)
        rendered = self._templates.render(request.template, request.values)
        if not request.audience.is_one_way:
            raise AudienceInvalid
        now = self._clock.now()
        await self._require_within_limit(connection, department_id, now)
        push = Push(
            id=new_id(),
            department_id=department_id,
            author_id=principal.subject_id,
            template=request.template,
            title=rendered.title,
            body=rendered.body,
            audience=request.audience,
            audience_count=0,
            state="waiting",
            created_at=now,
        )
        await repository.insert_push(connection, push)
        count = await self._address(connection, push, now)
        state: State = "waiting" if count >= self._limits.large else "sending"
        await repository.mark_addressed(connection, push.id, count, state)
        await self._record(connection, principal, "push.written", push, audience=count)
        return await self._describe(connection, push.id, department_id)

    async def approve(self, connection: Connection, principal: Principal, push_id: UUID) -> PushView:
        """Lets go what somebody else of the department wrote.

        Raises `PushUnknown`, `PushNotWaiting`, and `SecondOfficialRequired` for its author.
        """
        push = await self._lock(connection, principal, push_id)
        if push.author_id == principal.subject_id:
            raise SecondOfficialRequired
        if push.state != "waiting":
            raise PushNotWaiting
        await repository.mark_approved(connection, push_id, principal.subject_id, self._clock.now())
        await self._record(connection, principal, "push.approved", push)
        return await self._describe(connection, push_id, push.department_id)

    async def withdraw(self, connection: Connection, principal: Principal, push_id: UUID) -> PushView:
        """Stops it, whoever of the department wrote it; raises `PushUnknown`."""
        push = await self._lock(connection, principal, push_id)
        if push.state != "withdrawn":
            await repository.mark_withdrawn(connection, push_id, self._clock.now())
            await self._record(connection, principal, "push.withdrawn", push)
        return await self._describe(connection, push_id, push.department_id)

    async def get(self, connection: Connection, principal: Principal, push_id: UUID) -> PushView:
        """One of the department's pushes, with its receipts counted; raises `PushUnknown`."""
        return await self._describe(connection, push_id, department_of(principal))

    async def list_page(
        self, connection: Connection, principal: Principal, *, after: UUID | None, limit: int
    ) -> PushList:
        """A page of the department's pushes."""
        rows = await repository.list_pushes(connection, department_of(principal), after, limit + 1)
        page, following = cut(rows, limit)
        return PushList(items=[_view_of(row) for row in page], next=following)

    async def list_receipts(
        self, connection: Connection, principal: Principal, push_id: UUID, *, after: UUID | None, limit: int
    ) -> ReceiptList:
        """A page of the receipts of one push; raises `PushUnknown`."""
        if await repository.find_push(connection, push_id, department_of(principal)) is None:
            raise PushUnknown
        rows = await repository.list_receipts(connection, push_id, after, limit + 1)
        page, following = cut(rows, limit, lambda row: row.organization_id)
        items = [
            Receipt(
                organization_id=row.organization_id,
                organization_name=(await self._organizations.get_organization(connection, row.organization_id)).name,
                delivered_at=row.delivered_at,
                read_at=row.read_at,
            )
            for row in page
        ]
        return ReceiptList(items=items, next=following)

    async def _require_within_limit(self, connection: Connection, department_id: UUID, now: datetime) -> None:
        await repository.lock_department(connection, department_id)
        written = await repository.list_written(connection, department_id, now - WRITTEN_IN, self._limits.a_day)
        if len(written) >= self._limits.a_day:
            free_again = written[-1] + WRITTEN_IN
            raise PushesExhausted(retry_after=max(1, int((free_again - now).total_seconds())))

    async def _address(self, connection: Connection, push: Push, now: datetime) -> int:
        """Fixes the audience; how many it is."""
        named = await self._find_named(connection, push.audience)
        reached = await repository.insert_audience(connection, push, list(named.values()), now, self._limits.most + 1)
        missing = sorted(code for code, organization_id in named.items() if organization_id not in reached)
        if missing:
            raise AudienceInvalid(unreachable=missing)
        if not reached:
            raise AudienceInvalid
        if len(reached) > self._limits.most:
            raise AudienceTooLarge(most=self._limits.most)
        return len(reached)

    async def _find_named(self, connection: Connection, audience: Audience) -> dict[str, UUID]:
        """The enterprises of these credit codes; raises `AudienceInvalid` with those that nobody here has."""
        codes = set(audience.credit_codes)
        found = {code: await self._subjects.register_by_credit_code(connection, code) for code in sorted(codes)}
        unknown = [code for code, organization_id in found.items() if organization_id is None]
        if unknown:
            raise AudienceInvalid(unreachable=unknown)
        return {code: organization_id for code, organization_id in found.items() if organization_id is not None}

    async def _lock(self, connection: Connection, principal: Principal, push_id: UUID) -> Push:
        push = await repository.lock_push(connection, push_id, department_of(principal))
        if push is None:
            raise PushUnknown
        return push

    async def _describe(self, connection: Connection, push_id: UUID, department_id: UUID) -> PushView:
        push = await repository.find_push(connection, push_id, department_id)
        if push is None:
            raise PushUnknown
        return _view_of(push, await repository.count_receipts(connection, push_id))

    async def _record(self, connection: Connection, principal: Principal, action: str, push: Push, **more: int) -> None:
        detail: dict[str, Any] = {"template": push.template, "department": str(push.department_id)}
        await audit.record(
            connection,
            clock_now=self._clock.now(),
            actor=principal.actor,
            action=action,
            subject=f"push:{push.id}",
            detail=detail | more,
        )


def _view_of(push: Push, receipts: Receipts | None = None) -> PushView:
    return PushView(
        id=push.id,
        template=push.template,
        title=push.title,
        body=push.body,
        audience=push.audience,
        audience_count=push.audience_count,
        state=push.state,
        receipts=receipts,
        created_at=push.created_at,
        approved_at=push.approved_at,
        sent_at=push.sent_at,
        withdrawn_at=push.withdrawn_at,
    )
