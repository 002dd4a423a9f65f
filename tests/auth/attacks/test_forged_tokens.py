"""Every forgery at every door that reads a signed token: none opens, and none breaks anything."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias
from urllib.parse import urlencode

import httpx
import jwt
import pytest

from app.kit.clock import ManualClock
from app.kit.jwt import sign_jwt
from app.kit.keyring import Keyring
from tests.auth.attacks.forgeries import Private, forgeries
from tests.auth.phones import ISSUER, Key, Phone
from tests.auth.provider.city import Browser, Department, read_claims

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
Knock: TypeAlias = Callable[[str], Awaitable[httpx.Response]]


class Door:
    """Somewhere a token is read. `fresh` makes a genuine one, `knock` shows one, `opened` reads the answer."""

    def __init__(
        self,
        fresh: Callable[[], str],
        key: Private,
        knock: Knock,
        opened: Callable[[httpx.Response], bool] = lambda answer: answer.status_code < 300,
    ) -> None:
        self.fresh = fresh
        self.key = key
        self.knock = knock
        self.opened = opened

    async def try_all(self) -> list[str]:
        """What opened, or broke, although it is forged."""
        assert self.opened(await self.knock(self.fresh())), "the genuine one does not open: nothing would be proved"
        faults, token = [], self.fresh()
        for name, forged in forgeries(jwt.get_unverified_header(token), read_claims(token), self.key):
            answer = await self.knock(forged)
            if self.opened(answer) or answer.status_code >= 500:
                faults.append(f"{name}: {answer.status_code} {answer.text[:200]}")
        return faults


@pytest.fixture
async def tokens(library: Department, browser: Browser) -> dict[str, Any]:
    given: dict[str, Any] = (await library.redeem((await browser.arrive(await library.begin()))["code"])).json()
    return given


@pytest.fixture
def city_key(keyring: Keyring) -> Private:
    key: Private = keyring.active("token").private_key
    return key


async def test_a_citizens_access_token(client: httpx.AsyncClient, phone: Phone, city_key: Private) -> None:
    token = (await phone.sign_in())["access_token"]

    async def knock(shown: str) -> httpx.Response:
        return await client.get("/v1/me", headers={b"Authorization": f"Bearer {shown}".encode()})

    assert await Door(lambda: token, city_key, knock).try_all() == []


async def test_a_clients_access_token_at_userinfo(
    library: Department, tokens: dict[str, Any], city_key: Private
) -> None:
    assert await Door(lambda: tokens["access_token"], city_key, library.userinfo).try_all() == []


async def test_a_clients_access_token_at_introspection(
    library: Department, tokens: dict[str, Any], city_key: Private
) -> None:
    def active(answer: httpx.Response) -> bool:
        return bool(answer.json().get("active"))

    assert await Door(lambda: tokens["access_token"], city_key, library.introspect, active).try_all() == []


async def test_a_hint_at_pushed_requests(library: Department, tokens: dict[str, Any], city_key: Private) -> None:
    async def knock(shown: str) -> httpx.Response:
        return await library.push(id_token_hint=shown)

    assert await Door(lambda: tokens["id_token"], city_key, knock).try_all() == []


async def test_a_hint_at_logout(browser: Browser, tokens: dict[str, Any], city_key: Private) -> None:
    async def knock(shown: str) -> httpx.Response:
        form = {"id_token_hint": shown, "post_logout_redirect_uri": "https://library.example/bye"}
        return await browser.http.get(f"/oauth/logout?{urlencode(form)}")

    def led_away(answer: httpx.Response) -> bool:
        return answer.status_code == 303

    assert await Door(lambda: tokens["id_token"], city_key, knock, led_away).try_all() == []


async def test_a_token_to_be_exchanged(
    library: Department, phone: Phone, clock: ManualClock, city_key: Private
) -> None:
    key = Key()
    token = (await phone.sign_in(dpop=key.dpop("POST", "/v1/login/otp/tokens", clock.now())))["access_token"]

    async def knock(shown: str) -> httpx.Response:
        form = {"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "audience": "library"}
        form |= {"subject_token": shown, "subject_token_type": ACCESS_TOKEN}
        proof = key.dpop("POST", "/oauth/token", clock.now())
        return await phone.client.post("/oauth/token", data=form, headers={"DPoP": proof})

    assert await Door(lambda: token, city_key, knock).try_all() == []


async def test_a_clients_assertion(library: Department) -> None:
    def fresh() -> str:
        return library.assertion(header={"typ": "JWT"})

    async def knock(shown: str) -> httpx.Response:
        return await library.push(client_assertion=shown)

    assert await Door(fresh, library.key.private, knock).try_all() == []


async def test_a_proof_of_a_key(library: Department, clock: ManualClock) -> None:
    def fresh() -> str:
        return library.dpop_key.dpop("POST", "/oauth/token", clock.now())

    async def knock(shown: str) -> httpx.Response:
        return await library.post("/oauth/token", dpop=shown, grant_type="client_credentials")

    assert await Door(fresh, library.dpop_key.private, knock).try_all() == []


OURS = ["at+jwt", "jwt", "logout+jwt", "dpop+jwt", "device-proof+jwt", "assertion+jwt"]


async def test_a_token_of_ours_is_no_other_token_of_ours(
    client: httpx.AsyncClient, library: Department, tokens: dict[str, Any], phone: Phone, keyring: Keyring
) -> None:
    """Whatever the city signed with its token key opens the one door that it was made for."""
    citizens = (await phone.sign_in())["access_token"]
    kinds = {"access": citizens, "client's access": tokens["access_token"], "ID": tokens["id_token"]}
    kinds |= {typ: sign_jwt(keyring.active("token"), typ=typ, claims=read_claims(citizens)) for typ in OURS[1:]}

    async def me(token: str) -> bool:
        return (await client.get("/v1/me", headers={"Authorization": f"Bearer {token}"})).status_code == 200

    async def userinfo(token: str) -> bool:
        return (await library.userinfo(token)).status_code == 200

    async def hint(token: str) -> bool:
        return (await library.push(id_token_hint=token)).status_code == 201

    opened = {
        (door.__name__, name) for door in (me, userinfo, hint) for name, token in kinds.items() if await door(token)
    }
    assert opened == {("me", "access"), ("userinfo", "client's access"), ("hint", "ID")}


@pytest.mark.parametrize("purpose", ["assertion", "gateway", "grant", "status_list", "receipt", "audit"])
async def test_the_citys_other_keys_sign_no_tokens(
    client: httpx.AsyncClient, phone: Phone, keyring: Keyring, purpose: str
) -> None:
    claims = read_claims((await phone.sign_in())["access_token"])
    forged = sign_jwt(keyring.active(purpose), typ="at+jwt", claims=claims)
    assert claims["iss"] == ISSUER
    assert (await client.get("/v1/me", headers={"Authorization": f"Bearer {forged}"})).status_code == 401
