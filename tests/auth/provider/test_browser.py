"""The way through the browser: who is asked what, who is let through, and what another site cannot make it do."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from app.kit.clock import ManualClock
from app.kit.database import Connection
from auth.browser.cookies import Cookies
from auth.wiring import AuthServices
from tests.auth.phones import ISSUER
from tests.auth.provider.city import Browser, Department, Register, read_claims

NewBrowser = Callable[[str], Browser]


async def answered(library: Department, browser: Browser, **form: Any) -> dict[str, str]:
    await browser.open(await library.begin(**form))
    return browser.told()


async def test_a_stranger_is_asked_for_a_phone_then_a_code_then_consent(library: Department, browser: Browser) -> None:
    page = await browser.open(await library.begin())
    assert "手机号码" in page.text
    page = await browser.submit("/phone", phone=browser.number)
    assert "短信验证码" in page.text
    page = await browser.submit("/code", code=await browser.read_code())
    assert "办理读者证" in page.text
    assert "Make a reader&#x27;s card" in page.text
    assert "199****0021" in page.text
    assert (await browser.agree()).status_code == 303


async def test_a_browser_in_use_stays_signed_in(library: Department, browser: Browser, clock: ManualClock) -> None:
    """Half an hour from its last use, give or take the minute in which no further use is written down."""
    await browser.arrive(await library.begin())
    for seconds in (30, 1700, 30, 1700):
        clock.advance(seconds)
        assert "code" in await answered(library, browser)
    clock.advance(1801)
    assert "手机号码" in (await browser.open(await library.begin())).text


async def test_nothing_is_told_of_a_phone_before_its_code(library: Department, new_browser: NewBrowser) -> None:
    known, unknown = new_browser("19900000021"), new_browser("19900000022")
    await known.arrive(await library.begin())
    pages = []
    for browser, number in ((unknown, known.number), (unknown, "19900000099")):
        await browser.open(await library.begin())
        page = await browser.submit("/phone", phone=number)
        pages.append((page.status_code, re.sub(r"/oauth/requests/[^/]+", "", page.text)))
    assert pages[0] == pages[1]


@pytest.mark.parametrize("phone", ["", "1", "12345678901", "1990000002x", "<script>alert(1)</script>"])
async def test_what_is_no_phone_is_asked_for_again(library: Department, browser: Browser, phone: str) -> None:
    await browser.open(await library.begin())
    page = await browser.submit("/phone", phone=phone)
    assert page.status_code == 400
    assert 'role="alert"' in page.text
    assert "<script" not in page.text


async def test_wrong_codes_are_counted_where_all_ways_in_count(library: Department, browser: Browser) -> None:
    await browser.open(await library.begin())
    await browser.submit("/phone", phone=browser.number)
    right = await browser.read_code()
    wrong = "000000" if right != "000000" else "111111"
    for _ in range(5):
        assert (await browser.submit("/code", code=wrong)).status_code == 401
    assert (await browser.submit("/code", code=right)).status_code == 401


async def test_the_number_may_be_changed(library: Department, browser: Browser) -> None:
    await browser.open(await library.begin())
    await browser.submit("/phone", phone="19900000098")
    assert "手机号码" in (await browser.submit("/restart")).text
    await browser.sign_in()
    assert "199****0021" in browser.page.text


async def test_a_code_from_elsewhere_opens_nothing_here(library: Department, browser: Browser) -> None:
    await browser.open(await library.begin())
    action = next(found for found in browser.actions() if found.endswith("/phone"))
    page = await browser.http.post(action.replace("/phone", "/code"), data={"code": "123456"})
    assert page.status_code == 401


async def test_the_cookie_from_before_never_becomes_a_signed_in_one(library: Department, browser: Browser) -> None:
    await browser.arrive(await library.begin())
    before = browser.http.cookies["insecure-suishen-session"]
    await browser.open(await library.begin(prompt="login"))
    await browser.sign_in()
    after = browser.http.cookies["insecure-suishen-session"]
    assert before != after
    browser.http.cookies.clear()  # two cookies of one name would be none
    browser.http.cookies.set("insecure-suishen-session", before)
    assert "手机号码" in (await browser.open(await library.begin())).text  # the session before has ended


async def test_a_planted_cookie_is_no_session(library: Department, browser: Browser) -> None:
    for planted in ("x", "A" * 70, "%00", browser.number):
        browser.http.cookies.set("insecure-suishen-session", planted)
        assert "手机号码" in (await browser.open(await library.begin())).text
    await browser.sign_in()
    assert browser.http.cookies.jar
    values = [cookie.value for cookie in browser.http.cookies.jar if cookie.name == "insecure-suishen-session"]
    assert "A" * 70 not in values or len(values) > 1


async def test_the_session_cookie_is_no_token(library: Department, browser: Browser) -> None:
    await browser.arrive(await library.begin())
    cookie = browser.http.cookies["insecure-suishen-session"]
    for scheme in ("Bearer", "DPoP"):
        answer = await browser.http.get("/v1/me", headers={"Authorization": f"{scheme} {cookie}"})
        assert answer.status_code == 401
    assert (await browser.http.get("/v1/me")).status_code == 401
    form = {"grant_type": "refresh_token", "refresh_token": cookie}
    assert (await library.http.post("/oauth/token", data=form)).json()["error"] == "invalid_grant"
    assert (await library.refresh(cookie)).json()["error"] == "invalid_grant"


async def test_a_client_refresh_token_is_no_cookie_and_no_phone_token(library: Department, browser: Browser) -> None:
    tokens = (await library.redeem((await browser.arrive(await library.begin()))["code"])).json()
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert (await library.http.post("/oauth/token", data=form)).json()["error"] == "invalid_grant"
    browser.http.cookies.clear()
    browser.http.cookies.set("insecure-suishen-session", tokens["refresh_token"])
    assert "手机号码" in (await browser.open(await library.begin())).text


def test_cookies_over_https_cannot_be_planted_by_a_sibling() -> None:
    made = Cookies("https://city.example").make("suishen-session", "value")
    header = made.to_header(header="")
    assert made.key == "__Host-suishen-session"
    for mark in ("HttpOnly", "Secure", "Path=/", "SameSite=lax"):
        assert mark in header
    assert "Domain" not in header
    assert Cookies("http://127.0.0.1:8000").make("suishen-session", "value").key == "insecure-suishen-session"


async def test_cookies_are_marked(library: Department, browser: Browser) -> None:
    opened = await browser.http.get(await library.begin())
    assert re.fullmatch(
        r"insecure-suishen-browser=[\w-]{43}; HttpOnly; Path=/; SameSite=lax", opened.headers["set-cookie"]
    )


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": ISSUER, "Sec-Fetch-Site": "same-origin"},
        {"Origin": "null", "Sec-Fetch-Site": "same-origin"},  # under a policy that hides where a form came from
        {"Origin": ISSUER},
    ],
)
async def test_a_form_of_ours_is_heard_as_browsers_send_it(
    library: Department, browser: Browser, headers: dict[str, str]
) -> None:
    await browser.open(await library.begin())
    action = browser.actions()[0].rpartition("/")[0]
    page = await browser.http.post(f"{action}/phone", data={"phone": browser.number}, headers=headers)
    assert page.status_code in {200, 303}


@pytest.mark.parametrize("act", ["phone", "code", "consent", "restart", "cancel"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ISSUER + ".evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site", "Origin": ISSUER},
    ],
)
async def test_a_form_of_another_site_is_not_heard(
    library: Department, browser: Browser, act: str, headers: dict[str, str]
) -> None:
    await browser.open(await library.begin())
    action = browser.actions()[0].rpartition("/")[0]
    page = await browser.http.post(f"{action}/{act}", data={"phone": browser.number}, headers=headers)
    assert page.status_code == 400
    assert "无法继续" in page.text


@pytest.mark.parametrize("act", ["", "/phone", "/code", "/consent", "/restart", "/cancel"])
async def test_another_browser_cannot_go_on(library: Department, new_browser: NewBrowser, act: str) -> None:
    victim, thief = new_browser("19900000021"), new_browser("19900000022")
    await victim.open(await library.begin())
    await thief.open(await library.begin())  # and so holds a browser's secret, another one
    action = victim.actions()[0].rpartition("/")[0]
    method = "GET" if act == "" else "POST"
    assert (await thief.http.request(method, action + act)).status_code == 400


async def test_a_refused_consent_is_told_to_the_client(library: Department, browser: Browser) -> None:
    await browser.open(await library.begin())
    await browser.sign_in()
    await browser.submit("/consent", decision="deny")
    assert browser.told() == {"error": "access_denied", "state": "state-1", "iss": ISSUER}


async def test_without_what_the_service_needs_there_is_no_consent(library: Department, browser: Browser) -> None:
    await browser.open(await library.begin(scope="openid library.card library.age"))
    await browser.sign_in()
    await browser.agree("library.age")
    assert browser.told()["error"] == "access_denied"


async def test_cancelling_is_told_to_the_client(library: Department, browser: Browser) -> None:
    await browser.open(await library.begin())
    await browser.submit("/cancel")
    assert browser.told()["error"] == "access_denied"


async def test_an_optional_scope_may_be_left_out(library: Department, browser: Browser) -> None:
    everything = "openid library.card library.age library.level"
    await browser.open(await library.begin(scope=everything))
    await browser.sign_in()
    await browser.agree("library.card")
    tokens = (await library.redeem(browser.told()["code"])).json()
    assert tokens["scope"] == "library.card library.level openid"
    assert "code" in await answered(library, browser, scope=everything)  # and it is not asked for again


async def test_nothing_is_ticked_in_advance(library: Department, browser: Browser) -> None:
    await browser.open(await library.begin(scope="openid library.card library.age"))
    await browser.sign_in()
    assert browser.page.text.count('type="checkbox"') == 2
    assert "checked" not in browser.page.text
    assert "依法获取" not in browser.page.text


async def test_statute_is_told_and_not_asked(library: Department, browser: Browser, connection: Connection) -> None:
    await browser.open(await library.begin(scope="openid library.level"))
    await browser.sign_in()
    assert 'type="checkbox"' not in browser.page.text
    assert "《公共图书馆法》" in browser.page.text
    await browser.submit("/consent", decision="allow")
    assert "code" in browser.told()
    purposes = await connection.fetch("select purpose from auth.consent")
    assert [row["purpose"] for row in purposes] == ["openid:library"]


async def test_a_scope_that_was_not_on_the_page_is_not_granted(
    library: Department, browser: Browser, connection: Connection
) -> None:
    await browser.open(await library.begin())
    await browser.sign_in()
    await browser.agree("library.card", "library.age", "library.everything")
    purposes = await connection.fetch("select purpose from auth.consent order by purpose")
    assert [row["purpose"] for row in purposes] == ["library.card", "openid:library"]


async def test_a_changed_text_is_asked_again(library: Department, browser: Browser, register: Register) -> None:
    everything = "openid library.card library.age"
    await browser.arrive(await library.begin(scope=everything))
    register.clients["library"] = replace(register.clients["library"], text_version="manifest-2")
    page = await browser.open(await library.begin(scope=everything))
    assert "library.age" in page.text
    assert "scope:library.card" not in page.text  # allowed before, and unchanged


async def test_whoever_is_not_me_can_change_the_account(library: Department, browser: Browser) -> None:
    await browser.open(await library.begin())
    await browser.sign_in()
    page = await browser.submit("/consent", decision="switch")
    assert "手机号码" in page.text
    browser.number = "19900000022"
    await browser.sign_in()
    assert "199****0022" in browser.page.text


async def test_a_consent_withdrawn_is_asked_for_again(
    library: Department, browser: Browser, connection: Connection
) -> None:
    await browser.arrive(await library.begin())
    await connection.execute("update auth.consent set withdrawn_at = granted_at")
    assert "办理读者证" in (await browser.open(await library.begin())).text


async def test_prompt_none_shows_nothing(library: Department, browser: Browser) -> None:
    assert (await answered(library, browser, prompt="none"))["error"] == "login_required"
    await browser.open(await library.begin())
    await browser.sign_in()
    assert (await answered(library, browser, prompt="none"))["error"] == "consent_required"
    await browser.arrive(await library.begin())
    assert "code" in await answered(library, browser, prompt="none")


@pytest.mark.parametrize("prompt", ["login", "select_account"])
async def test_prompt_login_asks_again(library: Department, browser: Browser, clock: ManualClock, prompt: str) -> None:
    await browser.arrive(await library.begin())
    clock.advance(90)
    page = await browser.open(await library.begin(prompt=prompt))
    assert "手机号码" in page.text
    await browser.sign_in()
    id_token = (await library.redeem(browser.told()["code"])).json()["id_token"]
    assert read_claims(id_token)["auth_time"] == int(clock.now().timestamp())


async def test_prompt_consent_asks_again(library: Department, browser: Browser) -> None:
    await browser.arrive(await library.begin())
    page = await browser.open(await library.begin(prompt="consent"))
    assert "/consent" in page.text
    await browser.agree()
    assert "code" in browser.told()


@pytest.mark.parametrize(("max_age", "asked"), [("0", True), ("60", True), ("89", True), ("90", False)])
async def test_max_age_asks_whoever_signed_in_too_long_ago(
    library: Department, browser: Browser, clock: ManualClock, max_age: str, asked: bool
) -> None:
    await browser.arrive(await library.begin())
    clock.advance(90)
    page = await browser.open(await library.begin(max_age=max_age))
    assert ("手机号码" in page.text) is asked


async def test_a_hint_of_somebody_else_is_not_answered_with_me(library: Department, new_browser: NewBrowser) -> None:
    first, second = new_browser("19900000021"), new_browser("19900000022")
    code = (await first.arrive(await library.begin()))["code"]
    id_token = (await library.redeem(code)).json()["id_token"]
    assert "code" in await answered(library, first, prompt="none", id_token_hint=id_token)
    await second.arrive(await library.begin())
    assert (await answered(library, second, prompt="none", id_token_hint=id_token))["error"] == "login_required"
    await second.open(await library.begin(id_token_hint=id_token))
    await second.sign_in()
    assert second.told()["error"] == "login_required"


async def test_a_session_of_the_browser_fades(library: Department, browser: Browser, clock: ManualClock) -> None:
    await browser.arrive(await library.begin())
    for _ in range(24):
        clock.advance(1799)
        assert "code" in await browser.arrive(await library.begin(prompt="none"))
    clock.advance(25)
    assert "手机号码" in (await browser.open(await library.begin())).text  # after twelve hours, used or not


async def test_an_unused_session_fades_sooner(library: Department, browser: Browser, clock: ManualClock) -> None:
    await browser.arrive(await library.begin())
    clock.advance(1801)
    assert "手机号码" in (await browser.open(await library.begin())).text


async def test_signing_out_everywhere_from_the_phone_reaches_the_browser(
    library: Department, browser: Browser, auth: AuthServices, connection: Connection
) -> None:
    await browser.arrive(await library.begin())
    person_id = await connection.fetchval("select id from auth.person")
    await auth.sessions.end_sessions_of(connection, person_id, actor=f"person:{person_id}", reason="ended_by_holder")
    assert "手机号码" in (await browser.open(await library.begin())).text


async def test_a_client_that_vanishes_meanwhile_gets_nothing(
    library: Department, browser: Browser, register: Register
) -> None:
    await browser.open(await library.begin())
    client = register.clients.pop("library")
    assert (await browser.http.get(browser.actions()[0].rpartition("/")[0])).status_code == 400
    register.clients["library"] = replace(client, redirect_uris=("https://library.example/other",))
    assert (await browser.http.get(browser.actions()[0].rpartition("/")[0])).status_code == 400


async def test_two_clients_at_once_are_not_mixed_up(library: Department, sports: Department, browser: Browser) -> None:
    first, second = await library.begin(), await sports.begin(state="other")
    await browser.open(first)
    first_page = browser.page
    await browser.arrive(second)
    assert browser.left_for == sports.redirect_uri
    mixed = await library.redeem(browser.told()["code"], redirect_uri=sports.redirect_uri)
    assert mixed.json()["error"] == "invalid_grant"
    browser.page = first_page
    await browser.open(browser.actions()[0].rpartition("/")[0])
    await browser.agree()
    assert (browser.left_for, browser.told()["state"]) == (library.redirect_uri, "state-1")


async def test_redirects_are_303_and_never_cached(library: Department, browser: Browser) -> None:
    await browser.open(await library.begin())
    asked = await browser.http.post(
        browser.actions()[0].rpartition("/")[0] + "/phone", data={"phone": browser.number}, headers={"Origin": ISSUER}
    )
    assert (asked.status_code, asked.headers["cache-control"]) == (303, "no-store")
    assert asked.headers["referrer-policy"] == "same-origin"


async def test_the_first_step_is_shown_at_once_and_a_reload_leads_to_its_own_address(
    library: Department, browser: Browser
) -> None:
    address = await library.begin()
    opened = await browser.http.get(address)
    assert (opened.status_code, opened.headers["cache-control"]) == (200, "no-store")
    assert "/phone" in opened.text
    again = await browser.http.get(address)
    assert again.status_code == 303
    assert again.headers["location"].startswith("/oauth/requests/")
    assert "/phone" in (await browser.open(again.headers["location"])).text


async def test_whoever_is_signed_in_and_has_agreed_passes_in_one_step(library: Department, browser: Browser) -> None:
    await browser.arrive(await library.begin())
    passed = await browser.http.get(await library.begin())
    assert passed.status_code == 303
    assert passed.headers["location"].startswith(library.redirect_uri)


async def test_the_last_consent_leads_straight_to_the_client(library: Department, browser: Browser) -> None:
    await browser.open(await library.begin())
    await browser.sign_in()
    (action,) = (found for found in browser.actions() if found.endswith("/consent"))
    sent = browser.inputs() | {"decision": "allow", "scope:library.card": "yes"}
    agreed = await browser.http.post(action, data=sent, headers={"Origin": ISSUER})
    assert agreed.status_code == 303
    assert agreed.headers["location"].startswith(f"{library.redirect_uri}?code=")
