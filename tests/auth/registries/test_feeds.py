"""The register's word of deaths and companies: heard once, by whichever worker, and a bad word holds up nobody."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import httpx
import pytest

from app.demo.registries import CITIZEN, RESPONSIBLE, RESTAURANT
from app.kit.clock import ManualClock
from app.kit.database import Connection, Database
from auth.registries.errors import RegistryUnavailable
from auth.registries.feeds import Feed, list_feeds
from auth.registries.ports import Death, DeathsAnswer
from auth.wiring import AuthServices
from tests.auth.people.conftest import NewStaff, new_staff, person_of
from tests.auth.phones import Phone

__all__ = ["new_staff"]
Heed = Callable[[Connection, Death], Awaitable[object]]


class Register:
    """Publishes names in order; the cursor is how many were read."""

    def __init__(self, *names: str) -> None:
        self.names = list(names)
        self.dead = False

    async def ask(self, after: str) -> DeathsAnswer:
        await asyncio.sleep(0)
        if self.dead:
            raise RegistryUnavailable("population", "unreachable")
        start = int(after or 0)
        items = [Death(name=name, document_type="id_card", document_number="-") for name in self.names[start:]]
        return DeathsAnswer(items=items, next=str(len(self.names)))


class Heard:
    """What was acted on, in order."""

    def __init__(self, *bad: str) -> None:
        self.names: list[str] = []
        self._bad = bad

    async def heed(self, connection: Connection, death: Death) -> None:
        await connection.execute("select 1")
        if death.name in self._bad:
            await connection.execute("select 1 / 0")
        self.names.append(death.name)


def feed(database: Database, clock: ManualClock, register: Register, heard: Heard) -> Feed[Death]:
    return Feed("deaths", database=database, clock=clock, ask=register.ask, heed=heard.heed)


async def test_every_word_is_heard_once_and_in_order(database: Database, clock: ManualClock) -> None:
    register, heard = Register("甲", "乙"), Heard()
    following = feed(database, clock, register, heard)
    await following.follow()
    await following.follow()
    register.names.append("丙")
    await following.follow()
    assert heard.names == ["甲", "乙", "丙"]


async def test_a_word_that_cannot_be_acted_on_holds_up_nobody(
    database: Database, clock: ManualClock, connection: Connection
) -> None:
    heard = Heard("乙")
    await feed(database, clock, Register("甲", "乙", "丙"), heard).follow()
    assert heard.names == ["甲", "丙"]
    unheeded = await connection.fetchrow("select * from kit.audit_entry where action = 'registry.word_unheeded'")
    assert unheeded is not None
    assert (unheeded["subject"], unheeded["detail"]) == ("feed:deaths", {"position": 1})


async def test_a_register_that_is_silent_is_noted_until_it_speaks(
    database: Database, clock: ManualClock, connection: Connection
) -> None:
    register, heard = Register("甲"), Heard()
    following, began = feed(database, clock, register, heard), clock.now()
    register.dead = True
    await following.follow()
    clock.advance(15)
    await following.follow()
    state = next(one for one in await list_feeds(connection) if one.name == "deaths")
    assert (state.failing_since, state.read_at, state.cursor) == (began, None, "")
    register.dead = False
    await following.follow()
    state = next(one for one in await list_feeds(connection) if one.name == "deaths")
    assert (state.failing_since, state.read_at, heard.names) == (None, clock.now(), ["甲"])


async def test_two_workers_at_once_act_once(race_database: Database, clock: ManualClock) -> None:
    register, heard = Register("甲", "乙"), Heard()
    await asyncio.gather(*(feed(race_database, clock, register, heard).follow() for _ in range(4)))
    assert heard.names == ["甲", "乙"]


async def tell(registries_url: str, path: str, body: dict[str, Any]) -> None:
    async with httpx.AsyncClient(base_url=registries_url) as http:
        assert (await http.post(path, json=body)).status_code == 200


async def test_a_death_in_the_register_ends_an_account(
    phone: Phone, auth: AuthServices, connection: Connection, registries_url: str
) -> None:
    await phone.become_known()
    person_id = UUID(await person_of(phone))
    body = {"name": CITIZEN.name, "document_type": "id_card", "document_number": CITIZEN.document_number}
    await tell(registries_url, "/stand-in/deaths", body)
    await auth.people_rooms.deaths.follow()
    assert (await auth.people.get_person(connection, person_id)).status == "deceased"
    await auth.revoked_sessions.refresh()
    assert (await phone.get("/v1/me")).status_code == 401


@pytest.mark.parametrize("status", ["suspended", "closed"])
async def test_who_speaks_for_a_company_stops_with_it(
    phone: Phone, auth: AuthServices, connection: Connection, registries_url: str, status: str
) -> None:
    await phone.become_known(RESPONSIBLE)
    claim = await phone.client.post(
        "/v1/organizations", json={"credit_code": RESTAURANT.credit_code}, headers=phone.headers
    )
    company = claim.json()
    assert company["form"] == "legal_person"
    switched = await phone.client.post(f"/v1/organizations/{company['id']}/session", headers=phone.headers)
    agent = {"Authorization": f"Bearer {switched.json()['access_token']}"}
    assert (await phone.client.get("/v1/me", headers=agent)).status_code == 200
    await tell(registries_url, "/stand-in/changes", {"credit_code": RESTAURANT.credit_code, "status": status})
    await auth.people_rooms.enterprise_changes.follow()
    await auth.revoked_sessions.refresh()
    assert (await phone.client.get("/v1/me", headers=agent)).status_code == 401
    assert (await phone.get("/v1/me")).status_code == 200
    assert (await auth.organizations.get_organization(connection, UUID(company["id"]))).status == status


async def test_operators_see_how_the_registers_are_heard(new_staff: NewStaff) -> None:
    official = await new_staff("audit_admin")
    answer = (await official.call("GET", "/v1/staff/registries")).json()
    assert [one["name"] for one in answer["items"]] == ["deaths", "enterprises"]
    assert (await (await new_staff("counter")).call("GET", "/v1/staff/registries")).status_code == 403
