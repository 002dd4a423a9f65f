"""Showing an approved version to citizens, and telling the gateway what is shown. Live on every node by NOTIFY."""

import functools
from uuid import UUID

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection, notify
from app.kit.ids import new_id
from auth.principal import Principal
from miniapps.manifest import Manifest, decode_canonical
from miniapps.ports import HearsOfApps
from miniapps.registry import repository as apps
from miniapps.registry.models import CHANNEL, App
from miniapps.registry.service import refuse_other_department
from miniapps.releases import repository
from miniapps.releases.models import (
    PublishedApp,
    PublishVersion,
    Release,
    ReleaseView,
    Version,
    refuse_release,
)
from miniapps.releases.repository import PublishedRow
from miniapps.states import APP, RELEASE, AppState

FIRST_STATE = "internal"


class Releases:
    """Releases of mini-apps. At most one is published for each mini-app, whatever happens at once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._listeners: list[HearsOfApps] = []

    def tell(self, listener: HearsOfApps) -> None:
        """From now on `listener` hears of every release, in its transaction."""
        self._listeners.append(listener)

    async def publish(
        self, connection: Connection, principal: Principal, app_id: str, request: PublishVersion
    ) -> ReleaseView:
        """Publishes an approved version to everybody, in place of the one before.

        Raises `OtherDepartment`, `VersionUnknown`, `VersionNotApproved`, `ReleaseNotNewer`, `StateConflict`. A
        suspended mini-app takes the new release and stays suspended.
        """
        app = await apps.get_app_locked(connection, app_id)
        refuse_other_department(principal, app.organization_id)
        version = await repository.get_version(connection, app_id, request.version_code)
        refuse_release(version, await repository.find_published_code(connection, app_id))
        app_state = await self._open_app(connection, app)
        release = await self._replace_release(connection, principal, version)
        await self._record(connection, principal, release)
        return ReleaseView(
            id=release.id,
            app_id=app_id,
            version_code=release.version_code,
            state=release.state,
            percent=release.percent,
            app_state=app_state,
            created_at=release.created_at,
        )

    async def list_published(
        self, connection: Connection, *, after: str = "", limit: int | None = None
    ) -> list[PublishedApp]:
        """Every mini-app that citizens may see, suspended ones marked, in the order of their ids."""
        return [_published(row) for row in await repository.list_published(connection, after, limit)]

    async def find_published(self, connection: Connection, app_id: str) -> PublishedApp | None:
        """One of them, or None when citizens see nothing of it."""
        row = await repository.find_published(connection, app_id)
        return _published(row) if row else None

    async def list_published_of(self, connection: Connection, organization_id: UUID) -> list[PublishedApp]:
        """Those of one department."""
        return [_published(row) for row in await repository.list_published_of(connection, organization_id)]

    async def _open_app(self, connection: Connection, app: App) -> AppState:
        if app.state in {"active", "suspended"}:
            return app.state
        APP.walk(app.state, "active")
        await apps.mark_state(connection, app.app_id, "active")
        return "active"

    async def _replace_release(self, connection: Connection, principal: Principal, version: Version) -> Release:
        # The whole life cycle, walked in one step: percentages come between `internal` and `published`.
        RELEASE.walk(FIRST_STATE, "gray", "published")
        release = Release(
            id=new_id(),
            app_id=version.app_id,
            version_id=version.id,
            version_code=version.code,
            state="published",
            percent=100,
            created_by=principal.person_id,
            created_at=self._clock.now(),
        )
        await repository.mark_superseded(connection, version.app_id, release.created_at)
        await repository.insert_release(connection, release)
        return release

    async def _record(self, connection: Connection, principal: Principal, release: Release) -> None:
        await audit.record(
            connection,
            clock_now=release.created_at,
            actor=principal.actor,
            action="miniapp.published",
            subject=f"miniapp:{release.app_id}",
            detail={"code": release.version_code, "release_id": str(release.id), "percent": release.percent},
        )
        await notify(connection, CHANNEL, release.app_id)
        for listener in self._listeners:
            await listener.client_changed(connection, release.app_id, actor=principal.actor)


# The same bytes always mean the same manifest, so a snapshot that is compiled anew decodes only what is new.
@functools.lru_cache(maxsize=4096)
def _manifest(canonical: bytes) -> Manifest:
    return decode_canonical(canonical)


def _published(row: PublishedRow) -> PublishedApp:
    manifest, suspension = _manifest(row.manifest), row.suspension
    return PublishedApp(
        app_id=row.app_id,
        organization_id=row.organization_id,
        organization_name=row.organization_name,
        state="suspended" if suspension else "active",
        reason=suspension.reason if suspension else None,
        fallback=suspension.fallback if suspension else manifest.fallback.text.as_text(),
        suspended_at=suspension.at if suspension else None,
        version_code=row.version_code,
        release_id=row.release_id,
        manifest=manifest,
    )
