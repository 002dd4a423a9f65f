"""Staff accounts: made by an administrator or at the machine, closed at once with all their sessions."""

from datetime import datetime
from typing import Final
from uuid import UUID

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.ids import new_id
from app.kit.listing import cut
from app.kit.masking import mask_name
from app.kit.vault import Vault
from auth.officials import repository
from auth.officials.errors import OfficialUnknown, OperatorRoleReserved, RolesExclude, UsernameTaken
from auth.officials.models import (
    OPERATORS,
    Official,
    OfficialView,
    RegisteredOfficial,
    RegisterOfficial,
    roles_exclude_each_other,
)
from auth.officials.passwords import Passwords
from auth.officials.totp import find_step, new_secret, provisioning_uri, secret_text
from auth.organizations.service import Organizations
from auth.principal import Principal
from auth.sessions.service import Sessions
from auth.settings import AuthSettings

NAME_PURPOSE: Final = "official-name"
TOTP_PURPOSE: Final = "official-totp"


class Officials:
    """Makes, finds and closes staff accounts."""

    def __init__(
        self,
        *,
        organizations: Organizations,
        sessions: Sessions,
        passwords: Passwords,
        vault: Vault,
        clock: Clock,
        settings: AuthSettings,
    ) -> None:
        self._organizations = organizations
        self._sessions = sessions
        self._passwords = passwords
        self._vault = vault
        self._clock = clock
        self._settings = settings

    async def register(self, connection: Connection, request: RegisterOfficial, *, actor: str) -> RegisteredOfficial:
        """A new account; the secret of its second factor is in the answer and never shown again.

        Raises `RolesExclude`, `UsernameTaken`, `OrganizationUnknown`. For the command line, which may give any role.
        """
        roles: frozenset[str] = frozenset(request.roles)
        if roles_exclude_each_other(roles):
            raise RolesExclude
        await self._organizations.get_organization(connection, request.organization_id)
        secret, official_id = new_secret(), new_id()
        official = Official(
            id=official_id,
            username=request.username,
            password_hash=await self._passwords.hash(request.password),
            totp_sealed=self._vault.seal(TOTP_PURPOSE, secret, context=official_id.bytes),
            totp_last_step=0,
            organization_id=request.organization_id,
            status="active",
            created_at=self._clock.now(),
            roles=roles,
        )
        name_sealed = self._vault.seal(NAME_PURPOSE, request.name.encode(), context=official_id.bytes)
        if not await repository.insert_official(connection, official, name_sealed):
            raise UsernameTaken
        await self._record(connection, actor, "official.registered", official_id, {"roles": sorted(roles)})
        return RegisteredOfficial(
            id=official_id,
            username=request.username,
            roles=sorted(roles),
            organization_id=request.organization_id,
            totp_secret=secret_text(secret),
            totp_uri=provisioning_uri(secret, username=request.username, issuer=self._settings.brand.en),
        )

    async def register_by(
        self, connection: Connection, principal: Principal, request: RegisterOfficial
    ) -> RegisteredOfficial:
        """As `register`, for an administrator over the network, who gives no operator's role."""
        if OPERATORS.intersection(request.roles):
            raise OperatorRoleReserved
        return await self.register(connection, request, actor=principal.actor)

    async def disable(self, connection: Connection, official_id: UUID, *, actor: str) -> int:
        """Closes an account and ends its sessions, how many; raises `OfficialUnknown`. For the machine: any account."""
        if not await repository.mark_disabled(connection, official_id):
            raise OfficialUnknown
        await self._record(connection, actor, "official.disabled", official_id, {})
        return await self._sessions.end_sessions_of(connection, official_id, actor=actor, reason="account_disabled")

    async def disable_by(self, connection: Connection, principal: Principal, official_id: UUID) -> int:
        """As `disable`, for an administrator over the network, who closes no operator's account."""
        if OPERATORS.intersection(await repository.list_roles(connection, official_id)):
            raise OperatorRoleReserved
        return await self.disable(connection, official_id, actor=principal.actor)

    async def list_officials(
        self, connection: Connection, *, after: UUID | None, limit: int
    ) -> tuple[list[OfficialView], UUID | None]:
        """A page of accounts in the order of their making, without names, and the `after` of the next page."""
        page, following = cut(await repository.list_officials(connection, after, limit + 1), limit)
        return [_view_of(official) for official in page], following

    async def find_by_username(self, connection: Connection, username: str) -> Official | None:
        """The account, in whatever state."""
        return await repository.find_by_username(connection, username)

    async def display_name(self, connection: Connection, official_id: UUID) -> str:
        """The masked name of whoever acted, for those at whom they acted; empty when there is no such account."""
        sealed = await repository.find_name_sealed(connection, official_id)
        if sealed is None:
            return ""
        return mask_name(self._vault.open(NAME_PURPOSE, sealed, context=official_id.bytes).decode())

    def find_totp_step(self, official: Official, code: str, now: datetime) -> int | None:
        """The time step to which this code belongs, not yet used up."""
        secret = self._vault.open(TOTP_PURPOSE, official.totp_sealed, context=official.id.bytes)
        return find_step(secret, code, now)

    async def use_step(self, connection: Connection, official: Official, step: int) -> bool:
        """Uses the step up; False when it was used before or the account was closed meanwhile."""
        return await repository.mark_step_used(connection, official.id, step)

    async def use_code(self, connection: Connection, official_id: UUID, code: str, now: datetime) -> bool:
        """Uses up a code of the account's authenticator; False when it is none, was used, or the account is closed."""
        official = await repository.find_official(connection, official_id)
        step = None if official is None else self.find_totp_step(official, code, now)
        return official is not None and step is not None and await self.use_step(connection, official, step)

    async def _record(
        self, connection: Connection, actor: str, action: str, official_id: UUID, detail: dict[str, list[str]]
    ) -> None:
        await audit.record(
            connection,
            clock_now=self._clock.now(),
            actor=actor,
            action=action,
            subject=f"official:{official_id}",
            detail=detail,
        )


def _view_of(official: Official) -> OfficialView:
    return OfficialView(
        id=official.id,
        username=official.username,
        roles=sorted(official.roles),
        organization_id=official.organization_id,
        status=official.status,
    )
