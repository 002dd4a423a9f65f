"""One tap on a record: filed once, answered without knowing who filed it, read by whoever did."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import pytest

from app.kit.database import Connection
from app.kit.floor import Floor
from app.kit.ids import new_id
from codes.records.complaints.models import ComplaintCase, FileComplaint, forwarded
from codes.records.complaints.ports import HotlineUnavailable
from codes.records.complaints.service import Complaints
from tests.codes.enterprise_city import LIBRARY, STRANGERS, a_principal, an_official
from tests.codes.personal_city import Phone, a_scanner
from tests.codes.record_city import Record

COMPLAINTS, OPEN = "/v1/codes/complaints", "/v1/staff/complaints"
OFFICER = an_official("audit_admin")
OFFICE = 602


async def file(record: Record, phone: Phone, scan: str, **said: Any) -> dict[str, Any]:
    answer = await record.call(phone.principal, "POST", COMPLAINTS, json={"verification_id": scan} | said)
    assert answer.status_code == 201, answer.text
    filed: dict[str, Any] = answer.json()
    return filed


async def test_one_tap_is_enough(record: Record, phone: Phone) -> None:
    scan = await record.scan(phone, OFFICE)
    filed = await file(record, phone, scan)
    assert (filed["concern"], filed["text"], filed["state"], filed["answer"]) == ("other", None, "filed", None)
    assert filed["scan"]["verification_id"] == scan
    assert filed["scan"]["scanner"] == {"org": "演示图书馆", "site": "总馆", "device": "一号闸机"}
    assert filed["scan"]["disclosed"] == ["full_name", "phone_tail"]
    assert await record.read(phone.principal, COMPLAINTS) == [filed]


async def test_a_second_tap_is_the_same_complaint(record: Record, phone: Phone, connection: Connection) -> None:
    scan = await record.scan(phone)
    first = await file(record, phone, scan, concern="conduct", text="他们要求翻看手机相册")
    again = await file(record, phone, scan, concern="not_me")
    assert again == first
    assert await connection.fetchval("select count(*) from codes.complaint") == 1
    assert await connection.fetchval("select count(*) from kit.audit_entry where action = 'complaint.filed'") == 1


async def test_an_answer_reaches_whoever_filed_it_and_nobody_else(record: Record, phone: Phone) -> None:
    other = await record.city.a_phone(record.connection)
    filed = await file(record, phone, await record.scan(phone), concern="not_me", text="当时我不在图书馆")
    (case,) = await record.read(OFFICER, OPEN)
    assert (case["id"], case["text"]) == (filed["id"], "当时我不在图书馆")
    answer = await record.call(OFFICER, "POST", f"{OPEN}/{case['id']}/answer", json={"text": "已核实并整改。"})
    assert answer.status_code == 200
    (read,) = await record.read(phone.principal, COMPLAINTS)
    assert (read["state"], read["answer"]) == ("answered", "已核实并整改。")
    assert await record.read(other.principal, COMPLAINTS) == []
    assert await record.read(OFFICER, OPEN) == []


async def test_whoever_answers_learns_nobody_s_name(record: Record, phone: Phone) -> None:
    await file(record, phone, await record.scan(phone, OFFICE), text="问得太多")
    answer = await record.call(OFFICER, "GET", OPEN)
    for secret in (str(phone.person.id), str(phone.id), "测试甲", '"0001"'):
        assert secret not in answer.text


async def test_words_are_sealed_at_rest(record: Record, phone: Phone, connection: Connection) -> None:
    filed = await file(record, phone, await record.scan(phone), text="我的邻居是门卫")
    await record.call(OFFICER, "POST", f"{OPEN}/{filed['id']}/answer", json={"text": "已转告邻居"})
    row = await connection.fetchrow("select * from codes.complaint")
    assert row is not None
    audit = await connection.fetchval("select string_agg(detail::text, '') from kit.audit_entry")
    for words in ("邻居", "门卫"):
        assert words.encode() not in b"".join(value for value in row.values() if isinstance(value, bytes))
        assert words not in f"{list(row.values())}{audit}"


async def test_an_answer_is_given_once(record: Record, phone: Phone) -> None:
    filed = await file(record, phone, await record.scan(phone))
    path = f"{OPEN}/{filed['id']}/answer"
    assert (await record.call(OFFICER, "POST", path, json={"text": "第一次"})).status_code == 200
    again = await record.call(OFFICER, "POST", path, json={"text": "第二次"})
    assert (again.status_code, again.json()["type"]) == (409, "/problems/complaint-answered")
    assert (await record.read(phone.principal, COMPLAINTS))[0]["answer"] == "第一次"


async def test_nobody_complains_about_somebody_else_s_scan(record: Record, phone: Phone) -> None:
    other = await record.city.a_phone(record.connection)
    scan = await record.scan(phone)
    for principal in (other.principal, a_principal("person"), a_principal("organization", subject_id=LIBRARY)):
        answer = await record.call(principal, "POST", COMPLAINTS, json={"verification_id": scan})
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/scan-unknown")


async def test_unknown_scans_and_complaints_are_404(record: Record, phone: Phone) -> None:
    nobody = str(new_id())
    filed = await record.call(phone.principal, "POST", COMPLAINTS, json={"verification_id": nobody})
    answered = await record.call(OFFICER, "POST", f"{OPEN}/{nobody}/answer", json={"text": "?"})
    assert (filed.json()["type"], answered.json()["type"]) == ("/problems/scan-unknown", "/problems/complaint-unknown")


@pytest.mark.parametrize("said", [{"concern": "angry"}, {"text": ""}, {"text": "x" * 1001}, {"who": "me"}])
async def test_malformed_complaints_are_refused(record: Record, phone: Phone, said: dict[str, Any]) -> None:
    scan = await record.scan(phone)
    answer = await record.call(phone.principal, "POST", COMPLAINTS, json={"verification_id": scan} | said)
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/fields-invalid")


@pytest.mark.parametrize("who", [*STRANGERS, "scanner administrator", "inspector"])
async def test_only_audit_officers_read_and_answer(record: Record, who: str) -> None:
    named = {
        "scanner administrator": an_official("scanner_admin", organization_id=LIBRARY),
        "inspector": an_official("inspector"),
    }
    principal = named.get(who, STRANGERS.get(who))
    expected = 401 if principal is None else 403
    assert (await record.call(principal, "GET", OPEN)).status_code == expected
    answer = await record.call(principal, "POST", f"{OPEN}/{new_id()}/answer", json={"text": "?"})
    assert answer.status_code == expected


async def test_officials_file_nothing(record: Record) -> None:
    answer = await record.call(OFFICER, "POST", COMPLAINTS, json={"verification_id": str(new_id())})
    assert answer.status_code == 403


async def test_a_complaint_outlives_the_scan_s_memory_and_ends_a_year_after_its_answer(
    record: Record, phone: Phone, connection: Connection
) -> None:
    filed = await file(record, phone, await record.scan(phone))
    record.clock.advance(40 * 86400)
    await record.city.codes.forgetting.run()
    assert await record.read(phone.principal, "/v1/codes/scans") == []
    assert [one["id"] for one in await record.read(phone.principal, COMPLAINTS)] == [filed["id"]]
    await record.call(OFFICER, "POST", f"{OPEN}/{filed['id']}/answer", json={"text": "已答复"})
    for days, left in ((364, 1), (2, 0)):
        record.clock.advance(days * 86400)
        await record.city.codes.record.complaints.forget_old(connection)
        assert await connection.fetchval("select count(*) from codes.complaint") == left


async def test_pages_go_on_where_they_stopped(record: Record, phone: Phone) -> None:
    filed = [await file(record, phone, await record.scan(phone, age=age)) for age in range(5)]
    first = (await record.call(phone.principal, "GET", f"{COMPLAINTS}?limit=3")).json()
    rest = (await record.call(phone.principal, "GET", f"{COMPLAINTS}?limit=3&after={first['next']}")).json()
    assert [one["id"] for one in first["items"] + rest["items"]] == [one["id"] for one in reversed(filed)]
    assert rest["next"] is None


class Hotline:
    """Takes complaints and answers some, or says that it cannot."""

    def __init__(self) -> None:
        self.taken: list[ComplaintCase] = []
        self.closed = False
        self.answers: dict[str, str] = {}
        self.asked: list[list[str]] = []

    async def take(self, case: ComplaintCase, /) -> str:
        if self.closed:
            raise HotlineUnavailable("closed")
        self.taken.append(case)
        return f"12345-{len(self.taken)}"

    async def find_answers(self, references: Sequence[str], /) -> Mapping[str, str]:
        if self.closed:
            raise HotlineUnavailable("closed")
        self.asked.append(list(references))
        return {reference: self.answers[reference] for reference in references if reference in self.answers}


@pytest.fixture
def hotline() -> Hotline:
    return Hotline()


@pytest.fixture
def with_hotline(record: Record, floor: Floor, hotline: Hotline) -> Record:
    """The same house with a hotline behind it."""
    codes = record.city.codes
    complaints = Complaints(
        scans=codes.scan_records,
        scenarios=codes.scenarios,
        vault=floor.vault,
        clock=floor.clock,
        database=floor.database,
        outbox=floor.outbox,
        hotline=None,
    )
    complaints.hand_to(hotline, hotline)
    record.city.codes = dataclasses.replace(codes, record=dataclasses.replace(codes.record, complaints=complaints))
    return record


async def tap(record: Record, phone: Phone) -> None:
    scan = await record.scan(phone, OFFICE, scanner=a_scanner(OFFICE))
    request = FileComplaint(verification_id=UUID(scan), text="问得太多")
    await record.city.codes.record.complaints.file(record.connection, phone.principal, request)


async def test_the_hotline_gets_the_case_and_its_number_comes_back(
    with_hotline: Record, hotline: Hotline, floor: Floor, phone: Phone
) -> None:
    await tap(with_hotline, phone)
    assert hotline.taken == [], "nothing leaves before the commit"
    await floor.outbox.deliver_due()
    (case,) = hotline.taken
    assert (case.text, case.scan.disclosed) == ("问得太多", ["full_name", "phone_tail"])
    assert str(phone.person.id) not in str(forwarded(case))
    (read,) = await with_hotline.read(phone.principal, COMPLAINTS)
    assert (read["state"], read["reference"]) == ("forwarded", "12345-1")


async def test_a_hotline_that_is_away_is_tried_again(
    with_hotline: Record, hotline: Hotline, floor: Floor, phone: Phone
) -> None:
    hotline.closed = True
    await tap(with_hotline, phone)
    await floor.outbox.deliver_due()
    assert (await with_hotline.read(phone.principal, COMPLAINTS))[0]["state"] == "filed"
    hotline.closed = False
    with_hotline.clock.advance(3600)
    await floor.outbox.deliver_due()
    assert (await with_hotline.read(phone.principal, COMPLAINTS))[0]["state"] == "forwarded"


async def test_what_was_answered_meanwhile_is_not_handed_over(
    with_hotline: Record, hotline: Hotline, floor: Floor, phone: Phone
) -> None:
    await tap(with_hotline, phone)
    (case,) = await with_hotline.read(OFFICER, OPEN)
    await with_hotline.call(OFFICER, "POST", f"{OPEN}/{case['id']}/answer", json={"text": "已答复"})
    await floor.outbox.deliver_due()
    assert hotline.taken == []
    assert (await with_hotline.read(phone.principal, COMPLAINTS))[0]["state"] == "answered"


async def test_an_answer_of_the_hotline_reaches_whoever_complained(
    with_hotline: Record, hotline: Hotline, floor: Floor, phone: Phone
) -> None:
    await tap(with_hotline, phone)
    await floor.outbox.deliver_due()
    complaints = with_hotline.city.codes.record.complaints
    await complaints.hear()
    assert (await with_hotline.read(phone.principal, COMPLAINTS))[0]["state"] == "forwarded"
    hotline.answers["12345-1"] = "已核实"
    for _ in range(3):
        await complaints.hear()
    (read,) = await with_hotline.read(phone.principal, COMPLAINTS)
    assert (read["state"], read["answer"]) == ("answered", "已核实")
    told = "select count(*) from kit.audit_entry where action = 'complaint.answered' and actor = 'hotline'"
    assert await with_hotline.connection.fetchval(told) == 1
    assert hotline.asked == [["12345-1"]] * 2, "what is answered is not asked for again"
    refused = await with_hotline.call(OFFICER, "POST", f"{OPEN}/{read['id']}/answer", json={"text": "又一次"})
    assert refused.status_code == 409


async def test_what_the_outbox_gave_up_is_brought_later(with_hotline: Record, hotline: Hotline, phone: Phone) -> None:
    await tap(with_hotline, phone)
    complaints = with_hotline.city.codes.record.complaints
    await complaints.hear()
    assert hotline.taken == [], "the outbox is at it"
    with_hotline.clock.advance(601)
    hotline.closed = True
    await complaints.hear()
    hotline.closed = False
    await complaints.hear()
    await complaints.hear()
    assert len(hotline.taken) == 1
    assert (await with_hotline.read(phone.principal, COMPLAINTS))[0]["state"] == "forwarded"


async def test_many_that_wait_are_asked_about_in_turns(
    with_hotline: Record, hotline: Hotline, floor: Floor, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codes.records.complaints.service.ASKED_AT_ONCE", 2)
    for _ in range(3):
        await tap(with_hotline, phone)
        with_hotline.clock.advance(1)
        await floor.outbox.deliver_due()
    for _ in range(4):
        await with_hotline.city.codes.record.complaints.hear()
    assert hotline.asked == [["12345-1", "12345-2"], ["12345-3"], ["12345-1", "12345-2"], ["12345-3"]]
