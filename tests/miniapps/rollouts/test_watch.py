"""The watch: halts what is too bad by itself, tells people, and leaves alone what is only unlucky or everybody's."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from app.kit.clock import ManualClock
from app.kit.database import Connection
from miniapps.releases.health import Health
from miniapps.releases.models import ReleaseView
from miniapps.rollouts.halting import STRIKES
from miniapps.rollouts.watch import Watch
from tests.miniapps.city import LIBRARY
from tests.miniapps.conftest import APP_ID, Steps

QUICK = (100, 0, 0, 0, 0, 0, 0, 0, 0)
FINE = Health(calls=100, durations=QUICK)
FAILING = Health(calls=100, faults=60, durations=QUICK)


class KnownHealth:
    """How releases fare is as the test says."""

    def __init__(self) -> None:
        self.known: dict[UUID, Health] = {}
        self.voices: dict[UUID, list[Health]] = {}
        self.since: list[datetime] = []

    async def read_health(
        self, _connection: Connection, release_ids: Collection[UUID], *, since: datetime
    ) -> Mapping[UUID, Health]:
        self.since.append(since)
        return {release_id: self.known[release_id] for release_id in release_ids if release_id in self.known}

    async def read_voices(self, _connection: Connection, release_id: UUID, *, since: datetime) -> Sequence[Health]:
        """Two halves of the city that fare alike, when nothing else is said."""
        assert since in self.since
        return self.voices.get(release_id, [self.known[release_id]] * 2)


class KnownRatings:
    def __init__(self) -> None:
        self.known: dict[UUID, tuple[int, int]] = {}

    async def bad_share(self, _connection: Connection, release_id: UUID, _since: datetime) -> tuple[int, int]:
        return self.known.get(release_id, (0, 0))


class HeardAlerts:
    def __init__(self) -> None:
        self.raised: list[dict[str, Any]] = []

    async def raise_alert(
        self,
        connection: Connection,
        kind: str,
        *,
        subject: str,
        now: datetime,
        organization_id: UUID | None = None,
        roles: Sequence[str] = (),
        city_roles: Sequence[str] = (),
    ) -> None:
        assert connection.is_in_transaction()
        told = {"roles": roles, "city_roles": city_roles, "organization_id": organization_id}
        self.raised.append({"kind": kind, "subject": subject, "now": now} | told)


@pytest.fixture
def health(steps: Steps) -> KnownHealth:
    health = KnownHealth()
    steps.services.evidence.count_calls_by(health)
    return health


@pytest.fixture
def alerts(steps: Steps) -> HeardAlerts:
    alerts = HeardAlerts()
    steps.services.watch.alert_through(alerts)
    return alerts


@pytest.fixture
async def trial(steps: Steps) -> ReleaseView:
    """Version 2 is with one in a hundred."""
    await steps.live()
    await steps.approve(2)
    trial = await steps.release(2, to="testers")
    return await steps.grow(trial.id, 1)


async def look(watch: Watch, clock: ManualClock, times: int = 1) -> None:
    for _ in range(times):
        await watch.look()
        clock.advance(1)


async def state_of(steps: Steps, release_id: UUID) -> str:
    detail = await steps.services.rollouts.get_release(steps.connection, steps.author, APP_ID, release_id)
    return detail.release.state


async def test_a_failing_release_is_halted_and_people_are_told(
    steps: Steps, trial: ReleaseView, health: KnownHealth, alerts: HeardAlerts, clock: ManualClock
) -> None:
    health.known = {trial.id: FAILING}
    await look(steps.services.watch, clock, STRIKES - 1)
    assert await state_of(steps, trial.id) == "gray"
    await look(steps.services.watch, clock)

    detail = await steps.services.rollouts.get_release(steps.connection, steps.author, APP_ID, trial.id)
    assert detail.release.state == "halted"
    assert detail.release.reason is not None
    assert (detail.course[-1].actor, detail.course[-1].state) == ("system", "halted")
    assert [alert["kind"] for alert in alerts.raised] == ["release_halted"]
    assert alerts.raised[0]["organization_id"] == LIBRARY
    assert (alerts.raised[0]["roles"], alerts.raised[0]["city_roles"]) == (
        ("developer",),
        ("reviewer", "system_admin"),
    )
    row = await steps.connection.fetchrow(
        "select actor, detail from kit.audit_entry where action = 'miniapp.release_halted'"
    )
    assert row is not None
    assert row["actor"] == "system"
    assert row["detail"]["found"] == [{"measure": "faults", "bad": 60, "of": 100, "limit": 0.1}]
    assert [app.version_code for app in await steps.services.releases.list_published(steps.connection)] == [1]
    await look(steps.services.watch, clock, 5)
    assert len(alerts.raised) == 1


async def test_what_one_citizen_brings_about_halts_nothing(
    steps: Steps, trial: ReleaseView, health: KnownHealth, alerts: HeardAlerts, clock: ManualClock
) -> None:
    health.known = {trial.id: FAILING}
    health.voices = {trial.id: [Health(calls=60, faults=60, durations=QUICK), Health(calls=40, durations=QUICK)]}
    await look(steps.services.watch, clock, 3 * STRIKES)
    assert await state_of(steps, trial.id) == "gray"
    assert alerts.raised == []


async def test_a_healthy_release_is_left_alone(
    steps: Steps, trial: ReleaseView, health: KnownHealth, alerts: HeardAlerts, clock: ManualClock
) -> None:
    health.known = {trial.id: FINE}
    await look(steps.services.watch, clock, 10)
    assert await state_of(steps, trial.id) == "gray"
    assert alerts.raised == []


async def test_bad_moments_that_pass_are_forgiven(
    steps: Steps, trial: ReleaseView, health: KnownHealth, clock: ManualClock
) -> None:
    for _ in range(5):
        health.known = {trial.id: FAILING}
        await look(steps.services.watch, clock, STRIKES - 1)
        health.known = {trial.id: FINE}
        await look(steps.services.watch, clock, STRIKES - 1)
    assert await state_of(steps, trial.id) == "gray"


async def test_looking_often_is_not_looking_again(
    steps: Steps, trial: ReleaseView, health: KnownHealth, clock: ManualClock
) -> None:
    """Every worker looks each second: three workers are not three strikes."""
    assert clock is steps.floor.clock
    health.known = {trial.id: FAILING}
    for _ in range(10):
        await steps.services.watch.look()
    assert await state_of(steps, trial.id) == "gray"


async def test_what_is_no_worse_than_everybodys_goes_on(
    steps: Steps, trial: ReleaseView, health: KnownHealth, clock: ManualClock
) -> None:
    (published,) = await steps.services.releases.list_published(steps.connection)
    durations = (10_000, 0, 0, 0, 0, 0, 0, 0, 0)
    health.known = {
        trial.id: Health(calls=10_000, faults=600, durations=durations),
        published.release_id: Health(calls=10_000, faults=500, durations=durations),
    }
    await look(steps.services.watch, clock, 5)
    assert await state_of(steps, trial.id) == "gray"


async def test_citizens_who_are_unhappy_halt_it_too(steps: Steps, trial: ReleaseView, clock: ManualClock) -> None:
    ratings = KnownRatings()
    ratings.known = {trial.id: (30, 27)}
    steps.services.evidence.count_ratings_by(ratings)
    await look(steps.services.watch, clock, STRIKES)
    assert await state_of(steps, trial.id) == "halted"


async def test_what_everybody_uses_is_never_halted(
    steps: Steps, health: KnownHealth, alerts: HeardAlerts, clock: ManualClock
) -> None:
    await steps.live()
    (published,) = await steps.services.releases.list_published(steps.connection)
    health.known = {published.release_id: FAILING}
    await look(steps.services.watch, clock, 5)
    assert len(await steps.services.releases.list_published(steps.connection)) == 1
    assert alerts.raised == []


async def test_an_internal_release_is_watched_too(steps: Steps, health: KnownHealth, clock: ManualClock) -> None:
    await steps.live()
    await steps.approve(2)
    trial = await steps.release(2, to="testers")
    health.known = {trial.id: FAILING}
    health.voices = {trial.id: [FAILING]}  # the word of a single tester is enough: they were asked to try
    await look(steps.services.watch, clock, STRIKES)
    assert await state_of(steps, trial.id) == "halted"


async def test_a_release_of_a_service_that_ends_is_watched_to_the_end(
    steps: Steps, trial: ReleaseView, health: KnownHealth, clock: ManualClock
) -> None:
    await steps.connection.execute("update miniapps.app set state = 'retiring' where app_id = $1", APP_ID)
    health.known = {trial.id: FAILING}
    await look(steps.services.watch, clock, STRIKES)
    assert await state_of(steps, trial.id) == "halted"


async def test_nothing_from_before_the_present_step_counts(
    steps: Steps, trial: ReleaseView, health: KnownHealth, clock: ManualClock
) -> None:
    clock.advance(30)
    await steps.grow(trial.id, 5)
    stage_at = clock.now()
    await look(steps.services.watch, clock)
    assert min(health.since) == stage_at


async def test_a_release_that_was_taken_back_meanwhile_is_not_halted_after(
    steps: Steps, trial: ReleaseView, health: KnownHealth, alerts: HeardAlerts, clock: ManualClock
) -> None:
    health.known = {trial.id: FAILING}
    await look(steps.services.watch, clock, STRIKES - 1)
    condemned = await steps.services.watch._condemned()
    await steps.roll_back(trial.id)
    for found in condemned:
        await steps.services.watch._halt(steps.connection, *found)
    assert await state_of(steps, trial.id) == "rolled_back"
    assert alerts.raised == []
