"""Showing an approved version to citizens, and telling the gateway what is shown. Live on every node by NOTIFY."""

import functools
from typing import Any, Final
from uuid import UUID

from msgspec import structs

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection, notify
from app.kit.ids import new_id
from auth.principal import Principal
from miniapps.errors import StateConflict, TrialNeeded, TrialRunning
from miniapps.manifest import Manifest, decode_canonical
from miniapps.ports import HearsOfApps
from miniapps.registry import repository as apps
from miniapps.registry.models import CHANNEL, App
from miniapps.registry.service import refuse_other_department
from miniapps.releases import repository as versions
from miniapps.releases.models import (
    Ending,
    GrayApp,
    PublishedApp,
    PublishVersion,
    Release,
    ReleaseView,
    Version,
    refuse_release,
    release_view,
)
from miniapps.releases.repository import ExposedRow, PublishedRow
from miniapps.rollouts import repository
from miniapps.rollouts.models import Step
from miniapps.states import APP, RELEASE, AppState

EVERYBODY: Final = 100
NOT_OVER: Final = frozenset({"registered", "active", "suspended"})


class Releases:
    """Releases of mini-apps. At most one is published for each mini-app, and one on trial, whatever happens at once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._listeners: list[HearsOfApps] = []

    def tell(self, listener: HearsOfApps) -> None:
        """From now on `listener` hears of every release, in its transaction."""
        self._listeners.append(listener)

    async def publish(
        self, connection: Connection, principal: Principal, app_id: str, request: PublishVersion
    ) -> ReleaseView:
        """Releases an approved version: a first one to everybody, a later one to testers, from where it grows.

        A first version goes to everybody at once because nobody has anything to lose yet, and there is nothing to hold
        it against. Raises `OtherDepartment`, `VersionUnknown`, `VersionNotApproved`, `ReleaseNotNewer`, `TrialNeeded`,
        `TrialRunning` and `StateConflict`. A suspended mini-app takes the new release and stays suspended.
        """
        app = await apps.get_app_locked(connection, app_id)
        refuse_other_department(principal, app.organization_id)
        version = await versions.get_version(connection, app_id, request.version_code)
        await self._refuse(connection, version, to=request.to)
        app_state = await self._open_app(connection, app)
        release = self._new_release(principal, version, to=request.to)
        await repository.insert_release(connection, release)
        action = "miniapp.published" if release.state == "published" else "miniapp.release_began"
        await self.announce(connection, release, actor=principal.actor, action=action)
        return release_view(release, app_state)

    async def supersede(self, connection: Connection, app_id: str, *, actor: str) -> None:
        """Ends the release that everybody sees, if there is one: another takes its place in this transaction."""
        published = await repository.find_published(connection, app_id)
        if published is None:
            return
        RELEASE.walk(published.state, "superseded")
        now = self._clock.now()
        await repository.mark_ended(connection, published.id, "superseded", now, None)
        await self._note_step(connection, structs.replace(published, state="superseded", ended_at=now), actor)

    async def announce(
        self,
        connection: Connection,
        release: Release,
        *,
        actor: str,
        action: str,
        detail: dict[str, Any] | None = None,
    ) -> None:
        """Writes what became of the release into its course and the audit log, and tells all nodes and listeners."""
        await self._note_step(connection, release, actor)
        facts = {
            "code": release.version_code,
            "release_id": str(release.id),
            "state": release.state,
            "percent": release.percent,
            "zones": list(release.zones),
        }
        await audit.record(
            connection,
            clock_now=self._clock.now(),
            actor=actor,
            action=action,
            subject=f"miniapp:{release.app_id}",
            detail=facts | (detail or {}),
        )
        await notify(connection, CHANNEL, release.app_id)
        for listener in self._listeners:
            await listener.client_changed(connection, release.app_id, actor=actor)

    def refuse_ending(self, app: App) -> None:
        """Raises `StateConflict` for a mini-app that is on its way out: it takes no new release."""
        if app.state not in NOT_OVER:
            raise StateConflict(of=APP.name, state=app.state, wanted="active")

    async def find_edition(self, connection: Connection) -> int:
        """A number that is another one after every change of what citizens could see; one row."""
        return await versions.find_edition(connection)

    async def list_exposed(self, connection: Connection) -> list[PublishedApp | GrayApp]:
        """Every release that somebody sees: what everybody does, and what some do beside it, as of one moment."""
        return [_exposed(row) for row in await versions.list_exposed(connection)]

    async def list_published(
        self, connection: Connection, *, after: str = "", limit: int | None = None
    ) -> list[PublishedApp]:
        """Every mini-app that citizens may see, suspended ones marked, in the order of their ids."""
        return [_published(row) for row in await versions.list_published(connection, after, limit)]

    async def find_published(self, connection: Connection, app_id: str) -> PublishedApp | None:
        """One of them, or None when citizens see nothing of it."""
        row = await versions.find_published(connection, app_id)
        if row is None:
            return None
        return structs.replace(_published(row), trial=_manifest(row.trial) if row.trial is not None else None)

    async def list_exposed_manifests_of(self, connection: Connection, organization_id: UUID) -> list[Manifest]:
        """The manifests of one department that somebody sees, the published ones first."""
        return [_manifest(row) for row in await versions.list_exposed_manifests_of(connection, organization_id)]

    async def _refuse(self, connection: Connection, version: Version, *, to: str) -> None:
        published = await repository.find_published(connection, version.app_id)
        refuse_release(version, None if published is None else published.version_code)
        if await repository.find_on_trial(connection, version.app_id) is not None:
            raise TrialRunning
        if to == "everybody" and published is not None:
            raise TrialNeeded

    async def _open_app(self, connection: Connection, app: App) -> AppState:
        if app.state in {"active", "suspended"}:
            return app.state
        APP.walk(app.state, "active")
        await apps.mark_state(connection, app.app_id, "active")
        return "active"

    def _new_release(self, principal: Principal, version: Version, *, to: str) -> Release:
        now, at_once = self._clock.now(), to == "everybody"
        if at_once:  # the whole life cycle, walked in one step
            RELEASE.walk("internal", "gray", "published")
        return Release(
            id=new_id(),
            app_id=version.app_id,
            version_id=version.id,
            version_code=version.code,
            state="published" if at_once else "internal",
            percent=EVERYBODY if at_once else 0,
            created_by=principal.person_id,
            created_at=now,
            stage_at=now,
        )

    async def _note_step(self, connection: Connection, release: Release, actor: str) -> None:
        step = Step(
            id=new_id(),
            state=release.state,
            percent=release.percent,
            zones=release.zones,
            actor=actor,
            reason=release.reason,
            taken_at=self._clock.now(),
        )
        await repository.insert_step(connection, release.id, step)


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
        ending=_ending(row),
    )


def _ending(row: PublishedRow) -> Ending | None:
    if row.ends_at is None or row.ending_reason is None:
        return None
    return Ending(at=row.ends_at, reason=row.ending_reason, successor=row.successor)


def _exposed(row: ExposedRow) -> PublishedApp | GrayApp:
    app = _published(row)
    if row.exposure == "published":
        return app
    return GrayApp(app=app, percent=row.percent, zones=row.zones, testers=frozenset(row.testers))
