"""The provider with two departments at its door, and two browsers."""

from collections.abc import AsyncIterator, Callable
from uuid import UUID

import httpx
import pytest

from app.kit.clock import ManualClock
from app.kit.database import Database
from app.kit.floor import Floor
from auth.documents import make_synthetic_credit_code
from auth.organizations.models import RegisterDepartment
from auth.wiring import AuthServices
from tests.auth.conftest import open_client
from tests.auth.provider.city import Browser, Department, Register, client_of


@pytest.fixture
async def department_id(auth: AuthServices, database: Database) -> UUID:
    entry = RegisterDepartment(name="演示市图书馆", credit_code=make_synthetic_credit_code(sequence=301))
    async with database.transaction() as connection:
        return (await auth.organizations.register_department(connection, entry, actor="system")).id


@pytest.fixture
async def other_department_id(auth: AuthServices, database: Database) -> UUID:
    entry = RegisterDepartment(name="演示市体育局", credit_code=make_synthetic_credit_code(sequence=302))
    async with database.transaction() as connection:
        return (await auth.organizations.register_department(connection, entry, actor="system")).id


@pytest.fixture
def register(auth: AuthServices) -> Register:
    register = Register()
    auth.provider.clients.find_in(register)
    return register


@pytest.fixture
def library(client: httpx.AsyncClient, clock: ManualClock, register: Register, department_id: UUID) -> Department:
    department = Department(client, clock, "library")
    register.clients["library"] = client_of("library", department_id, {"k1": department.key})
    return department


@pytest.fixture
def sports(client: httpx.AsyncClient, clock: ManualClock, register: Register, other_department_id: UUID) -> Department:
    department = Department(client, clock, "sports")
    register.clients["sports"] = client_of("sports", other_department_id, {"k1": department.key})
    return department


@pytest.fixture
async def new_browser(floor: Floor, auth: AuthServices) -> AsyncIterator[Callable[[str], Browser]]:
    opened: list[httpx.AsyncClient] = []

    async with open_client(floor, auth) as http:

        def make(number: str) -> Browser:
            own = httpx.AsyncClient(transport=http._transport, base_url=http.base_url)
            opened.append(own)
            return Browser(own, floor.outbox.deliver_due, number=number)

        yield make
        for own in opened:
            await own.aclose()


@pytest.fixture
def browser(new_browser: Callable[[str], Browser]) -> Browser:
    return new_browser("19900000021")
