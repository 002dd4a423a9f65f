"""What anybody with a camera learns at a door or a lift; and that nobody learns that they looked."""

from typing import Any

import httpx
import msgspec
import pytest
import structlog

from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.floor import Floor
from tests.codes.enterprise_city import LIBRARY, Caller, Device
from tests.codes.personal_city import City
from tests.codes.places.conftest import KEEPER, LIFT, path_of, register

JSON = {"accept": "application/json"}
ROWS = """
select format('%I.%I', schemaname, tablename) from pg_tables where schemaname in ('kit', 'auth', 'codes') order by 1
"""
SEQUENCES = "select schemaname || '.' || sequencename, last_value from pg_sequences order by 1"


async def everything(connection: Connection) -> dict[str, Any]:
    """Every row of every table, hashed, and how far each sequence is."""
    tables = [row[0] for row in await connection.fetch(ROWS)]
    held = {}
    for table in tables:
        held[table] = await connection.fetchval(
            f"select md5(coalesce(string_agg(row::text, '|' order by row::text), '')) from {table} as row"
        )
    return held | {row[0]: row[1] for row in await connection.fetch(SEQUENCES)}


async def test_the_page_of_a_door_says_where_it_is_and_what_a_code_would_tell(
    http: httpx.AsyncClient, door: dict[str, Any]
) -> None:
    answer = await http.get(path_of(door["carrier"]))
    assert answer.status_code == 200
    told = (
        "总馆东门",
        "演示图书馆",
        "演示路 1 号",
        door["number"],
        "真实有效",
        "亮码最多告知",
        "不产生到访记录",
        "不亮码也可以",
    )
    for shown in (*told, "Showing a code tells at most", "keeps no record of who looked"):
        assert shown in answer.text, shown


async def test_the_page_of_a_thing_asks_for_nothing_and_names_the_other_way(
    http: httpx.AsyncClient, lift: dict[str, Any]
) -> None:
    text = (await http.get(path_of(lift["carrier"]))).text
    assert "报修或投诉请报上列编号" in text
    assert "检验标志" in text
    assert "亮码最多告知" not in text
    for asking in ("<form", "<input", "<script", "http://", "https://"):
        assert asking not in text


async def test_programs_read_the_place_that_a_phone_signs_and_its_scenarios(
    http: httpx.AsyncClient, door: dict[str, Any]
) -> None:
    body = (await http.get(path_of(door["carrier"]), headers=JSON)).json()
    assert (body["kind"], body["aud"], body["number"]) == ("V", door["site_id"], door["number"])
    assert [offer["number"] for offer in body["scenarios"]] == [301, 302]
    assert all(offer["fallback"]["zh"] and offer["disclosure_version"] for offer in body["scenarios"])
    assert "cti" not in body


async def test_the_page_escapes_what_a_place_is_called(http: httpx.AsyncClient, caller: Caller) -> None:
    bent = await register(http, caller, LIFT, label="<b>&\"'", site={"name": "<i>", "address": "</td>"})
    text = (await http.get(path_of(bent["carrier"]))).text
    assert "<b>" not in text
    assert "&lt;b&gt;&amp;&quot;&#x27;" in text
    assert "&lt;i&gt;" in text
    assert text.count("</td>") == text.count("<td>")


async def test_the_page_says_when_the_keeper_is_gone(http: httpx.AsyncClient, lift: dict[str, Any], city: City) -> None:
    known = city.organizations.by_id
    known[LIBRARY] = msgspec.structs.replace(known[LIBRARY], status="dissolved")
    assert "已非存续" in (await http.get(path_of(lift["carrier"]))).text


@pytest.mark.parametrize(("days", "status"), [(364, 200), (365, 410)])
async def test_a_sticker_ends_at_its_date(
    http: httpx.AsyncClient, lift: dict[str, Any], clock: ManualClock, days: int, status: int
) -> None:
    clock.advance(days * 86400)
    assert (await http.get(path_of(lift["carrier"]))).status_code == status


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
async def test_no_scan_of_a_sticker_writes_anything_down(
    http: httpx.AsyncClient, door: dict[str, Any], lift: dict[str, Any], connection: Connection, accept: str
) -> None:
    await http.get(path_of(lift["carrier"]))  # the city's first reader ever publishes its first trust list
    before = await everything(connection)
    with structlog.testing.capture_logs() as logged:
        for _ in range(3):
            for sticker in (door, lift):
                answer = await http.get(path_of(sticker["carrier"]), headers={"accept": accept})
                assert answer.status_code == 200
                assert "set-cookie" not in answer.headers
                assert answer.headers["cache-control"] == "no-store"
            await http.get(path_of(lift["carrier"])[:-1], headers={"accept": accept})
    assert await everything(connection) == before
    assert logged == []


async def test_the_page_is_read_where_postgresql_refuses_to_write(
    http: httpx.AsyncClient, city: City, floor: Floor, door: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A later change that counts visitors does not work, whatever table it writes to."""
    describe = city.codes.places.describe

    async def counting(connection: Connection, cti: bytes) -> Any:
        await connection.execute("update codes.place set label = label where cti = $1", cti)
        return await describe(connection, cti)

    monkeypatch.setattr(city.codes.places, "describe", counting)
    answer = await http.get(path_of(door["carrier"]))
    assert answer.status_code == 500
    assert "到访" not in answer.text


async def test_a_scanner_for_tags_reads_whose_the_thing_is(
    http: httpx.AsyncClient, caller: Caller, gate: Device, lift: dict[str, Any], connection: Connection
) -> None:
    content = msgspec.json.encode({"code": lift["carrier"], "scenario": 951})
    headers = {"content-type": "application/json"} | gate.signed("POST", "/v1/verifications", content)
    result = (await http.post("/v1/verifications", content=content, headers=headers)).json()
    assert (result["verdict"], result["kind"], result["disclosed"]) == ("ACCEPT", "V", {})
    subject = await connection.fetchrow("select subject_type, subject_id from codes.verification")
    assert tuple(subject or ()) == ("organization", LIBRARY)


async def test_a_place_is_no_ticket(http: httpx.AsyncClient, gate: Device, door: dict[str, Any]) -> None:
    """A photograph of the sticker at the door opens nothing where a personal code is asked for."""
    content = msgspec.json.encode({"code": door["carrier"], "scenario": 301})
    headers = {"content-type": "application/json"} | gate.signed("POST", "/v1/verifications", content)
    result = (await http.post("/v1/verifications", content=content, headers=headers)).json()
    assert (result["verdict"], result["reason"]) == ("REJECT", "WRONG_CARRIER")


async def test_a_revoked_thing_is_refused_at_the_scanner(
    http: httpx.AsyncClient, caller: Caller, gate: Device, lift: dict[str, Any]
) -> None:
    caller.principal = KEEPER
    await http.delete(f"/v1/places/{lift['id']}")
    caller.principal = None
    content = msgspec.json.encode({"code": lift["carrier"], "scenario": 951})
    headers = {"content-type": "application/json"} | gate.signed("POST", "/v1/verifications", content)
    result = (await http.post("/v1/verifications", content=content, headers=headers)).json()
    assert (result["verdict"], result["reason"]) == ("REJECT", "REVOKED")
