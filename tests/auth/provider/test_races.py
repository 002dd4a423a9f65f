"""The same thing at once, over a real pool with real commits: one succeeds, the others are refused, nothing breaks."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, TypeAlias
from uuid import UUID

import httpx
import pytest

from app.kit.clock import ManualClock
from app.kit.database import Connection, Database
from app.kit.floor import Floor
from auth.documents import make_synthetic_credit_code
from auth.organizations.models import RegisterDepartment
from auth.provider.clients.models import Client
from auth.settings import AuthSettings
from auth.wiring import AuthServices, build_auth
from tests.auth.conftest import open_client
from tests.auth.provider.city import Browser, Department, Register, client_of

AT_ONCE = 12
REASONS = "select revoked_reason from auth.session where method = 'code'"
WAITING = "select count(*) from pg_locks where locktype = 'advisory' and not granted"
WAITING_TO_INSERT = "select count(*) from pg_locks where relation = 'auth.session'::regclass and not granted"
WAITING_FOR_ANOTHER = "select count(*) from pg_locks where locktype = 'transactionid' and not granted"


class SlowRegister(Register):
    """A register that keeps the one who looked waiting after the look that was named, until it is told to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.looks_until_slow = 0
        self.reached, self.go_on = asyncio.Event(), asyncio.Event()
        self.services: AuthServices | None = None

    async def find_client(self, connection: Connection, client_id: str) -> Client | None:
        found = await super().find_client(connection, client_id)
        self.looks_until_slow -= 1
        if self.looks_until_slow == 0:
            self.reached.set()
            await self.go_on.wait()
        return found

    async def suspend(self, database: Database, client_id: str) -> None:
        assert self.services
        async with database.transaction() as connection:
            del self.clients[client_id]
            await self.services.provider.clients.client_changed(connection, client_id, actor="system")


Door: TypeAlias = tuple[httpx.AsyncClient, SlowRegister]


@pytest.fixture
async def race_http(race_floor: Floor, auth_settings: AuthSettings) -> AsyncIterator[Door]:
    services, register = build_auth(race_floor, auth_settings), SlowRegister()
    services.provider.clients.find_in(register)
    register.services = services
    entry = RegisterDepartment(name="演示市图书馆", credit_code=make_synthetic_credit_code(sequence=303))
    async with race_floor.database.transaction() as connection:
        department = await services.organizations.register_department(connection, entry, actor="system")
    register.clients["library"] = client_of("library", department.id, {})
    async with open_client(race_floor, services) as http:
        yield http, register
    await services.close()


@pytest.fixture
def library(race_http: Door, clock: ManualClock) -> Department:
    http, register = race_http
    department = Department(http, clock, "library")
    organization_id = register.clients["library"].organization_id
    register.clients["library"] = client_of("library", organization_id, {"k1": department.key})
    return department


@pytest.fixture
def browser(library: Department, race_floor: Floor) -> Browser:
    return Browser(library.http, race_floor.outbox.deliver_due, number="19900000023")


def outcomes(answers: list[httpx.Response]) -> dict[str, int]:
    found: dict[str, int] = {}
    for answer in answers:
        assert answer.status_code < 500, answer.text
        name = str(answer.json().get("error", "good"))
        found[name] = found.get(name, 0) + 1
    return found


async def test_one_code_gives_one_set_of_tokens_and_reuse_takes_it_back(
    library: Department, browser: Browser, race_database: Database
) -> None:
    code = (await browser.arrive(await library.begin()))["code"]
    answers = await asyncio.gather(*(library.redeem(code) for _ in range(AT_ONCE)))
    assert outcomes(answers) == {"good": 1, "invalid_grant": AT_ONCE - 1}
    tokens = next(answer.json() for answer in answers if answer.status_code == 200)
    assert (await library.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"
    async with race_database.acquire() as connection:
        reasons = await connection.fetch(REASONS)
    assert [row["revoked_reason"] for row in reasons] == ["code_reuse"]


async def test_one_assertion_opens_once(library: Department) -> None:
    assertion = library.assertion()
    answers = await asyncio.gather(*(library.push(client_assertion=assertion) for _ in range(AT_ONCE)))
    assert outcomes(answers) == {"good": 1, "invalid_client": AT_ONCE - 1}


async def test_fifty_parallel_refreshes_of_a_client_all_succeed(library: Department, browser: Browser) -> None:
    code = (await browser.arrive(await library.begin()))["code"]
    refresh_token = (await library.redeem(code)).json()["refresh_token"]
    answers = await asyncio.gather(*(library.refresh(refresh_token) for _ in range(50)))
    assert outcomes(answers) == {"good": 50}


async def test_revoking_and_refreshing_at_once_leaves_nothing_alive(library: Department, browser: Browser) -> None:
    code = (await browser.arrive(await library.begin()))["code"]
    token = (await library.redeem(code)).json()["refresh_token"]
    both: list[Any] = [library.revoke(token) if number % 3 else library.refresh(token) for number in range(AT_ONCE)]
    assert set(outcomes(await asyncio.gather(*both))) <= {"good", "invalid_grant"}
    assert (await library.refresh(token)).json()["error"] == "invalid_grant"


async def test_one_request_opens_in_one_browser(library: Department) -> None:
    address = await library.begin()
    opened = await asyncio.gather(*(library.http.get(address, headers={"Cookie": ""}) for _ in range(AT_ONCE)))
    assert sorted(answer.status_code for answer in opened) == [200] + [400] * (AT_ONCE - 1)


async def test_a_code_that_was_on_its_way_gives_a_suspended_client_nothing(
    library: Department, browser: Browser, race_http: Door, race_database: Database
) -> None:
    """The client was authenticated before it was suspended, and goes on afterwards."""
    _, register = race_http
    code = (await browser.arrive(await library.begin()))["code"]
    register.looks_until_slow = 1
    redeeming = asyncio.create_task(library.redeem(code))
    await register.reached.wait()
    await register.suspend(race_database, "library")
    register.go_on.set()
    assert outcomes([await redeeming]) == {"invalid_client": 1}
    async with race_database.acquire() as connection:
        assert await connection.fetch(REASONS) == []


async def test_a_suspension_waits_for_the_session_that_is_being_opened_and_ends_it(
    library: Department, browser: Browser, race_http: Door, race_database: Database
) -> None:
    _, register = race_http
    code = (await browser.arrive(await library.begin()))["code"]
    register.looks_until_slow = 2  # once to authenticate, once when the client is held
    redeeming = asyncio.create_task(library.redeem(code))
    await register.reached.wait()
    suspending = asyncio.create_task(register.suspend(race_database, "library"))
    async with race_database.acquire() as connection:
        while not await connection.fetchval(WAITING):
            assert not suspending.done()
        register.go_on.set()
        assert (await redeeming).status_code == 200
        await suspending
        assert [row["revoked_reason"] for row in await connection.fetch(REASONS)] == ["client_ended"]


async def test_a_withdrawal_waits_for_the_session_that_is_being_opened_and_ends_it(
    library: Department, browser: Browser, race_http: Door, race_database: Database
) -> None:
    """The tokens were on their way when the citizen said no: they end, and the client is told of it."""
    _, register = race_http
    assert register.services
    code = (await browser.arrive(await library.begin()))["code"]
    async with race_database.acquire() as connection, race_database.acquire() as looking:
        person_id = await connection.fetchval("select id from auth.person")
        async with connection.transaction():
            await connection.execute("lock table auth.session in share mode")  # a row may be held, none inserted
            redeeming = asyncio.create_task(library.redeem(code))
            while not await looking.fetchval(WAITING_TO_INSERT):
                assert not redeeming.done()
            withdrawing = asyncio.create_task(withdraw_all(register.services, race_database, person_id))
            while not withdrawing.done() and not await looking.fetchval(WAITING_FOR_ANOTHER):
                await asyncio.sleep(0)
        assert (await redeeming).status_code == 200
        await withdrawing
        assert [row["revoked_reason"] for row in await connection.fetch(REASONS)] == ["consent_withdrawn"]


async def withdraw_all(services: AuthServices, database: Database, person_id: UUID) -> None:
    async with database.transaction() as connection:
        await services.consents.end_consents_of(connection, person_id, actor=f"person:{person_id}")
