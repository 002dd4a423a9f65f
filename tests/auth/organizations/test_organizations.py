"""Organizations: the register says who answers for one, switching starts a fresh context, and nobody else gets in."""

import asyncio
from collections.abc import Callable
from uuid import UUID

import httpx
import jwt
import pytest
from msgspec.structs import replace

from app.demo.registries import CITIZEN, ENTERPRISES, RESPONSIBLE, RESTAURANT, SECOND_CITIZEN
from app.kit.clock import ManualClock
from app.kit.database import Connection, Database
from app.kit.floor import Floor
from auth.documents import make_synthetic_credit_code
from auth.organizations.errors import OrganizationNotActive
from auth.organizations.models import OrganizationView
from auth.registries.ports import EnterpriseAnswer
from auth.settings import AuthSettings
from auth.wiring import AuthServices, build_auth
from tests.auth.conftest import open_client
from tests.auth.phones import Key, Phone, slug_of

NewPhone = Callable[[str], Phone]


async def claim(phone: Phone, code: str = RESTAURANT.credit_code) -> httpx.Response:
    return await phone.client.post("/v1/organizations", json={"credit_code": code}, headers=phone.headers)


@pytest.fixture
async def responsible(phone: Phone) -> Phone:
    await phone.become_known(RESPONSIBLE)
    return phone


async def switch(phone: Phone, organization_id: str) -> httpx.Response:
    return await phone.client.post(f"/v1/organizations/{organization_id}/session", headers=phone.headers)


async def test_responsible_person_claims_their_enterprise(responsible: Phone, connection: Connection) -> None:
    response = await claim(responsible, f" {RESTAURANT.credit_code.lower()} ")
    assert response.status_code == 200
    view = response.json()
    assert (view["kind"], view["name"], view["role"]) == ("enterprise", RESTAURANT.name, "法定代表人")
    assert (await responsible.get("/v1/organizations")).json()["items"] == [view]
    actions = await connection.fetch(
        "select action from kit.audit_entry where subject = $1 order by id", f"organization:{view['id']}"
    )
    assert [row["action"] for row in actions] == ["organization.registered", "mandate.given"]


async def test_claiming_again_changes_nothing(responsible: Phone, connection: Connection) -> None:
    first, second = await claim(responsible), await claim(responsible)
    assert first.json() == second.json()
    assert await connection.fetchval("select count(*) from auth.mandate") == 1


async def test_claim_needs_a_real_name(phone: Phone) -> None:
    await phone.sign_in()
    assert slug_of(await claim(phone)) == "identity-level-too-low"


async def test_known_person_on_an_unseen_device_has_no_organizations_yet(responsible: Phone) -> None:
    organization_id = (await claim(responsible)).json()["id"]
    await responsible.sign_in()
    for response in (
        await claim(responsible),
        await responsible.get("/v1/organizations"),
        await switch(responsible, organization_id),
    ):
        assert (response.status_code, slug_of(response)) == (403, "identity-level-too-low")


async def test_anothers_enterprise_is_refused_like_one_that_is_not(phone: Phone) -> None:
    await phone.become_known(CITIZEN)
    others = await claim(phone)
    nobodys = await claim(phone, make_synthetic_credit_code(sequence=777))
    assert (others.status_code, slug_of(others)) == (422, "responsibility-refused")
    assert others.json() == nobodys.json()


@pytest.mark.parametrize(
    "code", ["", "91190000", "x" * 64, "9119000000000001\u0000A", RESTAURANT.credit_code[:-1] + "!"]
)
async def test_code_out_of_form_is_refused(responsible: Phone, code: str) -> None:
    assert slug_of(await claim(responsible, code)) == "credit-code-invalid"


async def test_closed_enterprise_gives_no_mandate(responsible: Phone) -> None:
    response = await claim(responsible, ENTERPRISES[2].credit_code)
    assert (response.status_code, slug_of(response)) == (409, "organization-not-active")
    assert (await responsible.get("/v1/organizations")).json()["items"] == []


async def test_guessing_codes_ends_after_ten(phone: Phone) -> None:
    await phone.become_known(CITIZEN)
    for number in range(10):
        assert (
            slug_of(await claim(phone, make_synthetic_credit_code(sequence=500 + number))) == "responsibility-refused"
        )
    assert slug_of(await claim(phone)) == "rate-limited"


async def test_registry_down_is_told_and_costs_nothing(
    floor: Floor, auth_settings: AuthSettings, connection: Connection
) -> None:
    services = build_auth(floor, replace(auth_settings, enterprise_registry_url="http://127.0.0.1:9"))
    async with open_client(floor, services) as client:
        phone = Phone(client, floor.outbox.deliver_due, number="19900000001")
        await phone.become_known(RESPONSIBLE)
        assert slug_of(await claim(phone)) == "registry-unavailable"
    await services.close()
    assert await connection.fetchval("select attempts from auth.attempt where kind = 'organization_claim'") == 0


async def test_switching_starts_a_fresh_context(responsible: Phone) -> None:
    organization_id = (await claim(responsible)).json()["id"]
    mine = (await responsible.get("/v1/me")).json()
    response = await switch(responsible, organization_id)
    assert response.status_code == 201
    assert response.headers["cache-control"] == "no-store"
    claims = jwt.decode(response.json()["access_token"], options={"verify_signature": False})
    assert claims["sub"] == f"organization:{organization_id}"
    assert claims["act"] == {"sub": f"person:{mine['subject_id']}"}
    assert claims["sid"] != mine["session_id"]
    assert claims["mandate_id"]
    headers = {"Authorization": f"Bearer {response.json()['access_token']}"}
    me = (await responsible.client.get("/v1/me", headers=headers)).json()
    assert (me["subject_type"], me["agent_id"], me["ial"]) == ("organization", mine["subject_id"], 2)
    assert (await responsible.get("/v1/me")).json()["subject_type"] == "person"


async def test_organizations_session_is_not_a_persons(responsible: Phone) -> None:
    organization_id = (await claim(responsible)).json()["id"]
    responsible.tokens = (await switch(responsible, organization_id)).json()
    for response in (
        await responsible.get("/v1/me/devices"),
        await responsible.get("/v1/me/consents"),
        await responsible.tell_name(),
        await responsible.enroll_challenge(),
        await switch(responsible, organization_id),
    ):
        assert (response.status_code, slug_of(response)) == (403, "wrong-subject")


async def test_stranger_cannot_switch_and_learns_nothing(responsible: Phone, new_phone: NewPhone) -> None:
    organization_id = (await claim(responsible)).json()["id"]
    stranger = new_phone("19900000002")
    await stranger.become_known(CITIZEN)
    known, unknown = await switch(stranger, organization_id), await switch(stranger, str(UUID(int=1)))
    assert (known.status_code, slug_of(known)) == (403, "not-an-agent")
    assert known.json() == unknown.json()
    assert (await stranger.get("/v1/organizations")).json()["items"] == []


async def test_organizations_session_ends_with_the_persons(responsible: Phone) -> None:
    organization_id = (await claim(responsible)).json()["id"]
    pair = (await switch(responsible, organization_id)).json()
    session_id = (await responsible.get("/v1/me")).json()["session_id"]
    await responsible.client.delete(f"/v1/me/sessions/{session_id}", headers=responsible.headers)
    assert (await responsible.refresh(pair["refresh_token"])).status_code == 400


async def test_ended_session_cannot_switch_any_more(responsible: Phone) -> None:
    organization_id = (await claim(responsible)).json()["id"]
    await responsible.client.delete("/v1/me/sessions", headers=responsible.headers)
    assert (await switch(responsible, organization_id)).status_code == 401


async def test_new_responsible_person_voids_the_old_mandate_and_its_sessions(
    responsible: Phone, new_phone: NewPhone, auth: AuthServices, connection: Connection
) -> None:
    organization_id = (await claim(responsible)).json()["id"]
    pair = (await switch(responsible, organization_id)).json()
    successor = new_phone("19900000002")
    await successor.become_known(SECOND_CITIZEN)
    successor_id = UUID((await successor.get("/v1/me")).json()["subject_id"])
    answer = EnterpriseAnswer(match=True, name=RESTAURANT.name, role="法定代表人")
    await auth.organizations.record_responsible(
        connection, person_id=successor_id, code=RESTAURANT.credit_code, answer=answer
    )
    assert (await responsible.get("/v1/organizations")).json()["items"] == []
    assert (await responsible.refresh(pair["refresh_token"])).status_code == 400
    assert slug_of(await switch(responsible, organization_id)) == "not-an-agent"
    assert (await switch(successor, organization_id)).status_code == 201
    kinds = [item["kind"] for item in (await responsible.get("/v1/me/messages")).json()["items"]]
    assert kinds == ["mandate_ended", "organization_claimed"]


async def test_bound_session_binds_the_switched_one(responsible: Phone, clock: ManualClock) -> None:
    organization_id = (await claim(responsible)).json()["id"]
    key = Key()
    token = ""

    async def post(path: str, body: dict[str, str] | None = None) -> httpx.Response:
        headers = {"Authorization": f"DPoP {token}", "DPoP": key.dpop("POST", path, clock.now(), token=token)}
        return await responsible.client.post(path, json=body, headers=headers)

    named = {"name": RESPONSIBLE.name, "document_number": RESPONSIBLE.document_number}
    for wait in (86_400, 0):  # a new device: the name is believed a day later
        tokens = await responsible.sign_in(dpop=key.dpop("POST", "/v1/login/otp/tokens", clock.now()))
        token = str(tokens["access_token"])
        told = await post("/v1/me/real-name", named)
        clock.advance(wait)
    assert told.status_code == 200
    refreshed = await responsible.refresh(dpop=key.dpop("POST", "/oauth/token", clock.now()))
    token = str(refreshed.json()["access_token"])
    pair = (await post(f"/v1/organizations/{organization_id}/session")).json()
    assert pair["token_type"] == "DPoP"
    assert (await responsible.refresh(pair["refresh_token"])).status_code == 400


async def test_ten_claims_at_once_make_one_organization(
    race_client: httpx.AsyncClient, race_floor: Floor, race_database: Database, auth_settings: AuthSettings
) -> None:
    phone = Phone(race_client, race_floor.outbox.deliver_due, number="19900000001")
    await phone.become_known(RESPONSIBLE)
    person_id = UUID((await phone.get("/v1/me")).json()["subject_id"])
    services = build_auth(race_floor, auth_settings)
    answer = EnterpriseAnswer(match=True, name=RESTAURANT.name, role="法定代表人")

    async def record() -> OrganizationView | OrganizationNotActive:
        async with race_database.transaction() as connection:
            return await services.organizations.record_responsible(
                connection, person_id=person_id, code=RESTAURANT.credit_code, answer=answer
            )

    views = await asyncio.gather(*(record() for _ in range(10)))
    await services.close()
    assert len({view.id for view in views if isinstance(view, OrganizationView)}) == 1
    async with race_database.acquire() as connection:
        assert await connection.fetchval("select count(*) from auth.mandate") == 1
        registered = "select count(*) from kit.audit_entry where action = 'organization.registered'"
        assert await connection.fetchval(registered) == 1
