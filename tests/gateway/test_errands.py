"""The city's own errands: a complaint about a scan becomes a ticket of the real hotline, and its reply comes back."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from app.kit.errors import SuishenError
from app.kit.floor import Floor
from app.kit.ids import new_id
from app.kit.keyring import public_jwk
from app.kit.structs import Text
from codes.records.complaints.app_hotline import AppHotline
from codes.records.complaints.models import ComplaintCase, ScanFacts
from codes.records.complaints.ports import HotlineUnavailable
from codes.verdict import ScannedBy
from codes.verification.models import ScenarioName
from gateway import errors
from gateway.breakers import BreakerSettings, Protection
from gateway.calls import Departments
from gateway.errands import Errands
from gateway.network import NetworkPolicy
from gateway.routes import PURPOSES
from gateway.routing import RouteTable
from gateway.signature import RequestSigner
from gateway.upstream import Upstream
from miniapps.departments import hotline
from miniapps.departments.desks import DeskClient, DeskSigner
from miniapps.departments.program import Office
from miniapps.releases.models import PublishedApp
from miniapps.sdk import Jwks, Verifier
from tests.gateway.publications import SUSPENSION, published

HOTLINE = "cn.example.hotline"
ISSUER = "http://127.0.0.1:8000"


@dataclass
class Wires:
    """The hotline as a server, and the city's way to it."""

    server: TestServer
    office: Office
    table: RouteTable
    apps: list[PublishedApp]
    errands: Errands

    @property
    def hotline(self) -> AppHotline:
        return AppHotline(HOTLINE, self.errands)

    def desk(self, name: str, office: str) -> DeskClient:
        signer = DeskSigner.open(self.office.desks.enrol(name, office))
        return DeskClient(origin=f"http://127.0.0.1:{self.server.port}", signer=signer)

    async def publish(self, **row: Any) -> None:
        self.apps[:] = [published(f"http://127.0.0.1:{self.server.port}", row=row, app_id=HOTLINE)]
        await self.table.refresh()


@pytest.fixture
async def wires(floor: Floor, tmp_path: Path) -> AsyncIterator[Wires]:
    office = hotline.PROGRAM.open_office(tmp_path / "hotline")
    keys = [public_jwk(key) | {"ssb_purpose": purpose} for purpose in PURPOSES for key in floor.keyring.all(purpose)]
    verifier = Verifier(
        app_id=HOTLINE, issuer=ISSUER, keys=Jwks({"keys": keys}), now=lambda: floor.clock.now().timestamp()
    )
    server = TestServer(hotline.PROGRAM.application(office, verifier), host="127.0.0.1")
    await server.start_server()
    upstream = Upstream(NetworkPolicy(allowed=frozenset({f"127.0.0.1:{server.port}"})))
    apps: list[PublishedApp] = []

    async def list_published() -> list[PublishedApp]:
        return apps

    table = RouteTable(list_published)
    departments = Departments(
        upstream=upstream,
        signer=RequestSigner(floor.keyring),
        protection=Protection(breaker=BreakerSettings(), places=8),
        clock=floor.clock,
    )
    wires = Wires(server, office, table, apps, Errands(table=table, departments=departments, zone="190000"))
    await wires.publish()
    yield wires
    await upstream.close()
    await server.close()
    office.store.close()


def a_case(text: str | None = "问得太多") -> ComplaintCase:
    return ComplaintCase(
        id=new_id(),
        organization_id=new_id(),
        scan=ScanFacts(
            verification_id=new_id(),
            at=datetime(2026, 3, 2, tzinfo=UTC),
            scanner=ScannedBy(org="演示图书馆", site="总馆", device="一号闸机"),
            scenario=ScenarioName(number=301, names=Text(zh="图书馆入馆", en="Library entry")),
            verdict="ACCEPT",
            reason="OK",
            disclosed=["openid"],
        ),
        concern="asked_too_much",
        text=text,
        state="filed",
        filed_at=datetime(2026, 3, 2, tzinfo=UTC),
        reference=None,
    )


async def test_a_complaint_is_one_ticket_of_the_hotline_and_its_reply_comes_back(wires: Wires) -> None:
    case = a_case()
    number = await wires.hotline.take(case)
    assert await wires.hotline.take(case) == number
    assert await wires.hotline.find_answers([number]) == {}

    lead, codes = wires.desk("lead", "lead"), wires.desk("codes", "codes")
    assert [ticket["text"] for ticket in (await lead.get("/desk/tickets"))[1]["items"]] == ["用码投诉：问得太多"]
    await lead.post(f"/desk/tickets/{number}/dispatch", {"office": "codes"})
    await codes.post(f"/desk/tickets/{number}/reply", {"text": "已核实并整改"})
    assert await wires.hotline.find_answers([number]) == {number: "已核实并整改"}


async def test_nobody_but_the_city_brings_complaints(wires: Wires) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"http://127.0.0.1:{wires.server.port}/.ssb/complaints", json={"id": "x"}) as answer,
    ):
        assert answer.status == 401
    assert (await wires.desk("lead", "lead").get("/desk/tickets"))[1]["items"] == []


async def test_a_suspended_hotline_gets_nothing(wires: Wires) -> None:
    await wires.publish(**SUSPENSION)
    with pytest.raises(HotlineUnavailable, match="service-suspended"):
        await wires.hotline.take(a_case())
    assert wires.office.store.execute("select count(*) from ticket").fetchone()[0] == 0


async def test_a_city_without_the_hotline_says_so(wires: Wires) -> None:
    with pytest.raises(HotlineUnavailable, match="service-unknown"):
        await AppHotline("cn.example.nowhere", wires.errands).take(a_case())


async def test_a_hotline_that_is_down_is_unavailable(wires: Wires) -> None:
    await wires.server.close()
    with pytest.raises(HotlineUnavailable):
        await wires.hotline.take(a_case())


async def test_an_answer_that_is_no_good_one_is_refused(wires: Wires) -> None:
    with pytest.raises(errors.DepartmentMisbehaved):
        await wires.errands.run(HOTLINE, "/.ssb/complaints", b"[]")
    with pytest.raises(errors.DepartmentMisbehaved):
        await wires.errands.run(HOTLINE, "/.ssb/nothing", b"{}")


async def test_errands_go_nowhere_that_citizens_go(wires: Wires) -> None:
    with pytest.raises(ValueError, match="errand"):
        await wires.errands.run(HOTLINE, "/tickets", b"{}")


class Odd:
    """A way to a hotline that says odd things."""

    def __init__(self, answer: bytes | SuishenError) -> None:
        self.answer = answer

    async def run(self, _app_id: str, _path: str, _body: bytes, *, idempotency_key: str | None = None) -> bytes:
        assert idempotency_key is None or len(idempotency_key) == 36
        if isinstance(self.answer, SuishenError):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    "answer", [b"", b"{}", b"[]", b'{"reference": ""}', b'{"reference": "a b"}', b'{"reference": 7}', b"\xff"]
)
async def test_a_number_that_is_none_is_not_believed(answer: bytes) -> None:
    with pytest.raises(HotlineUnavailable):
        await AppHotline(HOTLINE, Odd(answer)).take(a_case())


@pytest.mark.parametrize("answer", [b"", b"{}", b'{"items": [{}]}', b'{"items": [{"reference": "1", "answer": 7}]}'])
async def test_answers_that_are_none_are_not_believed(answer: bytes) -> None:
    with pytest.raises(HotlineUnavailable):
        await AppHotline(HOTLINE, Odd(answer)).find_answers(["1"])


async def test_answers_to_what_was_not_asked_are_left_alone() -> None:
    told = b'{"items": [{"reference": "1", "answer": "a"}, {"reference": "2", "answer": "b"}, {"reference": "3"}]}'
    assert await AppHotline(HOTLINE, Odd(told)).find_answers(["1", "3"]) == {"1": "a"}
