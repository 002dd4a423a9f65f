"""Signing out: from a client's page, from ours, never from somebody else's link; and who is told of it."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest
from msgspec.structs import replace

from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.floor import Floor
from app.kit.jwt import sign_jwt
from app.kit.keyring import Keyring
from auth.wiring import AuthServices
from tests.auth.provider.city import Browser, Department, Register, read_claims

BYE = "https://library.example/bye"
EVENT = "http://schemas.openid.net/event/backchannel-logout"


class Network:
    """The way to clients, as a test holds it."""

    def __init__(self) -> None:
        self.posts: list[tuple[str, Mapping[str, str]]] = []
        self.status = 200

    async def post_form(self, url: str, form: Mapping[str, str]) -> int:
        self.posts.append((url, form))
        return self.status


@pytest.fixture
def network(auth: AuthServices) -> Network:
    network = Network()
    auth.provider.backchannel.send_through(network)
    return network


@pytest.fixture
async def tokens(library: Department, browser: Browser) -> dict[str, Any]:
    given: dict[str, Any] = (await library.redeem((await browser.arrive(await library.begin()))["code"])).json()
    return given


async def is_signed_in(library: Department, browser: Browser) -> bool:
    await browser.open(await library.begin(prompt="none"))
    return "code" in browser.told()


def logout(**parameters: str) -> str:
    return f"/oauth/logout?{urlencode(parameters)}"


async def test_a_client_signs_its_citizen_out(library: Department, browser: Browser, tokens: dict[str, Any]) -> None:
    await browser.open(logout(id_token_hint=tokens["id_token"], post_logout_redirect_uri=BYE, state="s"))
    assert (browser.left_for, browser.told()) == (BYE, {"state": "s"})
    assert not await is_signed_in(library, browser)
    assert (await library.userinfo(tokens["access_token"])).status_code == 401
    assert (await library.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"


async def test_without_state_the_address_is_left_as_it_is(
    library: Department, browser: Browser, tokens: dict[str, Any]
) -> None:
    await browser.open(logout(id_token_hint=tokens["id_token"], post_logout_redirect_uri=BYE))
    assert browser.page.headers["location"] == BYE


async def test_an_expired_id_token_is_hint_enough(
    library: Department, browser: Browser, tokens: dict[str, Any], clock: ManualClock
) -> None:
    clock.advance(1200)
    await browser.open(logout(id_token_hint=tokens["id_token"], post_logout_redirect_uri=BYE))
    assert browser.left_for == BYE


@pytest.mark.parametrize("query", ["", "?client_id=library", f"?client_id=library&post_logout_redirect_uri={BYE}"])
async def test_a_bare_link_signs_nobody_out(
    library: Department, browser: Browser, tokens: dict[str, Any], query: str
) -> None:
    page = await browser.open(f"/oauth/logout{query}")
    assert page.status_code == 200
    assert "退出登录" in page.text
    assert await is_signed_in(library, browser)


async def test_the_citizen_confirms_and_is_taken_back(
    library: Department, browser: Browser, tokens: dict[str, Any]
) -> None:
    await browser.open(f"/oauth/logout?client_id=library&post_logout_redirect_uri={BYE}&state=s")
    await browser.submit("/oauth/logout", confirmed="yes", **browser.inputs())
    assert (browser.left_for, browser.told()) == (BYE, {"state": "s"})
    assert not await is_signed_in(library, browser)


async def test_without_an_address_the_citizen_stays_here(
    library: Department, browser: Browser, tokens: dict[str, Any]
) -> None:
    await browser.open("/oauth/logout")
    page = await browser.submit("/oauth/logout", confirmed="yes")
    assert "已退出登录" in page.text
    assert not await is_signed_in(library, browser)


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
)
async def test_a_form_of_another_site_signs_nobody_out(
    library: Department, browser: Browser, tokens: dict[str, Any], headers: dict[str, str]
) -> None:
    form = {"confirmed": "yes", "id_token_hint": tokens["id_token"]}
    page = await browser.http.post("/oauth/logout", data=form, headers=headers)
    assert page.status_code == 200
    assert "退出登录" in page.text
    assert await is_signed_in(library, browser)


async def test_an_id_token_of_another_browser_signs_nobody_out(
    library: Department, new_browser: Callable[[str], Browser], tokens: dict[str, Any]
) -> None:
    other = new_browser("19900000022")
    await other.arrive(await library.begin())
    page = await other.open(logout(id_token_hint=tokens["id_token"], post_logout_redirect_uri=BYE))
    assert page.status_code == 200
    assert await is_signed_in(library, other)


@pytest.mark.parametrize(
    "change",
    [
        {"post_logout_redirect_uri": "https://evil.example/bye"},
        {"post_logout_redirect_uri": BYE + "/"},
        {"post_logout_redirect_uri": BYE + "?x=1"},
        {"post_logout_redirect_uri": "https://library.example/cb"},
        {"client_id": "sports"},
        {"client_id": "sports", "post_logout_redirect_uri": "https://sports.example/bye"},
        {"client_id": "nobody"},
        {"id_token_hint": "x"},
        {"id_token_hint": "a.b.c"},
        {"state": "x" * 513},
    ],
)
async def test_a_wrong_request_redirects_nobody_and_ends_nothing(
    library: Department, sports: Department, browser: Browser, tokens: dict[str, Any], change: dict[str, str]
) -> None:
    usual = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": BYE}
    page = await browser.open(logout(**(usual | change)))
    assert page.status_code == 400
    assert "location" not in page.headers
    assert await is_signed_in(library, browser)


async def test_an_address_without_its_client_redirects_nobody(browser: Browser) -> None:
    page = await browser.open(logout(post_logout_redirect_uri=BYE))
    assert page.status_code == 400


@pytest.mark.parametrize("typ", ["at+jwt", "logout+jwt"])
async def test_other_tokens_of_ours_are_no_hints(
    library: Department, browser: Browser, tokens: dict[str, Any], keyring: Keyring, typ: str
) -> None:
    forged = sign_jwt(keyring.active("token"), typ=typ, claims=read_claims(tokens["id_token"]))
    assert (await browser.open(logout(id_token_hint=forged))).status_code == 400
    assert (await browser.open(logout(id_token_hint=tokens["access_token"]))).status_code == 400


async def test_whoever_is_signed_out_already_is_taken_back(
    library: Department, browser: Browser, tokens: dict[str, Any]
) -> None:
    address = logout(id_token_hint=tokens["id_token"], post_logout_redirect_uri=BYE)
    for _ in range(2):
        await browser.open(address)
        assert browser.left_for == BYE


async def test_a_client_ends_what_it_has_when_the_browser_has_idled(
    library: Department, sports: Department, browser: Browser, tokens: dict[str, Any], clock: ManualClock
) -> None:
    there = (await sports.redeem((await browser.arrive(await sports.begin()))["code"])).json()
    clock.advance(1801)
    assert (await library.refresh(tokens["refresh_token"])).status_code == 200
    await browser.open(logout(id_token_hint=tokens["id_token"], post_logout_redirect_uri=BYE))
    assert browser.left_for == BYE
    for department, given in ((library, tokens), (sports, there)):  # all that began in this browser
        assert (await department.refresh(given["refresh_token"])).json()["error"] == "invalid_grant"


async def test_from_elsewhere_a_client_ends_its_own_and_no_other(
    library: Department, sports: Department, browser: Browser, new_browser: Callable[[str], Browser], tokens: Any
) -> None:
    """Logout is no denial of service: who holds an ID token of one client reaches nothing beside that client."""
    there = (await sports.redeem((await browser.arrive(await sports.begin()))["code"])).json()
    stranger = new_browser("19900000022")
    await stranger.open(logout(id_token_hint=tokens["id_token"], post_logout_redirect_uri=BYE))
    assert (await library.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await sports.refresh(there["refresh_token"])).status_code == 200
    assert await is_signed_in(library, browser)


async def test_confirming_ends_also_what_the_hint_names(
    library: Department, browser: Browser, tokens: dict[str, Any], clock: ManualClock
) -> None:
    clock.advance(1801)
    await browser.arrive(await library.begin())  # signed in anew: the ID token is of the session before
    page = await browser.open(logout(id_token_hint=tokens["id_token"], post_logout_redirect_uri=BYE))
    assert page.status_code == 200
    assert (await library.refresh(tokens["refresh_token"])).status_code == 200
    await browser.submit("/oauth/logout", confirmed="yes", **browser.inputs())
    assert (await library.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"
    assert not await is_signed_in(library, browser)


# back-channel logout


async def test_every_client_is_told_that_its_session_ended(
    *, library: Department, sports: Department, browser: Browser, tokens: dict[str, Any], floor: Floor, network: Network
) -> None:
    there = (await sports.redeem((await browser.arrive(await sports.begin()))["code"])).json()
    await browser.open(logout(id_token_hint=tokens["id_token"], post_logout_redirect_uri=BYE))
    await floor.outbox.deliver_due()
    assert sorted(url for url, _ in network.posts) == [
        "https://library.example/backchannel",
        "https://sports.example/backchannel",
    ]
    for url, form in network.posts:
        assert set(form) == {"logout_token"}
        claims = read_claims(form["logout_token"])
        id_token = read_claims((tokens if "library" in url else there)["id_token"])
        assert {name: claims[name] for name in ("iss", "aud", "sub", "sid")} == {
            name: id_token[name] for name in ("iss", "aud", "sub", "sid")
        }
        assert claims["events"] == {EVENT: {}}
        assert "nonce" not in claims
        assert 0 < claims["exp"] - claims["iat"] <= 120
        assert jwt.get_unverified_header(form["logout_token"])["typ"] == "logout+jwt"


async def test_a_logout_token_is_no_id_token_and_no_access_token(
    library: Department, browser: Browser, tokens: dict[str, Any], floor: Floor, network: Network
) -> None:
    await library.revoke(tokens["refresh_token"])
    await floor.outbox.deliver_due()
    logout_token = network.posts[0][1]["logout_token"]
    assert (await browser.open(logout(id_token_hint=logout_token))).status_code == 400
    assert (await library.userinfo(logout_token)).status_code == 401
    assert (await library.push(id_token_hint=logout_token)).json()["error"] == "invalid_request"


async def test_ending_sessions_from_the_phone_is_told_as_well(
    *,
    library: Department,
    tokens: dict[str, Any],
    auth: AuthServices,
    connection: Connection,
    floor: Floor,
    network: Network,
) -> None:
    person_id = await connection.fetchval("select id from auth.person")
    await auth.sessions.end_sessions_of(connection, person_id, actor=f"person:{person_id}", reason="ended_by_holder")
    await floor.outbox.deliver_due()
    assert [url for url, _ in network.posts] == ["https://library.example/backchannel"]


async def test_a_client_that_does_not_listen_is_not_told(
    library: Department, tokens: dict[str, Any], register: Register, floor: Floor, network: Network
) -> None:
    register.clients["library"] = replace(register.clients["library"], backchannel_logout_uri=None)
    await library.revoke(tokens["refresh_token"])
    await floor.outbox.deliver_due()
    assert network.posts == []


async def test_a_client_that_is_gone_is_not_told(
    library: Department, tokens: dict[str, Any], register: Register, floor: Floor, network: Network
) -> None:
    await library.revoke(tokens["refresh_token"])
    register.clients.clear()
    await floor.outbox.deliver_due()
    assert network.posts == []


@pytest.mark.parametrize("status", [302, 400, 500])
async def test_a_notice_that_was_not_taken_is_sent_again(
    *,
    library: Department,
    tokens: dict[str, Any],
    floor: Floor,
    network: Network,
    clock: ManualClock,
    status: int,
) -> None:
    network.status = status
    await library.revoke(tokens["refresh_token"])
    await floor.outbox.deliver_due()
    clock.advance(60)
    network.status = 200
    await floor.outbox.deliver_due()
    clock.advance(3600)
    await floor.outbox.deliver_due()
    first, second = (read_claims(form["logout_token"]) for _, form in network.posts)
    assert (first["sid"], first["sub"]) == (second["sid"], second["sub"])
    assert second["iat"] == first["iat"] + 60  # signed when it is sent, so it never comes too late


async def test_nobody_is_told_of_an_end_that_was_rolled_back(
    library: Department, tokens: dict[str, Any], auth: AuthServices, floor: Floor, network: Network
) -> None:
    with pytest.raises(asyncio.CancelledError):
        async with floor.database.transaction() as connection:
            await auth.sessions.end_sessions_of_client(connection, "library", actor="system", reason="test")
            raise asyncio.CancelledError
    await floor.outbox.deliver_due()
    assert network.posts == []
    assert (await library.userinfo(tokens["access_token"])).status_code == 200
