"""Gathers a mini-app's year from the gateway, its ratings and its nights, and judges it. Changes nothing."""

from datetime import datetime, timedelta
from typing import Final

from app.kit.clock import Clock
from app.kit.database import Connection
from auth.principal import Principal
from miniapps.errors import StateConflict
from miniapps.ports import KnowsHealth, KnowsUses
from miniapps.registry import repository as apps
from miniapps.registry.service import SEES_ALL, refuse_other_department
from miniapps.releases.health import Health, together
from miniapps.releases.models import PublishedApp
from miniapps.releases.service import Releases
from miniapps.scorecards import repository
from miniapps.scorecards.models import Facts, Scorecard, judge, percent
from miniapps.states import APP

YEAR: Final = timedelta(days=365)
USE_KEPT: Final = timedelta(days=90)


class Scorecards:
    """Where nobody counts, nothing is known, and nothing is held against a mini-app."""

    def __init__(self, releases: Releases, clock: Clock) -> None:
        self._releases = releases
        self._clock = clock
        self._uses: KnowsUses | None = None
        self._health: KnowsHealth | None = None

    def count_by(self, uses: KnowsUses, health: KnowsHealth) -> None:
        """From now on users and calls are counted there."""
        self._uses, self._health = uses, health

    async def get_scorecard(self, connection: Connection, principal: Principal, app_id: str) -> Scorecard:
        """The card of a mini-app; raises `AppUnknown`, `OtherDepartment`, `StateConflict` before it is published."""
        app = await apps.get_app(connection, app_id)
        if principal.roles.isdisjoint(SEES_ALL):
            refuse_other_department(principal, app.organization_id)
        published = await self._releases.find_published(connection, app_id)
        if published is None:
            raise StateConflict(of=APP.name, state=app.state, wanted="active")
        return await self._card(connection, published)

    async def list_scorecards(self, connection: Connection) -> list[Scorecard]:
        """The cards of all that is published, in the order of app ids."""
        return [await self._card(connection, app) for app in await self._releases.list_published(connection)]

    async def _card(self, connection: Connection, app: PublishedApp) -> Scorecard:
        now = self._clock.now()
        facts = await self._facts(connection, app, now)
        return Scorecard(
            app_id=app.app_id,
            name=app.manifest.name.zh,
            department=app.organization_name,
            since=now - YEAR,
            facts=facts,
            judgement=judge(facts),
        )

    async def _facts(self, connection: Connection, app: PublishedApp, now: datetime) -> Facts:
        since, manifest = now - YEAR, app.manifest
        health = await self._year(connection, app.app_id, since)
        rated = await repository.count_ratings(connection, app.app_id, since, now)
        users = None if manifest.kind == "directory" else await self._users(connection, app.app_id, now)
        failed = health.faults + health.timeouts + health.bad_signatures
        return Facts(
            published_at=await repository.find_first_release(connection, app.app_id) or now,
            now=now,
            ending=app.ending is not None,
            users=users,
            calls=health.calls,
            success=percent(health.calls - failed, health.calls),
            p95_ms=health.p95_ms,
            promised_p95_ms=manifest.sla.p95_ms if manifest.sla is not None else None,
            promised_availability=manifest.sla.availability if manifest.sla is not None else None,
            ratings=rated.count,
            satisfied=percent(rated.satisfied, rated.count),
            replies_due=rated.due,
            punctual=percent(rated.punctual, rated.due),
            calls_back_open=rated.open_call_backs,
            accessibility=manifest.accessibility.level,
            elder_mode=manifest.accessibility.elder_mode,
            conformance=await repository.find_conformance(connection, app.app_id),
            same_items_as=await self._bigger_with_same_items(connection, app, users, now),
        )

    async def _year(self, connection: Connection, app_id: str, since: datetime) -> Health:
        if self._health is None:
            return Health()
        ids = await repository.list_releases(connection, app_id, since)
        known = await self._health.read_health(connection, ids, since=since)
        return together(known.values())

    async def _users(self, connection: Connection, app_id: str, now: datetime) -> int:
        return 0 if self._uses is None else await self._uses.count_users(connection, app_id, now - USE_KEPT)

    async def _bigger_with_same_items(
        self, connection: Connection, app: PublishedApp, users: int | None, now: datetime
    ) -> str | None:
        codes = [item.item_code for item in app.manifest.items]
        for other in await repository.list_same_items(connection, app.app_id, codes) if codes else ():
            if await self._users(connection, other, now) > (users or 0):
                return other
        return None
