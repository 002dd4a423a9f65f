"""A number that has a new holder, in a browser at a department: nobody is taken for whoever held it before."""

from collections.abc import Callable

import httpx
import pytest

from app.demo.registries import CHILD, CITIZEN, RESIDENTS, SECOND_CITIZEN, Resident
from app.kit.clock import ManualClock
from tests.auth.authenticator import Liar
from tests.auth.phones import Key, Phone
from tests.auth.provider.city import Browser, Department, read_claims

NUMBER = "19900000021"


@pytest.fixture
async def owner(new_phone: Callable[[str], Phone]) -> Phone:
    """Known by name, and by nothing else that could be asked."""
    phone = new_phone(NUMBER)
    await phone.become_known()
    return phone


async def tell(browser: Browser, who: Resident, **changes: str) -> httpx.Response:
    body = {"name": who.name, "document_type": who.document_type, "document_number": who.document_number}
    return await browser.submit("/name", **(body | changes))


def acts(browser: Browser) -> set[str]:
    return {action.rpartition("/")[2] for action in browser.actions()}


async def sub_of(browser: Browser, library: Department) -> str:
    if "/consent" in browser.page.text:
        await browser.agree()
    return str(read_claims((await library.redeem(browser.told()["code"])).json()["id_token"])["sub"])


async def test_a_code_alone_leads_to_no_department(owner: Phone, browser: Browser, library: Department) -> None:
    await browser.open(await library.begin())
    await browser.sign_in()
    assert browser.page.status_code == 200
    assert acts(browser) == {"scan", "name", "not-mine", "cancel"}
    for known in (CITIZEN.name, "演*", NUMBER[-4:]):
        assert known not in browser.page.text


async def test_not_even_silently_and_not_the_next_time(owner: Phone, browser: Browser, library: Department) -> None:
    await browser.open(await library.begin())
    await browser.sign_in()
    await browser.open(await library.begin(prompt="none"))
    assert browser.told()["error"] == "login_required"
    await browser.open(await library.begin())
    assert "not-mine" in acts(browser)


async def test_the_person_goes_on_by_name_and_document_after_a_wait(
    owner: Phone, browser: Browser, library: Department, clock: ManualClock
) -> None:
    await browser.open(await library.begin())
    await browser.sign_in()
    await tell(browser, CITIZEN)
    assert browser.page.status_code == 403
    assert "24 小时" in browser.page.text
    clock.advance(86_400)
    await browser.open(await library.begin())
    await browser.sign_in()
    await tell(browser, CITIZEN)
    await browser.agree()
    claims = read_claims((await library.redeem(browser.told()["code"])).json()["id_token"])
    assert claims["acr"] == "ial2.aal1"


async def test_a_child_on_the_family_s_number_goes_on_by_their_own_name(
    new_phone: Callable[[str], Phone], browser: Browser, library: Department, clock: ManualClock
) -> None:
    """Nobody asks a child for a passkey; under fourteen the consent that follows is their guardian's."""
    phone = new_phone(NUMBER)
    await phone.become_known(CHILD)
    for wait in (86_400, 0):
        await browser.open(await library.begin())
        await browser.sign_in()
        await tell(browser, CHILD)
        clock.advance(wait)
    assert browser.page.status_code == 200
    assert "监护人" in browser.page.text


@pytest.mark.parametrize("who", [SECOND_CITIZEN, RESIDENTS[5], Resident(name="不存在", document_number="1")])
async def test_another_name_opens_nothing(owner: Phone, browser: Browser, library: Department, who: Resident) -> None:
    await browser.open(await library.begin())
    await browser.sign_in()
    await tell(browser, who)
    assert browser.page.status_code in {400, 409, 422}
    assert "not-mine" in acts(browser)


async def test_guesses_are_counted(owner: Phone, browser: Browser, library: Department) -> None:
    await browser.open(await library.begin())
    await browser.sign_in()
    for _ in range(5):
        await tell(browser, SECOND_CITIZEN)
    await tell(browser, CITIZEN)
    assert browser.page.status_code == 429


async def test_who_has_a_device_is_asked_for_it_and_not_for_a_name(
    owner: Phone, browser: Browser, library: Department
) -> None:
    assert (await owner.enroll(Key())).status_code == 201
    await browser.open(await library.begin())
    await browser.sign_in()
    assert "name" not in acts(browser)
    forged = browser.page.text.replace("/not-mine", "/name")
    browser.page = httpx.Response(200, text=forged)
    await tell(browser, CITIZEN)
    assert "not-mine" in acts(browser)
    assert browser.page.status_code == 403


async def test_a_passkey_goes_on(owner: Phone, browser: Browser, library: Department) -> None:
    key = Liar()
    asked = await owner.client.post("/v1/me/passkeys/challenges", headers=owner.headers)
    body = {"name": "钥匙", "credential": key.create(asked.json()["public_key"])}
    assert (await owner.client.post("/v1/me/passkeys", json=body, headers=owner.headers)).status_code == 201
    await browser.open(await library.begin())
    await browser.sign_in()
    assert acts(browser) == {"scan", "passkey", "not-mine", "cancel"}


async def test_the_new_holder_goes_on_as_somebody_of_their_own(
    owner: Phone, browser: Browser, library: Department, new_browser: Callable[[str], Browser], clock: ManualClock
) -> None:
    """At the department they are nobody whom it knows, and the account that the number opened is told."""
    before = new_browser(NUMBER)
    for wait in (86_400, 0):
        await before.open(await library.begin())
        await before.sign_in()
        await tell(before, CITIZEN)
        clock.advance(wait)
    theirs = await sub_of(before, library)
    await browser.open(await library.begin())
    await browser.sign_in()
    await browser.submit("/not-mine", phone=NUMBER)
    assert "移除" in browser.page.text
    await browser.submit("/code", code=await browser.read_code())
    assert await sub_of(browser, library) != theirs
    await owner.renew()
    told = (await owner.get("/v1/me/messages")).json()["items"]
    assert "phone_disowned" in {message["kind"] for message in told}


async def test_a_code_for_signing_in_takes_no_number_away(owner: Phone, browser: Browser, library: Department) -> None:
    await browser.open(await library.begin())
    await browser.submit("/phone", phone=NUMBER)
    code = await browser.read_code()
    await browser.submit("/code", code=code)
    await browser.submit("/not-mine", phone=NUMBER)
    await browser.submit("/code", code=code)
    assert browser.page.status_code == 401
    assert (await owner.get("/v1/me/phones")).json()["items"] != []


async def test_somebody_known_by_a_number_alone_is_asked_nothing_more(browser: Browser, library: Department) -> None:
    await browser.open(await library.begin())
    await browser.sign_in()
    assert "/consent" in browser.page.text


async def test_a_form_from_elsewhere_is_not_heard(owner: Phone, browser: Browser, library: Department) -> None:
    await browser.open(await library.begin())
    await browser.sign_in()
    for act, fields in (("/name", {"name": CITIZEN.name}), ("/not-mine", {"phone": NUMBER})):
        path = next(found for found in browser.actions() if found.endswith(act))
        answer = await browser.http.post(path, data=fields, headers={"Origin": "https://evil.example"})
        assert answer.status_code == 400
