"""Enterprises as parts of audiences: where they are and what they do, as registered or as they say themselves."""

from typing import Final
from uuid import UUID

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection, Database
from auth.principal import Principal
from codes.enterprise.enterprises.service import require_own
from codes.enterprise.pushes import repository
from codes.enterprise.pushes.models import DescribeSubject, Subject, zone_of_credit_code
from codes.enterprise_ports import FindsOrganizations

AT_ONCE: Final = 200


class Subjects:
    """Keeps the audience. Whoever holds an enterprise code is in it, with the zone of their credit code at first."""

    def __init__(self, *, database: Database, organizations: FindsOrganizations, clock: Clock) -> None:
        self._database = database
        self._organizations = organizations
        self._clock = clock

    async def describe(
        self, connection: Connection, principal: Principal, organization_id: UUID, request: DescribeSubject
    ) -> Subject:
        """What the enterprise says of itself counts from now on; raises `NotThisOrganization`."""
        require_own(principal, organization_id)
        now = self._clock.now()
        subject = Subject(
            organization_id=organization_id, zone=request.zone, industry=request.industry, declared_at=now
        )
        await repository.write_declared(connection, subject)
        await audit.record(
            connection,
            clock_now=now,
            actor=principal.actor,
            action="code_subject.described",
            subject=f"organization:{organization_id}",
            detail={"zone": subject.zone, "industry": subject.industry},
        )
        return subject

    async def get(self, connection: Connection, principal: Principal, organization_id: UUID) -> Subject:
        """As which the enterprise is addressed; raises `NotThisOrganization`."""
        require_own(principal, organization_id)
        subject = await repository.find_subject(connection, organization_id)
        return subject or await self._register(connection, organization_id, keep=False)

    async def register_by_credit_code(self, connection: Connection, credit_code: str) -> UUID | None:
        """The enterprise of this code, now part of audiences; None when nobody here has it."""
        organization = await self._organizations.find_by_credit_code(connection, credit_code)
        if organization is None:
            return None
        await repository.insert_subject(connection, organization.id, zone_of_credit_code(credit_code))
        return organization.id

    async def register_missing(self) -> None:
        """Takes in enterprises that got their first code; a periodic job that one worker at a time does."""
        async with self._database.transaction() as connection:
            if not await repository.try_lock_subjects(connection):
                return
            for organization_id in await repository.list_unregistered(connection, self._clock.now(), AT_ONCE):
                await self._register(connection, organization_id, keep=True)

    async def _register(self, connection: Connection, organization_id: UUID, *, keep: bool) -> Subject:
        organization = await self._organizations.get_organization(connection, organization_id)
        subject = Subject(organization_id=organization_id, zone=zone_of_credit_code(organization.credit_code))
        if keep:
            await repository.insert_subject(connection, organization_id, subject.zone)
        return subject
