"""Lets a release grow, takes it back, and shows its course. Who may ask was decided by the guards, but for ownership.

Every step is audited and told to all nodes in its own transaction. Nobody is asked before a release is taken back.
"""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from msgspec import structs

from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.ids import new_id
from app.kit.listing import cut
from app.kit.structs import Text
from auth.principal import Principal
from miniapps.errors import NothingToGoBackTo
from miniapps.manifest import decode_canonical
from miniapps.registry import repository as apps
from miniapps.registry.models import App
from miniapps.registry.service import SEES_ALL, refuse_other_department
from miniapps.releases import repository as versions
from miniapps.releases.models import Release, ReleaseView, release_view
from miniapps.releases.service import EVERYBODY, Releases
from miniapps.releases.widening import Widening, needs_consent, widened
from miniapps.rollouts import repository
from miniapps.rollouts.evidence import Evidence
from miniapps.rollouts.halting import Seen
from miniapps.rollouts.ladder import next_percent, ready_at, refuse_publication, refuse_step
from miniapps.rollouts.models import (
    HealthView,
    NextStep,
    ReleaseDetail,
    ReleaseList,
    RollBack,
    TakeStep,
    step_view,
)
from miniapps.states import RELEASE, ReleaseState
from miniapps.zones.errors import ZoneUnknown
from miniapps.zones.models import ZoneTree

MAY_ROLL_BACK_ALL: Final = frozenset({"reviewer", "system_admin"})


class Rollouts:
    """The way of a release from its testers to everybody, and back."""

    def __init__(
        self, releases: Releases, evidence: Evidence, zones: ZoneTree, clock: Clock, *, dwell: timedelta
    ) -> None:
        self._releases = releases
        self._evidence = evidence
        self._zones = zones
        self._clock = clock
        self._dwell = dwell

    async def take_step(
        self, connection: Connection, principal: Principal, app_id: str, release_id: UUID, request: TakeStep
    ) -> ReleaseView:
        """The next share, or more zones.

        Raises what `refuse_step` says, `ZoneUnknown`, `ReleaseUnknown` and `OtherDepartment`.
        """
        app = await self._own_app(connection, principal, app_id)
        if not all(map(self._zones.covers, request.zones)):
            raise ZoneUnknown
        release, now = await repository.get_release(connection, app_id, release_id), self._clock.now()
        refuse_step(release, request.percent, request.zones, now=now, dwell=self._dwell)
        grown = structs.replace(
            release, state="gray", percent=request.percent, zones=tuple(sorted(request.zones)), stage_at=now
        )
        return await self._reach(connection, principal, app, grown, "miniapp.release_grown")

    async def publish(self, connection: Connection, principal: Principal, app_id: str, release_id: UUID) -> ReleaseView:
        """Everybody's from now on, in place of the one before; raises what `refuse_publication` says."""
        app = await self._own_app(connection, principal, app_id)
        release, now = await repository.get_release(connection, app_id, release_id), self._clock.now()
        refuse_publication(release, now=now, dwell=self._dwell)
        await self._releases.supersede(connection, app_id, actor=principal.actor)
        published = structs.replace(release, state="published", percent=EVERYBODY, zones=(), stage_at=now)
        return await self._reach(connection, principal, app, published, "miniapp.published")

    async def roll_back(
        self, connection: Connection, principal: Principal, app_id: str, release_id: UUID, request: RollBack
    ) -> ReleaseView:
        """Takes a release back; in place of a published one the version before it is published again.

        Needs no review. Raises `ReleaseUnknown`, `OtherDepartment`, `StateConflict` and `NothingToGoBackTo`.
        """
        app = await apps.get_app_locked(connection, app_id)
        if principal.roles.isdisjoint(MAY_ROLL_BACK_ALL):
            refuse_other_department(principal, app.organization_id)
        release = await repository.get_release(connection, app_id, release_id)
        RELEASE.walk(release.state, "rolled_back")
        before = await self._before(connection, release)
        ended = await self.end(
            connection, release, "rolled_back", actor=principal.actor, reason=request.reason.as_text()
        )
        if before is not None:
            await self._restore(connection, principal, before)
        return release_view(ended, app.state)

    async def end(
        self,
        connection: Connection,
        release: Release,
        state: ReleaseState,
        *,
        actor: str,
        reason: Text,
        detail: dict[str, Any] | None = None,
    ) -> Release:
        """Nobody sees the release from now on, on any node. The caller holds the mini-app."""
        now = self._clock.now()
        await repository.mark_ended(connection, release.id, state, now, reason)
        ended = structs.replace(release, state=state, ended_at=now, reason=reason)
        action = "miniapp.release_halted" if state == "halted" else "miniapp.rolled_back"
        await self._releases.announce(connection, ended, actor=actor, action=action, detail=detail)
        return ended

    async def list_releases(
        self, connection: Connection, principal: Principal, app_id: str, *, after: UUID | None, limit: int
    ) -> ReleaseList:
        """The mini-app's releases, newest first, for its department and for the city's staff."""
        app = await self._seen_app(connection, principal, app_id)
        rows, following = cut(await repository.list_releases(connection, app_id, after, limit + 1), limit)
        return ReleaseList(items=[release_view(release, app.state) for release in rows], next=following)

    async def list_all(
        self, connection: Connection, *, state: ReleaseState | None, after: UUID | None, limit: int
    ) -> ReleaseList:
        """Releases of every mini-app, newest first, for the city's staff; in one state, if one is named."""
        rows = await repository.list_all(connection, state, after, limit + 1)
        page, following = cut(rows, limit, cursor_of=lambda row: row[0].id)
        return ReleaseList(items=[release_view(*row) for row in page], next=following)

    async def get_release(
        self, connection: Connection, principal: Principal, app_id: str, release_id: UUID
    ) -> ReleaseDetail:
        """A release with its course, how it fares, and what it asks for beyond the published one."""
        app = await self._seen_app(connection, principal, app_id)
        release = await repository.get_release(connection, app_id, release_id)
        published = await repository.find_published(connection, app_id)
        beside = published if published is not None and published.id != release.id else None
        seen = await self._evidence.look(connection, release.id, beside.id if beside else None, since=release.stage_at)
        widening = await self._widening(connection, release, beside)
        return ReleaseDetail(
            release=release_view(release, app.state),
            course=[step_view(step) for step in await repository.list_steps(connection, release.id)],
            next=self._next(release),
            health=_health_view(seen.gray),
            published_health=None if seen.published is None else _health_view(seen.published),
            widening=widening,
            asks_anew=needs_consent(widening),
        )

    def _next(self, release: Release) -> NextStep | None:
        if release.state not in {"internal", "gray"}:
            return None
        ready, percent = ready_at(release, self._dwell), next_percent(release)
        zones = () if percent == release.percent else release.zones  # the same share is a step where more have it
        return NextStep(percent=percent, zones=zones, ready_at=ready)

    async def _widening(self, connection: Connection, release: Release, before: Release | None) -> tuple[Widening, ...]:
        if before is None:
            return ()
        manifests = [
            decode_canonical((await versions.get_version(connection, each.app_id, each.version_code)).manifest)
            for each in (before, release)
        ]
        return widened(manifests[0], manifests[1])

    async def _before(self, connection: Connection, release: Release) -> Release | None:
        """What everybody sees again; None for a release on trial, beside which the published one never went away."""
        if release.state != "published":
            return None
        before = await repository.find_before(connection, release.app_id, release.version_code)
        if before is None:
            raise NothingToGoBackTo
        return before

    async def _restore(self, connection: Connection, principal: Principal, before: Release) -> None:
        now = self._clock.now()
        restored = Release(
            id=new_id(),
            app_id=before.app_id,
            version_id=before.version_id,
            version_code=before.version_code,
            state="published",
            percent=EVERYBODY,
            created_by=principal.person_id,
            created_at=now,
            stage_at=now,
            restores=before.id,
        )
        await repository.insert_release(connection, restored)
        await self._releases.announce(connection, restored, actor=principal.actor, action="miniapp.published")

    async def _reach(
        self, connection: Connection, principal: Principal, app: App, release: Release, action: str
    ) -> ReleaseView:
        await repository.mark_stage(connection, release)
        await self._releases.announce(connection, release, actor=principal.actor, action=action)
        return release_view(release, app.state)

    async def _own_app(self, connection: Connection, principal: Principal, app_id: str) -> App:
        app = await apps.get_app_locked(connection, app_id)
        refuse_other_department(principal, app.organization_id)
        self._releases.refuse_ending(app)
        return app

    async def _seen_app(self, connection: Connection, principal: Principal, app_id: str) -> App:
        app = await apps.get_app(connection, app_id)
        if principal.roles.isdisjoint(SEES_ALL):
            refuse_other_department(principal, app.organization_id)
        return app


def _health_view(seen: Seen) -> HealthView:
    return HealthView(
        calls=seen.health.calls,
        faults=seen.health.faults,
        timeouts=seen.health.timeouts,
        bad_signatures=seen.health.bad_signatures,
        p95_ms=seen.health.p95_ms,
        ratings=seen.ratings,
        bad_ratings=seen.bad_ratings,
    )
