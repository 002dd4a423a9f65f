"""Corrections go to the authority that keeps the record, by real HTTP, and its word comes back."""

from typing import Any

import httpx
import pytest

from app.demo.registries import CITIZEN
from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.floor import Floor
from auth.settings import AuthSettings
from auth.wiring import AuthServices, build_auth
from tests.auth.phones import Phone, slug_of

PATH = "/v1/me/corrections"
WRONG_DATE = {"field": "birth_date", "claimed": "1990-03-16", "explanation": "户口簿上是十六日"}


@pytest.fixture
async def citizen(phone: Phone) -> Phone:
    await phone.become_known(CITIZEN)
    return phone


async def ask(phone: Phone, **changes: Any) -> httpx.Response:
    return await phone.client.post(PATH, json=WRONG_DATE | changes, headers=phone.headers)


async def the_one(phone: Phone) -> dict[str, Any]:
    (item,) = (await phone.get(PATH)).json()["items"]
    return dict(item)


async def decide(url: str, reference: str, state: str) -> None:
    async with httpx.AsyncClient() as http:
        body = {"reference": reference, "state": state, "reason": "与档案不符"}
        assert (await http.post(f"{url}/stand-in/corrections", json=body)).status_code == 200


@pytest.mark.parametrize("state", ["accepted", "refused"])
async def test_the_word_of_the_authority_comes_back(
    *, citizen: Phone, floor: Floor, auth: AuthServices, clock: ManualClock, registries_url: str, state: str
) -> None:
    asked = (await ask(citizen)).json()
    assert (asked["state"], asked["claimed"]) == ("pending", "1990-03-16")
    await floor.outbox.deliver_due()
    assert (await the_one(citizen))["state"] == "sent"
    clock.advance(16)
    await auth.privacy.corrections.ask_after_all()
    assert (await the_one(citizen))["state"] == "sent"
    await decide(registries_url, asked["id"], state)
    await auth.privacy.corrections.ask_after_all()
    assert (await the_one(citizen))["state"] == "sent"  # asked a moment ago: the authority is left in peace
    clock.advance(16)
    await auth.privacy.corrections.ask_after_all()
    decided = await the_one(citizen)
    assert (decided["state"], decided["reason"]) == (state, "与档案不符")
    kinds = [message["kind"] for message in (await citizen.get("/v1/me/messages")).json()["items"]]
    assert kinds[:2] == [f"correction_{state}", "correction_sent"]


async def test_an_authority_that_is_away_is_tried_again(
    floor: Floor, auth_settings: AuthSettings, citizen: Phone, auth: AuthServices, connection: Connection
) -> None:
    away = build_auth(floor, AuthSettings(issuer=auth_settings.issuer, population_registry_url="http://127.0.0.1:9"))
    asked = (await ask(citizen)).json()
    await floor.outbox.deliver_due()
    assert (await the_one(citizen))["state"] == "pending"
    assert await connection.fetchval("select attempts from kit.outbox where last_error is not null") == 1
    await away.close()
    await auth.privacy.corrections.deliver({"correction_id": asked["id"]})
    await auth.privacy.corrections.deliver({"correction_id": asked["id"]})  # at least once is once
    assert (await the_one(citizen))["state"] == "sent"


async def test_what_was_said_stands_sealed(citizen: Phone, connection: Connection) -> None:
    await ask(citizen)
    sealed = await connection.fetchval("select claim_sealed from auth.correction")
    assert "户口簿".encode() not in sealed
    assert b"1990-03-16" not in sealed


async def test_too_many_wait_for_an_answer(citizen: Phone) -> None:
    for _ in range(5):
        assert (await ask(citizen)).status_code == 201
    assert slug_of(await ask(citizen)) == "too-many-corrections"


@pytest.mark.parametrize(
    "changes", [{"field": "phone"}, {"claimed": ""}, {"claimed": "x" * 201}, {"explanation": ""}, {"person_id": "x"}]
)
async def test_what_is_out_of_form_is_refused(citizen: Phone, changes: dict[str, Any]) -> None:
    assert slug_of(await ask(citizen, **changes)) == "fields-invalid"


async def test_only_who_is_known_by_name_may_ask(phone: Phone) -> None:
    await phone.sign_in()
    assert slug_of(await ask(phone)) == "identity-level-too-low"
    assert (await phone.client.post(PATH, json=WRONG_DATE)).status_code == 401
