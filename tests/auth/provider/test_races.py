"""The same thing at once, over a real pool with real commits: one succeeds, the others are refused, nothing breaks."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import httpx
import pytest

from app.kit.clock import ManualClock
from app.kit.database import Database
from app.kit.floor import Floor
from auth.documents import make_synthetic_credit_code
from auth.organizations.models import RegisterDepartment
from auth.settings import AuthSettings
from auth.wiring import build_auth
from tests.auth.conftest import open_client
from tests.auth.provider.city import Browser, Department, Register, client_of

AT_ONCE = 12
Door: TypeAlias = tuple[httpx.AsyncClient, Register]


@pytest.fixture
async def race_http(
    race_floor: Floor, auth_settings: AuthSettings
) -> AsyncIterator[tuple[httpx.AsyncClient, Register]]:
    services, register = build_auth(race_floor, auth_settings), Register()
    services.provider.clients.find_in(register)
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
        reasons = await connection.fetch("select revoked_reason from auth.session where method = 'code'")
    assert [row["revoked_reason"] for row in reasons] == ["code_reuse"]


async def test_one_assertion_opens_once(library: Department) -> None:
    assertion = library.assertion()
    answers = await asyncio.gather(*(library.push(client_assertion=assertion) for _ in range(AT_ONCE)))
    assert outcomes(answers) == {"good": 1, "invalid_client": AT_ONCE - 1}


async def test_refreshing_at_once_never_fails(library: Department, browser: Browser) -> None:
    code = (await browser.arrive(await library.begin()))["code"]
    refresh_token = (await library.redeem(code)).json()["refresh_token"]
    answers = await asyncio.gather(*(library.refresh(refresh_token) for _ in range(AT_ONCE)))
    assert outcomes(answers) == {"good": AT_ONCE}


async def test_revoking_and_refreshing_at_once_leaves_nothing_alive(library: Department, browser: Browser) -> None:
    code = (await browser.arrive(await library.begin()))["code"]
    token = (await library.redeem(code)).json()["refresh_token"]
    both: list[Any] = [library.revoke(token) if number % 3 else library.refresh(token) for number in range(AT_ONCE)]
    assert set(outcomes(await asyncio.gather(*both))) <= {"good", "invalid_grant"}
    assert (await library.refresh(token)).json()["error"] == "invalid_grant"


async def test_one_request_opens_in_one_browser(library: Department) -> None:
    address = await library.begin()
    opened = await asyncio.gather(*(library.http.get(address, headers={"Cookie": ""}) for _ in range(AT_ONCE)))
    assert sorted(answer.status_code for answer in opened) == [303] + [400] * (AT_ONCE - 1)
