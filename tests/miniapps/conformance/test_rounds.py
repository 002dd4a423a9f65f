"""The city's own runs: in the sandbox when asked, every night on what is live, once each, whoever is free."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from app.kit.clock import ManualClock
from app.kit.floor import Floor
from miniapps.conformance import repository
from miniapps.conformance.ports import Answer, Network, Outgoing, Unanswered
from miniapps.conformance.records import KeptReport
from miniapps.conformance.rounds import night_of
from miniapps.releases import repository as versions
from miniapps.sandbox.keys import live_keys, sandbox_keys
from miniapps.sandbox.signing import CityKeys, Signer
from miniapps.sdk import Jwks, Verifier
from miniapps.wiring import MiniappsServices
from tests.miniapps.city import HOTLINE, official
from tests.miniapps.conformance.departments import Department, document
from tests.miniapps.conftest import APP_ID, As, Steps

CITY = "http://127.0.0.1:8000"
SANDBOX_URL, LIVE_URL = "https://department.test/api", "https://library.example.cn/suishen"
NIGHT = datetime(2026, 3, 2, 19, 30, tzinfo=UTC)  # half past three in the city
RUNS = f"/v1/apps/{APP_ID}/versions/1/conformance/runs"
REPORTS = f"/v1/apps/{APP_ID}/versions/1/conformance"


def believing(keys: CityKeys, issuer: str, now: Callable[[], float], **changes: Any) -> Department:
    """A department that trusts just these keys."""
    jwks = Signer(issuer=issuer, app_id="", authority="", zone="", keys=keys, now=now).city().jwks()
    base = LIVE_URL if issuer == CITY else SANDBOX_URL
    return Department(base=base, verifier=Verifier(app_id=APP_ID, issuer=issuer, keys=Jwks(jwks), now=now), **changes)


def lead(services: MiniappsServices, network: Network) -> None:
    @asynccontextmanager
    async def way() -> AsyncIterator[Network]:
        yield network

    services.onboarding.way.lead_through(way)


def turn(clock: ManualClock, to: datetime) -> None:
    clock.advance((to - clock.now()).total_seconds())


class Alerts:
    """A message centre that remembers."""

    def __init__(self) -> None:
        self.raised: list[tuple[str, str]] = []

    async def raise_alert(self, connection: Any, kind: str, *, subject: str, **more: Any) -> None:  # noqa: ARG002
        self.raised.append((kind, subject))

    async def write(self, connection: Any, person_id: Any, kind: str, now: Any) -> None:
        """Citizens hear nothing of this."""


@pytest.fixture
def alerts(services: MiniappsServices) -> Alerts:
    alerts = Alerts()
    services.stewardship.tellers.speak_through(alerts, alerts)
    return alerts


async def draft(steps: Steps, *, sandbox: str | None = SANDBOX_URL) -> None:
    await steps.register()
    made = document()
    base = {"live": LIVE_URL} | ({"sandbox": sandbox} if sandbox else {})
    backend = made["backend"] | {"base_url": base}
    await steps.draft(widgets=made["widgets"], data=made["data"], backend=backend)


async def kept(steps: Steps) -> list[KeptReport]:
    version = await steps.connection.fetchval("select id from miniapps.version where app_id = $1", APP_ID)
    return await repository.list_reports(steps.connection, version, None, 10)


async def test_the_city_tries_a_drafts_test_server_by_its_sandbox(
    called_by: As, steps: Steps, services: MiniappsServices, floor: Floor, clock: ManualClock
) -> None:
    await draft(steps)
    department = believing(sandbox_keys(floor.keyring), f"{CITY}/sandbox", lambda: clock.now().timestamp())
    lead(services, department)

    asked = await called_by(steps.author).post(RUNS)
    assert (asked.status_code, asked.json()["state"]) == (202, "waiting")
    again = await called_by(steps.author).post(RUNS)
    assert again.json()["id"] == asked.json()["id"]
    await services.onboarding.rounds.make_due()

    [report] = await kept(steps)
    assert (report.made_by, report.environment, report.outcome) == ("city", "sandbox", "passed")
    assert {request.url.partition("/api")[0] for request in department.seen} == {"https://department.test"}
    seen = (await called_by(official("reviewer", organization_id=HOTLINE)).get(REPORTS)).json()["items"]
    assert [one["made_by"] for one in seen] == ["city"]
    assert (await steps.audited())[-2:] == ["miniapp.conformance_asked", "miniapp.conformance_run"]


async def test_a_live_department_does_not_believe_the_sandbox(
    called_by: As, steps: Steps, services: MiniappsServices, floor: Floor, clock: ManualClock
) -> None:
    await draft(steps)
    lead(services, believing(live_keys(floor.keyring), CITY, lambda: clock.now().timestamp()))

    await called_by(steps.author).post(RUNS)
    await services.onboarding.rounds.make_due()

    [report] = await kept(steps)
    assert report.outcome == "failed"
    assert {case.id: case.seen for case in report.report.cases}["good-call"] == "401"


async def test_without_a_test_server_there_is_nothing_to_ask_for(called_by: As, steps: Steps) -> None:
    await draft(steps, sandbox=None)

    answer = await called_by(steps.author).post(RUNS)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/sandbox-address-missing")


async def test_strangers_ask_for_nothing(called_by: As, steps: Steps) -> None:
    await draft(steps)

    assert (await called_by(official("developer", organization_id=HOTLINE)).post(RUNS)).status_code == 403
    assert (await called_by(official("reviewer")).post(RUNS)).status_code == 403
    assert (await called_by(None).post(RUNS)).status_code == 401


async def test_a_test_server_that_does_not_answer_ends_the_run_without_a_report(
    called_by: As, steps: Steps, services: MiniappsServices
) -> None:
    class Nowhere(Department):
        async def send(self, _request: Outgoing) -> Answer:
            raise Unanswered("not-allowed")

    await draft(steps)
    lead(services, Nowhere())
    await called_by(steps.author).post(RUNS)
    await services.onboarding.rounds.make_due()

    assert await kept(steps) == []
    run = await steps.connection.fetchrow("select * from miniapps.conformance_run")
    assert run is not None
    assert (run["trouble"], run["ended_at"] is not None) == ("not-allowed", True)
    assert (await called_by(steps.author).post(RUNS)).json()["state"] == "waiting"  # and may be asked for anew


async def test_what_the_kit_cannot_try_ends_and_stops_nobody_else(
    called_by: As, steps: Steps, services: MiniappsServices
) -> None:
    class Broken(Department):
        async def send(self, _request: Outgoing) -> Answer:
            raise ZeroDivisionError

    await draft(steps)
    lead(services, Broken())
    await called_by(steps.author).post(RUNS)
    await services.onboarding.rounds.make_due()

    run = await steps.connection.fetchrow("select * from miniapps.conformance_run")
    assert run is not None
    assert (run["trouble"], run["ended_at"] is not None) == ("kit-failed", True)


@pytest.mark.parametrize(("utc_hour", "is_night"), [(17, False), (18, True), (20, True), (21, False), (3, False)])
def test_night_is_the_citys_own(utc_hour: int, is_night: bool) -> None:
    assert (night_of(datetime(2026, 3, 2, utc_hour, tzinfo=UTC)) is not None) == is_night


async def live(steps: Steps) -> None:
    await draft(steps)
    digest = await steps.connection.fetchval("select encode(manifest_hash, 'hex') from miniapps.version")
    await steps.submit()
    await steps.check()
    await steps.review(digest)
    await steps.publish()


async def test_every_night_what_is_live_is_tried_once_and_nobody_is_named(
    steps: Steps, services: MiniappsServices, floor: Floor, clock: ManualClock, alerts: Alerts
) -> None:
    await live(steps)
    turn(clock, NIGHT)
    department = believing(live_keys(floor.keyring), CITY, lambda: clock.now().timestamp())
    lead(services, department)

    for _ in range(2):
        await services.onboarding.rounds.plan_night()
        await services.onboarding.rounds.make_due()
    assert [report.environment for report in await kept(steps)] == ["live"]
    assert (await kept(steps))[0].outcome == "passed"
    assert alerts.raised == []

    clock.advance(86_400)
    await services.onboarding.rounds.plan_night()
    await services.onboarding.rounds.make_due()
    assert len(await kept(steps)) == 2


async def test_a_night_in_which_nobody_answered_stands_on_the_scorecard(
    called_by: As, steps: Steps, services: MiniappsServices, floor: Floor, clock: ManualClock
) -> None:
    async def verdict() -> tuple[str | None, bool]:
        card = (await called_by(steps.author).get(f"/v1/apps/{APP_ID}/scorecard")).json()
        return card["facts"]["conformance"], "not_conforming" in card["judgement"]["reasons"]

    await live(steps)
    turn(clock, NIGHT)
    department = believing(live_keys(floor.keyring), CITY, lambda: clock.now().timestamp())
    lead(services, department)
    assert await verdict() == (None, False)
    await services.onboarding.rounds.plan_night()
    await services.onboarding.rounds.make_due()
    assert await verdict() == ("passed", False)

    clock.advance(86_400)
    lead(services, Away())
    await services.onboarding.rounds.plan_night()
    await services.onboarding.rounds.make_due()
    assert await verdict() == ("unreachable", True)


class Away:
    """Nobody is there any more."""

    async def send(self, _request: Outgoing) -> Answer:
        raise Unanswered("unreachable")


async def test_by_day_nothing_is_planned(steps: Steps, services: MiniappsServices, clock: ManualClock) -> None:
    await live(steps)
    turn(clock, NIGHT + timedelta(hours=8))
    await services.onboarding.rounds.plan_night()

    assert await steps.connection.fetchval("select count(*) from miniapps.conformance_run") == 0


async def test_a_suspended_one_is_left_alone(steps: Steps, services: MiniappsServices, clock: ManualClock) -> None:
    await live(steps)
    await steps.suspend()
    turn(clock, NIGHT)
    await services.onboarding.rounds.plan_night()

    assert await steps.connection.fetchval("select count(*) from miniapps.conformance_run") == 0


async def test_a_live_one_that_opened_its_door_is_told_to_its_department_and_the_city(
    steps: Steps, services: MiniappsServices, floor: Floor, clock: ManualClock, alerts: Alerts
) -> None:
    await live(steps)
    turn(clock, NIGHT)
    open_door = frozenset({"assertion-missing", "signature-missing"})
    department = believing(live_keys(floor.keyring), CITY, lambda: clock.now().timestamp(), overlooks=open_door)
    lead(services, department)
    await services.onboarding.rounds.plan_night()
    await services.onboarding.rounds.make_due()

    assert alerts.raised == [("miniapp_conformance_failed", f"miniapp:{APP_ID}")]
    assert [report.outcome for report in await kept(steps)] == ["failed"]


async def test_what_a_dead_worker_had_claimed_is_claimed_again(
    called_by: As, steps: Steps, services: MiniappsServices, floor: Floor, clock: ManualClock
) -> None:
    await draft(steps)
    await called_by(steps.author).post(RUNS)
    now = clock.now()
    assert await repository.claim_run(steps.connection, now, now - timedelta(minutes=10)) is not None
    assert await repository.claim_run(steps.connection, now, now - timedelta(minutes=10)) is None

    lead(services, believing(sandbox_keys(floor.keyring), f"{CITY}/sandbox", lambda: clock.now().timestamp()))
    await services.onboarding.rounds.make_due()
    assert await kept(steps) == []
    clock.advance(60 * 11)
    await services.onboarding.rounds.make_due()
    assert len(await kept(steps)) == 1


async def test_nights_long_ago_are_forgotten_and_what_was_handed_in_is_not(
    steps: Steps, services: MiniappsServices, floor: Floor, clock: ManualClock
) -> None:
    await live(steps)
    turn(clock, NIGHT)
    department = believing(live_keys(floor.keyring), CITY, lambda: clock.now().timestamp())
    lead(services, department)
    await services.onboarding.rounds.plan_night()
    await services.onboarding.rounds.make_due()
    clock.advance(86_400 * 91)
    await services.onboarding.rounds.plan_night()

    assert await kept(steps) == []


async def test_a_departments_own_word_does_not_hide_what_the_city_saw(
    called_by: As, steps: Steps, services: MiniappsServices, floor: Floor, clock: ManualClock
) -> None:
    await draft(steps)
    lead(services, believing(live_keys(floor.keyring), CITY, lambda: clock.now().timestamp()))
    await called_by(steps.author).post(RUNS)
    await services.onboarding.rounds.make_due()
    [seen] = await kept(steps)
    assert (seen.made_by, seen.outcome) == ("city", "failed")
    well = tuple(msgspec.structs.replace(case, outcome="passed") for case in seen.report.cases)
    claim = msgspec.structs.replace(seen.report, environment="local", outcome="passed", cases=well)
    headers = {"content-type": "application/json"}
    answer = await called_by(steps.author).post(REPORTS, content=msgspec.json.encode(claim), headers=headers)
    assert answer.status_code == 201, answer.text
    version = await versions.get_version(steps.connection, APP_ID, 1)
    found = await services.onboarding.conformance.judge(steps.connection, version)
    assert [finding.code for finding in found] == ["conformance-failed"]
