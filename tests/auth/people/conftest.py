"""Officials at counters and at the hotline, and a citizen whom they know by a document."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import httpx
import pytest

from app.demo.registries import CITIZEN, Resident
from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.ids import new_id
from auth.documents import make_synthetic_credit_code
from auth.organizations.models import RegisterDepartment
from auth.sessions.models import StartSession
from auth.wiring import AuthServices
from tests.auth.phones import Phone

NewStaff = Callable[..., Awaitable["Staff"]]


def named(who: Resident = CITIZEN, **changes: str) -> dict[str, str]:
    body = {"name": who.name, "document_type": who.document_type, "document_number": who.document_number}
    return body | changes


class Staff:
    """A member of staff who has signed in. (How one signs in is tried elsewhere, and costs half a second.)"""

    def __init__(self, client: httpx.AsyncClient, official_id: UUID, organization_id: UUID, token: str) -> None:
        self.client = client
        self.id = official_id
        self.organization_id = organization_id
        self.token = token

    async def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        return await self.client.request(method, path, json=body, headers=headers)


@pytest.fixture
def new_staff(client: httpx.AsyncClient, clock: ManualClock, auth: AuthServices, connection: Connection) -> NewStaff:
    async def make(*roles: str, department: int = 900) -> Staff:
        code = make_synthetic_credit_code(sequence=department)
        office = await auth.organizations.find_by_credit_code(connection, code)
        if office is None:
            wanted = RegisterDepartment(name=f"测试部门{department}", credit_code=code)
            await auth.organizations.register_department(connection, wanted, actor="system")
            office = await auth.organizations.find_by_credit_code(connection, code)
        assert office is not None
        official_id = new_id()
        start = StartSession(
            subject_type="official",
            subject_id=official_id,
            holder_id=official_id,
            organization_id=office.id,
            client_id="staff-console",
            scopes=frozenset({"staff"}),
            roles=frozenset(roles),
            ial=2,
            aal=2,
            method="password",
            authenticated_at=clock.now(),
            idle_seconds=1800,
            absolute_seconds=3600,
        )
        pair = await auth.sessions.start_session(connection, start)
        return Staff(client, official_id, office.id, pair.access_token)

    return make


@pytest.fixture
async def counter(new_staff: NewStaff) -> Staff:
    return await new_staff("counter")


@pytest.fixture
async def other_counter(new_staff: NewStaff) -> Staff:
    return await new_staff("counter")


@pytest.fixture
async def hotline(new_staff: NewStaff) -> Staff:
    return await new_staff("hotline")


@pytest.fixture
async def citizen(phone: Phone) -> Phone:
    await phone.become_known()
    return phone


async def kinds(connection: Connection, person_id: str) -> list[str]:
    rows = await connection.fetch("select kind from auth.message where person_id = $1 order by id", person_id)
    return [row["kind"] for row in rows]


async def person_of(phone: Phone) -> str:
    return str((await phone.get("/v1/me")).json()["subject_id"])
