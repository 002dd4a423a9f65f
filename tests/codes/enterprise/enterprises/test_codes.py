"""Issuing, listing and revoking enterprise codes: for the organization's own agents, and nobody else."""

from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest

from app.kit.clock import ManualClock
from app.kit.database import Connection
from codes.enterprise.enterprises import service
from tests.codes.enterprise_city import OTHER_COMPANY, RESTAURANT, STRANGERS, Caller, EnterpriseRooms, agent_of

CODES = f"/v1/organizations/{RESTAURANT}/codes"
NOT_THE_AGENT = [name for name in STRANGERS if name != "agent of the restaurant"]


async def issue(city: httpx.AsyncClient, **facts: Any) -> httpx.Response:
    return await city.post(CODES, json={"label": "前厅"} | facts)


async def count(connection: Connection) -> int:
    counted: int = await connection.fetchval("select count(*) from codes.enterprise_code")
    return counted


async def test_issue_code_answers_with_an_alphanumeric_url(
    city: httpx.AsyncClient, caller: Caller, connection: Connection
) -> None:
    caller.principal = agent_of(RESTAURANT)
    answer = await issue(city)
    body = answer.json()
    assert answer.status_code == 201
    assert body["carrier"].startswith("HTTP://127.0.0.1:8000/1/")
    assert set(body["carrier"]) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:/.")
    assert (body["kind"], body["state"], body["label"]) == ("E", "active", "前厅")
    audited = await connection.fetchrow("select actor, action, subject from kit.audit_entry")
    assert tuple(audited or ()) == (
        caller.principal.actor,
        "enterprise_code.issued",
        f"organization:{RESTAURANT}",
    )


async def test_issue_code_lives_as_long_as_asked(city: httpx.AsyncClient, caller: Caller, clock: ManualClock) -> None:
    caller.principal = agent_of(RESTAURANT)
    body = (await issue(city, valid_days=30)).json()
    assert body["expires_at"] == "2026-04-01T12:00:00Z"


async def test_issue_repeated_with_the_same_key_makes_one_code(
    city: httpx.AsyncClient, caller: Caller, connection: Connection
) -> None:
    caller.principal = agent_of(RESTAURANT)
    answers = [await city.post(CODES, json={"label": "前厅"}, headers={"Idempotency-Key": "one"}) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert await count(connection) == 1


@pytest.mark.parametrize("who", NOT_THE_AGENT)
async def test_codes_of_a_company_are_closed_to_everybody_else(
    city: httpx.AsyncClient, caller: Caller, connection: Connection, who: str
) -> None:
    caller.principal = agent_of(RESTAURANT)
    code_id = (await issue(city)).json()["id"]
    caller.principal = STRANGERS[who]
    refused = 401 if caller.principal is None else 403
    assert (await issue(city)).status_code == refused
    assert (await city.get(CODES)).status_code == refused
    assert (await city.delete(f"{CODES}/{code_id}")).status_code == refused
    assert await connection.fetchval("select array_agg(state) from codes.enterprise_code") == ["active"]


async def test_revoke_code_of_another_company_through_ones_own_is_refused(
    city: httpx.AsyncClient, caller: Caller
) -> None:
    caller.principal = agent_of(RESTAURANT)
    code_id = (await issue(city)).json()["id"]
    caller.principal = agent_of(OTHER_COMPANY)
    answer = await city.delete(f"/v1/organizations/{OTHER_COMPANY}/codes/{code_id}")
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/enterprise-code-unknown")


@pytest.mark.parametrize(
    "facts",
    [
        {"label": ""},
        {"label": " 前厅"},
        {"label": "前厅\n"},
        {"label": "a\u0007b"},
        {"label": "x" * 41},
        {"label": 7},
        {"valid_days": 29},
        {"valid_days": 731},
        {"valid_days": "long"},
        {"kind": "P"},
        {"expires_at": "2099-01-01T00:00:00Z"},
    ],
)
async def test_issue_with_a_wrong_field_is_refused(
    city: httpx.AsyncClient, caller: Caller, connection: Connection, facts: Any
) -> None:
    caller.principal = agent_of(RESTAURANT)
    answer = await issue(city, **facts)
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/fields-invalid")
    assert await count(connection) == 0


async def test_issue_for_a_company_that_was_dissolved_is_refused(
    city: httpx.AsyncClient, caller: Caller, rooms: EnterpriseRooms
) -> None:
    known = rooms.organizations.by_id
    known[RESTAURANT] = msgspec.structs.replace(known[RESTAURANT], status="dissolved")
    caller.principal = agent_of(RESTAURANT)
    answer = await issue(city)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/organization-not-active")


async def test_issue_more_codes_than_one_company_may_have_is_refused(
    city: httpx.AsyncClient, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MOST_VALID", 2)
    caller.principal = agent_of(RESTAURANT)
    first = (await issue(city)).json()["id"]
    await issue(city)
    assert (await issue(city)).json()["type"] == "/problems/enterprise-codes-exhausted"
    await city.delete(f"{CODES}/{first}")
    assert (await issue(city)).status_code == 201


async def test_list_codes_goes_page_by_page_newest_first(city: httpx.AsyncClient, caller: Caller) -> None:
    caller.principal = agent_of(RESTAURANT)
    issued = [(await issue(city)).json()["id"] for _ in range(3)]
    first = (await city.get(f"{CODES}?limit=2")).json()
    second = (await city.get(f"{CODES}?limit=2&after={first['next']}")).json()
    assert len(first["items"]) == 2
    assert second["next"] is None
    assert {item["id"] for item in first["items"] + second["items"]} == set(issued)


async def test_revoke_code_is_final_and_audited_once(
    city: httpx.AsyncClient, caller: Caller, connection: Connection
) -> None:
    caller.principal = agent_of(RESTAURANT)
    code_id = (await issue(city)).json()["id"]
    answers = [(await city.delete(f"{CODES}/{code_id}")).json() for _ in range(2)]
    assert [answer["state"] for answer in answers] == ["revoked", "revoked"]
    assert await connection.fetchval("select count(*) from codes.status_entry where status = 1") == 1
    revoked = "select count(*) from kit.audit_entry where action = 'enterprise_code.revoked'"
    assert await connection.fetchval(revoked) == 1


async def test_revoke_code_that_does_not_exist_is_refused(city: httpx.AsyncClient, caller: Caller) -> None:
    caller.principal = agent_of(RESTAURANT)
    answer = await city.delete(f"{CODES}/{uuid4()}")
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/enterprise-code-unknown")
