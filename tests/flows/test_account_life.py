"""An account that sleeps or ends, in the whole house: its codes at a door, its mandates, and what comes back."""

import httpx
import pytest

from app.demo.caller import Refused
from tests.fixtures.inhabited import CITIZEN, LIBRARY_ENTRY, InboxPhone, Inhabited

HOLDER = {"name": CITIZEN.name, "document_type": "id_card", "document_number": CITIZEN.document_number}


async def verdict(people: Inhabited, code: str) -> tuple[str, str]:
    scanned = await people.scanner.post("/v1/verifications", {"code": code, "scenario": LIBRARY_ENTRY})
    return scanned["verdict"], scanned["reason"]


async def freeze(people: Inhabited) -> None:
    body = {"holder": HOLDER, "reason": "lost_phone"}
    await people.callers["hotline"].call("POST", "/v1/staff/people/freezes", json=body)


async def hear(people: Inhabited) -> None:
    """As the periodic job of a worker does."""
    await people.house.packages.auth.revoked_sessions.refresh()


async def test_a_lost_phone_is_stopped_by_the_hotline_and_found_again(inhabited: Inhabited) -> None:
    phone = inhabited.citizen
    first, second, third, *_ = await phone.fetch_grants()
    assert (await verdict(inhabited, phone.present(first, LIBRARY_ENTRY)))[0] == "ACCEPT"
    await freeze(inhabited)
    await hear(inhabited)
    assert (await verdict(inhabited, phone.present(second, LIBRARY_ENTRY)))[0] != "ACCEPT"
    with pytest.raises(Refused) as refused:
        await phone.call("GET", "/v1/me")
    assert refused.value.status == 401
    again = InboxPhone(inhabited.http, inhabited.house)
    with pytest.raises(Refused) as sleeping:
        await again.sign_in(phone.number)
    assert sleeping.value.slug == "account-frozen"
    body = {"holder": HOLDER, "holder_checked": True, "phone_found": True}
    await inhabited.callers["counter"].call("POST", "/v1/staff/people/unfreezings", json=body)
    assert (await verdict(inhabited, phone.present(third, LIBRARY_ENTRY)))[0] == "ACCEPT"


async def test_a_death_ends_codes_sessions_and_what_the_dead_spoke_for(inhabited: Inhabited) -> None:
    phone = inhabited.citizen
    (grant, *_) = await phone.fetch_grants()
    children = await phone.call("GET", "/v1/me/children")
    assert len(children["items"]) == 1
    body = {"holder": HOLDER, "reason": "death_certificate"}
    await inhabited.callers["counter"].call("POST", "/v1/staff/people/deaths", json=body)
    await hear(inhabited)
    assert (await verdict(inhabited, phone.present(grant, LIBRARY_ENTRY))) == ("REJECT", "REVOKED")
    async with inhabited.house.floor.database.acquire() as connection:
        child = children["items"][0]["id"]
        assert await inhabited.house.packages.auth.guardians.list_guardian_ids(connection, child) == []
    with pytest.raises(Refused):
        await phone.call("GET", "/v1/me")


async def test_the_page_of_a_refusal_says_what_to_do(client: httpx.AsyncClient) -> None:
    page = await client.get("/problems/account-frozen")
    assert page.status_code == 200
    assert "人脸" in page.text
