"""The people of these tests: who answers for the restaurant, whom they ask, and what passes between them over HTTP."""

from datetime import date
from typing import Any

import httpx

from app.demo.registries import RESIDENTS, RESPONSIBLE, RESTAURANT, Resident
from auth.documents import make_synthetic_id_number
from tests.auth.phones import Phone

MANAGER, CLERK, TRAINEE = RESIDENTS[3], RESIDENTS[4], RESIDENTS[8]
ELDER, DAUGHTER = RESIDENTS[7], RESIDENTS[6]


def document_of(who: Resident) -> dict[str, Any]:
    return {"name": who.name, "document_number": who.document_number}


def number_of(year: int, sequence: int) -> str:
    return make_synthetic_id_number(birth=date(year, 3, 15), sequence=sequence)


async def known(phone: Phone, who: Resident) -> Phone:
    await phone.become_known(who)
    return phone


async def company(phone: Phone) -> tuple[str, Phone]:
    """The restaurant's id, and its responsible person speaking for it."""
    await phone.become_known(RESPONSIBLE)
    claimed = await post(phone, "/v1/organizations", {"credit_code": RESTAURANT.credit_code})
    assert claimed.status_code == 200, claimed.text
    return claimed.json()["id"], await speak_for(phone, claimed.json()["id"])


async def speak_for(phone: Phone, organization_id: str) -> Phone:
    """The same person in the organization's name."""
    response = await post(phone, f"/v1/organizations/{organization_id}/session")
    assert response.status_code == 201, response.text
    return with_tokens(phone, response.json())


def with_tokens(phone: Phone, tokens: dict[str, Any]) -> Phone:
    other = Phone(phone.client, phone._deliver, number=phone.number)
    other.tokens = tokens
    return other


async def post(phone: Phone, path: str, body: Any = None) -> httpx.Response:
    return await phone.client.post(path, json=body, headers=phone.headers)


async def end(phone: Phone, path: str) -> httpx.Response:
    return await phone.client.delete(path, headers=phone.headers)


async def offer(desk: Phone, organization_id: str, kind: str, who: Resident, **more: Any) -> httpx.Response:
    body = {"kind": kind, "agent": document_of(who)} | more
    return await post(desk, f"/v1/organizations/{organization_id}/mandates", body)


async def accept(phone: Phone, offer_id: str) -> str:
    """The id of the mandate that came of it."""
    response = await post(phone, f"/v1/me/mandate-offers/{offer_id}/decision", {"decision": "accepted"})
    assert response.status_code == 200, response.text
    return str(response.json()["mandate_id"])


async def appoint(desk: Phone, organization_id: str, kind: str, phone: Phone, who: Resident, **more: Any) -> str:
    """A mandate for somebody of the organization, offered and taken."""
    offered = await offer(desk, organization_id, kind, who, **more)
    assert offered.status_code == 201, offered.text
    return await accept(phone, offered.json()["id"])


async def items(phone: Phone, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await phone.get(path)).json()["items"]
    return found


async def notices(phone: Phone) -> list[str]:
    return [message["kind"] for message in await items(phone, "/v1/me/messages")]
