"""Issues enterprise codes to organizations and ends them. One signature and one row each; showing one costs nothing."""

import secrets
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.ids import new_id
from app.kit.keyring import Keyring
from app.kit.listing import cut
from auth.organizations.errors import OrganizationNotActive
from auth.principal import Principal
from codes.acting import ActLog
from codes.enterprise.enterprises import repository
from codes.enterprise.enterprises.errors import EnterpriseCodesExhausted, EnterpriseCodeUnknown, NotThisOrganization
from codes.enterprise.enterprises.models import CodeList, CodeView, EnterpriseCode, IssueCode, view_of
from codes.enterprise_ports import FindsOrganizations
from codes.envelope.claims import CTI_BYTES, Claims, Kind
from codes.envelope.static_code import encode_static_code
from codes.keys import signer_of
from codes.status.models import StatusPointer
from codes.status.service import Statuses
from codes.trust.models import CodeFormat

KEY_PURPOSE: Final = "enterprise_code"
MOST_VALID: Final = 200
"""More doors than one organization has; a bound against a runaway client."""


class EnterpriseCodes:
    """The codes of organizations. Only an organization's own agents issue, read and end them."""

    def __init__(
        self,
        *,
        organizations: FindsOrganizations,
        statuses: Statuses,
        keyring: Keyring,
        clock: Clock,
        code_format: CodeFormat,
        acts: ActLog | None = None,
    ) -> None:
        self._organizations = organizations
        self._statuses = statuses
        self._keyring = keyring
        self._clock = clock
        self._code_format = code_format
        self._acts = acts or ActLog()

    async def issue(
        self, connection: Connection, principal: Principal, organization_id: UUID, request: IssueCode
    ) -> CodeView:
        """A new code, good at once.

        Raises `NotThisOrganization`, `OrganizationNotActive`, `EnterpriseCodesExhausted`.
        """
        require_own(principal, organization_id)
        now = self._clock.now()
        organization = await self._organizations.get_organization(connection, organization_id)
        if organization.status != "active":
            raise OrganizationNotActive
        if await repository.count_valid(connection, organization_id, now) >= MOST_VALID:
            raise EnterpriseCodesExhausted
        code = self._make(await self._statuses.draw(connection), organization_id, request, now)
        profile = self._keyring.active(KEY_PURPOSE).profile
        await repository.insert_code(connection, code, profile=profile, issued_by=principal.actor)
        await self._record(connection, principal, "enterprise_code.issued", code)
        return view_of(code)

    async def revoke(
        self, connection: Connection, principal: Principal, organization_id: UUID, code_id: UUID
    ) -> CodeView:
        """Ends a code for good, on the page and at every verifier. Raises `EnterpriseCodeUnknown`."""
        now = self._clock.now()
        code = await self.get(connection, principal, organization_id, code_id)
        if await repository.mark_revoked(connection, code_id, now):
            await self._statuses.revoke(connection, [code.pointer], expires_at=code.expires_at, now=now)
            await self._record(connection, principal, "enterprise_code.revoked", code)
        return view_of(await self.get(connection, principal, organization_id, code_id))

    async def get(
        self, connection: Connection, principal: Principal, organization_id: UUID, code_id: UUID
    ) -> EnterpriseCode:
        """The organization's own code, in whatever state; raises `NotThisOrganization`, `EnterpriseCodeUnknown`."""
        require_own(principal, organization_id)
        code = await repository.find_code(connection, code_id, organization_id)
        if code is None:
            raise EnterpriseCodeUnknown
        return code

    async def list_page(
        self, connection: Connection, principal: Principal, organization_id: UUID, *, after: UUID | None, limit: int
    ) -> CodeList:
        """A page of the organization's codes, whatever became of them."""
        require_own(principal, organization_id)
        rows = await repository.list_codes(connection, organization_id, after, limit + 1)
        page, following = cut(rows, limit)
        return CodeList(items=[view_of(row) for row in page], next=following)

    def _make(self, pointer: StatusPointer, organization_id: UUID, request: IssueCode, now: datetime) -> EnterpriseCode:
        expires_at = (now + request.life).replace(microsecond=0)
        claims = Claims(
            expires_at=int(expires_at.timestamp()),
            cti=secrets.token_bytes(CTI_BYTES),
            shard=pointer.shard,
            index=pointer.index,
            kind=Kind.E,
        )
        signer = signer_of(self._keyring.active(KEY_PURPOSE))
        return EnterpriseCode(
            id=new_id(),
            organization_id=organization_id,
            label=request.label,
            cti=claims.cti,
            shard=claims.shard,
            index=claims.index,
            carrier=encode_static_code(claims, signer, self._code_format.environment, self._code_format.host),
            state="active",
            issued_at=now,
            expires_at=expires_at,
        )

    async def _record(self, connection: Connection, principal: Principal, action: str, code: EnterpriseCode) -> None:
        detail: dict[str, Any] = {"code": str(code.id)}
        await audit.record(
            connection,
            clock_now=self._clock.now(),
            actor=principal.actor,
            action=action,
            subject=f"organization:{code.organization_id}",
            detail=detail,
        )
        kind = action.replace(".", "_")
        await self._acts.note(connection, principal, kind, self._clock.now(), code_id=str(code.id))


def require_own(principal: Principal, organization_id: UUID) -> None:
    """An organization's things are for those who act for it; raises `NotThisOrganization`."""
    if principal.subject_type != "organization" or principal.subject_id != organization_id:
        raise NotThisOrganization
