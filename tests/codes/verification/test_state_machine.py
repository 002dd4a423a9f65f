"""Grants, revocations, suspensions, clocks and scans in any order, on a real database, against a small model."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import ClassVar, TypeVar

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from app.kit.clock import ManualClock
from app.kit.database import Database, Notifications
from app.kit.floor import Floor
from app.kit.keyring import Keyring
from app.kit.outbox import Outbox
from app.kit.vault import Vault
from codes.errors import DeviceNotReady, GrantsExhausted
from codes.offline import read_code
from codes.showing.grants.models import RevokeCodes
from codes.status.models import StatusPointer
from codes.verdict import Reason, Verdict, VerificationResult
from codes.verification.models import VerifyCode
from tests.codes.personal_city import SETTINGS, City, Phone, a_scanner
from tests.fixtures.floor import OneConnection
from tests.fixtures.postgres import TEST_MASTER_KEY

T = TypeVar("T")
COUNTS = """
select count(*) filter (where verdict = 'ACCEPT'), count(guard_cti), count(subject_id) from codes.verification
"""
GENERAL, ENTRY, LENDING = 0, 301, 302
FRESH, AHEAD = 45, 30
MOST_BATCHES = 4
LUCKY = 7
SCANS = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(["request-0001", "request-0002"])), min_size=1, max_size=4
)


@dataclass
class ModelGrant:
    """What the model knows of a grant: far less than the database does."""

    phone: int
    number: int
    pointer: StatusPointer
    expires_at: int
    batch_ends: int
    revoked: bool = False
    suspended: bool = False

    def revoke(self, now: int) -> None:
        """A batch that has ended is left alone; else all its grants are void, also those that ended before."""
        self.revoked = self.revoked or self.batch_ends > now


@dataclass
class Shown:
    """A presentation. `accepted` is who was told OK, on which request."""

    grant: ModelGrant
    iat: int
    scenario: int
    text: str
    accepted: tuple[int, str] | None = None


@dataclass
class ModelPhone:
    phone: Phone
    active: bool = True
    open: bool = True
    batches: int = 0
    grants: list[ModelGrant] = field(default_factory=list)


class Codes(RuleBasedStateMachine):
    """`dsn` is set by the test. Every example is one transaction that is rolled back."""

    dsn = ""
    seen: ClassVar[Counter[tuple[Reason, bool]]] = Counter()
    showings = Bundle("showings")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = ManualClock(datetime(2026, 3, 2, 1, 0, tzinfo=UTC))
        self.phones: list[ModelPhone] = []
        self.shown: dict[tuple[int, int, int], Shown] = {}
        self.records = 0
        # One gate for each scenario: a device that switches its scenario is locked for a while, which is another test.
        self.gates = [(a_scanner(scenario), scenario) for scenario in (ENTRY, ENTRY, LENDING)]

    def run(self, act: Callable[[], Awaitable[T]]) -> T:
        async def call() -> T:
            return await act()

        return self.runner.run(call())

    @initialize()
    def a_city(self) -> None:
        self.run(self._open)

    async def _open(self) -> None:
        self.pool = Database(self.dsn, max_size=1)
        await self.pool.open()
        self.acquired = self.pool.acquire()
        self.connection = await self.acquired.__aenter__()
        self.transaction = self.connection.transaction()
        await self.transaction.start()
        database, vault = OneConnection(self.dsn, self.connection), Vault(TEST_MASTER_KEY)
        keyring = Keyring(database, vault, self.clock)
        await keyring.load(self.connection)
        self.city = City(
            Floor(
                database=database,
                notifications=Notifications(self.dsn),
                clock=self.clock,
                vault=vault,
                keyring=keyring,
                outbox=Outbox(database, vault, self.clock),
            )
        )
        await self.city.codes.trust_lists.publish_when_due()

    def teardown(self) -> None:
        if hasattr(self, "transaction"):
            self.run(self._close)
        self.runner.close()

    async def _close(self) -> None:
        await self.city.codes.close()
        await self.transaction.rollback()
        await self.acquired.__aexit__(None, None, None)
        await self.pool.close()

    @property
    def now(self) -> int:
        return int(self.clock.now().timestamp())

    @precondition(lambda self: len(self.phones) < 2)
    @rule()
    def somebody_comes(self) -> None:
        phone = Phone(self.city, self.city.people.add())
        self.phones.append(ModelPhone(phone=phone))
        self._fetch(len(self.phones) - 1)

    @precondition(lambda self: self.phones)
    @rule(which=st.integers(0, 1))
    def a_phone_refills(self, which: int) -> None:
        self._fetch(which % len(self.phones))

    def _fetch(self, which: int) -> None:
        model = self.phones[which]
        before = len(model.phone.grants)
        try:
            self.run(self._issue(model.phone))
        except DeviceNotReady:
            assert not model.active
        except GrantsExhausted:
            assert model.batches >= MOST_BATCHES
        else:
            assert model.active
            model.batches += 1
            model.grants += [
                self._learn(which, model.phone, number) for number in range(before, len(model.phone.grants))
            ]

    def _issue(self, phone: Phone) -> Callable[[], Awaitable[object]]:
        async def issue() -> object:
            async with self.connection.transaction():
                return await phone.fetch(self.connection)

        return issue

    def _learn(self, which: int, phone: Phone, number: int) -> ModelGrant:
        claims = read_code(phone.show(grant=number), SETTINGS.code_format).claims
        place = StatusPointer(shard=claims.shard, index=claims.index)
        return ModelGrant(
            phone=which, number=number, pointer=place, expires_at=claims.expires_at, batch_ends=self.now + 86400
        )

    @precondition(lambda self: self.phones)
    @rule(which=st.integers(0, 1), what=st.sampled_from(["lost", "all", "device", "account"]), luck=st.integers(0, 9))
    def something_ends(self, which: int, what: str, luck: int) -> None:
        """Seldom, or nothing would be left to scan."""
        if luck != LUCKY:
            return
        model = self.phones[which % len(self.phones)]
        if what == "account":
            self._close_or_open(model)
            return
        self.run(self._ending(model, what))
        model.active = model.active and what != "device"
        for grant in model.grants:
            grant.revoke(self.now)

    def _ending(self, model: ModelPhone, what: str) -> Callable[[], Awaitable[object]]:
        grants, phone = self.city.codes.grants, model.phone
        if what == "device":
            self.city.devices.change(phone.id, "revoked")
            return lambda: grants.device_revoked(self.connection, phone.id, self.clock.now())
        lost = RevokeCodes() if what == "all" else RevokeCodes(device_id=phone.id)
        return lambda: grants.revoke(self.connection, phone.principal, lost)

    def _close_or_open(self, model: ModelPhone) -> None:
        model.open = not model.open
        person = self.city.people.by_id[model.phone.person.id]
        status = "active" if model.open else "closed"
        self.city.people.by_id[person.id] = msgspec.structs.replace(person, status=status)

    @precondition(lambda self: self.phones)
    @rule(which=st.integers(0, 1), number=st.integers(0, 2))
    def a_grant_is_suspended_or_restored(self, which: int, number: int) -> None:
        grant = self.phones[which % len(self.phones)].grants[number]
        statuses, place = self.city.codes.statuses, grant.pointer
        if grant.suspended:
            self.run(lambda: statuses.restore(self.connection, place))
        else:
            ends = datetime.fromtimestamp(grant.expires_at, UTC)
            self.run(lambda: statuses.suspend(self.connection, [place], expires_at=ends, now=self.clock.now()))
        grant.suspended = not grant.suspended

    @rule(seconds=st.sampled_from([1, 20, 45, 46]), hours=st.sampled_from([5, 21]), luck=st.integers(0, 9))
    def time_passes(self, seconds: int, hours: int, luck: int) -> None:
        self.clock.advance(hours * 3600 if luck == LUCKY else seconds)
        self.run(self.city.codes.trust_lists.publish_when_due)

    @precondition(lambda self: self.phones)
    @rule(
        target=showings,
        which=st.integers(0, 1),
        number=st.integers(0, 2),
        age=st.sampled_from([5, 5, 5, 0, 45, -30, 46, -31]),
        scenario=st.sampled_from([ENTRY, ENTRY, LENDING, GENERAL]),
        scans=SCANS,
    )
    def a_code_is_shown_and_scanned(
        self, *, which: int, number: int, age: int, scenario: int, scans: list[tuple[int, str]]
    ) -> Shown:
        model = self.phones[which % len(self.phones)]
        grant = model.grants[number % len(model.grants)]
        text = model.phone.show(scenario, grant=grant.number, age=age)
        shown = Shown(grant=grant, iat=self.now - age, scenario=scenario, text=text)
        # The same second again is the same presentation, whatever else the phone signs into it.
        self.shown.setdefault((grant.phone, grant.number, shown.iat), shown)
        self._scan_all(shown, scans)
        return shown

    @rule(shown=showings, scans=SCANS)
    def a_code_is_scanned_again(self, shown: Shown, scans: list[tuple[int, str]]) -> None:
        self._scan_all(shown, scans)

    def _scan_all(self, shown: Shown, scans: list[tuple[int, str]]) -> None:
        for gate, request in scans:
            self._scan(shown, gate, request)

    def _scan(self, shown: Shown, gate: int, request: str) -> None:
        scanner, scenario = self.gates[gate]
        first = self.shown[shown.grant.phone, shown.grant.number, shown.iat]
        expected = self.expected(shown, first, gate, request)
        asked = VerifyCode(code=shown.text, scenario=scenario, request_id=request)
        result = self.run(lambda: self.city.codes.verifications.verify(self.connection, scanner, asked))
        self.check(result, expected)
        self.seen[expected] += 1
        if expected == (Reason.OK, False):
            first.accepted = (gate, request)
        self.records += not result.repeated

    def expected(self, shown: Shown, first: Shown, gate: int, request: str) -> tuple[Reason, bool]:
        """The model: a reason, and whether it is the first answer told again."""
        reason = self.verdict(shown, self.gates[gate][1])
        used_up = reason is Reason.OK and first.accepted is not None
        if used_up:
            reason = Reason.REPLAYED
        if first.accepted == (gate, request) and reason in (Reason.REPLAYED, Reason.STALE_CODE):
            return (Reason.OK, True)
        return (reason, False)

    def verdict(self, shown: Shown, scenario: int) -> Reason:
        grant, model, age = shown.grant, self.phones[shown.grant.phone], self.now - shown.iat
        general = shown.scenario == GENERAL and scenario == ENTRY
        refusals = [
            (grant.revoked, Reason.REVOKED),
            (grant.suspended, Reason.SUSPENDED),
            (self.now >= grant.expires_at, Reason.GRANT_EXPIRED),
            (age < -AHEAD, Reason.CLOCK_SKEW),
            (age > FRESH, Reason.STALE_CODE),
            (shown.scenario != scenario and not general, Reason.SCENARIO_MISMATCH),
            (not model.open, Reason.REVOKED),
        ]
        return next((reason for holds, reason in refusals if holds), Reason.OK)

    def check(self, result: VerificationResult, expected: tuple[Reason, bool]) -> None:
        assert (result.reason, result.repeated) == expected
        assert (result.verdict is Verdict.ACCEPT) is (result.reason is Reason.OK)
        if result.reason is not Reason.OK:
            assert (result.disclosed, result.withheld) == ({}, [])

    @invariant()
    def the_table_agrees_with_the_model(self) -> None:
        """Every showing was accepted at most once, and every scan stands in its holder's record."""
        if not hasattr(self, "city"):
            return
        accepted = sum(shown.accepted is not None for shown in self.shown.values())
        row = self.run(lambda: self.connection.fetchrow(COUNTS))
        assert row is not None
        assert tuple(row) == (accepted, accepted, self.records)


@pytest.mark.timeout(240)
def test_any_order_of_events_is_judged_as_the_model_does(worker_dsn: str) -> None:
    class OnThisDatabase(Codes):
        dsn, seen = worker_dsn, Counter[tuple[Reason, bool]]()

    run_state_machine_as_test(
        OnThisDatabase,
        # Not made smaller when one fails: each try is a database's work, and the steps are told as they were.
        settings=settings(
            max_examples=20,
            stateful_step_count=30,
            deadline=None,
            phases=[Phase.reuse, Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert OnThisDatabase.seen[Reason.OK, False] > 0, "no code ever opened a door"
