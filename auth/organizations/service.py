"""Organizations as the rest of the house knows them, and switching from oneself to one that one acts for."""

import hashlib
from typing import Final
from uuid import UUID

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.ids import new_id
from app.kit.listing import cut
from auth.acts.service import Acts
from auth.documents import credit_code_is_valid
from auth.locks import lock_key
from auth.mandates.engine import Authority, MandateEngine
from auth.mandates.errors import MandateRefused
from auth.mandates.models import ORGANIZATION_KINDS, Mandate
from auth.mandates.rules import Act
from auth.mandates.scopes import scopes_of
from auth.mandates.service import Mandates
from auth.organizations import repository
from auth.organizations.errors import (
    CreditCodeInvalid,
    CreditCodeTaken,
    NotAnAgent,
    OrganizationNotActive,
    OrganizationUnknown,
)
from auth.organizations.models import (
    FORM_BY_ROLE,
    Organization,
    OrganizationForm,
    OrganizationKind,
    OrganizationSession,
    OrganizationStatus,
    OrganizationView,
    RegisterDepartment,
)
from auth.principal import Principal
from auth.registries.ports import EnterpriseAnswer
from auth.sessions.models import SwitchSession
from auth.sessions.service import Sessions

KINDS: Final = sorted(ORGANIZATION_KINDS)
SPEAK: Final = Act(kind="speak")


class Organizations:
    """Finds, registers and speaks for organizations."""

    def __init__(
        self, *, mandates: Mandates, engine: MandateEngine, sessions: Sessions, acts: Acts, clock: Clock
    ) -> None:
        self._mandates = mandates
        self._engine = engine
        self._acts = acts
        self._sessions = sessions
        self._clock = clock

    async def get_organization(self, connection: Connection, organization_id: UUID) -> Organization:
        """The organization; raises `OrganizationUnknown`."""
        organization = await repository.find_organization(connection, organization_id)
        if organization is None:
            raise OrganizationUnknown
        return organization

    async def find_by_credit_code(self, connection: Connection, code: str) -> Organization | None:
        """The organization with this code, if it is here."""
        return await repository.find_by_credit_code(connection, code)

    async def is_agent(self, connection: Connection, person_id: UUID, organization_id: UUID) -> bool:
        """Whether this person may act for this organization now, in whatever part."""
        return isinstance(await self._find_authority(connection, person_id, organization_id), Authority)

    async def list_mine(self, connection: Connection, person_id: UUID) -> list[OrganizationView]:
        """The organizations that a person acts for, with their part in each."""
        mandates = await self._mandates.list_mandates(connection, person_id, KINDS)
        return [view_of(await self.get_organization(connection, each.principal_id), each) for each in mandates]

    async def list_departments(
        self, connection: Connection, *, after: UUID | None, limit: int
    ) -> tuple[list[OrganizationView], UUID | None]:
        """A page of departments in the order of their registration, and the `after` of the next page."""
        page, following = cut(await repository.list_departments(connection, after, limit + 1), limit)
        return [view_of(found) for found in page], following

    async def register_department(
        self, connection: Connection, department: RegisterDepartment, *, actor: str
    ) -> OrganizationView:
        """A new department. Raises `CreditCodeInvalid`, `CreditCodeTaken`, and `OrganizationUnknown` for its parent."""
        code = normalize_credit_code(department.credit_code)
        if department.parent_id is not None:
            await self.get_organization(connection, department.parent_id)
        organization = self._new(
            kind="department", form="legal_person", name=department.name, code=code, parent_id=department.parent_id
        )
        if not await repository.insert_organization(connection, organization):
            raise CreditCodeTaken
        await self._record(connection, organization, "organization.registered", actor)
        return view_of(organization)

    async def record_responsible(
        self, connection: Connection, *, person_id: UUID, code: str, answer: EnterpriseAnswer
    ) -> OrganizationView | OrganizationNotActive:
        """The enterprise as the registry confirmed it, with this person answering for it; or why that must wait."""
        await lock_key(connection, hashlib.sha256(b"organization" + code.encode()).digest())
        organization = await self._confirm(connection, code, answer, actor=f"person:{person_id}")
        if organization.status != "active":
            return OrganizationNotActive()
        mandate = await self._mandates.appoint_responsible(
            connection, organization_id=organization.id, person_id=person_id, role=answer.role or ""
        )
        return view_of(organization, mandate)

    async def hear_of_change(self, connection: Connection, *, code: str, status: OrganizationStatus) -> bool:
        """Takes over the register's word on a company; who speaks for one that is not active stops at once.

        False when it is not here, or stood so already.
        """
        known = await repository.find_by_credit_code_for_update(connection, code)
        if known is None or known.kind != "enterprise" or known.status == status:
            return False
        await repository.mark_status(connection, known.id, status, self._clock.now())
        if status != "active":
            await self._sessions.end_sessions_for(connection, known.id, actor="system", reason=f"organization_{status}")
        await self._record(connection, known, f"organization.{status}", "system")
        return True

    async def switch_to(
        self, connection: Connection, principal: Principal, organization_id: UUID, *, mandate_id: UUID | None = None
    ) -> OrganizationSession:
        """A session of its own in which the organization is the subject and the caller the agent.

        It is as fresh and as sure as the session it began in, is bound to the same key, and ends with it. Of several
        mandates `mandate_id` chooses. Raises `NotAnAgent` also for an organization that does not exist.
        """
        authority = await self._find_authority(connection, principal.subject_id, organization_id, mandate_id)
        if isinstance(authority, MandateRefused):
            raise NotAnAgent
        organization = await self.get_organization(connection, organization_id)
        if organization.status != "active":
            raise OrganizationNotActive
        pair = await self._sessions.switch_session(
            connection,
            principal,
            SwitchSession(
                subject_type="organization",
                subject_id=organization_id,
                mandate_id=authority.mandate_id,
                scopes=scopes_of("organization", authority.scope),
                until=authority.ends_at,
            ),
        )
        await self._acts.record(
            connection,
            principal_id=organization_id,
            principal_type="organization",
            agent_id=principal.subject_id,
            mandate_id=authority.mandate_id,
            kind="session_opened",
            now=self._clock.now(),
        )
        return OrganizationSession(
            access_token=pair.access_token,
            refresh_token=pair.refresh_token,
            token_type=pair.token_type,
            expires_in=pair.expires_in,
            scope=pair.scope,
            organization=view_of(organization, authority),
        )

    async def _find_authority(
        self, connection: Connection, person_id: UUID, organization_id: UUID, mandate_id: UUID | None = None
    ) -> Authority | MandateRefused:
        now = self._clock.now()
        if mandate_id is None:
            return await self._engine.find_authority(
                connection, agent_id=person_id, principal_id=organization_id, act=SPEAK, now=now, kinds=KINDS
            )
        return await self._engine.check_mandate(
            connection, mandate_id=mandate_id, agent_id=person_id, principal_id=organization_id, act=SPEAK, now=now
        )

    async def _confirm(
        self, connection: Connection, code: str, answer: EnterpriseAnswer, *, actor: str
    ) -> Organization:
        now = self._clock.now()
        assert answer.role is not None  # a match names it
        form = FORM_BY_ROLE[answer.role]
        known = await repository.find_by_credit_code(connection, code)
        if known is None:
            known = self._new(kind="enterprise", form=form, name=answer.name, code=code, parent_id=None)
            await repository.insert_organization(connection, known)
            await self._record(connection, known, "organization.registered", actor)
        await repository.mark_confirmed(
            connection, known.id, name=answer.name, status=answer.status, form=form, now=now
        )
        return await self.get_organization(connection, known.id)

    def _new(
        self, *, kind: OrganizationKind, form: OrganizationForm, name: str, code: str, parent_id: UUID | None
    ) -> Organization:
        return Organization(
            id=new_id(),
            kind=kind,
            name=name,
            credit_code=code,
            status="active",
            form=form,
            created_at=self._clock.now(),
            parent_id=parent_id,
        )

    async def _record(self, connection: Connection, organization: Organization, action: str, actor: str) -> None:
        await audit.record(
            connection,
            clock_now=self._clock.now(),
            actor=actor,
            action=action,
            subject=f"organization:{organization.id}",
            detail={"kind": organization.kind},
        )


def normalize_credit_code(text: str) -> str:
    """The code in capitals without blanks; raises `CreditCodeInvalid`."""
    code = text.strip().upper()
    if not credit_code_is_valid(code):
        raise CreditCodeInvalid
    return code


def view_of(organization: Organization, mandate: Mandate | Authority | None = None) -> OrganizationView:
    """An organization as its people see it."""
    return OrganizationView(
        id=organization.id,
        kind=organization.kind,
        name=organization.name,
        credit_code=organization.credit_code,
        status=organization.status,
        form=organization.form,
        mandate_id=mandate.id if mandate else None,
        mandate_kind=mandate.kind if mandate else None,
        role=mandate.role if mandate else None,
    )
