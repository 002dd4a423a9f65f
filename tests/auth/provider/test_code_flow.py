"""From a pushed request to tokens, through a browser: what a department gets, and everything it does not get."""

import jwt
import pytest

from app.kit.clock import ManualClock
from app.kit.database import Connection
from tests.auth.phones import ISSUER, Key
from tests.auth.provider.city import Browser, Department, read_claims


async def test_a_citizen_signs_in_at_a_department(library: Department, browser: Browser) -> None:
    told = await browser.arrive(await library.begin())
    assert browser.left_for == library.redirect_uri
    assert (told["state"], told["iss"]) == ("state-1", ISSUER)
    answer = await library.redeem(told["code"])
    assert answer.status_code == 200, answer.text
    tokens = answer.json()
    assert tokens["token_type"] == "DPoP"
    assert tokens["scope"] == "library.card library.level openid"
    assert answer.headers["cache-control"] == "no-store"
    claims = read_claims(tokens["id_token"])
    assert (claims["aud"], claims["nonce"], claims["iss"]) == ("library", "nonce-1", ISSUER)
    assert claims["acr"] == "ial1.aal1"


async def test_published_keys_verify_both_tokens(library: Department, browser: Browser) -> None:
    tokens = (await library.redeem((await browser.arrive(await library.begin()))["code"])).json()
    keys = jwt.PyJWKSet.from_dict((await library.http.get("/oauth/jwks")).json())
    for name, typ, audience in (("access_token", "at+jwt", "library"), ("id_token", "JWT", "library")):
        header = jwt.get_unverified_header(tokens[name])
        assert (header["typ"], header["alg"]) == (typ, "ES256")
        options = {"verify_exp": False, "verify_iat": False}
        jwt.decode(tokens[name], keys[header["kid"]], algorithms=["ES256"], audience=audience, options=options)  # type: ignore[arg-type] # the clock of the test stands still


async def test_tokens_carry_no_id_of_the_city(library: Department, browser: Browser, connection: Connection) -> None:
    tokens = (await library.redeem((await browser.arrive(await library.begin()))["code"])).json()
    person_id = str(await connection.fetchval("select id from auth.person"))
    for name in ("access_token", "id_token"):
        assert person_id not in str(read_claims(tokens[name]))
        assert len(read_claims(tokens[name])["sub"]) == 43


async def test_two_departments_cannot_compare_their_names(
    library: Department, sports: Department, browser: Browser
) -> None:
    seen: list[set[str]] = []
    for department in (library, sports):
        code = (await browser.arrive(await department.begin()))["code"]
        tokens = (await department.redeem(code)).json()
        one, two = read_claims(tokens["id_token"]), read_claims(tokens["access_token"])
        assert one["sub"] == two["sub"]
        seen.append({one["sub"], one["unionid"], one["sid"], two["sid"], two["jti"]})
    assert seen[0].isdisjoint(seen[1])


async def test_whoever_is_signed_in_is_not_asked_again(library: Department, browser: Browser) -> None:
    await browser.arrive(await library.begin())
    await browser.open(await library.begin())
    assert browser.page.status_code == 303
    assert "code" in browser.told()


@pytest.mark.parametrize(
    "change",
    [
        {"redirect_uri": "https://library.example/other"},
        {"redirect_uri": None},
        {"code_verifier": "x" * 43},
        {"code_verifier": None},
        {"code_verifier": ""},
    ],
)
async def test_a_code_is_worth_nothing_without_its_request(
    library: Department, browser: Browser, change: dict[str, str | None]
) -> None:
    code = (await browser.arrive(await library.begin()))["code"]
    answer = await library.redeem(code, **change)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


async def test_a_wrong_try_spends_the_code(library: Department, browser: Browser) -> None:
    code = (await browser.arrive(await library.begin()))["code"]
    await library.redeem(code, code_verifier="x" * 43)
    assert (await library.redeem(code)).json()["error"] == "invalid_grant"


async def test_a_code_lives_a_minute(library: Department, browser: Browser, clock: ManualClock) -> None:
    code = (await browser.arrive(await library.begin()))["code"]
    clock.advance(60)
    assert (await library.redeem(code)).json()["error"] == "invalid_grant"


async def test_another_client_cannot_use_a_code_nor_spend_it(
    library: Department, sports: Department, browser: Browser
) -> None:
    code = (await browser.arrive(await library.begin()))["code"]
    thief = await sports.redeem(code, redirect_uri=library.redirect_uri, code_verifier=library.verifier)
    assert thief.json()["error"] == "invalid_grant"
    assert (await library.redeem(code)).status_code == 200


async def test_a_code_shown_twice_takes_back_what_it_gave(library: Department, browser: Browser) -> None:
    code = (await browser.arrive(await library.begin()))["code"]
    tokens = (await library.redeem(code)).json()
    assert (await library.userinfo(tokens["access_token"])).status_code == 200
    assert (await library.redeem(code)).json()["error"] == "invalid_grant"
    assert (await library.userinfo(tokens["access_token"])).status_code == 401
    assert (await library.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await library.introspect(tokens["access_token"])).json() == {"active": False}


async def test_no_token_without_a_proof_of_a_key(library: Department, browser: Browser) -> None:
    code = (await browser.arrive(await library.begin()))["code"]
    answer = await library.redeem(code, dpop=None)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_dpop_proof")


async def test_a_code_asked_for_with_a_key_needs_that_key(library: Department, browser: Browser) -> None:
    code = (await browser.arrive(await library.begin(dpop="")))["code"]
    assert (await library.redeem(code, key=Key())).json()["error"] == "invalid_grant"


async def test_signing_out_of_the_browser_before_redeeming_leaves_nothing(
    library: Department, browser: Browser, connection: Connection
) -> None:
    code = (await browser.arrive(await library.begin()))["code"]
    await browser.open("/oauth/logout")
    await browser.submit("/oauth/logout", confirmed="yes")
    assert (await library.redeem(code)).json()["error"] == "invalid_grant"
    assert await connection.fetchval("select count(*) from auth.session where method = 'code'") == 0
