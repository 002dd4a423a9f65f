"""The gateway's own routes on the whole house: home, pins, disclosures and the published keys."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from app.kit.database import Connection
from app.kit.ids import new_id
from app.main import House
from auth.principal import Principal
from auth.sessions.models import Session
from gateway.disclosures import repository
from gateway.disclosures.models import Disclosure
from gateway.snapshot import RouteSnapshot
from tests.gateway.publications import LIBRARY, a_snapshot


def session_of(house: House, **changes: Any) -> Session:
    now, person_id = house.floor.clock.now(), new_id()
    facts: dict[str, Any] = {
        "id": new_id(),
        "subject_type": "person",
        "subject_id": person_id,
        "holder_id": person_id,
        "client_id": "citizen-app",
        "scopes": frozenset(),
        "ial": 2,
        "aal": 1,
        "method": "otp",
        "refresh_hash": b"",
        "rotated_at": now,
        "authenticated_at": now,
        "created_at": now,
        "idle_seconds": 3600,
        "idle_expires_at": now + timedelta(hours=1),
        "expires_at": now + timedelta(hours=1),
    }
    return Session(**(facts | changes))


def sign_in(client: httpx.AsyncClient, house: House, **changes: Any) -> Principal:
    """Gives the client a token that the house itself made."""
    token = house.packages.auth.access_tokens.issue(session_of(house, **changes))
    client.headers["authorization"] = f"Bearer {token}"
    return house.packages.auth.access_tokens.verify(token, house.floor.clock.now())


def publish(house: House, snapshot: RouteSnapshot) -> None:
    house.packages.gateway.table.snapshot = snapshot
    house.packages.gateway.table.loaded = True


async def test_keys_are_published_without_their_private_half(client: httpx.AsyncClient) -> None:
    answer = await client.get("/.well-known/ssb-jwks")
    keys = answer.json()["keys"]
    assert answer.headers["cache-control"] == "public, max-age=60"
    assert {key["ssb_purpose"] for key in keys} == {"assertion", "gateway"}
    assert all(set(key) == {"kty", "crv", "x", "y", "kid", "alg", "use", "ssb_purpose"} for key in keys)


async def test_home_is_for_everybody(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/home", params={"zone": "190000"})
    assert answer.status_code == 200
    assert set(answer.json()) == {
        "zone",
        "profile",
        "large_text",
        "sections",
        "cards",
        "degraded",
        "ending",
        "generated_at",
    }


@pytest.mark.parametrize("zone", ["", "1", "19000", "1900000", "abcdef", "190000\n", "１９００００", "190000' or 1=1"])
async def test_home_refuses_what_is_no_zone(client: httpx.AsyncClient, zone: str) -> None:
    answer = await client.get("/v1/home", params={"zone": zone})
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")


async def test_home_refuses_a_bad_token_instead_of_forgetting_who_asks(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v1/home", headers={"authorization": "Bearer bad"})).status_code == 401


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_pins_are_refused_to_nobody_and_to_staff(client: httpx.AsyncClient, house: House, method: str) -> None:
    path = f"/v1/home/pins/{LIBRARY}"
    assert (await client.request(method, path)).status_code == 401
    sign_in(client, house, subject_type="official")
    assert (await client.request(method, path)).status_code == 403


@pytest.mark.parametrize("app_id", ["cn.example.nobody", "x"])
async def test_pin_refuses_an_unknown_service(client: httpx.AsyncClient, house: House, app_id: str) -> None:
    sign_in(client, house)
    answer = await client.put(f"/v1/home/pins/{app_id}")
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/service-unknown")


@pytest.mark.parametrize("app_id", ["A", "a" * 129, "a b", "a_b", "a'b"])
async def test_pin_refuses_what_is_no_app_id(client: httpx.AsyncClient, house: House, app_id: str) -> None:
    sign_in(client, house)
    assert (await client.put(f"/v1/home/pins/{app_id}")).status_code == 400


async def test_pin_shows_on_the_home_page_until_unpinned(client: httpx.AsyncClient, house: House) -> None:
    sign_in(client, house)
    publish(house, a_snapshot())
    pinned = await client.put(f"/v1/home/pins/{LIBRARY}")
    assert (pinned.status_code, pinned.json()["app_id"]) == (200, LIBRARY)
    sections = (await client.get("/v1/home")).json()["sections"]
    assert [(section["id"], section["app_ids"]) for section in sections] == [("pinned", [LIBRARY])]
    assert (await client.delete(f"/v1/home/pins/{LIBRARY}")).json() == {"app_id": LIBRARY}
    sections = (await client.get("/v1/home")).json()["sections"]
    assert [section["id"] for section in sections] == ["public"]


async def test_disclosures_are_refused_to_nobody_and_to_staff(client: httpx.AsyncClient, house: House) -> None:
    assert (await client.get("/v1/me/disclosures")).status_code == 401
    sign_in(client, house, subject_type="official")
    assert (await client.get("/v1/me/disclosures")).status_code == 403


@pytest.mark.parametrize("params", [{"limit": "0"}, {"limit": "101"}, {"limit": "x"}, {"after": "x"}])
async def test_disclosures_refuse_bad_pages(client: httpx.AsyncClient, house: House, params: dict[str, str]) -> None:
    sign_in(client, house)
    assert (await client.get("/v1/me/disclosures", params=params)).status_code == 400


async def test_disclosures_are_ones_own_newest_first(
    client: httpx.AsyncClient, house: House, connection: Connection
) -> None:
    principal = sign_in(client, house)
    ids = sorted(new_id() for _ in range(3))
    for disclosure_id, subject_id in (*((number, principal.subject_id) for number in ids), (new_id(), new_id())):
        await repository.insert_disclosure(
            connection,
            Disclosure(
                id=disclosure_id,
                subject_id=subject_id,
                agent_id=None,
                app_id=LIBRARY,
                organization_id=new_id(),
                scopes=["reader"],
                fields=["display_name"],
                bases=["contract"],
                disclosed_at=house.floor.clock.now(),
            ),
        )
    first = (await client.get("/v1/me/disclosures", params={"limit": 2})).json()
    rest = (await client.get("/v1/me/disclosures", params={"limit": 2, "after": first["next"]})).json()
    seen = [item["id"] for item in first["items"] + rest["items"]]
    assert (seen, rest["next"]) == ([str(number) for number in reversed(ids)], None)


async def test_departments_are_not_served_on_the_citys_own_host(client: httpx.AsyncClient, house: House) -> None:
    answer = await client.get(f"/apps/{LIBRARY}/books")
    assert (answer.status_code, answer.json()["type"]) == (421, "/problems/wrong-host")


async def test_the_citys_own_routes_are_not_served_on_the_apps_host(client: httpx.AsyncClient, house: House) -> None:
    for path in ("/", "/v1/home", "/.well-known/ssb-jwks", "/openapi.json"):
        answer = await client.get(path, headers={"host": house.settings.apps_host})
        assert answer.status_code == 421
