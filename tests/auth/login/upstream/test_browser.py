"""Signing in at a department by the national identity and by a network number, in a browser."""

import html
import re
from collections.abc import AsyncIterator, Callable
from urllib.parse import urlencode

import httpx
import pytest

from app.demo.national import NAME
from app.demo.registries import CITIZEN, RESIDENTS, SECOND_CITIZEN
from app.kit.clock import ManualClock
from app.kit.database import Connection, Database
from app.kit.floor import Floor
from auth.documents import make_synthetic_credit_code
from auth.organizations.models import RegisterDepartment
from auth.wiring import AuthServices
from tests.auth.conftest import open_client
from tests.auth.login.upstream.national import National
from tests.auth.phones import ISSUER, Phone
from tests.auth.provider.city import Browser, Department, Register, client_of, read_claims

STRANGER = RESIDENTS[10]


@pytest.fixture
async def library(auth: AuthServices, client: httpx.AsyncClient, clock: ManualClock, database: Database) -> Department:
    register = Register()
    auth.provider.clients.find_in(register)
    entry = RegisterDepartment(name="演示市图书馆", credit_code=make_synthetic_credit_code(sequence=301))
    async with database.transaction() as connection:
        registered = await auth.organizations.register_department(connection, entry, actor="system")
    department = Department(client, clock, "library")
    register.clients["library"] = client_of("library", registered.id, {"k1": department.key})
    return department


@pytest.fixture
async def new_browser(floor: Floor, auth: AuthServices) -> AsyncIterator[Callable[[], Browser]]:
    opened: list[httpx.AsyncClient] = []
    async with open_client(floor, auth) as http:

        def make() -> Browser:
            own = httpx.AsyncClient(transport=http._transport, base_url=http.base_url)
            opened.append(own)
            return Browser(own, floor.outbox.deliver_due, number="19900000021")

        yield make
        for own in opened:
            await own.aclose()


@pytest.fixture
def browser(new_browser: Callable[[], Browser]) -> Browser:
    return new_browser()


async def leave(browser: Browser) -> str:
    """The address of the national provider to which the link of the page leads."""
    (path,) = re.findall(r'<a class="quiet" href="([^"]+)"', browser.page.text)
    answer = await browser.http.get(html.unescape(path), headers={"Sec-Fetch-Site": "same-origin"})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def challenge_on(browser: Browser) -> str:
    return read_picture(browser).partition("challenge=")[2]


def read_picture(browser: Browser) -> str:
    import zxingcpp
    from PIL import Image

    size = int(re.findall(r'viewBox="0 0 (\d+)', browser.page.text)[0]) * 8
    image = Image.new("L", (size, size), 255)
    for x, y, length in (map(int, run) for run in re.findall(r"M(\d+) (\d+)h(\d+)v1", browser.page.text)):
        image.paste(0, (x * 8, y * 8, (x + length) * 8, (y + 1) * 8))
    return str(zxingcpp.read_barcodes(image, zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode))[0].text)


async def test_a_citizen_signs_in_at_a_department_by_the_national_identity(
    browser: Browser, library: Department, national: National
) -> None:
    await browser.open(await library.begin(acr_values="ial3.aal2"))
    back = await national.return_address(await leave(browser), STRANGER)
    assert back.startswith(f"{ISSUER}/oauth/upstream/callback?")
    await browser.open(back)
    assert "/consent" in browser.page.text
    await browser.agree()
    tokens = (await library.redeem(browser.told()["code"])).json()
    claims = read_claims(tokens["id_token"])
    assert (claims["acr"], claims["amr"]) == ("ial3.aal2", ["upstream"])


async def test_the_answer_opens_nothing_in_another_browser(
    browser: Browser, new_browser: Callable[[], Browser], library: Department, national: National
) -> None:
    """Else a stranger could sign somebody in as themself, or carry off what was meant for another."""
    await browser.open(await library.begin())
    back = await national.return_address(await leave(browser), STRANGER)
    other = new_browser()
    await other.open(await library.begin())
    for thief in (other, new_browser()):
        assert (await thief.open(back)).status_code == 400
    await browser.open(back)
    assert "/consent" in browser.page.text


@pytest.mark.parametrize("wrong", [{"iss": "http://another.example"}, {"iss": ""}, {"code": ""}, {"code": "made-up"}])
async def test_an_answer_that_is_not_the_providers_leads_back_to_the_beginning(
    browser: Browser, library: Department, national: National, wrong: dict[str, str]
) -> None:
    await browser.open(await library.begin())
    parts = await national.visit(await leave(browser), STRANGER)
    await browser.open("/oauth/upstream/callback?" + urlencode(parts | wrong))
    assert browser.page.status_code == 401
    assert "/phone" in browser.page.text
    assert (await browser.open("/oauth/upstream/callback?" + urlencode(parts))).status_code == 400  # it was used up


async def test_a_no_at_the_provider_leaves_the_other_ways(
    browser: Browser, library: Department, national: National
) -> None:
    await browser.open(await library.begin())
    await browser.open(await national.return_address(await leave(browser), STRANGER, allow=False))
    assert (browser.page.status_code, "/phone" in browser.page.text) == (401, True)


async def test_a_link_from_elsewhere_does_not_lead_there(browser: Browser, library: Department) -> None:
    await browser.open(await library.begin())
    (path,) = re.findall(r'<a class="quiet" href="([^"]+)"', browser.page.text)
    answer = await browser.http.get(html.unescape(path), headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 400


async def test_a_weak_proof_does_not_open_an_account_that_is_here(
    browser: Browser, library: Department, national: National, phone: Phone
) -> None:
    await phone.become_known()
    await browser.open(await library.begin())
    await browser.open(await national.return_address(await leave(browser), CITIZEN, acr=NAME))
    assert browser.page.status_code == 403
    assert "人脸" in browser.page.text


async def test_who_is_frozen_reads_it_on_the_page(
    browser: Browser, library: Department, national: National, phone: Phone, connection: Connection
) -> None:
    await phone.become_known()
    await connection.execute("update auth.person set status = 'frozen'")
    await browser.open(await library.begin())
    await browser.open(await national.return_address(await leave(browser), CITIZEN))
    assert "冻结" in browser.page.text


async def test_a_provider_that_does_not_answer_leaves_the_other_ways(
    browser: Browser, library: Department, auth: AuthServices
) -> None:
    await browser.open(await library.begin())
    auth.upstream.provider.issuer = "http://127.0.0.1:9"
    (path,) = re.findall(r'<a class="quiet" href="([^"]+)"', browser.page.text)
    await browser.open(html.unescape(path))
    assert (browser.page.status_code, "/phone" in browser.page.text) == (503, True)


async def test_a_citizen_signs_in_by_the_number_that_the_national_app_shows(
    browser: Browser, library: Department, national: National, phone: Phone
) -> None:
    await phone.become_known()
    await browser.open(await library.begin())
    await browser.submit("/network")
    typed = await national.scan(await national.number_of(CITIZEN), challenge_on(browser))
    await browser.submit("/presented", number=typed)
    await browser.agree()
    claims = read_claims((await library.redeem(browser.told()["code"])).json()["id_token"])
    assert claims["amr"] == ["network"]
    sessions = (await phone.get("/v1/me/sessions")).json()["items"]
    assert "network" in {session["method"] for session in sessions}


async def test_a_wrong_number_three_times_is_the_end_of_the_picture(
    browser: Browser, library: Department, national: National
) -> None:
    await browser.open(await library.begin())
    await browser.submit("/network")
    challenge = challenge_on(browser)
    right = await national.scan(await national.number_of(SECOND_CITIZEN), challenge)
    wrong = "0000" if right != "0000" else "1111"
    for _ in range(3):
        await browser.submit("/presented", number=wrong)
        assert browser.page.status_code == 401
    assert "/presented" not in browser.page.text
    assert "/phone" in browser.page.text


async def test_a_picture_belongs_to_the_browser_that_shows_it(
    browser: Browser, new_browser: Callable[[], Browser], library: Department, national: National
) -> None:
    """Whoever is led to scan a stranger's picture has a number that is good in the stranger's browser alone: the
    national app says so. A number typed elsewhere opens nothing there.
    """
    victim = new_browser()
    await browser.open(await library.begin())
    await browser.submit("/network")
    await victim.open(await library.begin())
    await victim.submit("/network")
    typed = await national.scan(await national.number_of(SECOND_CITIZEN), challenge_on(browser))
    await victim.submit("/presented", number=typed)
    assert victim.page.status_code == 401


async def test_the_new_holder_of_a_number_is_not_asked_for_a_name_that_nobody_could_compare(
    browser: Browser, library: Department, national: National, new_phone: Callable[[str], Phone]
) -> None:
    """Behind it is somebody whom another house alone vouches for: any name would fit, and be theirs from then on."""
    owner, path = new_phone(browser.number), "/v1/me/links/network"
    await owner.sign_in()
    begun = (await owner.client.post(f"{path}/challenges", headers=owner.headers)).json()
    number = await national.number_of(STRANGER)
    credential = await national.credential(number, begun["challenge"], discloses=False)
    body = {"login": begun["login"], "network_number": number, "credential": credential}
    assert (await owner.client.post(path, json=body, headers=owner.headers)).status_code == 201
    await browser.open(await library.begin())
    await browser.sign_in()
    assert "/not-mine" in browser.page.text
    assert not any(action.endswith("/name") for action in browser.actions())
