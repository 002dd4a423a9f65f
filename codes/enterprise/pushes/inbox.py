"""What departments told an enterprise, for those who act for it; and their word that it was read."""

from uuid import UUID

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.listing import cut
from auth.principal import Principal
from codes.acting import ActLog
from codes.enterprise.enterprises.service import require_own
from codes.enterprise.pushes import repository
from codes.enterprise.pushes.errors import PushUnknown
from codes.enterprise.pushes.models import NoticeList, NoticeView, StoredNotice
from codes.enterprise_ports import FindsOrganizations


class PushInbox:
    """The list of an enterprise. Reading the list is no receipt; saying so is."""

    def __init__(self, organizations: FindsOrganizations, clock: Clock, acts: ActLog | None = None) -> None:
        self._acts = acts or ActLog()
        self._organizations = organizations
        self._clock = clock

    async def list_page(
        self, connection: Connection, principal: Principal, organization_id: UUID, *, after: UUID | None, limit: int
    ) -> NoticeList:
        """A page, newest first; raises `NotThisOrganization`."""
        require_own(principal, organization_id)
        rows = await repository.list_notices(connection, organization_id, after, limit + 1)
        page, following = cut(rows, limit)
        return NoticeList(items=[await self._describe(connection, row) for row in page], next=following)

    async def acknowledge(
        self, connection: Connection, principal: Principal, organization_id: UUID, push_id: UUID
    ) -> NoticeView:
        """The read receipt, written once. Raises `NotThisOrganization`, `PushUnknown`."""
        require_own(principal, organization_id)
        now = self._clock.now()
        if await repository.mark_read(connection, organization_id, push_id, now):
            await audit.record(
                connection,
                clock_now=now,
                actor=principal.actor,
                action="push.read",
                subject=f"push:{push_id}",
                detail={"organization": str(organization_id)},
            )
            await self._acts.note(connection, principal, "push_answered", now, push_id=str(push_id))
        notice = await repository.find_notice(connection, organization_id, push_id)
        if notice is None:
            raise PushUnknown
        return await self._describe(connection, notice)

    async def _describe(self, connection: Connection, notice: StoredNotice) -> NoticeView:
        department = await self._organizations.get_organization(connection, notice.department_id)
        return NoticeView(
            id=notice.id,
            department=department.name,
            template=notice.template,
            title=notice.title,
            body=notice.body,
            delivered_at=notice.delivered_at,
            read_at=notice.read_at,
            withdrawn=notice.withdrawn_at is not None,
        )
