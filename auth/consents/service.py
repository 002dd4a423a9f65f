"""What citizens allow departments to know, and take back. Only the person, or for a child under fourteen a guardian.

Nothing is remembered in a worker: every question reads the primary, so that a withdrawal counts everywhere with its
commit. What stands on a consent elsewhere (a sign-in) is ended in the same transaction.
"""

import hashlib
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection, notify
from app.kit.ids import new_id
from app.kit.listing import cut
from auth.consents import repository
from auth.consents.errors import ConsentUnknown, GuardianConsentNeeded, NotADepartment, OwnConsentNeeded
from auth.consents.models import Consent, ConsentView, GrantConsent, ShownConsent, refuse_grant
from auth.consents.ports import ConsentListener, FindsPurposes, KnowsBirthdays
from auth.consents.texts import ConsentText, RegisteredPurpose
from auth.locks import lock_key
from auth.organizations.models import Organization
from auth.organizations.service import Organizations
from auth.principal import Principal

CHANNEL: Final = "auth_consent"


class Consents:
    """Grants, withdraws, finds and lists consents. Every change is told on `auth_consent` with the person's id."""

    def __init__(self, *, organizations: Organizations, birthdays: KnowsBirthdays, clock: Clock) -> None:
        self._organizations = organizations
        self._birthdays = birthdays
        self._clock = clock
        self._register: FindsPurposes | None = None
        self._listeners: list[ConsentListener] = []

    def find_purposes_in(self, register: FindsPurposes) -> None:
        """From now on a purpose that a department registered is held to its words; others are as the phone says."""
        self._register = register

    def tell(self, listener: ConsentListener) -> None:
        """From now on `listener` hears of every withdrawal, in its transaction."""
        self._listeners.append(listener)

    async def grant_consent(self, connection: Connection, principal: Principal, grant: GrantConsent) -> ConsentView:
        """A consent of the caller, in force from now; it takes the place of one for the same department and purpose.

        Raises `GuardianConsentNeeded`, `OrganizationUnknown`, `NotADepartment`, and what `refuse_grant` says.
        """
        await self._require_own_say(connection, principal.subject_id)
        return await self._grant(connection, principal, principal.subject_id, grant)

    async def grant_for_child(
        self, connection: Connection, guardian: Principal, child_id: UUID, grant: GrantConsent
    ) -> ConsentView:
        """The same by a guardian, whom the caller has checked; it ends with the day on which the child turns fourteen.

        Raises also `OwnConsentNeeded` from that day on, and for somebody whose age is unknown.
        """
        birthday = await self._birthdays.find_fourteenth_birthday(connection, child_id)
        if birthday is None or birthday <= self._clock.now():
            raise OwnConsentNeeded
        return await self._grant(connection, guardian, child_id, grant, until=birthday)

    async def grant_shown(self, connection: Connection, principal: Principal, shown: ShownConsent) -> None:
        """What the caller agreed to on a page of ours, with exactly the words that stood there.

        Raises `GuardianConsentNeeded`, `OrganizationUnknown` and `NotADepartment`.
        """
        await self._require_own_say(connection, principal.subject_id)
        await self._department(connection, shown.department_id)
        await self._replace(connection, principal, self._new(principal, principal.subject_id, shown), shown)

    async def withdraw_consent(self, connection: Connection, principal: Principal, consent_id: UUID) -> ConsentView:
        """The caller's consent, ended now. Raises `ConsentUnknown` for anyone else's, and for one that has ended."""
        return await self.withdraw_of(connection, principal, principal.subject_id, consent_id)

    async def withdraw_of(
        self, connection: Connection, principal: Principal, person_id: UUID, consent_id: UUID
    ) -> ConsentView:
        """The same for the consent of somebody whom the caller stands for, which was checked."""
        await self._hold(connection, person_id)
        consent = await repository.mark_withdrawn(connection, consent_id, person_id, self._clock.now())
        if consent is None:
            raise ConsentUnknown
        await self._end(connection, principal.actor, consent)
        (view,) = await self.views(connection, [consent])
        return view

    async def withdraw_all(
        self, connection: Connection, principal: Principal, department_id: UUID | None
    ) -> list[ConsentView]:
        """Every consent of the caller, or every one to a department, ended now; which ones, newest first."""
        ended = await self.end_consents_of(
            connection, principal.subject_id, actor=principal.actor, department_id=department_id
        )
        return await self.views(connection, ended)

    async def end_consents_of(
        self, connection: Connection, person_id: UUID, *, actor: str, department_id: UUID | None = None
    ) -> list[Consent]:
        """Ends the consents of somebody whose account ends, or who wants all of them ended; newest first."""
        await self._hold(connection, person_id)
        ended = await repository.mark_all_withdrawn(connection, person_id, department_id, self._clock.now())
        for consent in ended:
            await self._end(connection, actor, consent)
        return ended

    async def end_requests_of(self, connection: Connection, child_id: UUID) -> None:
        """What a child asked for waits for no guardian any more: the account has ended."""
        await repository.mark_all_requests_ended(connection, child_id, self._clock.now())

    async def end_purpose(
        self, connection: Connection, department_id: UUID, purpose: str, *, actor: str, limit: int
    ) -> list[UUID]:
        """Ends at most `limit` consents to a department for a purpose that nothing of it serves any more; whose."""
        now = self._clock.now()
        ended = await repository.mark_purpose_withdrawn(connection, department_id, purpose, now, limit)
        for consent in ended:
            await self._end(connection, actor, consent)
        return [consent.person_id for consent in ended]

    async def find_active(
        self, connection: Connection, subject_id: UUID, department_id: UUID, purpose: str
    ) -> Consent | None:
        """What this person allows this department for this purpose now, to whichever words."""
        found = await self.find_in_force(connection, subject_id, department_id, {purpose})
        return found.get(purpose)

    async def find_in_force(
        self, connection: Connection, subject_id: UUID, department_id: UUID, purposes: Collection[str]
    ) -> dict[str, Consent]:
        """The same for several purposes at once, by purpose."""
        found = await repository.list_in_force(connection, subject_id, department_id, purposes, self._clock.now())
        return {consent.purpose: consent for consent in found}

    async def list_consents(
        self, connection: Connection, person_id: UUID, *, after: UUID | None, limit: int
    ) -> tuple[list[ConsentView], UUID | None]:
        """A page of all that a person ever allowed, newest first, and the `after` of the next page."""
        rows, following = cut(await repository.list_consents(connection, person_id, after, limit + 1), limit)
        return await self.views(connection, rows), following

    async def views(self, connection: Connection, consents: Sequence[Consent]) -> list[ConsentView]:
        """Consents as people read them, with the words and the department's name of today."""
        names: dict[UUID, str] = {}
        views = []
        for consent in consents:
            department_id = consent.department_id
            if department_id not in names:
                names[department_id] = (await self._organizations.get_organization(connection, department_id)).name
            text = await repository.find_text(connection, department_id, consent.purpose, consent.text_version)
            views.append(_view_of(consent, names[department_id], text))
        return views

    async def needs_guardian(self, connection: Connection, person_id: UUID) -> bool:
        """Whether somebody else decides for this person: they are under fourteen."""
        birthday = await self._birthdays.find_fourteenth_birthday(connection, person_id)
        return birthday is not None and self._clock.now() < birthday

    async def _require_own_say(self, connection: Connection, person_id: UUID) -> None:
        if await self.needs_guardian(connection, person_id):
            raise GuardianConsentNeeded

    async def _grant(
        self,
        connection: Connection,
        principal: Principal,
        person_id: UUID,
        grant: GrantConsent,
        *,
        until: datetime | None = None,
    ) -> ConsentView:
        department = await self._department(connection, grant.department_id)
        registered = await self._find_purpose(connection, grant)
        refusal = refuse_grant(grant, registered)
        if refusal is not None:
            raise refusal
        shown = ShownConsent(
            department_id=department.id,
            purpose=grant.purpose,
            fields=tuple(grant.fields),
            text=registered.text if registered else None,
            text_version=grant.text_version,
            separate=grant.separate,
        )
        wanted = None if grant.expires_in_days is None else self._clock.now() + timedelta(days=grant.expires_in_days)
        ends = [end for end in (wanted, until) if end is not None]
        consent = self._new(principal, person_id, shown, expires_at=min(ends, default=None))
        await self._replace(connection, principal, consent, shown)
        return _view_of(consent, department.name, shown.text)

    async def _department(self, connection: Connection, department_id: UUID) -> Organization:
        department = await self._organizations.get_organization(connection, department_id)
        if department.kind != "department" or department.status != "active":
            raise NotADepartment
        return department

    async def _find_purpose(self, connection: Connection, grant: GrantConsent) -> RegisteredPurpose | None:
        if self._register is None:
            return None
        return await self._register.find_purpose(connection, grant.department_id, grant.purpose, grant.text_version)

    def _new(
        self, principal: Principal, person_id: UUID, shown: ShownConsent, *, expires_at: datetime | None = None
    ) -> Consent:
        return Consent(
            id=new_id(),
            person_id=person_id,
            department_id=shown.department_id,
            purpose=shown.purpose,
            fields=tuple(sorted(set(shown.fields))),
            text_version=shown.text_version,
            granted_at=self._clock.now(),
            separate=shown.separate,
            guardian_id=None if principal.subject_id == person_id else principal.subject_id,
            expires_at=expires_at,
        )

    async def _replace(
        self, connection: Connection, principal: Principal, consent: Consent, shown: ShownConsent
    ) -> None:
        person_id, department_id, purpose, now = (
            consent.person_id,
            consent.department_id,
            consent.purpose,
            consent.granted_at,
        )
        await lock_key(connection, hashlib.sha256(f"{person_id}:{department_id}:{purpose}".encode()).digest())
        await repository.mark_replaced(connection, person_id, department_id, purpose, now)
        if shown.text is not None:
            await repository.insert_text(connection, shown, shown.text, now)
        await repository.insert_consent(connection, consent)
        await repository.mark_requests_answered(connection, person_id, department_id, purpose, now)
        await self._tell(connection, principal.actor, consent, "consent.granted")

    async def _hold(self, connection: Connection, person_id: UUID) -> None:
        for listener in self._listeners:
            await listener.hold_what_stands(connection, person_id)

    async def _end(self, connection: Connection, actor: str, consent: Consent) -> None:
        for listener in self._listeners:
            await listener.consent_withdrawn(connection, consent, actor=actor)
        await self._tell(connection, actor, consent, "consent.withdrawn")

    async def _tell(self, connection: Connection, actor: str, consent: Consent, action: str) -> None:
        await audit.record(
            connection,
            clock_now=self._clock.now(),
            actor=actor,
            action=action,
            subject=f"person:{consent.person_id}",
            detail={
                "consent_id": str(consent.id),
                "department_id": str(consent.department_id),
                "purpose": consent.purpose,
                "fields": list(consent.fields),
                "text_version": consent.text_version,
                "separate": consent.separate,
            },
        )
        await notify(connection, CHANNEL, str(consent.person_id))


def _view_of(consent: Consent, department_name: str, text: ConsentText | None) -> ConsentView:
    return ConsentView(
        id=consent.id,
        department_id=consent.department_id,
        department_name=department_name,
        purpose=consent.purpose,
        fields=list(consent.fields),
        text_version=consent.text_version,
        text=text,
        given_by="self" if consent.guardian_id is None else "guardian",
        separate=consent.separate,
        granted_at=consent.granted_at,
        expires_at=consent.expires_at,
        withdrawn_at=consent.withdrawn_at,
    )
