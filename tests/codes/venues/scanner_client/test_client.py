"""A door's program against the real routes: online, with a lost answer, with the city away, and back again."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from codes.offline_files import export_changes, export_files
from codes.venues.scanner_client.answers import Answer
from codes.venues.scanner_client.client import CityUnreachable, RequestRefused, ScannerClient
from codes.venues.scanner_client.device import ScannerDevice
from codes.verdict import Reason, Verdict, door_of, retry_of, verdict_of
from tests.codes.door_city import Doors
from tests.codes.enterprise_city import LIBRARY, ORIGIN
from tests.codes.personal_city import Phone
from tests.codes.venues.scanner_client.keyboard import COMPUTERS, GUNS


class Line(httpx.AsyncBaseTransport):
    """The way to the city, which a test may cut, before or behind the city's deed."""

    def __init__(self, doors: Doors) -> None:
        self._inner = doors.http._transport
        self.cut_before = self.cut_behind = 0
        self.instead: Callable[[], httpx.Response] | None = None
        self.asked: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.path)
        if self.cut_before:
            self.cut_before -= 1
            raise httpx.ConnectError("cut")
        if self.instead is not None:
            return self.instead()
        answer = await self._inner.handle_async_request(request)
        if self.cut_behind:
            self.cut_behind -= 1
            await answer.aread()
            raise httpx.ReadTimeout("cut")
        return answer


class Gate:
    """A client with its line."""

    def __init__(self, client: ScannerClient, line: Line) -> None:
        self.client = client
        self.line = line

    def cut(self) -> None:
        self.line.cut_before = 10**6

    def mend(self) -> None:
        self.line.cut_before = 0


@pytest.fixture
async def gate(doors: Doors, tmp_path: Path) -> AsyncIterator[Gate]:
    enrolled = await doors.enrol(301, 602)
    line = Line(doors)
    async with httpx.AsyncClient(transport=line, base_url=ORIGIN) as http:
        device = ScannerDevice(ORIGIN, enrolled.key, enrolled.id)  # type: ignore[arg-type]  # a UUID's text is as good
        yield Gate(ScannerClient(device, tmp_path, http=http, clock=doors.clock), line)


@pytest.fixture
async def phone(doors: Doors) -> Phone:
    return await doors.a_phone()


async def pull(doors: Doors, folder: Path) -> None:
    """As `Lists.pull` over the network."""
    got: dict[str, bytes] = {}
    paths = ["/v1/trust-root", "/v1/trust-list", "/v1/status"]
    paths += [f"/v1/status/{shard}" for shard in (await doors.http.get("/v1/status")).json()["items"]]
    for path in paths:
        got[path] = (await doors.http.get(path)).raise_for_status().content
    export_files(got.__getitem__, folder / "lists")


async def pull_changes(doors: Doors, folder: Path) -> None:
    got = {"/v1/trust-list": (await doors.http.get("/v1/trust-list")).content}
    for after in range(20):
        answer = await doors.http.get(f"/v1/status/changes?after={after}")
        got[f"/v1/status/changes?after={after}"] = answer.content
    export_changes(got.__getitem__, folder / "lists", doors.clock.now())


async def rows(doors: Doors) -> list[tuple[str, str]]:
    found = await doors.connection.fetch("select verdict, reason from codes.verification order by id")
    return [(row["verdict"], row["reason"]) for row in found]


@pytest.mark.parametrize("computer", sorted(COMPUTERS))
async def test_what_a_gun_typed_is_accepted(gate: Gate, phone: Phone, computer: str) -> None:
    answer = await gate.client.verify(GUNS["symbology identifier"].types(phone.show(), COMPUTERS[computer]), 301)
    assert (answer.verdict, answer.mode, answer.opens) == (Verdict.ACCEPT, "online", True)
    assert answer.door.word.zh == "通过"
    assert "openid" in answer.disclosed


async def test_an_answer_that_was_lost_is_told_again_and_opens_nothing(doors: Doors, gate: Gate, phone: Phone) -> None:
    gate.line.cut_behind = 1
    answer = await gate.client.verify(phone.show(), 301)
    assert (answer.verdict, answer.repeated, answer.opens) == (Verdict.ACCEPT, True, False)
    assert answer.door.word.zh == "请刷新"
    assert await rows(doors) == [("ACCEPT", "OK")]
    assert gate.client.logbook.entries() == []


async def test_with_the_city_away_the_lists_decide_and_the_logbook_is_brought_later(
    doors: Doors, gate: Gate, phone: Phone, tmp_path: Path
) -> None:
    await pull(doors, tmp_path)
    gate.cut()
    answer = await gate.client.verify(phone.show(), 301)
    assert (answer.verdict, answer.mode, answer.opens, answer.disclosed) == (Verdict.ACCEPT, "offline", True, {})
    [entry] = gate.client.logbook.entries()
    assert (entry.verdict, entry.reason, entry.scenario) == (Verdict.ACCEPT, "OK", 301)
    with pytest.raises(CityUnreachable):
        await gate.client.bring_logbook()
    assert gate.client.logbook.entries() == [entry], "what was not answered stays"
    gate.mend()
    doors.clock.advance(3600)
    [told] = await gate.client.bring_logbook()
    assert (told["entry_id"], told["state"], told["conflicts"]) == (entry.entry_id, "recorded", [])
    assert gate.client.logbook.entries() == []
    assert await gate.client.bring_logbook() == []


async def test_a_code_shown_twice_at_this_door_is_told_offline_too(
    doors: Doors, gate: Gate, phone: Phone, tmp_path: Path
) -> None:
    await pull(doors, tmp_path)
    gate.cut()
    code = phone.show()
    seen = [(await gate.client.verify(text, 301)).reason for text in (code, code.lower(), code)]
    assert seen == ["OK", "REPLAYED", "REPLAYED"]
    assert (await gate.client.verify(phone.show(grant=1), 301)).opens
    assert (await gate.client.verify(phone.show(age=6), 301)).opens, "another second is another showing"


async def test_asked_online_without_an_answer_and_decided_offline_is_one_scan(
    doors: Doors, gate: Gate, phone: Phone, tmp_path: Path
) -> None:
    await pull(doors, tmp_path)
    gate.line.cut_behind = 2
    answer = await gate.client.verify(phone.show(), 301)
    assert (answer.mode, answer.opens) == ("offline", True)
    [told] = await gate.client.bring_logbook()
    assert (told["state"], told["conflicts"]) == ("known", [])
    assert await rows(doors) == [("ACCEPT", "OK")]


async def test_a_revocation_reaches_the_door_by_the_changes(
    doors: Doors, gate: Gate, phone: Phone, tmp_path: Path
) -> None:
    await pull(doors, tmp_path)
    await doors.city.codes.grants.device_revoked(doors.connection, phone.id, doors.clock.now())
    await doors.city.codes.status_steps.take_when_due()
    await pull_changes(doors, tmp_path)
    gate.cut()
    assert (await gate.client.verify(phone.show(), 301)).reason == "REVOKED"


async def test_without_lists_a_person_decides(gate: Gate, phone: Phone) -> None:
    gate.cut()
    answer = await gate.client.verify(phone.show(), 301)
    assert (answer.verdict, answer.reason, answer.opens) == (Verdict.REVIEW, "TRUST_LIST_STALE", False)
    assert answer.door.word.zh == "转人工核验"
    assert len(gate.client.logbook.entries()) == 1


async def test_lists_of_long_ago_close_a_door_that_fails_closed(doors: Doors, gate: Gate, tmp_path: Path) -> None:
    await pull(doors, tmp_path)
    doors.clock.advance(timedelta(days=2).total_seconds())
    late = await doors.a_phone()
    gate.cut()
    answer = await gate.client.verify(late.show(602), 602)
    assert (answer.opens, answer.reason) == (False, "TRUST_LIST_STALE")


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(503, json={"type": "/problems/temporarily-unavailable"}),
        httpx.Response(502, text="<html>"),
        httpx.Response(429, json={}),
        httpx.Response(200, text="<html>a hotel's sign-in page</html>"),
        httpx.Response(200, json={"verdict": "MAYBE"}),
        httpx.Response(200, json=[]),
        httpx.Response(200, content=b""),
    ],
)
async def test_what_is_no_answer_of_the_city_opens_nothing_by_itself(
    gate: Gate, phone: Phone, answer: httpx.Response
) -> None:
    gate.line.instead = lambda: answer
    told = await gate.client.verify(phone.show(), 301)
    assert (told.mode, told.opens) == ("offline", False)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 415])
async def test_a_request_that_is_refused_is_not_decided_offline(
    doors: Doors, gate: Gate, phone: Phone, tmp_path: Path, status: int
) -> None:
    await pull(doors, tmp_path)
    gate.line.instead = lambda: httpx.Response(status, json={"type": "/problems/scanner-signature-invalid"})
    with pytest.raises(RequestRefused) as refused:
        await gate.client.verify(phone.show(), 301)
    assert (refused.value.status, refused.value.slug) == (status, "scanner-signature-invalid")
    assert gate.client.logbook.entries() == []


async def test_a_revoked_device_is_told_by_verdict(doors: Doors, gate: Gate, phone: Phone) -> None:
    await doors.as_registrar("DELETE", f"/v1/scanners/{gate.client.device.id}")
    answer = await gate.client.verify(phone.show(), 301)
    assert (answer.reason, answer.mode, answer.disclosed) == ("SCANNER_NOT_REGISTERED", "online", {})


@pytest.mark.parametrize("typed", ["", "\r", "\ud800", "\x00", "x" * 10_000_000, "SSM1:" + "\uffff" * 300, "😀"])
async def test_whatever_is_typed_gets_a_verdict(gate: Gate, typed: str) -> None:
    answer = await gate.client.verify(typed, 301)
    assert (answer.verdict, answer.mode) == (Verdict.REJECT, "online")


async def test_an_operator_signs_on_with_the_gun_and_off(doors: Doors, gate: Gate) -> None:
    body = {"organization_id": str(LIBRARY), "number": "A-017"}
    operator = (await doors.as_registrar("POST", "/v1/scanner-operators", json=body)).json()
    typed = GUNS["enter"].types(operator["badge"], COMPUTERS["full width, caps lock"])
    assert (await gate.client.sign_on(badge=typed))["operator_id"] == operator["id"]
    await gate.client.sign_off()
    with pytest.raises(RequestRefused) as refused:
        await gate.client.sign_on(number="A-017", pin="0" if operator["pin"] != "0" else "1")
    assert refused.value.status == 400
    assert await doors.connection.fetchval("select count(*) from codes.operator_duty") == 0


@pytest.mark.parametrize("items", [[], [{"entry_id": "somebody-elses"}]])
async def test_a_city_that_answers_nothing_is_not_asked_for_ever(gate: Gate, phone: Phone, items: list[Any]) -> None:
    gate.cut()
    await gate.client.verify(phone.show(), 301)
    gate.mend()
    gate.line.instead = lambda: httpx.Response(200, json={"items": items})
    with pytest.raises(CityUnreachable):
        await gate.client.bring_logbook()
    assert len(gate.client.logbook.entries()) == 1


@pytest.mark.parametrize("reason", list(Reason))
@pytest.mark.parametrize("repeated", [False, True])
def test_a_door_shows_what_the_city_would(reason: Reason, *, repeated: bool) -> None:
    answer = Answer(
        verdict=verdict_of(reason),
        reason=reason,
        retry=retry_of(reason),
        mode="online",
        scenario=301,
        repeated=repeated,
    )
    assert answer.opens == (reason is Reason.OK and not repeated)
    if not repeated:
        assert answer.door == door_of(reason)
    assert (answer.door.word.zh == "通过") == answer.opens


@pytest.mark.parametrize(
    ("facts", "word"),
    [
        ({"verdict": "ACCEPT"}, "通过"),
        ({"verdict": "ACCEPT", "repeated": True}, "请刷新"),
        ({"verdict": "REVIEW"}, "转人工核验"),
        ({"verdict": "REJECT"}, "此码无效"),
        ({"verdict": "REJECT", "retry": "refresh_code"}, "请刷新"),
    ],
)
def test_a_reason_of_a_newer_city_is_understood_by_its_verdict(facts: dict[str, Any], word: str) -> None:
    known = {"reason": "NEWER_THAN_THIS_DOOR", "retry": "none", "mode": "online", "scenario": 301, "new_field": 1}
    answer = msgspec.convert(known | facts, Answer)
    assert answer.door.word.zh == word


async def test_paper_opens_offline_only_after_a_person_looked(
    doors: Doors, gate: Gate, phone: Phone, tmp_path: Path
) -> None:
    doors.caller.principal = phone.principal
    paper = (await doors.http.post("/v1/codes/paper", json={"days": 30})).json()["carrier"]
    doors.caller.principal = None
    await pull(doors, tmp_path)
    gate.cut()
    unlooked = await gate.client.verify(paper, 301)
    assert (unlooked.reason, unlooked.opens) == ("HOLDER_CHECK_REQUIRED", False)
    for _ in range(2):  # paper is shown again and again
        assert (await gate.client.verify(paper, 301, holder_checked=True)).opens
    assert [entry.holder_checked for entry in gate.client.logbook.entries()] == [False, True, True]
    gate.mend()
    assert [told["state"] for told in await gate.client.bring_logbook()] == ["recorded"] * 3
