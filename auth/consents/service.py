"""What citizens allow departments to know, and take back. Only the person: an agent never consents for anybody."""

import hashlib
from datetime import timedelta
from typing import Final
from uuid import UUID

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection, notify
from app.kit.ids import new_id
from auth.consents import repository
from auth.consents.errors import ConsentUnknown, NotADepartment
from auth.consents.models import Consent, ConsentView, GrantConsent
from auth.locks import lock_key
from auth.organizations.service import Organizations
from auth.principal import Principal

CHANNEL: Final = "auth_consent"


class Consents:
    """Grants, withdraws, finds and lists consents. Every change is told on `auth_consent` with the person's id."""

    def __init__(self, *, organizations: Organizations, clock: Clock) -> None:
        self._organizations = organizations
        self._clock = clock

    async def grant_consent(self, connection: Connection, principal: Principal, grant: GrantConsent) -> ConsentView:
        """A consent in force from now; it takes the place of an earlier one for the same department and purpose.

        Raises `OrganizationUnknown` and `NotADepartment`.
        """
        department = await self._organizations.get_organization(connection, grant.department_id)
        if department.kind != "department" or department.status != "active":
            raise NotADepartment
        now = self._clock.now()
        expires_at = None if grant.expires_in_days is None else now + timedelta(days=grant.expires_in_days)
        consent = Consent(
            id=new_id(),
            person_id=principal.subject_id,
            department_id=department.id,
            purpose=grant.purpose,
            fields=tuple(sorted(set(grant.fields))),
            text_version=grant.text_version,
            granted_at=now,
            expires_at=expires_at,
        )
        key = f"{consent.person_id}:{consent.department_id}:{consent.purpose}"
        await lock_key(connection, hashlib.sha256(key.encode()).digest())
        await repository.mark_replaced(connection, consent.person_id, department.id, consent.purpose, now)
        await repository.insert_consent(connection, consent)
        await self._tell(connection, principal, consent, "consent.granted")
        return _view_of(consent, department.name)

    async def withdraw_consent(self, connection: Connection, principal: Principal, consent_id: UUID) -> ConsentView:
        """The consent, ended now. Raises `ConsentUnknown` for anyone else's, and for one that has ended."""
        now = self._clock.now()
        consent = await repository.mark_withdrawn(connection, consent_id, principal.subject_id, now)
        if consent is None:
            raise ConsentUnknown
        await self._tell(connection, principal, consent, "consent.withdrawn")
        department = await self._organizations.get_organization(connection, consent.department_id)
        return _view_of(consent, department.name)

    async def find_active(
        self, connection: Connection, subject_id: UUID, department_id: UUID, purpose: str
    ) -> Consent | None:
        """What this person allows this department for this purpose now."""
        return await repository.find_active(connection, subject_id, department_id, purpose, self._clock.now())

    async def list_consents(
        self, connection: Connection, person_id: UUID, *, after: UUID | None, limit: int
    ) -> list[ConsentView]:
        """All that a person ever allowed, newest first."""
        views = []
        for consent in await repository.list_consents(connection, person_id, after, limit):
            department = await self._organizations.get_organization(connection, consent.department_id)
            views.append(_view_of(consent, department.name))
        return views

    async def _tell(self, connection: Connection, principal: Principal, consent: Consent, action: str) -> None:
        await audit.record(
            connection,
            clock_now=self._clock.now(),
            actor=principal.actor,
            action=action,
            subject=principal.subject,
            detail={
                "consent_id": str(consent.id),
                "department_id": str(consent.department_id),
                "purpose": consent.purpose,
                "fields": list(consent.fields),
                "text_version": consent.text_version,
            },
        )
        await notify(connection, CHANNEL, str(consent.person_id))


def _view_of(consent: Consent, department_name: str) -> ConsentView:
    return ConsentView(
        id=consent.id,
        department_id=consent.department_id,
        department_name=department_name,
        purpose=consent.purpose,
        fields=list(consent.fields),
        text_version=consent.text_version,
        granted_at=consent.granted_at,
        expires_at=consent.expires_at,
        withdrawn_at=consent.withdrawn_at,
    )
