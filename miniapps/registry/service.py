"""Registering a mini-app, taking it away, giving it back. Who may ask was decided by the guards, but for ownership."""

from typing import Any
from uuid import UUID

import msgspec

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection, notify
from auth.principal import Principal
from miniapps.errors import AppIdTaken, OrganizationNotActive, OtherDepartment, StateConflict
from miniapps.ports import HearsOfApps, Organizations
from miniapps.registry import repository
from miniapps.registry.models import (
    CHANNEL,
    App,
    AppList,
    AppView,
    RegisterApp,
    ResumeApp,
    SuspendApp,
    Suspension,
    app_view,
)
from miniapps.states import APP, AppState

SEES_ALL = frozenset({"reviewer", "system_admin", "audit_admin"})


class Registry:
    """The register of mini-apps. Every change is audited and told to all nodes in its own transaction."""

    def __init__(self, organizations: Organizations, clock: Clock) -> None:
        self._organizations = organizations
        self._clock = clock
        self._listeners: list[HearsOfApps] = []

    def tell(self, listener: HearsOfApps) -> None:
        """From now on `listener` hears of every suspension and its end, in its transaction."""
        self._listeners.append(listener)

    async def register_app(
        self, connection: Connection, principal: Principal, organization_id: UUID, request: RegisterApp
    ) -> AppView:
        """Reserves the id; raises `OtherDepartment`, `OrganizationNotActive`, `AppIdTaken`."""
        refuse_other_department(principal, organization_id)
        organization = await self._organizations.get_organization(connection, organization_id)
        if organization.status != "active":
            raise OrganizationNotActive
        app = App(
            app_id=request.app_id,
            organization_id=organization_id,
            organization_name=organization.name,
            organization_credit_code=organization.credit_code,
            state="registered",
            registered_by=principal.person_id,
            registered_at=self._clock.now(),
            suspension=None,
        )
        if not await repository.insert_app(connection, app):
            raise AppIdTaken
        await self.record_change(connection, principal.actor, "miniapp.registered", app.app_id)
        return app_view(app)

    async def get_app(self, connection: Connection, principal: Principal, app_id: str) -> AppView:
        """The mini-app, for its own department and for the city's staff; raises `AppUnknown`, `OtherDepartment`."""
        app = await repository.get_app(connection, app_id)
        if principal.roles.isdisjoint(SEES_ALL):
            refuse_other_department(principal, app.organization_id)
        return app_view(app)

    async def list_apps(
        self, connection: Connection, principal: Principal, organization_id: UUID, *, after: str, limit: int
    ) -> AppList:
        """Everything that a department registered, whatever became of it; raises `OtherDepartment`."""
        if principal.roles.isdisjoint(SEES_ALL):
            refuse_other_department(principal, organization_id)
        found = await repository.list_apps(connection, organization_id, after, limit + 1)
        following = found[limit - 1].app_id if len(found) > limit else None
        return AppList(items=[app_view(app) for app in found[:limit]], next=following)

    async def suspend(self, connection: Connection, principal: Principal, app_id: str, request: SuspendApp) -> AppView:
        """Takes a mini-app away from all citizens; raises `AppUnknown`, `StateConflict`."""
        app = await repository.get_app_locked(connection, app_id)
        rests = _resting(app)
        suspension = Suspension(
            reason=request.reason.as_text(), fallback=request.fallback.as_text(), at=self._clock.now()
        )
        await repository.mark_state(connection, app_id, rests, suspension)
        await self.record_change(connection, principal.actor, "miniapp.suspended", app_id, reason=request.reason)
        return app_view(msgspec.structs.replace(app, state=rests, suspension=suspension))

    async def resume(self, connection: Connection, principal: Principal, app_id: str, request: ResumeApp) -> AppView:
        """Gives a suspended mini-app back; raises `AppUnknown`, `StateConflict`."""
        app = await repository.get_app_locked(connection, app_id)
        if app.suspension is None:  # a registered app may become active too, but by its first release
            raise StateConflict(of=APP.name, state=app.state, wanted="active")
        serves: AppState = "active" if app.state == "suspended" else app.state
        await repository.mark_state(connection, app_id, serves)
        await self.record_change(connection, principal.actor, "miniapp.resumed", app_id, reason=request.reason)
        return app_view(msgspec.structs.replace(app, state=serves, suspension=None))

    async def record_change(self, connection: Connection, actor: str, action: str, app_id: str, **detail: Any) -> None:
        """Writes down what changed for citizens, and tells every node and listener, in the caller's transaction."""
        await audit.record(
            connection,
            clock_now=self._clock.now(),
            actor=actor,
            action=action,
            subject=f"miniapp:{app_id}",
            detail=msgspec.to_builtins(detail),
        )
        await notify(connection, CHANNEL, app_id)
        for listener in self._listeners:
            await listener.client_changed(connection, app_id, actor=actor)


def _resting(app: App) -> AppState:
    """The state in which it rests: one that is ending stays so, because an end is not taken back."""
    if app.state == "retiring" and app.suspension is None:
        return "retiring"
    APP.walk(app.state, "suspended")
    return "suspended"


def refuse_other_department(principal: Principal, organization_id: UUID) -> None:
    """Raises `OtherDepartment` unless the official works for that very organization."""
    if principal.organization_id != organization_id:
        raise OtherDepartment
