"""Registers issuers, assigns and withdraws entitlements, and says at a scan which of them a holder has.

An issuer knows holders by its own pairwise id. Only here, while a code is being scanned or its holder reads, is that id
computed from the person; it is never stored beside one.
"""

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection, notify
from app.kit.ids import new_id
from app.kit.listing import cut
from app.kit.vault import Vault
from auth.pairwise import pairwise_id
from auth.principal import Principal
from codes.counters.entitlements import repository
from codes.counters.entitlements.errors import (
    EntitlementUnknown,
    IssuerUnknown,
    NamespaceTaken,
    NotYourNamespace,
    ScenariosNotEntitling,
)
from codes.counters.entitlements.issuers import CHANNEL, IssuerDirectory
from codes.counters.entitlements.models import (
    AssignEntitlement,
    Entitlement,
    EntitlementList,
    EntitlementView,
    HeldEntitlement,
    HeldList,
    Issuer,
    IssuerList,
    IssuerView,
    RegisterIssuer,
    namespace_of,
    state_of,
)
from codes.enterprise_ports import FindsOrganizations
from codes.scenarios.catalogue import Scenarios
from codes.worth import KnowsLevels, require_worth

FORGOTTEN_AFTER: Final = timedelta(days=180)


class Entitlements:
    """What departments say of holders, by name."""

    def __init__(
        self,
        *,
        issuers: IssuerDirectory,
        organizations: FindsOrganizations,
        levels: KnowsLevels,
        scenarios: Scenarios,
        vault: Vault,
        clock: Clock,
    ) -> None:
        self._issuers = issuers
        self._organizations = organizations
        self._levels = levels
        self._scenarios = scenarios
        self._vault = vault
        self._clock = clock

    async def list_entitlements(self, connection: Connection, person_id: UUID, scenario: int, /) -> list[str]:
        """The names that matter in this scenario (the port `FindsEntitlements` of verification).

        Nothing is asked of the database where no issuer is registered for the scenario.
        """
        issuers = [issuer for issuer in await self._issuers.list_issuers(connection) if scenario in issuer.scenarios]
        held = await self._list_held(connection, person_id, issuers)
        return sorted({entitlement.name for entitlement in held if scenario in entitlement.scenarios})

    async def list_mine(self, connection: Connection, principal: Principal) -> HeldList:
        """Everything that a scan may say of the caller. Raises `IdentityLevelTooLow`."""
        await require_worth(self._levels, connection, principal)
        issuers = await self._issuers.list_issuers(connection)
        held = await self._list_held(connection, principal.subject_id, issuers)
        return HeldList(items=[await self._held(connection, entitlement) for entitlement in held])

    async def register_issuer(
        self, connection: Connection, principal: Principal, request: RegisterIssuer
    ) -> IssuerView:
        """From now on only this organization names entitlements in the namespace.

        Raises `ScenariosNotEntitling`, `NamespaceTaken`, and identity's own error for an unknown organization.
        """
        organization = await self._organizations.get_organization(connection, request.organization_id)
        self._require_entitling(request.scenarios)
        issuer = Issuer(
            id=new_id(),
            namespace=request.namespace,
            organization_id=organization.id,
            scenarios=sorted(request.scenarios),
            registered_at=self._clock.now(),
            registered_by=principal.subject_id,
        )
        if not await repository.insert_issuer(connection, issuer):
            raise NamespaceTaken
        await self._changed(connection, principal, "entitlement_issuer.registered", issuer)
        return await self._issuer_view(connection, issuer)

    async def end_issuer(self, connection: Connection, principal: Principal, issuer_id: UUID) -> IssuerView:
        """What it assigned is told nobody any more, also by whoever gets the namespace next. Raises `IssuerUnknown`."""
        issuer = await repository.mark_ended(connection, issuer_id, self._clock.now())
        if issuer is None:
            raise IssuerUnknown
        await self._changed(connection, principal, "entitlement_issuer.ended", issuer)
        return await self._issuer_view(connection, issuer)

    async def list_issuers(self, connection: Connection) -> IssuerList:
        """Every living issuer."""
        issuers = await repository.list_issuers(connection)
        return IssuerList(items=[await self._issuer_view(connection, issuer) for issuer in issuers])

    async def assign(self, connection: Connection, principal: Principal, request: AssignEntitlement) -> EntitlementView:
        """An entitlement of the official's own organization; assigned again, it is renewed.

        Raises `NotYourNamespace`, `ScenariosNotEntitling`. That nobody has this openid is not found
        out here: the organization is told nothing of people whom it does not know.
        """
        now = self._clock.now()
        issuer = await repository.find_issuer_for_share(connection, namespace_of(request.name))
        if issuer is None or issuer.organization_id != principal.organization_id:
            raise NotYourNamespace
        scenarios = issuer.scenarios if request.scenarios is None else request.scenarios
        if len(set(scenarios)) != len(scenarios) or not set(scenarios) <= set(issuer.scenarios):
            raise ScenariosNotEntitling
        entitlement = await repository.upsert_entitlement(
            connection, _new(issuer, request, sorted(scenarios), principal, now)
        )
        await self._record(connection, principal, "entitlement.assigned", entitlement)
        return _view_of(entitlement, now)

    async def withdraw(self, connection: Connection, principal: Principal, entitlement_id: UUID) -> EntitlementView:
        """From the next scan on it is not told any more. Raises `EntitlementUnknown`."""
        now = self._clock.now()
        assert principal.organization_id is not None  # every official has a department
        entitlement = await repository.mark_withdrawn(connection, entitlement_id, principal.organization_id, now)
        if entitlement is None:
            raise EntitlementUnknown
        await self._record(connection, principal, "entitlement.withdrawn", entitlement)
        return _view_of(entitlement, now)

    async def list_page(
        self, connection: Connection, principal: Principal, *, openid: str | None, after: UUID | None, limit: int
    ) -> EntitlementList:
        """What the official's own organization has assigned."""
        assert principal.organization_id is not None  # every official has a department
        rows = await repository.list_of_organization(
            connection, principal.organization_id, openid=openid, after=after, limit=limit + 1
        )
        page, following = cut(rows, limit)
        now = self._clock.now()
        return EntitlementList(items=[_view_of(row, now) for row in page], next=following)

    async def forget(self, connection: Connection) -> None:
        """Deletes what ended long ago; a periodic job."""
        await repository.delete_over(connection, self._clock.now() - FORGOTTEN_AFTER)

    async def _list_held(self, connection: Connection, person_id: UUID, issuers: list[Issuer]) -> list[Entitlement]:
        if not issuers:
            return []
        openids = [pairwise_id(self._vault, str(issuer.organization_id), person_id) for issuer in issuers]
        return await repository.list_held(connection, [issuer.id for issuer in issuers], openids, self._clock.now())

    def _require_entitling(self, numbers: list[int]) -> None:
        found = [self._scenarios.find(number) for number in numbers]
        entitling = all(scenario is not None and "entitlements" in scenario.discloses for scenario in found)
        if not entitling or len(set(numbers)) != len(numbers):
            raise ScenariosNotEntitling

    async def _held(self, connection: Connection, entitlement: Entitlement) -> HeldEntitlement:
        organization = await self._organizations.get_organization(connection, entitlement.organization_id)
        return HeldEntitlement(
            name=entitlement.name,
            organization_name=organization.name,
            scenarios=entitlement.scenarios,
            valid_until=entitlement.valid_until,
        )

    async def _issuer_view(self, connection: Connection, issuer: Issuer) -> IssuerView:
        organization = await self._organizations.get_organization(connection, issuer.organization_id)
        return IssuerView(
            id=issuer.id,
            namespace=issuer.namespace,
            organization_id=issuer.organization_id,
            organization_name=organization.name,
            scenarios=issuer.scenarios,
            registered_at=issuer.registered_at,
            ended_at=issuer.ended_at,
        )

    async def _changed(self, connection: Connection, principal: Principal, action: str, issuer: Issuer) -> None:
        await notify(connection, CHANNEL)
        detail = {"issuer_id": str(issuer.id), "namespace": issuer.namespace, "scenarios": issuer.scenarios}
        await self._write(connection, principal, action, issuer.organization_id, detail)

    async def _record(
        self, connection: Connection, principal: Principal, action: str, entitlement: Entitlement
    ) -> None:
        detail = {"entitlement_id": str(entitlement.id), "name": entitlement.name}
        await self._write(connection, principal, action, entitlement.organization_id, detail)

    async def _write(
        self, connection: Connection, principal: Principal, action: str, organization_id: UUID, detail: dict[str, Any]
    ) -> None:
        await audit.record(
            connection,
            clock_now=self._clock.now(),
            actor=principal.actor,
            action=action,
            subject=f"organization:{organization_id}",
            detail=detail,
        )


def _new(
    issuer: Issuer, request: AssignEntitlement, scenarios: list[int], principal: Principal, now: datetime
) -> Entitlement:
    return Entitlement(
        id=new_id(),
        issuer_id=issuer.id,
        organization_id=issuer.organization_id,
        openid=request.openid,
        name=request.name,
        scenarios=scenarios,
        valid_from=now,
        valid_until=now + request.life,
        assigned_at=now,
        assigned_by=principal.subject_id,
    )


def _view_of(entitlement: Entitlement, now: datetime) -> EntitlementView:
    return EntitlementView(
        id=entitlement.id,
        openid=entitlement.openid,
        name=entitlement.name,
        scenarios=entitlement.scenarios,
        valid_until=entitlement.valid_until,
        state=state_of(entitlement, now),
    )
