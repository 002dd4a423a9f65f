"""Ending a mini-app: announced long before, with what follows; then without routes, sign-in and consents.

Goes forward only. Every step is audited and told to all nodes in its own transaction.
"""

from datetime import timedelta
from typing import Final

import msgspec

from app.kit.clock import Clock
from app.kit.database import Connection, Database
from app.kit.structs import Text
from auth.principal import Principal
from miniapps.errors import StateConflict, SuccessorUnknown, SunsetTooSoon
from miniapps.lifecycle import repository
from miniapps.lifecycle.models import AnnounceSunset, Retirement, SunsetView, sunset_view
from miniapps.manifest import decode_canonical
from miniapps.ports import EndsConsents
from miniapps.registry import repository as apps
from miniapps.registry.models import App
from miniapps.registry.service import SEES_ALL, Registry, refuse_other_department
from miniapps.states import APP
from miniapps.tellers import Tellers

DECIDES: Final = frozenset({"reviewer", "system_admin"})
DECLARED: Final = Text(zh="该服务按计划下线", en="The service ends as planned")
AT_ONCE: Final = 100
CONSENTS_AT_ONCE: Final = 500
SYSTEM: Final = "system"


class Sunsets:
    """Announces and brings about the end of mini-apps."""

    def __init__(
        self,
        database: Database,
        registry: Registry,
        tellers: Tellers,
        clock: Clock,
        *,
        notice: timedelta,
        proof_within: timedelta,
    ) -> None:
        self._database = database
        self._registry = registry
        self._tellers = tellers
        self._clock = clock
        self._notice = notice
        self._proof_within = proof_within
        self._consents: EndsConsents | None = None

    def end_consents_in(self, consents: EndsConsents) -> None:
        """From now on what citizens allowed a service ends with it."""
        self._consents = consents

    async def announce(
        self, connection: Connection, principal: Principal, app_id: str, request: AnnounceSunset
    ) -> SunsetView:
        """Says when the mini-app ends. Until then it serves on, with the notice beside it.

        Raises `AppUnknown`, `OtherDepartment`, `StateConflict`, `SuccessorUnknown`, and `SunsetTooSoon` to whoever is
        no reviewer: those may end at once what harms.
        """
        app = await apps.get_app_locked(connection, app_id)
        now = self._clock.now()
        if principal.roles.isdisjoint(DECIDES):
            refuse_other_department(principal, app.organization_id)
            if request.at < now + self._notice:
                raise SunsetTooSoon(earliest=(now + self._notice).isoformat())
        retirement = Retirement(
            app_id=app_id,
            ends_at=max(request.at, now),
            successor=request.successor,
            reason=request.reason.as_text(),
            announced_by=principal.person_id,
            announced_at=now,
        )
        await self._announce(connection, app, retirement, actor=principal.actor)
        return sunset_view(retirement, "retiring")

    async def get_sunset(self, connection: Connection, principal: Principal, app_id: str) -> SunsetView:
        """How the mini-app ends; raises `StateConflict` while nothing is announced."""
        app = await apps.get_app(connection, app_id)
        if principal.roles.isdisjoint(SEES_ALL):
            refuse_other_department(principal, app.organization_id)
        retirement = await repository.find_retirement(connection, app_id)
        if retirement is None:
            raise StateConflict(of=APP.name, state=app.state, wanted="retiring")
        return sunset_view(retirement, app.state)

    async def announce_declared(self) -> None:
        """Announces what manifests declare, as soon as it is near; a periodic job.

        A date that comes too soon is put off until citizens had their notice.
        """
        after: str | None = ""
        while after is not None:  # all of them: those whose end is far stay in the list for years
            async with self._database.acquire() as connection:
                declared = await repository.list_declared(connection, after, AT_ONCE)
            for app_id, manifest in declared:
                await self._announce_declared(app_id, manifest)
            after = declared[-1][0] if len(declared) == AT_ONCE else None

    async def retire_due(self) -> None:
        """Ends what is to end by now; a periodic job. Each in a transaction of its own."""
        async with self._database.acquire() as connection:
            due = await repository.list_due(connection, self._clock.now(), AT_ONCE)
        for app_id in due:
            async with self._database.transaction() as connection:
                app = await apps.get_app_locked(connection, app_id)
                retirement = await repository.find_retirement(connection, app_id)
                if app.state == "retiring" and retirement is not None and retirement.retired_at is None:
                    await self.retire(connection, app, actor=SYSTEM)

    async def retire(self, connection: Connection, app: App, *, actor: str) -> None:
        """Takes a retiring mini-app, which the caller has locked, from everybody and for ever."""
        now = self._clock.now()
        APP.walk(app.state, "retired")
        await repository.end_releases(connection, app.app_id, now, actor=actor)
        await apps.mark_state(connection, app.app_id, "retired")
        await repository.mark_retired(connection, app.app_id, now)
        await self.owe_proof(connection, app.app_id)
        await self._registry.record_change(connection, actor, "miniapp.retired", app.app_id)
        await self._tellers.alert(
            connection, "miniapp_retired", app_id=app.app_id, now=now, organization_id=app.organization_id
        )

    async def owe_proof(self, connection: Connection, app_id: str) -> None:
        """If it was an emergency, the department owes the proof of its deletion from now on."""
        now = self._clock.now()
        await repository.mark_emergency_ended(connection, app_id, now, now + self._proof_within)

    async def end_consents(self) -> None:
        """Ends, a portion at a time, what citizens allowed services that have ended; a periodic job."""
        while await self._end_some_consents():
            pass

    async def _end_some_consents(self) -> bool:
        if self._consents is None:
            return False
        now = self._clock.now()
        async with self._database.transaction() as connection:
            app_id = await repository.find_consents_due(connection)
            if app_id is None:
                return False
            app = await apps.get_app(connection, app_id)
            for purpose in await self._purposes_left_behind(connection, app):
                ended = await self._consents.end_purpose(
                    connection, app.organization_id, purpose, actor=SYSTEM, limit=CONSENTS_AT_ONCE
                )
                for person_id in dict.fromkeys(ended):
                    await self._tellers.write(connection, person_id, "service_ended", now)
                if ended:
                    return True  # commit this portion, then look again
            await repository.mark_consents_ended(connection, app_id, now)
            await self._registry.record_change(connection, SYSTEM, "miniapp.consents_ended", app_id)
            return True

    async def _purposes_left_behind(self, connection: Connection, app: App) -> list[str]:
        """The purposes for which nothing of the department asks any more."""
        asked = _purposes(await repository.list_approved_manifests(connection, app.app_id))
        return sorted(asked - _purposes(await repository.list_other_manifests(connection, app.organization_id)))

    async def _announce_declared(self, app_id: str, canonical: bytes) -> None:
        sunset, now = decode_canonical(canonical).sunset, self._clock.now()
        if sunset is None or sunset.at > now + self._notice:
            return
        async with self._database.transaction() as connection:
            app = await apps.get_app_locked(connection, app_id)
            if not APP.allows(app.state, "retiring"):
                return
            successor = sunset.successor
            if successor is not None and not await _stays(connection, successor):
                successor = None
            retirement = Retirement(
                app_id=app_id,
                ends_at=max(sunset.at, now + self._notice),
                successor=successor,
                reason=DECLARED,
                announced_by=None,
                announced_at=now,
            )
            await self._announce(connection, app, retirement, actor=SYSTEM)

    async def _announce(self, connection: Connection, app: App, retirement: Retirement, *, actor: str) -> None:
        APP.walk(app.state, "retiring")
        successor = retirement.successor
        if successor is not None and (successor == app.app_id or not await _stays(connection, successor)):
            raise SuccessorUnknown
        await repository.insert_retirement(connection, retirement)
        await apps.mark_state(connection, app.app_id, "retiring", app.suspension)
        detail = {"ends_at": retirement.ends_at, "successor": successor, "reason": retirement.reason}
        await self._registry.record_change(
            connection, actor, "miniapp.retiring", app.app_id, **msgspec.to_builtins(detail)
        )
        await self._tellers.alert(
            connection,
            "miniapp_retiring",
            app_id=app.app_id,
            now=retirement.announced_at,
            organization_id=app.organization_id,
        )


def _purposes(manifests: list[bytes]) -> set[str]:
    return {scope.name for manifest in manifests for scope in decode_canonical(manifest).scopes}


async def _stays(connection: Connection, app_id: str) -> bool:
    return await apps.find_state(connection, app_id) == "active"
