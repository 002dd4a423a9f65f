"""A developer's own sandbox: their server in a browser, as citizens who do not exist."""

from collections.abc import AsyncIterator

import httpx
import pytest
from click.testing import CliRunner

from app.kit.masking import mask_name
from app.kit.processes import free_port
from miniapps.cli import miniapp
from miniapps.cli.local_city import Place, published
from miniapps.cli.playing import Desk
from miniapps.conformance.ports import Answer, Outgoing, Unanswered
from miniapps.manifest import parse_manifest
from miniapps.sandbox.citizens import CITIZENS, openid_of
from tests.miniapps.conformance.departments import BACKEND, ISSUER, Department, document
from tests.miniapps.conformance.departments import answer as department_answer
from tests.miniapps.documents import encode, sound_document


class Switchboard:
    """A network whose department is put there later, because it must know the keys."""

    department: Department | None = None

    async def send(self, request: Outgoing) -> Answer:
        if self.department is None:
            raise Unanswered("unreachable")
        return await self.department.send(request)


@pytest.fixture
def network() -> Switchboard:
    return Switchboard()


@pytest.fixture
async def browser(network: Switchboard) -> AsyncIterator[httpx.AsyncClient]:
    place = Place(host="127.0.0.1", port=free_port(), issuer=ISSUER)
    desk = Desk(parse_manifest(encode(document())), BACKEND, place, network)
    network.department = Department(keys=desk.keys)
    async with (
        published(desk.keys, place, desk.routes()),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{place.port}", trust_env=False) as http,
    ):
        yield http


async def test_each_citizen_sees_their_own(browser: httpx.AsyncClient) -> None:
    for citizen in CITIZENS:
        answer = await browser.get(f"/as/{citizen.name}/loans?page=2")
        assert answer.json() == {"reader": mask_name(openid_of(citizen, "cn.example.library"))}
        assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"


async def test_what_cannot_be_masked_is_not_shown(browser: httpx.AsyncClient, network: Switchboard) -> None:
    assert network.department is not None
    network.department.handler = lambda _request, _citizen: department_answer(200, {"reader": ["沙箱甲"]})
    answer = await browser.get("/as/citizen-a/loans")

    assert (answer.status_code, answer.json()["title"]) == (502, "answer-not-maskable: not-text")


async def test_the_first_page_names_every_route(browser: httpx.AsyncClient) -> None:
    told = (await browser.get("/")).text

    assert "GET /as/citizen-b/loans" in told
    assert "POST /as/citizen-c/loans/{loan_id}/renewals" in told


@pytest.mark.parametrize(
    ("path", "status"),
    [("/as/citizen-z/loans", 400), ("/as/citizen-a/secrets", 404), ("/as/citizen-a/loans/%2e%2e/renewals", 404)],
)
async def test_what_is_not_declared_is_not_asked(
    browser: httpx.AsyncClient, network: Switchboard, path: str, status: int
) -> None:
    assert (await browser.get(path)).status_code == status
    assert network.department is not None
    assert network.department.seen == []


async def test_another_name_for_this_machine_opens_nothing(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/as/citizen-a/loans", headers={"host": "evil.example"})

    assert answer.status_code == 421


async def test_a_server_that_is_away_is_said_to_be(browser: httpx.AsyncClient, network: Switchboard) -> None:
    network.department = None
    answer = await browser.get("/as/citizen-a/loans")

    assert answer.status_code == 502
    assert answer.json()["title"] == f"http://department.test: unreachable. Is it started with --issuer {ISSUER}?"


@pytest.mark.parametrize("listen", ["0.0.0.0:9300", "10.0.0.1:9300", "nowhere"])
def test_it_listens_on_loopback_alone(tmp_path_factory: pytest.TempPathFactory, listen: str) -> None:
    path = tmp_path_factory.mktemp("local") / "manifest.json"
    path.write_bytes(encode(sound_document()))
    result = CliRunner().invoke(
        miniapp, ["sandbox", str(path), "--listen", listen, "--backend", "http://127.0.0.1:9201"]
    )

    assert result.exit_code == 2
