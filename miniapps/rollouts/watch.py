"""Watches every release on its way, and halts one that is worse than it may be: audited, told to people, live at once.

Every worker runs it; an advisory lock lets one at a time look. Refuses to halt what everybody uses: taking that back is
for people to decide.
"""

from datetime import datetime, timedelta
from typing import Final

import msgspec
import structlog

from app.kit.clock import Clock
from app.kit.database import Connection, Database
from app.kit.structs import Text
from miniapps.ports import RaisesAlerts
from miniapps.registry import repository as apps
from miniapps.rollouts import repository
from miniapps.rollouts.evidence import Evidence
from miniapps.rollouts.halting import STRIKES, TooBad, judge, stand, strikes_after
from miniapps.rollouts.repository import OnTrial
from miniapps.rollouts.service import Rollouts
from miniapps.states import RELEASE

log = structlog.get_logger()

LOOK_EVERY: Final = timedelta(seconds=1)
BURST: Final = timedelta(seconds=60)
LONGEST_LOOK: Final = timedelta(days=1)
ALERT: Final = "release_halted"
REASON: Final = Text(
    zh="系统自动停止了这次灰度发布：故障、超时、延迟、验签失败或差评明显多于允许的程度。",
    en="Halted by the city's watch: far more faults, timeouts, delays, failed signatures or bad ratings than allowed.",
)


class Watch:
    """Looks once a second."""

    def __init__(self, database: Database, rollouts: Rollouts, evidence: Evidence, clock: Clock) -> None:
        self._database = database
        self._rollouts = rollouts
        self._evidence = evidence
        self._clock = clock
        self._alerts: RaisesAlerts | None = None

    def alert_through(self, alerts: RaisesAlerts) -> None:
        """From now on officials hear of every halt."""
        self._alerts = alerts

    async def look(self) -> None:
        """One look at everything on trial, then the halts, each on its own; a periodic job."""
        for trial, found in await self._condemned():
            async with self._database.transaction() as connection:
                await self._halt(connection, trial, found)

    async def _condemned(self) -> list[tuple[OnTrial, tuple[TooBad, ...]]]:
        """Which releases have had their last strike, and why. What is not halted now is found again."""
        async with self._database.transaction() as connection:
            if not await repository.try_watch(connection):
                return []
            looks = [await self._look_at(connection, trial) for trial in await repository.list_on_trial(connection)]
        return [look for look in looks if look is not None]

    async def _look_at(self, connection: Connection, trial: OnTrial) -> tuple[OnTrial, tuple[TooBad, ...]] | None:
        now = self._clock.now()
        if trial.looked_at is not None and now - trial.looked_at < LOOK_EVERY:
            return None
        found = await self._find(connection, trial, now)
        strikes = min(strikes_after(trial.strikes, bad=bool(found)), STRIKES)
        if strikes or trial.strikes:
            await repository.upsert_watch(connection, trial.release_id, strikes, now)
        return (trial, found) if found and strikes == STRIKES else None

    async def _find(self, connection: Connection, trial: OnTrial, now: datetime) -> tuple[TooBad, ...]:
        """What is too bad in the last minute, or else since the present step."""
        for since in (max(now - BURST, trial.stage_at), max(now - LONGEST_LOOK, trial.stage_at)):
            both = await self._evidence.look(connection, trial.release_id, trial.published_id, since=since)
            found = judge(both.gray, both.published)
            if found and trial.state == "gray":  # testers are few and were asked; a citizen was drawn
                voices = await self._evidence.hear_voices(connection, trial.release_id, since=since)
                found = stand(found, both.gray, both.published, voices)
            if found:
                return found
        return ()

    async def _halt(self, connection: Connection, trial: OnTrial, found: tuple[TooBad, ...]) -> None:
        app = await apps.get_app_locked(connection, trial.app_id)
        release = await repository.get_release(connection, trial.app_id, trial.release_id)
        if release.state not in {"internal", "gray"}:
            return  # somebody rolled it back, or published it, while this look went on
        RELEASE.walk(release.state, "halted")
        await self._rollouts.end(
            connection, release, "halted", actor="system", reason=REASON, detail={"found": msgspec.to_builtins(found)}
        )
        log.warning("release.halted", app_id=app.app_id, measures=[each.measure for each in found])
        if self._alerts is not None:
            await self._alerts.raise_alert(
                connection,
                ALERT,
                subject=str(release.id),
                now=self._clock.now(),
                organization_id=app.organization_id,
                roles=("developer",),
                city_roles=("reviewer", "system_admin"),
            )
