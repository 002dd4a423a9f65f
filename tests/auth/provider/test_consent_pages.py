"""Consent on the way to a client: the words that were shown, sensitive ones on a page of their own, guardians."""

from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from app.demo.registries import CHILD, CITIZEN
from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.structs import Text
from auth.provider.clients.models import ClientScope
from tests.auth.phones import Phone, slug_of
from tests.auth.provider.city import CARD, NEWS, Browser, Department, Register

IDENTITY = ClientScope(
    name="library.identity",
    fields=("id_number",),
    purpose=Text(zh="核验借阅人身份", en="Check who borrows"),
    basis="consent",
)
HEALTH = ClientScope(
    name="library.access",
    fields=("age_over_18",),
    purpose=Text(zh="无障碍送书", en="Books brought home"),
    basis="consent",
    sensitive=True,
)
SCOPES = "openid library.card library.identity library.access"
ALLOW, SKIP, DENY = "allow", "skip", "deny"


@pytest.fixture
def asking(register: Register, library: Department) -> Department:
    register.clients["library"] = replace(register.clients["library"], scopes=(CARD, NEWS, IDENTITY, HEALTH))
    return library


async def consents_of(connection: Connection) -> dict[str, Any]:
    rows = await connection.fetch("select * from auth.consent where withdrawn_at is null")
    return {row["purpose"]: row for row in rows}


async def arrive(browser: Browser, address: str) -> None:
    await browser.open(address)
    if "/phone" in browser.page.text:
        await browser.sign_in()


async def a_known_child_arrives(browser: Browser, asking: Department, clock: ManualClock) -> None:
    """In a browser that was never seen: by number, name and document, after the wait."""
    for wait in (86_400, 0):
        await arrive(browser, await asking.begin(scope="openid library.card"))
        await browser.submit("/name", name=CHILD.name, document_number=CHILD.document_number, document_type="id_card")
        clock.advance(wait)


async def test_each_sensitive_scope_has_a_page_of_its_own(
    asking: Department,
    browser: Browser,
    connection: Connection,
) -> None:
    await arrive(browser, await asking.begin(scope=SCOPES))
    assert "办理读者证" in browser.page.text
    assert "核验借阅人身份" not in browser.page.text
    await browser.agree("library.card")
    assert "单独同意" in browser.page.text
    assert "核验借阅人身份" in browser.page.text
    assert "无障碍送书" not in browser.page.text
    assert await consents_of(connection) == {}  # nothing counts before the last page
    await browser.submit("/consent", decision=ALLOW)
    assert "无障碍送书" in browser.page.text
    await browser.submit("/consent", decision=SKIP)
    assert "code" in browser.told()
    given = await consents_of(connection)
    assert set(given) == {"openid:library", "library.card", "library.identity"}
    assert (given["library.identity"]["separate"], given["library.card"]["separate"]) == (True, False)
    assert given["library.identity"]["text_version"] == IDENTITY.text.version
    assert await connection.fetchval("select count(*) from auth.message where kind = 'sensitive_consent_given'") == 1


async def test_what_was_declined_is_not_asked_again_until_its_words_change(
    asking: Department,
    browser: Browser,
    register: Register,
) -> None:
    await arrive(browser, await asking.begin(scope=SCOPES))
    await browser.agree("library.card")
    await browser.submit("/consent", decision=SKIP)
    await browser.submit("/consent", decision=SKIP)
    await browser.open(await asking.begin(scope=SCOPES))
    assert "code" in browser.told()
    register.clients["library"] = replace(register.clients["library"], text_version="manifest-2")
    await browser.open(await asking.begin(scope=SCOPES))
    assert "核验借阅人身份" in browser.page.text


async def test_a_sensitive_scope_that_is_needed_and_declined_ends_the_way(
    asking: Department,
    browser: Browser,
    register: Register,
    connection: Connection,
) -> None:
    needed = replace(IDENTITY, required=True)
    register.clients["library"] = replace(register.clients["library"], scopes=(CARD, needed))
    for decision in (DENY, SKIP):
        await arrive(browser, await asking.begin(scope=SCOPES))
        await browser.agree("library.card")
        await browser.submit("/consent", decision=decision)
        assert browser.told()["error"] == "access_denied"
    assert await consents_of(connection) == {}


async def test_what_is_recorded_is_what_was_shown(
    asking: Department,
    browser: Browser,
    register: Register,
    connection: Connection,
) -> None:
    await arrive(browser, await asking.begin(scope="openid library.card"))
    reworded = replace(CARD, purpose=Text(zh="出售读者名单", en="Sell the list"))
    register.clients["library"] = replace(register.clients["library"], scopes=(reworded,), text_version="manifest-2")
    await browser.agree("library.card")
    assert "出售读者名单" in browser.page.text  # shown anew instead of agreed to unread
    assert await consents_of(connection) == {}
    await browser.agree("library.card")
    given = await consents_of(connection)
    assert given["library.card"]["text_version"] == reworded.text.version
    kept = await connection.fetchval(
        "select text from auth.consent_text where version = $1", given["library.card"]["text_version"]
    )
    assert kept["purpose"]["zh"] == "出售读者名单"


async def test_words_that_change_between_two_pages_begin_the_first_anew(
    asking: Department,
    browser: Browser,
    register: Register,
    connection: Connection,
) -> None:
    await arrive(browser, await asking.begin(scope=SCOPES))
    await browser.agree("library.card")
    reworded = replace(CARD, purpose=Text(zh="出售读者名单", en="Sell the list"))
    scopes = (reworded, NEWS, IDENTITY, HEALTH)
    register.clients["library"] = replace(register.clients["library"], scopes=scopes, text_version="manifest-2")
    await browser.submit("/consent", decision=ALLOW)
    assert "出售读者名单" in browser.page.text
    assert await consents_of(connection) == {}


@pytest.mark.parametrize(
    "forged",
    [
        {"text_version": ""},
        {"text_version": "x" * 22},
        {"part": "library.identity"},
        {"part": ""},
    ],
)
async def test_an_answer_to_another_page_is_none(
    asking: Department,
    browser: Browser,
    connection: Connection,
    forged: dict[str, str],
) -> None:
    await arrive(browser, await asking.begin(scope=SCOPES))
    chosen = {"scope:library.card": "yes", "scope:library.identity": "yes"}
    await browser.submit("/consent", decision=ALLOW, **chosen, **forged)
    assert "办理读者证" in browser.page.text
    assert await consents_of(connection) == {}


async def test_a_sensitive_scope_cannot_be_slipped_into_the_first_page(
    asking: Department,
    browser: Browser,
    connection: Connection,
) -> None:
    await arrive(browser, await asking.begin(scope=SCOPES))
    await browser.submit("/consent", decision=ALLOW, **{"scope:library.card": "yes", "scope:library.identity": "yes"})
    await browser.submit("/consent", decision=SKIP)
    await browser.submit("/consent", decision=SKIP)
    assert set(await consents_of(connection)) == {"openid:library", "library.card"}


async def test_taking_back_the_sign_in_ends_every_token_of_it(
    asking: Department,
    browser: Browser,
    phone: Phone,
    connection: Connection,
) -> None:
    browser.number = phone.number
    await arrive(browser, await asking.begin(scope="openid library.card"))
    await browser.agree("library.card")
    tokens = (await asking.redeem(browser.told()["code"])).json()
    await phone.sign_in()
    given = {item["purpose"]: item["id"] for item in (await phone.get("/v1/me/consents")).json()["items"]}
    path = "/v1/me/consents/"
    await phone.client.delete(path + given["library.card"], headers=phone.headers)
    told = (await asking.introspect(tokens["access_token"])).json()
    assert (told["active"], told["scope"]) == (True, "openid")
    assert (await asking.userinfo(tokens["access_token"])).status_code == 200
    await phone.client.delete(path + given["openid:library"], headers=phone.headers)
    assert (await asking.introspect(tokens["access_token"])).json() == {"active": False}
    assert (await asking.introspect(tokens["refresh_token"])).json() == {"active": False}
    assert (await asking.userinfo(tokens["access_token"])).status_code == 401
    assert (await asking.refresh(tokens["refresh_token"])).status_code == 400
    assert (await phone.get("/v1/me")).status_code == 200  # the phone's own session is another matter
    reason = await connection.fetchval("select revoked_reason from auth.session where method = 'code'")
    assert reason == "consent_withdrawn"


async def test_all_can_be_taken_back_in_one_call(
    asking: Department,
    browser: Browser,
    phone: Phone,
    department_id: UUID,
) -> None:
    browser.number = phone.number
    await arrive(browser, await asking.begin(scope="openid library.card"))
    await browser.agree("library.card")
    await phone.sign_in()
    other = await phone.client.delete(f"/v1/me/consents?department_id={UUID(int=1)}", headers=phone.headers)
    assert other.json() == {"items": []}
    ended = await phone.client.delete(f"/v1/me/consents?department_id={department_id}", headers=phone.headers)
    assert {item["purpose"] for item in ended.json()["items"]} == {"openid:library", "library.card"}
    assert all(item["withdrawn_at"] for item in ended.json()["items"])
    assert (await phone.client.delete("/v1/me/consents", headers=phone.headers)).json() == {"items": []}


async def test_a_child_asks_and_the_guardian_reads_the_same_words(
    asking: Department,
    browser: Browser,
    phone: Phone,
    new_phone: Any,
    clock: ManualClock,
) -> None:
    guardian, child = phone, new_phone("19900000004")
    await guardian.become_known(CITIZEN)
    await child.become_known(CHILD)
    body = {"name": CHILD.name, "document_number": CHILD.document_number}
    child_id = (await guardian.client.post("/v1/me/children", json=body, headers=guardian.headers)).json()["id"]
    browser.number = child.number
    await a_known_child_arrives(browser, asking, clock)
    await guardian.renew()
    assert "监护人" in browser.page.text
    await browser.submit("/consent", decision=ALLOW, **{"scope:library.card": "yes"})
    assert "监护人" in browser.page.text  # whatever the form says
    assert "已告知" in (await browser.submit("/consent", decision="guardian")).text
    wishes = (await guardian.get(f"/v1/me/children/{child_id}/consent-requests")).json()["items"]
    assert {wish["purpose"] for wish in wishes} == {"openid:library", "library.card"}
    assert {wish["text"]["purpose"]["zh"] for wish in wishes} == {"登录图书馆", "办理读者证"}
    kinds = [message["kind"] for message in (await guardian.get("/v1/me/messages")).json()["items"]]
    assert kinds.count("child_asks_consent") == 1
    for wish in wishes:
        consent = {name: wish[name] for name in ("department_id", "purpose", "fields", "text_version", "separate")}
        path = f"/v1/me/children/{child_id}/consents"
        granted = await guardian.client.post(path, json=consent, headers=guardian.headers)
        assert granted.status_code == 201, granted.text
    assert (await guardian.get(f"/v1/me/children/{child_id}/consent-requests")).json()["items"] == []
    await browser.open(await asking.begin(scope="openid library.card"))
    assert "code" in browser.told()


async def test_a_declined_wish_is_gone(
    asking: Department,
    browser: Browser,
    phone: Phone,
    new_phone: Any,
    clock: ManualClock,
) -> None:
    guardian, child = phone, new_phone("19900000004")
    await guardian.become_known(CITIZEN)
    await child.become_known(CHILD)
    body = {"name": CHILD.name, "document_number": CHILD.document_number}
    child_id = (await guardian.client.post("/v1/me/children", json=body, headers=guardian.headers)).json()["id"]
    browser.number = child.number
    await a_known_child_arrives(browser, asking, clock)
    await guardian.renew()
    await browser.submit("/consent", decision="guardian")
    path = f"/v1/me/children/{child_id}/consent-requests"
    for wish in (await guardian.get(path)).json()["items"]:
        assert (await guardian.client.delete(f"{path}/{wish['id']}", headers=guardian.headers)).status_code == 200
        again = await guardian.client.delete(f"{path}/{wish['id']}", headers=guardian.headers)
        assert slug_of(again) == "consent-request-unknown"
    assert (await guardian.get(path)).json()["items"] == []
