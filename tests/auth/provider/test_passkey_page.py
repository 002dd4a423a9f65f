"""Signing in to a client by a passkey: the one page with a script, and answers that are not what they claim to be."""

import base64
import hashlib
import html
import json
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from app.demo.registries import CITIZEN
from app.kit.clock import ManualClock
from auth.pages.frame import PASSKEY_SCRIPT
from tests.auth.authenticator import Lies
from tests.auth.login.wallets import Wallet
from tests.auth.phones import Phone
from tests.auth.provider.city import Browser, Department, read_claims

NewPhone = Callable[[str], Phone]


@pytest.fixture
async def wallet(new_phone: NewPhone) -> Wallet:
    """A citizen known by name, with a passkey."""
    wallet = Wallet(new_phone("19900000041"))
    await wallet.phone.become_known(CITIZEN)
    enrolled = await wallet.enrol()
    assert enrolled.status_code == 201, enrolled.text
    return wallet


def options_of(page: httpx.Response) -> dict[str, Any]:
    found = re.search(r'data-options="([^"]+)"', page.text)
    assert found, page.text
    options: dict[str, Any] = json.loads(html.unescape(found[1]))
    return options


async def ask(library: Department, browser: Browser, **form: str) -> dict[str, Any]:
    await browser.open(await library.begin(**form))
    return options_of(await browser.submit("/passkey"))


async def show(browser: Browser, credential: Any) -> httpx.Response:
    text = credential if isinstance(credential, str) else json.dumps(credential)
    return await browser.submit("/assertion", credential=text)


async def test_a_passkey_signs_in_with_all_that_the_city_knows(
    library: Department, browser: Browser, wallet: Wallet
) -> None:
    options = await ask(library, browser, acr_values="ial2.aal2")
    page = await show(browser, wallet.authenticator.get(options))
    assert "办理读者证" in page.text
    await browser.agree()
    id_token = read_claims((await library.redeem(browser.told()["code"])).json()["id_token"])
    assert (id_token["acr"], id_token["amr"]) == ("ial2.aal3", ["pop", "user", "mfa"])


async def test_what_a_verified_user_adds_fades(
    library: Department, browser: Browser, wallet: Wallet, clock: ManualClock
) -> None:
    options = await ask(library, browser, acr_values="ial2.aal3")
    await show(browser, wallet.authenticator.get(options))
    await browser.agree()
    tokens = (await library.redeem(browser.told()["code"])).json()
    clock.advance(301)
    again = (await library.refresh(tokens["refresh_token"])).json()
    assert {read_claims(again[name])["acr"] for name in ("id_token", "access_token")} == {"ial2.aal2"}
    page = await browser.open(await library.begin(acr_values="ial2.aal3"))
    assert "再次验证身份" in page.text
    assert 'name="phone"' not in page.text
    options = options_of(await browser.submit("/passkey"))
    await show(browser, wallet.authenticator.get(options))
    assert "code" in browser.told()


async def test_a_lie_opens_nothing(library: Department, browser: Browser, wallet: Wallet) -> None:
    for lies in (
        Lies(origin="https://evil.example"),
        Lies(flags=0x01),
        Lies(challenge="A" * 43),
        Lies(cross_origin=True),
    ):
        options = await ask(library, browser)
        page = await show(browser, wallet.authenticator.tell(lies).get(options))
        assert page.status_code == 401
        assert 'role="alert"' in page.text
    assert "insecure-suishen-session" not in browser.http.cookies


async def test_an_answer_counts_once(
    library: Department, browser: Browser, new_browser: Callable[[str], Browser], wallet: Wallet
) -> None:
    answer = wallet.authenticator.get(await ask(library, browser))
    assert (await show(browser, answer)).status_code == 200
    thief = new_browser("19900000042")
    await ask(library, thief)
    assert (await show(thief, answer)).status_code == 401


async def test_what_is_no_answer_opens_nothing(library: Department, browser: Browser) -> None:
    for nonsense in ("", "{}", "null", "[]", '{"id":', "x" * 20_000, '{"id":"\\u0000"}'):
        await ask(library, browser)
        assert (await show(browser, nonsense)).status_code == 401


async def test_only_this_page_has_a_script_and_only_that_one(library: Department, browser: Browser) -> None:
    plain = await browser.open(await library.begin())
    assert "script-src" not in plain.headers["content-security-policy"]
    assert "publickey-credentials-get=()" in plain.headers["permissions-policy"]
    page = await browser.submit("/passkey")
    (script,) = re.findall(r"<script>(.*?)</script>", page.text, re.DOTALL)
    assert script == PASSKEY_SCRIPT
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = page.headers["content-security-policy"]
    assert f"script-src 'sha256-{digest}';" in policy
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "publickey-credentials-get=(self)" in page.headers["permissions-policy"]
    assert "<noscript>" in page.text
    assert "</script" not in script


async def test_a_page_says_nothing_of_who_has_a_passkey(
    library: Department, new_browser: Callable[[str], Browser], wallet: Wallet
) -> None:
    options = await ask(library, new_browser("19900000041"))
    assert options["allowCredentials"] == []
    assert options["userVerification"] == "required"


async def test_another_way_may_be_taken_after_all(library: Department, browser: Browser) -> None:
    await ask(library, browser)
    page = await browser.submit("/restart")
    assert 'name="phone"' in page.text
