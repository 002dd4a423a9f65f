"""Anybody may read what officers may not ask for."""

import httpx

from tests.codes.enterprise_fixtures import caller, city, rooms

__all__ = ["caller", "city", "rooms"]


async def test_anybody_reads_which_documents_the_city_fetches_itself(city: httpx.AsyncClient) -> None:
    items = (await city.get("/v1/registers")).json()["items"]
    connected = {register["name"] for register in items if register["connected"]}
    assert connected == {"registration", "fire", "emergency", "work_safety"}
    assert items[0]["evidence"][0] == {
        "slug": "business_licence",
        "names": {"zh": "营业执照", "en": "Business licence"},
    }
    assert "words" not in items[0]["evidence"][0]
