"""The hotline: filed once, dispatched by the lead, answered in time by an office, reopened and rated by its citizen."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jwt
import msgspec
import pytest

from gateway.home.models import DepartmentCards
from miniapps.departments import hotline
from miniapps.departments.tickets import FIRST_TABLES
from tests.miniapps.departments.department import Department, Watch

COMPLAINT = {
    "id": "0195f1d2-0000-7000-8000-000000000001",
    "organization_id": "0195f1d2-0000-7000-8000-000000000002",
    "scan": {"scanner": {"org": "演示图书馆", "site": "总馆", "device": "一号闸机"}, "disclosed": ["full_name"]},
    "concern": "asked_too_much",
    "text": None,
    "filed_at": "2026-03-02T02:00:00Z",
}


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
async def the_hotline(tmp_path: Path, watch: Watch) -> AsyncIterator[Department]:
    async with Department(hotline.PROGRAM, tmp_path, now=watch) as department:
        yield department


async def file(department: Department, text: str = "路灯不亮", **headers: str) -> str:
    status, ticket = await department.call("POST", "/tickets", {"text": text}, **headers)
    assert (status, ticket["state"], ticket["overdue"]) == (201, "filed", False)
    return str(ticket["number"])


async def answered(department: Department) -> str:
    """A ticket that was dispatched and replied to."""
    number = await file(department)
    lead, lamps = department.desk("lead", "lead"), department.desk("lamps", "street-lamps")
    assert (await lead.post(f"/desk/tickets/{number}/dispatch", {"office": "street-lamps"}))[0] == 200
    assert (await lamps.post(f"/desk/tickets/{number}/reply", {"text": "已修复"}))[0] == 200
    return number


async def test_files_once_for_one_retry_key(the_hotline: Department) -> None:
    filed = [
        await the_hotline.call("POST", "/tickets", {"text": "路灯不亮"}, idempotency_key="k-1", citizen=citizen)
        for citizen in ("o-1", "o-1", "o-2")
    ]

    assert [status for status, _ in filed] == [201, 201, 201]
    assert filed[0][1]["number"] == filed[1][1]["number"] != filed[2][1]["number"]
    _, mine = await the_hotline.call("GET", "/tickets")
    assert [ticket["text"] for ticket in mine["items"]] == ["路灯不亮"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"text": ""},
        {"text": "   "},
        {"text": 7},
        {"text": "x" * 2001},
        {"text": "\u0000"},
        {"text": "灯", "urgent": True},
        b'{"text":"\\ud800"}',
        b"{",
        b"\xff",
    ],
)
async def test_refuses_what_is_no_request(the_hotline: Department, body: Any) -> None:
    assert (await the_hotline.call("POST", "/tickets", body))[0] == 400
    assert (await the_hotline.call("GET", "/tickets"))[1]["items"] == []


async def test_pages_are_newest_first_and_go_on(the_hotline: Department) -> None:
    numbers = [await file(the_hotline, f"第 {n} 件") for n in range(52)]

    _, first = await the_hotline.call("GET", "/tickets")
    _, rest = await the_hotline.call("GET", f"/tickets?after={first['next']}")

    assert [ticket["number"] for ticket in first["items"] + rest["items"]] == numbers[::-1]
    assert rest["next"] is None


async def test_the_course_of_a_ticket_is_read_by_whoever_filed_it(the_hotline: Department) -> None:
    number = await answered(the_hotline)

    _, ticket = await the_hotline.call("GET", f"/tickets/{number}")

    assert (ticket["state"], ticket["reply"], ticket["office"]) == ("replied", "已修复", "street-lamps")
    assert [step["what"] for step in ticket["history"]] == ["filed", "dispatched", "replied"]
    assert (await the_hotline.call("GET", f"/tickets/{number}", citizen="o-2"))[0] == 404


async def test_each_desk_does_its_own_part_and_no_other(the_hotline: Department) -> None:
    number = await file(the_hotline)
    lead, lamps = the_hotline.desk("lead", "lead"), the_hotline.desk("lamps", "street-lamps")
    parks = the_hotline.desk("parks", "parks")

    assert (await lamps.post(f"/desk/tickets/{number}/dispatch", {"office": "street-lamps"}))[0] == 403
    assert (await lamps.post(f"/desk/tickets/{number}/reply", {"text": "已修复"}))[0] == 404
    assert (await lead.post(f"/desk/tickets/{number}/reply", {"text": "已修复"}))[0] == 409, "nobody has it yet"
    assert (await lead.post(f"/desk/tickets/{number}/dispatch", {"office": "Street Lamps"}))[0] == 400
    assert (await lead.post(f"/desk/tickets/{number}/dispatch", {"office": "street-lamps"}))[0] == 200
    assert (await parks.get(f"/desk/tickets/{number}"))[0] == 404
    assert (await parks.get("/desk/tickets"))[1]["items"] == []
    _, seen = await lamps.get(f"/desk/tickets/{number}")
    assert seen["text"] == "路灯不亮"
    assert "o-1" not in json.dumps(seen), "a desk does not learn who filed it"
    assert (await lamps.post(f"/desk/tickets/{number}/reply", {"text": "已修复"}))[0] == 200
    assert (await lamps.post(f"/desk/tickets/{number}/reply", {"text": "又一次"}))[0] == 409


async def test_desks_take_only_what_a_desk_signed_once(the_hotline: Department) -> None:
    lead = the_hotline.desk("lead", "lead")
    signed = lead.signer.sign("GET", "/desk/tickets", the_hotline.city.authority, b"")
    elsewhere = lead.signer.sign("GET", "/desk/tickets?state=filed", the_hotline.city.authority, b"")

    assert (await the_hotline.send("GET", "/desk/tickets", b"", {}))[0] == 401
    assert (await the_hotline.call("GET", "/desk/tickets"))[0] == 401, "the city is no desk"
    assert (await the_hotline.send("GET", "/desk/tickets", b"", elsewhere))[0] == 401
    assert (await the_hotline.send("GET", "/desk/tickets", b"", signed))[0] == 200
    status, again = await the_hotline.send("GET", "/desk/tickets", b"", signed)
    assert (status, again["type"]) == (401, "urn:suishen:department:replayed")
    assert (await the_hotline.send("GET", "/tickets", b"", signed))[0] == 401, "a desk is no citizen"
    body = lead.signer.sign("POST", "/desk/tickets/0000000000000000/reply", the_hotline.city.authority, b'{"text":"a"}')
    assert (await the_hotline.send("POST", "/desk/tickets/0000000000000000/reply", b'{"text":"b"}', body))[0] == 401


async def test_a_key_of_another_department_opens_nothing(the_hotline: Department, tmp_path: Path) -> None:
    other = hotline.PROGRAM.open_office(tmp_path / "other")
    stranger = Department.desk(the_hotline, "lead", "lead")
    foreign = type(stranger.signer).open(other.desks.enrol("lead", "lead"))
    signed = foreign.sign("GET", "/desk/tickets", the_hotline.city.authority, b"")
    assert (await the_hotline.send("GET", "/desk/tickets", b"", signed))[0] == 401
    other.store.close()


async def test_is_overdue_after_five_working_days(the_hotline: Department, watch: Watch) -> None:
    number = await file(the_hotline)
    lead = the_hotline.desk("lead", "lead")

    watch.wait(days=7, hours=13)  # Monday again, still before midnight: five working days lie between
    assert (await lead.get("/desk/tickets?overdue=1"))[1]["items"] == []
    watch.wait(hours=2)
    assert [ticket["number"] for ticket in (await lead.get("/desk/tickets?overdue=1"))[1]["items"]] == [number]
    assert (await the_hotline.call("GET", f"/tickets/{number}"))[1]["overdue"] is True
    assert (await lead.get("/desk/tickets?state=lost"))[0] == 400


async def test_holidays_move_the_clock(the_hotline: Department, watch: Watch) -> None:
    (the_hotline.office.data / "holidays.txt").write_text("2026-03-03\n2026-03-04\n")
    number = await file(the_hotline)
    watch.wait(days=9)
    assert (await the_hotline.call("GET", f"/tickets/{number}"))[1]["overdue"] is False


async def test_reopens_twice_within_fifteen_days_of_the_reply(the_hotline: Department, watch: Watch) -> None:
    number = await answered(the_hotline)
    lead, target = the_hotline.desk("lead", "lead"), f"/tickets/{number}/reopenings"

    assert (await the_hotline.call("POST", target, {"text": "还是不亮"}, citizen="o-2"))[0] == 404
    for _ in range(2):
        watch.wait(days=14)
        status, ticket = await the_hotline.call("POST", target, {"text": "还是不亮"})
        assert (status, ticket["state"], ticket["office"], ticket["overdue"]) == (200, "filed", None, False)
        assert (await the_hotline.call("POST", target, {"text": "还是不亮"}))[0] == 409, "it is open already"
        await lead.post(f"/desk/tickets/{number}/dispatch", {"office": "street-lamps"})
        await lead.post(f"/desk/tickets/{number}/reply", {"text": "再次修复"})
    status, refused = await the_hotline.call("POST", target, {"text": "还是不亮"})
    assert (status, refused["type"]) == (409, "urn:suishen:department:reopening-over")


async def test_too_late_is_a_new_request(the_hotline: Department, watch: Watch) -> None:
    number = await answered(the_hotline)
    watch.wait(days=15, seconds=1)
    hotline.PROGRAM.chores(the_hotline.office)
    assert (await the_hotline.call("GET", f"/tickets/{number}"))[1]["state"] == "closed"
    assert (await the_hotline.call("POST", f"/tickets/{number}/reopenings", {"text": "还是不亮"}))[0] == 409


@pytest.mark.parametrize("level", [0, 6, "5", None, 4.5])
async def test_judgements_have_five_levels(the_hotline: Department, level: Any) -> None:
    number = await answered(the_hotline)
    assert (await the_hotline.call("POST", f"/tickets/{number}/rating", {"level": level}))[0] == 400


async def test_a_reply_is_judged_once_by_whoever_asked(the_hotline: Department) -> None:
    number = await answered(the_hotline)
    target = f"/tickets/{number}/rating"

    assert (await the_hotline.call("POST", target, {"level": 5}, citizen="o-2"))[0] == 404
    judged = await asyncio.gather(*(the_hotline.call("POST", target, {"level": level}) for level in (1, 3, 5)))

    assert sorted(status for status, _ in judged) == [200, 409, 409]
    (ticket,) = [document for status, document in judged if status == 200]
    key = jwt.PyJWK({"kty": "EC", "crv": "P-256", "alg": "ES256", **the_hotline.office.receipts.public_key()})
    claims = jwt.decode(ticket["receipt"], key, algorithms=["ES256"], options={"verify_iat": False})
    assert (claims["iss"], claims["sub"], claims["act"]) == ("cn.example.hotline", "o-1", number)


async def test_nothing_is_judged_before_the_reply(the_hotline: Department) -> None:
    number = await file(the_hotline)
    assert (await the_hotline.call("POST", f"/tickets/{number}/rating", {"level": 1}))[0] == 409


async def test_a_complaint_of_the_city_is_one_ticket_without_a_name(the_hotline: Department) -> None:
    first, again = [await the_hotline.call("POST", hotline.COMPLAINTS, COMPLAINT, citizen=None) for _ in range(2)]

    assert first == again
    number = first[1]["reference"]
    lead = the_hotline.desk("lead", "lead")
    _, ticket = await lead.get(f"/desk/tickets/{number}")
    assert (ticket["text"], ticket["facts"]["scan"]["disclosed"]) == ("用码投诉：询问过多", ["full_name"])
    assert (await the_hotline.call("GET", f"/tickets/{number}"))[0] == 404


async def test_what_became_of_complaints_is_told_to_the_city_alone(the_hotline: Department) -> None:
    own = await file(the_hotline)
    _, taken = await the_hotline.call("POST", hotline.COMPLAINTS, COMPLAINT, citizen=None)
    asked = {"references": [taken["reference"], own, "0"]}

    assert (await the_hotline.call("POST", hotline.COMPLAINT_STATES, asked))[0] == 403, "a citizen asked"
    assert (await the_hotline.send("POST", hotline.COMPLAINT_STATES, b"{}", {}))[0] == 401
    lead = the_hotline.desk("lead", "lead")
    await lead.post(f"/desk/tickets/{taken['reference']}/dispatch", {"office": "codes"})
    await lead.post(f"/desk/tickets/{taken['reference']}/reply", {"text": "已核实"})
    _, told = await the_hotline.call("POST", hotline.COMPLAINT_STATES, asked, citizen=None)
    assert told["items"] == [
        {"reference": taken["reference"], "state": "replied", "office": "codes", "answer": "已核实"}
    ]


@pytest.mark.parametrize("body", [{}, [], {"id": "", "concern": "other", "scan": {}}, {"id": 1}, b"{"])
async def test_a_complaint_that_is_none_is_refused(the_hotline: Department, body: Any) -> None:
    assert (await the_hotline.call("POST", hotline.COMPLAINTS, body, citizen=None))[0] == 400


async def test_cards_show_a_notice_to_anybody_and_tickets_to_their_owner(the_hotline: Department) -> None:
    await file(the_hotline)
    asked = {"widgets": ["notice", "tickets"]}

    _, mine = await the_hotline.call("POST", "/.ssb/cards", asked)
    _, anybodys = await the_hotline.call("POST", "/.ssb/cards", asked, citizen=None)

    assert [card.widget for card in msgspec.convert(mine, DepartmentCards).cards] == ["notice", "tickets"]
    assert "待派单" in mine["cards"][1]["lines"][0]["value"]
    assert [card["widget"] for card in anybodys["cards"]] == ["notice"]


def test_a_store_of_the_first_version_keeps_its_tickets(tmp_path: Path) -> None:
    old = sqlite3.connect(tmp_path / "hotline.sqlite", isolation_level=None)
    old.executescript(FIRST_TABLES)
    old.execute("insert into ticket values ('2026010100000001', 'o-1', '灯', '受理中', '2026-01-01T00:00:00', 'k')")
    old.close()

    for _ in range(2):
        office = hotline.PROGRAM.open_office(tmp_path)
        rows = [tuple(row) for row in office.store.execute("select number, openid, text, state from ticket")]
        assert rows == [("2026010100000001", "o-1", "灯", "filed")]
        office.store.close()
