"""What a thief of one thing can do with it alone; and what a client can still do when the citizen has said no."""

from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from app.kit.clock import ManualClock
from tests.auth.phones import Key, Phone
from tests.auth.provider.city import Browser, Department

NewPhone: TypeAlias = Callable[[str], Phone]


@pytest.fixture
async def code(library: Department, browser: Browser) -> str:
    return (await browser.arrive(await library.begin()))["code"]


@pytest.fixture
async def tokens(library: Department, code: str) -> dict[str, Any]:
    given: dict[str, Any] = (await library.redeem(code)).json()
    return given


async def test_a_withdrawn_sign_in_stops_everything_at_once(
    library: Department, browser: Browser, tokens: dict[str, Any], new_phone: NewPhone, clock: ManualClock
) -> None:
    phone, key = new_phone(browser.number), Key()
    assert (await library.userinfo(tokens["access_token"])).status_code == 200
    await phone.sign_in(dpop=key.dpop("POST", "/v1/login/otp/tokens", clock.now()))

    def bound(method: str, path: str) -> dict[str, str]:
        token = phone.tokens["access_token"]
        return {"Authorization": f"DPoP {token}", "DPoP": key.dpop(method, path, clock.now(), token=token)}

    listed = await phone.client.get("/v1/me/consents", headers=bound("GET", "/v1/me/consents"))
    (sign_in,) = (one["id"] for one in listed.json()["items"] if one["purpose"] == "openid:library")
    path = f"/v1/me/consents/{sign_in}"
    assert (await phone.client.delete(path, headers=bound("DELETE", path))).status_code == 200
    assert (await library.userinfo(tokens["access_token"])).status_code == 401
    assert (await library.introspect(tokens["access_token"])).json() == {"active": False}
    assert (await library.introspect(tokens["refresh_token"])).json() == {"active": False}
    assert (await library.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"


async def test_a_code_put_into_another_visit_is_worth_nothing(library: Department, code: str) -> None:
    """RFC 9700, section 4.5: whoever injects a stolen code has another visit's verifier."""
    library.verifier = "another-visits-verifier-of-43-characters-at-least"
    assert (await library.redeem(code)).json()["error"] == "invalid_grant"


async def test_a_stolen_code_is_worth_nothing_to_another_client(
    library: Department, sports: Department, code: str
) -> None:
    sports.verifier, sports.redirect_uri = library.verifier, library.redirect_uri
    assert (await sports.redeem(code)).json()["error"] == "invalid_grant"
    assert (await library.redeem(code)).status_code == 200  # and the thief has not spoiled it


async def test_stolen_tokens_are_worth_nothing_to_another_client(
    library: Department, sports: Department, tokens: dict[str, Any]
) -> None:
    assert (await sports.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await sports.introspect(tokens["access_token"])).json() == {"active": False}
    assert (await sports.revoke(tokens["refresh_token"])).status_code == 200  # as of a token that nobody knows
    assert (await sports.userinfo(tokens["access_token"])).status_code == 401
    assert (await library.userinfo(tokens["access_token"])).status_code == 200


async def test_a_stolen_token_is_worth_nothing_without_its_key(library: Department, tokens: dict[str, Any]) -> None:
    assert (await library.userinfo(tokens["access_token"], key=Key())).status_code == 401
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert (await library.http.get("/oauth/userinfo", headers=bearer)).status_code == 401


async def test_a_clients_token_opens_nothing_of_the_citys_own(library: Department, tokens: dict[str, Any]) -> None:
    token = tokens["access_token"]
    for path in ("/v1/me", "/v1/me/sessions", "/v1/me/devices", "/v1/me/consents", "/v1/me/messages"):
        proof = library.dpop_key.dpop("GET", path, library.now, token=token)
        headers = {"Authorization": f"DPoP {token}", "DPoP": proof}
        assert (await library.http.get(path, headers=headers)).status_code == 401, path
