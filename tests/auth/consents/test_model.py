"""Consents in any order at two workers, against a model: what holds at one holds at the other, at once."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from app.kit.clock import ManualClock
from app.kit.database import Database
from app.kit.floor import Floor
from app.kit.ids import new_id
from auth.consents.errors import ConsentUnknown
from auth.consents.models import Consent, GrantConsent
from auth.principal import Principal
from auth.settings import AuthSettings
from auth.wiring import AuthServices, build_auth
from tests.auth.consents.test_consents import make_department

PURPOSES = ("library.borrow", "library.news")
FIELDS = ("full_name", "phone_tail", "age_over_18")
PEOPLE = 2
WORKERS = 2


class Stage:
    """Two workers' services over one database, two people and a department. Everything commits."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, database: Database, workers: list[AuthServices], clock: ManualClock
    ) -> None:
        self.loop = loop
        self.database = database
        self.workers = workers
        self.clock = clock

    def run(self, act: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(act, self.loop).result(timeout=20)

    async def begin(self) -> tuple[list[Principal], UUID]:
        async with self.database.transaction() as connection:
            people = [
                await self.workers[0].people.find_or_register(connection, f"1990000{new_id().int % 10_000:04}")
                for _ in range(PEOPLE)
            ]
            found = await connection.fetchval("select id from auth.organization limit 1")
            department = found or await make_department(self.workers[0], connection)
            await connection.execute("update auth.consent set withdrawn_at = now() where withdrawn_at is null")
        return [principal_of(person.id, self.clock) for person in people], department

    async def in_transaction(self, act: Any) -> Any:
        async with self.database.transaction() as connection:
            return await act(connection)


def principal_of(person_id: UUID, clock: ManualClock) -> Principal:
    return Principal(
        subject_type="person",
        subject_id=person_id,
        agent_id=None,
        session_id=new_id(),
        client_id="citizen-app",
        scopes=frozenset(),
        ial=1,
        aal=1,
        authenticated_at=clock.now(),
        device_id=None,
        roles=frozenset(),
        organization_id=None,
        mandate_id=None,
    )


class ConsentModel(RuleBasedStateMachine):
    """`given` maps person and purpose to the consent in force: its id, its fields, its end."""

    stage: Stage

    def __init__(self) -> None:
        super().__init__()
        self.people, self.department = self.stage.run(self.stage.begin())
        self.given: dict[tuple[int, str], tuple[UUID, frozenset[str], Any]] = {}
        self.ended: list[tuple[int, UUID]] = []

    def _at(self, worker: int, act: Any) -> Any:
        return self.stage.run(self.stage.in_transaction(lambda connection: act(self.stage.workers[worker], connection)))

    @rule(
        worker=st.integers(0, WORKERS - 1),
        person=st.integers(0, PEOPLE - 1),
        purpose=st.sampled_from(PURPOSES),
        fields=st.sets(st.sampled_from(FIELDS), min_size=1),
        days=st.none() | st.integers(1, 3),
    )
    def grant(self, worker: int, person: int, purpose: str, fields: set[str], days: int | None) -> None:
        asked = GrantConsent(
            department_id=self.department,
            purpose=purpose,
            fields=sorted(fields),
            text_version="1",
            expires_in_days=days,
        )
        view = self._at(worker, lambda services, c: services.consents.grant_consent(c, self.people[person], asked))
        if (person, purpose) in self.given:
            self.ended.append((person, self.given[person, purpose][0]))
        until = None if days is None else self.stage.clock.now() + timedelta(days=days)
        self.given[person, purpose] = (view.id, frozenset(fields), until)

    @rule(worker=st.integers(0, WORKERS - 1), person=st.integers(0, PEOPLE - 1), purpose=st.sampled_from(PURPOSES))
    def withdraw(self, worker: int, person: int, purpose: str) -> None:
        known = self.given.pop((person, purpose), None)
        if known is not None:
            self._withdraw(worker, person, known[0])
            self.ended.append((person, known[0]))

    @rule(worker=st.integers(0, WORKERS - 1), person=st.integers(0, PEOPLE - 1))
    def withdraw_all(self, worker: int, person: int) -> None:
        views = self._at(worker, lambda services, c: services.consents.withdraw_all(c, self.people[person], None))
        mine = [key for key in self.given if key[0] == person]
        assert {view.id for view in views} == {self.given[key][0] for key in mine}
        self.ended += [(person, self.given.pop(key)[0]) for key in mine]

    @rule(worker=st.integers(0, WORKERS - 1), data=st.data())
    def nobody_ends_what_has_ended_or_is_anothers(self, worker: int, data: st.DataObject) -> None:
        others = [((person + 1) % PEOPLE, known[0]) for (person, _), known in self.given.items()]
        if choices := self.ended + others:
            person, consent_id = data.draw(st.sampled_from(choices))
            with pytest.raises(ConsentUnknown):
                self._withdraw(worker, person, consent_id)

    @rule(hours=st.integers(1, 30))
    def time_passes(self, hours: int) -> None:
        self.stage.clock.advance(hours * 3600)

    @invariant()
    def both_workers_know_the_same(self) -> None:
        now = self.stage.clock.now()
        for person in range(PEOPLE):
            expected = {
                purpose: (consent_id, fields)
                for (owner, purpose), (consent_id, fields, until) in self.given.items()
                if owner == person and (until is None or until > now)
            }
            for worker in range(WORKERS):
                found = self._in_force(worker, self.people[person].subject_id)
                assert {name: (one.id, frozenset(one.fields)) for name, one in found.items()} == expected

    def _in_force(self, worker: int, person_id: UUID) -> dict[str, Consent]:
        found: dict[str, Consent] = self._at(
            worker, lambda services, c: services.consents.find_in_force(c, person_id, self.department, PURPOSES)
        )
        return found

    def _withdraw(self, worker: int, person: int, consent_id: UUID) -> None:
        self._at(worker, lambda services, c: services.consents.withdraw_consent(c, self.people[person], consent_id))


async def test_consents_are_the_same_at_both_workers(
    race_floor: Floor, race_database: Database, auth_settings: AuthSettings, clock: ManualClock
) -> None:
    workers = [build_auth(race_floor, auth_settings) for _ in range(WORKERS)]
    stage = Stage(asyncio.get_running_loop(), race_database, workers, clock)
    machine = type("Machine", (ConsentModel,), {"stage": stage})
    few = settings(
        max_examples=12,
        stateful_step_count=12,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    await asyncio.to_thread(run_state_machine_as_test, machine, settings=few)
    for services in workers:
        await services.close()
    async with race_database.acquire() as connection:
        assert await connection.fetchval("select count(*) from auth.consent where withdrawn_at is not null")
