"""The whole house: a copy has every package's part, and an account that ended leaves nothing to read in any of them."""

from datetime import timedelta
from uuid import UUID

import msgspec

from tests.fixtures.inhabited import Inhabited

PARTS = {
    "person",
    "devices",
    "consents",
    "corrections",
    "sessions",
    "messages",
    "mandates",
    "acts_in_my_name",
    "account_events",
    "log",
    "scans",
    "codes_on_paper",
    "forms",
    "freezes",
    "complaints",
    "disclosures",
    "services_used",
    "services_kept",
    "services_hidden",
    "home_choice",
    "ratings",
}
EMPTY_AFTERWARDS = (
    "select count(*) from codes.complaint where subject_id = $1",
    "select count(*) from codes.paper_code where person_id = $1",
    "select count(*) from codes.form_ticket where person_id = $1",
    "select count(*) from codes.verification where subject_id = $1 and answer_sealed is not null",
    "select count(*) from auth.message where person_id = $1",
    "select count(*) from auth.phone where person_id = $1",
    "select count(*) from gateway.disclosure where subject_id = $1",
    "select count(*) from gateway.hidden where subject_id = $1",
    "select count(*) from gateway.home_choice where subject_id = $1",
    "select count(*) from miniapps.rating where subject_id = $1",
)


async def test_every_package_has_its_part_and_lets_go(inhabited: Inhabited) -> None:
    house, citizen = inhabited.house, inhabited.citizen
    privacy, floor = house.packages.auth.privacy, house.floor
    me = UUID((await citizen.call("GET", "/v1/me"))["subject_id"])
    await citizen.call("PUT", "/v1/home/choice", json={"zone": "190101", "profile": "elder"})
    export_id = (await citizen.call("POST", "/v1/me/export"))["id"]
    await privacy.exports.make({"export_id": export_id})
    copy = await citizen.call("GET", f"/v1/me/export/{export_id}/file")
    assert set(copy["parts"]) >= PARTS  # rooms may add theirs
    assert copy["parts"]["scans"]
    assert copy["parts"]["complaints"][0]["state"] != "answered"
    assert copy["parts"]["codes_on_paper"]
    assert copy["parts"]["home_choice"][0]["zone"] == "190101"
    assert copy["parts"]["ratings"][0]["level"] == 1
    assert "_sealed" not in msgspec.json.encode(copy).decode()
    kinds = {case["kind"] for case in (await citizen.call("GET", "/v1/me/closing"))["open_cases"]}
    assert "complaint" in kinds
    async with floor.database.transaction() as connection:
        await privacy.closing.erase(connection, me)
        for question in EMPTY_AFTERWARDS:
            assert await connection.fetchval(question, me) == 0, question
        assert await connection.fetchval("select count(*) from codes.verification where subject_id = $1", me) > 0
        assert await connection.fetchval("select destroyed_at from auth.subject_key where subject_id = $1", me)
    assert timedelta(seconds=house.packages.auth.settings.closing_seconds) == timedelta(days=15)
