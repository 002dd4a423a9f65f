"""Signing a computer in by a phone: what each side sees, and everything that must not open anything."""

import re
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import httpx
import pytest

from app.demo.registries import CITIZEN
from app.kit.clock import ManualClock
from app.kit.database import Connection
from tests.auth.login.scan.people import BoundPhone, read_picture, secret_of
from tests.auth.phones import ISSUER, Phone, slug_of
from tests.auth.provider.city import Browser, Department, read_claims

NewBrowser = Callable[[str], Browser]
NewBoundPhone = Callable[[str], Awaitable[BoundPhone]]
COMPUTER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"


async def show_picture(library: Department, browser: Browser, **form: str) -> None:
    browser.http.headers["user-agent"] = COMPUTER
    await browser.open(await library.begin(**form))
    page = await browser.submit("/scan")
    assert 'class="picture"' in page.text, page.text


async def try_number(browser: Browser, number: str) -> httpx.Response:
    """Posts it whatever page is shown."""
    action = f"{browser.page.url.path}/number"
    return await browser.http.post(action, data={"number": number}, headers={"Origin": ISSUER})


async def type_number(browser: Browser, number: str) -> int:
    return (await browser.submit("/number", number=number)).status_code


async def test_a_computer_is_signed_in_by_the_phone_before_it(
    library: Department, browser: Browser, owner: BoundPhone
) -> None:
    await show_picture(library, browser)
    page = await browser.submit("/number", number=await owner.let_in(browser))
    assert "办理读者证" in page.text
    assert "199****0031" in page.text
    await browser.agree()
    assert "code" in browser.told()


async def test_the_phone_reads_for_what_before_it_decides(
    library: Department, browser: Browser, owner: BoundPhone, clock: ManualClock
) -> None:
    await show_picture(library, browser)
    seen = (await owner.scan(secret_of(browser))).json()
    assert seen["place"] == {"zh": "图书馆", "en": "City library"}
    assert (seen["agent"], seen["same_network"], seen["state"]) == ("Chrome · Windows", True, "scanned")
    clock.advance(5)
    again = (await owner.scan(secret_of(browser))).json()
    assert again == seen  # an answer that was lost on the air is given again


async def test_a_computer_elsewhere_is_said_to_be_elsewhere(
    library: Department, browser: Browser, owner: BoundPhone, connection: Connection
) -> None:
    await show_picture(library, browser)
    await connection.execute("update auth.scan_login set address_index = 'elsewhere'")
    assert (await owner.scan(secret_of(browser))).json()["same_network"] is False


async def test_nobody_is_told_a_secret_by_an_address(library: Department, browser: Browser) -> None:
    await show_picture(library, browser)
    text = read_picture(browser.page.text)
    assert text.startswith(f"{ISSUER}/oauth/scan#")
    assert urlsplit(text).query == ""
    page = await browser.http.get(text)  # which sends nothing that stands after #
    assert page.status_code == 200
    assert "扫一扫" in page.text
    assert urlsplit(text).fragment not in page.text


async def test_only_hashes_are_stored(library: Department, browser: Browser, connection: Connection) -> None:
    await show_picture(library, browser)
    row = await connection.fetchrow("select * from auth.scan_login")
    assert row is not None
    stored = repr(dict(row))
    assert secret_of(browser) not in stored
    assert browser.http.cookies["insecure-suishen-scan"] not in stored


async def test_a_number_counts_once(library: Department, browser: Browser, owner: BoundPhone) -> None:
    await show_picture(library, browser)
    number = await owner.let_in(browser)
    assert await type_number(browser, number) == 200
    again = await try_number(browser, number)
    assert again.status_code != 303
    assert "insecure-suishen-session" not in again.headers.get("set-cookie", "")


async def test_the_picture_is_over_after_ninety_seconds(
    library: Department, browser: Browser, owner: BoundPhone, clock: ManualClock
) -> None:
    await show_picture(library, browser)
    secret = secret_of(browser)
    clock.advance(90)
    assert slug_of(await owner.scan(secret)) == "scan-login-over"
    page = await browser.open(browser.actions()[0].rpartition("/")[0])
    assert "picture" not in re.sub(r"<style>.*?</style>", "", page.text, flags=re.DOTALL)
    assert "手机号码" in page.text


async def test_a_number_comes_too_late_after_ninety_seconds(
    library: Department, browser: Browser, owner: BoundPhone, clock: ManualClock
) -> None:
    await show_picture(library, browser)
    number = await owner.let_in(browser)
    clock.advance(89)
    seen = await owner.call("GET", "/v1/me/sessions")
    assert seen.status_code == 200
    clock.advance(1)
    assert await type_number(browser, number) == 401


async def test_three_wrong_numbers_are_the_end(library: Department, browser: Browser, owner: BoundPhone) -> None:
    await show_picture(library, browser)
    right = await owner.let_in(browser)
    wrong = f"{(int(right) + 1) % 10_000:04}"
    for _ in range(3):
        page = await try_number(browser, wrong)
        assert page.status_code == 401
        assert 'role="alert"' in page.text
    assert (await try_number(browser, right)).status_code == 401


async def test_wrong_numbers_of_a_day_lock_the_person_for_the_way(
    library: Department, browser: Browser, owner: BoundPhone
) -> None:
    for _ in range(7):  # three tries each; twenty a day are heard
        await show_picture(library, browser)
        right = await owner.let_in(browser)
        for _ in range(3):
            await try_number(browser, f"{(int(right) + 1) % 10_000:04}")
    await show_picture(library, browser)
    seen = (await owner.scan(secret_of(browser))).json()
    refused = await owner.approve(seen["id"])
    assert (refused.status_code, slug_of(refused)) == (429, "rate-limited")


async def test_what_is_no_number_opens_nothing(library: Department, browser: Browser, owner: BoundPhone) -> None:
    for numbers in (["", "0", "00000"], ["１２３４", "abcd", "12 4"], ["-001", "\x00"]):
        await show_picture(library, browser)
        await owner.let_in(browser)
        for number in numbers:
            assert (await try_number(browser, number)).status_code == 401


async def test_before_the_phone_says_yes_no_number_is_right(
    library: Department, browser: Browser, owner: BoundPhone, connection: Connection
) -> None:
    await show_picture(library, browser)
    assert await type_number(browser, "0000") == 401
    await owner.scan(secret_of(browser))
    assert await type_number(browser, "0000") == 401
    assert await connection.fetchval("select tries from auth.scan_login") == 0


async def test_a_relayed_picture_opens_nothing_without_the_number(
    library: Department, new_browser: NewBrowser, owner: BoundPhone
) -> None:
    """The attack of RFC 10027: a thief's picture, shown to the victim on a page of the thief's."""
    thief = new_browser("19900000039")
    await show_picture(library, thief)
    number = await owner.let_in(thief)  # the victim is fooled and confirms; the number stays on their phone
    guesses = [f"{value:04}" for value in range(10) if f"{value:04}" != number][:4]
    assert [await type_number(thief, guess) for guess in guesses[:3]] == [401, 401, 401]


async def test_another_browser_cannot_use_the_number(
    library: Department, new_browser: NewBrowser, owner: BoundPhone
) -> None:
    first, second = new_browser("19900000031"), new_browser("19900000039")
    await show_picture(library, first)
    await show_picture(library, second)
    number = await owner.let_in(first)
    assert await type_number(second, number) == 401


async def test_without_the_cookie_the_picture_is_worth_nothing(
    library: Department, browser: Browser, owner: BoundPhone
) -> None:
    await show_picture(library, browser)
    number = await owner.let_in(browser)
    for cookie in (None, "", "x", "A" * 43):
        browser.http.cookies.delete("insecure-suishen-scan")
        if cookie is not None:
            browser.http.cookies.set("insecure-suishen-scan", cookie)
        assert (await try_number(browser, number)).status_code == 401


async def test_a_cookie_from_before_is_worth_nothing(library: Department, browser: Browser, owner: BoundPhone) -> None:
    """Session fixation: whoever planted the browser's secret does not know the one of the picture."""
    await show_picture(library, browser)
    planted = browser.http.cookies["insecure-suishen-scan"]
    await browser.submit("/scan")
    assert browser.http.cookies["insecure-suishen-scan"] != planted
    number = await owner.let_in(browser)
    browser.http.cookies.delete("insecure-suishen-scan")
    browser.http.cookies.set("insecure-suishen-scan", planted)
    assert await type_number(browser, number) == 401


async def test_the_first_phone_has_it(
    library: Department, browser: Browser, owner: BoundPhone, new_bound_phone: NewBoundPhone
) -> None:
    other = await new_bound_phone("19900000032")
    await show_picture(library, browser)
    secret = secret_of(browser)
    scan_id = (await owner.scan(secret)).json()["id"]
    for refused in (await other.scan(secret), await other.approve(scan_id), await other.deny(scan_id)):
        assert (refused.status_code, slug_of(refused)) == (404, "scan-login-over")
    assert (await owner.approve(scan_id)).status_code == 200


async def test_a_phone_says_yes_once(library: Department, browser: Browser, owner: BoundPhone) -> None:
    await show_picture(library, browser)
    scan_id = (await owner.scan(secret_of(browser))).json()["id"]
    assert (await owner.approve(scan_id)).status_code == 200
    assert slug_of(await owner.approve(scan_id)) == "scan-login-over"


async def test_a_phone_that_was_not_shown_the_picture_cannot_say_yes(
    library: Department, browser: Browser, owner: BoundPhone, connection: Connection
) -> None:
    await show_picture(library, browser)
    scan_id = await connection.fetchval("select id from auth.scan_login")
    assert slug_of(await owner.approve(str(scan_id))) == "scan-login-over"
    assert slug_of(await owner.scan("A" * 43)) == "scan-login-over"


@pytest.mark.parametrize("when", ["scanned", "approved"])
async def test_a_phone_says_no(library: Department, browser: Browser, owner: BoundPhone, when: str) -> None:
    await show_picture(library, browser)
    scan_id = (await owner.scan(secret_of(browser))).json()["id"]
    number = (await owner.approve(scan_id)).json()["number"] if when == "approved" else "0000"
    assert (await owner.deny(scan_id)).json() == {"state": "denied"}
    assert await type_number(browser, number) == 401
    assert slug_of(await owner.approve(scan_id)) == "scan-login-over"


async def test_a_copied_token_signs_no_computer_in(library: Department, browser: Browser, phone: Phone) -> None:
    await phone.sign_in()  # bound to no key
    await show_picture(library, browser)
    body = {"secret": secret_of(browser)}
    refused = await phone.client.post("/v1/login/scan", json=body, headers=phone.headers)
    assert (refused.status_code, slug_of(refused)) == (403, "scan-login-needs-key")
    assert (await phone.client.post("/v1/login/scan", json=body)).status_code == 401


async def test_a_phone_signed_out_meanwhile_vouches_for_nobody(
    library: Department, browser: Browser, owner: BoundPhone
) -> None:
    await show_picture(library, browser)
    number = await owner.let_in(browser)
    assert (await owner.call("DELETE", "/v1/me/sessions")).status_code == 200
    assert await type_number(browser, number) == 401


async def test_however_sure_the_phone_is_a_scan_is_no_more_than_a_code(
    library: Department, browser: Browser, owner: BoundPhone, connection: Connection
) -> None:
    await connection.execute("update auth.session set ial = 2, aal = 3 where jkt is not null")
    await show_picture(library, browser, scope="openid library.level")
    await browser.submit("/number", number=await owner.let_in(browser))
    await browser.agree()
    id_token = (await library.redeem(browser.told()["code"])).json()["id_token"]
    assert read_claims(id_token)["acr"] == "ial2.aal1"
    assert await connection.fetchval("select method from auth.session where client_id = 'city-browser'") == "scan"


async def test_what_a_phone_opened_ends_with_the_phone(
    library: Department, browser: Browser, owner: BoundPhone
) -> None:
    await show_picture(library, browser)
    await browser.submit("/number", number=await owner.let_in(browser))
    await browser.agree()
    tokens = (await library.redeem(browser.told()["code"])).json()
    sessions = (await owner.call("GET", "/v1/me/sessions")).json()["items"]
    phone_session = next(one for one in sessions if one["current"])
    chain = {one["client_id"]: one["parent_id"] for one in sessions}
    assert chain["city-browser"] == phone_session["id"]
    ended = await owner.call("DELETE", f"/v1/me/sessions/{phone_session['id']}")
    assert ended.json() == {"ended": 3}  # the phone's, the computer's, the library's
    assert (await library.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"
    await browser.open(await library.begin(prompt="none"))
    assert browser.told()["error"] == "login_required"


async def test_the_owner_reads_of_it_and_sees_the_computer_in_the_list(
    library: Department, browser: Browser, owner: BoundPhone
) -> None:
    await show_picture(library, browser)
    await browser.submit("/number", number=await owner.let_in(browser))
    kinds = [one["kind"] for one in (await owner.call("GET", "/v1/me/messages")).json()["items"]]
    assert "scan_signed_in" in kinds
    listed = (await owner.call("GET", "/v1/me/sessions")).json()["items"]
    computer = next(one for one in listed if one["client_id"] == "city-browser")
    assert (computer["agent"], computer["method"]) == ("Chrome · Windows", "scan")


async def test_everything_is_in_the_log_and_nothing_personal(
    library: Department, browser: Browser, owner: BoundPhone, connection: Connection
) -> None:
    await show_picture(library, browser)
    number = await owner.let_in(browser)
    await type_number(browser, f"{(int(number) + 1) % 10_000:04}")
    rows = await connection.fetch("select action, detail from kit.audit_entry where action like 'login.scan%'")
    assert sorted(row["action"] for row in rows) == ["login.scan_approved", "login.scan_refused"]
    assert number not in repr([dict(row) for row in rows])


async def test_another_way_may_be_taken_after_all(library: Department, browser: Browser) -> None:
    await show_picture(library, browser)
    await browser.submit("/restart")
    await browser.sign_in()
    assert "199****0021" in browser.page.text


async def test_a_form_of_another_site_or_browser_is_not_heard(
    library: Department, browser: Browser, new_browser: NewBrowser, owner: BoundPhone
) -> None:
    await show_picture(library, browser)
    number = await owner.let_in(browser)
    thief = new_browser("19900000022")
    await thief.open(await library.begin())
    for act in ("scan", "number"):
        for http, headers in (
            (browser.http, {"Origin": "https://evil.example"}),
            (browser.http, {"Sec-Fetch-Site": "cross-site"}),
            (thief.http, {"Origin": ISSUER}),
        ):
            action = f"{browser.page.url.path}/{act}"
            assert (await http.post(action, data={"number": number}, headers=headers)).status_code == 400


async def test_what_is_no_secret_is_an_error(owner: BoundPhone) -> None:
    for secret in ("", "x", "A" * 42, "A" * 44, "!" * 43, "Ａ" * 43):
        assert (await owner.scan(secret)).status_code == 400


async def test_the_named_person_is_named_on_the_computer(
    library: Department, browser: Browser, owner: BoundPhone
) -> None:
    body = {"name": CITIZEN.name, "document_number": CITIZEN.document_number}
    assert (await owner.call("POST", "/v1/me/real-name", json=body)).status_code == 200
    await show_picture(library, browser)
    page = await browser.submit("/number", number=await owner.let_in(browser))
    assert "*" in page.text
    assert CITIZEN.name not in page.text
    assert "199****" not in page.text  # who is known by name is called by name


async def test_the_same_person_scans_again_in_the_same_browser(
    library: Department, browser: Browser, owner: BoundPhone, connection: Connection
) -> None:
    for _ in range(2):
        await show_picture(library, browser, prompt="login")
        await browser.submit("/number", number=await owner.let_in(browser))
    living = "select count(*) from auth.session where client_id = 'city-browser' and revoked_at is null"
    assert await connection.fetchval(living) == 1
