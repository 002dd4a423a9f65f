"""Pictures, phones, numbers and clocks in any order, at two workers on one real database, against a small model."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar, TypeVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from app.kit.clock import ManualClock
from app.kit.database import Connection, Database, Notifications
from app.kit.errors import SuishenError
from app.kit.floor import Floor
from app.kit.keyring import Keyring
from app.kit.outbox import Outbox
from app.kit.structs import Text
from app.kit.vault import Vault
from auth.login.scan.models import MOST_TRIES, SECONDS, BeginScan, OpenScan, ProvedScan, ScanNumber, ScanPicture
from auth.login.scan.service import ScanLogin
from auth.principal import Principal
from auth.sessions.models import Session, StartSession
from auth.settings import AuthSettings
from auth.wiring import AuthServices, build_auth
from tests.auth.phones import ISSUER
from tests.fixtures.postgres import TEST_MASTER_KEY

T = TypeVar("T")
ADDRESS = "192.0.2.1"
PHONES = ("19900000061", "19900000062")
WORKERS = st.integers(0, 1)
WHO = st.integers(0, len(PHONES) - 1)
WHICH = st.integers(0, 9)
HOUR = 3600
ROUNDS = 5  # of ten examples each, one in a dozen meets nobody who hears a number twice at once


@dataclass
class ModelScan:
    """What the model knows of one picture."""

    opened: OpenScan
    ends: datetime
    phone: UUID | None = None
    number: str | None = None
    tries: int = 0
    over: bool = False

    @property
    def secret(self) -> str:
        return self.opened.text.partition("#")[2]

    def lives(self, now: datetime) -> bool:
        return not self.over and now < self.ends and self.tries < MOST_TRIES


class Scans(RuleBasedStateMachine):
    """`dsn` is set by the test. Two workers, each with connections of its own; every act commits."""

    dsn = ""
    seen: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = ManualClock(datetime(2026, 3, 2, 12, tzinfo=UTC))
        self.scans: list[ModelScan] = []
        self.opened = 0

    @initialize()
    def two_workers(self) -> None:
        self.runner.run(self._open())

    async def _open(self) -> None:
        self.databases = [Database(self.dsn, max_size=2) for _ in range(2)]
        self.workers = [await self._worker(database) for database in self.databases]
        self.phones = [await self._sign_in(number) for number in PHONES]

    async def _worker(self, database: Database) -> AuthServices:
        await database.open()
        vault = Vault(TEST_MASTER_KEY)
        keyring = Keyring(database, vault, self.clock)
        floor = Floor(
            database=database,
            notifications=Notifications(self.dsn),
            clock=self.clock,
            vault=vault,
            keyring=keyring,
            outbox=Outbox(database, vault, self.clock),
        )
        return build_auth(floor, AuthSettings(issuer=ISSUER, otp_wrong_limit=100_000, otp_wrong_address_limit=100_000))

    async def _sign_in(self, number: str) -> Session:
        worker = self.workers[0]
        async with self.databases[0].transaction() as connection:
            person = await worker.people.find_or_register(connection, number)
            start = StartSession(
                subject_type="person",
                subject_id=person.id,
                holder_id=person.id,
                client_id="citizen-app",
                scopes=frozenset({"citizen"}),
                ial=1,
                aal=1,
                method="otp",
                authenticated_at=self.clock.now(),
                idle_seconds=HOUR,
                absolute_seconds=2 * HOUR,
                jkt="A" * 43,
            )
            return await worker.sessions.open_session(connection, start)

    def teardown(self) -> None:
        if hasattr(self, "workers"):
            self.runner.run(self._close())
        self.runner.close()

    async def _close(self) -> None:
        for worker, database in zip(self.workers, self.databases, strict=True):
            await worker.close()
            await database.close()

    def at(self, worker: int, act: Callable[[ScanLogin, Connection], Awaitable[T]]) -> T | str:
        """What came of it; the name of a refusal."""
        return self.runner.run(self._at(worker, act))

    async def _at(self, worker: int, act: Callable[[ScanLogin, Connection], Awaitable[T]]) -> T | str:
        scan_login: ScanLogin = self.workers[worker].provider.injected["scan_login"]
        try:
            async with self.databases[worker].transaction() as connection:
                answer = await act(scan_login, connection)
        except SuishenError as refused:
            return refused.slug
        return answer.slug if isinstance(answer, SuishenError) else answer

    def chosen(self, which: int) -> ModelScan:
        return self.scans[-1 - which % min(len(self.scans), 3)]

    def principal(self, who: int) -> Principal:
        session = self.phones[who]
        return Principal(
            subject_type="person",
            subject_id=session.subject_id,
            session_id=session.id,
            client_id=session.client_id,
            authenticated_at=session.authenticated_at,
        )

    @rule(worker=WORKERS)
    def show_a_picture(self, worker: int) -> None:
        begin = BeginScan(place=Text(zh="图书馆", en="Library"), agent="", address=ADDRESS)
        opened = self.at(worker, lambda scans, connection: scans.begin(connection, begin))
        assert isinstance(opened, OpenScan)
        self.scans.append(ModelScan(opened, self.clock.now() + timedelta(seconds=SECONDS)))

    @precondition(lambda self: self.scans)
    @rule(worker=WORKERS, which=WHICH, who=WHO)
    def scan_it(self, worker: int, which: int, who: int) -> None:
        scan, phone = self.chosen(which), self.phones[who].id
        picture = ScanPicture(secret=scan.secret)
        answer = self.at(
            worker, lambda scans, connection: scans.scan(connection, self.principal(who), picture, address=ADDRESS)
        )
        if scan.lives(self.clock.now()) and scan.phone in {None, phone}:
            scan.phone = phone
            assert not isinstance(answer, str), answer
        else:
            assert answer == "scan-login-over"

    @precondition(lambda self: self.scans)
    @rule(worker=WORKERS, which=WHICH, who=WHO)
    def say_yes(self, worker: int, which: int, who: int) -> None:
        scan = self.chosen(which)
        answer = self.at(
            worker,
            lambda scans, connection: scans.approve(connection, self.principal(who), scan.opened.id, address=ADDRESS),
        )
        mine = scan.phone == self.phones[who].id and scan.number is None
        if scan.lives(self.clock.now()) and mine:
            assert isinstance(answer, ScanNumber)
            scan.number = answer.number
        else:
            assert answer == "scan-login-over"

    @precondition(lambda self: self.scans)
    @rule(worker=WORKERS, which=WHICH, who=WHO)
    def say_no(self, worker: int, which: int, who: int) -> None:
        scan = self.chosen(which)
        answer = self.at(worker, lambda scans, connection: scans.deny(connection, self.principal(who), scan.opened.id))
        if scan.phone == self.phones[who].id and not scan.over:
            assert answer == "denied"
            scan.over = True
        else:
            assert answer == "scan-login-over"

    @rule(worker=WORKERS, who=WHO)
    def come_as_far_as_the_number(self, worker: int, who: int) -> None:
        """The usual way, so that much happens after it."""
        self.show_a_picture(worker)
        self.scan_it(1 - worker, 0, who)
        self.say_yes(worker, 0, who)

    @precondition(lambda self: self.scans)
    @rule(worker=WORKERS, which=WHICH, wrong=st.booleans(), theirs=st.booleans())
    def type_the_number(self, worker: int, which: int, *, wrong: bool, theirs: bool) -> None:
        scan = self.chosen(which)
        cookie = scan.opened.cookie if not theirs else self.scans[0].opened.cookie + "x"
        number = scan.number or "0000"
        typed = f"{(int(number) + 1) % 10_000:04}" if wrong else number
        answer = self.at(
            worker,
            lambda scans, connection: scans.prove_number(connection, scan.opened.id, cookie, typed, address=ADDRESS),
        )
        self.judge(scan, answer, right=not wrong, ours=not theirs)

    def judge(self, scan: ModelScan, answer: object, *, right: bool, ours: bool) -> None:
        heard = scan.lives(self.clock.now()) and scan.number is not None and ours
        if heard and right and self.is_signed_in(scan.phone):
            assert isinstance(answer, ProvedScan)
            assert answer.session_id == scan.phone
            scan.over = True
            self.opened += 1
            self.seen["opened"] += 1
        else:
            assert answer == "scan-number-refused"
            scan.tries += heard

    @precondition(lambda self: any(scan.number for scan in self.scans))
    @rule(which=WHICH)
    def type_it_at_both_workers_at_once(self, which: int) -> None:
        living = [scan for scan in self.scans if scan.number is not None]
        scan = living[-1 - which % min(len(living), 3)]

        async def both() -> list[object]:
            def prove(scans: ScanLogin, connection: Connection) -> Awaitable[object]:
                return scans.prove_number(
                    connection, scan.opened.id, scan.opened.cookie, scan.number or "", address=ADDRESS
                )

            return list(await asyncio.gather(self._at(0, prove), self._at(1, prove)))

        answers = sorted(self.runner.run(both()), key=lambda answer: isinstance(answer, str))
        self.seen["at once"] += isinstance(answers[0], ProvedScan)
        for answer in answers:
            self.judge(scan, answer, right=True, ours=True)

    @rule(seconds=st.sampled_from([1, 30, 59, SECONDS]))
    def wait(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @rule(who=WHO)
    def sign_the_phone_out_and_in(self, who: int) -> None:
        async def act() -> None:
            async with self.databases[0].transaction() as connection:
                sessions = self.workers[0].sessions
                await sessions.end_one(connection, self.phones[who], actor="system", reason="test")
            self.phones[who] = await self._sign_in(PHONES[who])

        self.runner.run(act())

    def is_signed_in(self, phone: UUID | None) -> bool:
        session = next((one for one in self.phones if one.id == phone), None)
        return session is not None and session.lives(self.clock.now())

    @invariant()
    def every_picture_opened_at_most_one_session(self) -> None:
        if not self.scans:
            return
        ids = [scan.opened.id for scan in self.scans]

        async def count() -> int:
            async with self.databases[1].acquire() as connection:
                sql = "select count(redeemed_at) from auth.scan_login where id = any($1::uuid[])"
                found: int = await connection.fetchval(sql, ids)
                return found

        assert self.runner.run(count()) == self.opened


@pytest.mark.timeout(240)
def test_any_order_of_events_opens_what_the_model_opens(race_dsn: str) -> None:
    class OnThisDatabase(Scans):
        dsn, seen = race_dsn, Counter[str]()

    for _ in range(ROUNDS):
        run_state_machine_as_test(
            OnThisDatabase,
            settings=settings(
                max_examples=10,
                stateful_step_count=25,
                deadline=None,
                phases=[Phase.reuse, Phase.generate],
                suppress_health_check=list(HealthCheck),
            ),
        )
        if OnThisDatabase.seen["opened"] and OnThisDatabase.seen["at once"]:
            break
    assert OnThisDatabase.seen["opened"] > 0, "no computer was ever signed in"
    assert OnThisDatabase.seen["at once"] > 0, "two workers never heard the same number at once"
