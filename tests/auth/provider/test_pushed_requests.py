"""What a client may ask for: judged once, before any browser sees it; redirect addresses are matched byte for byte."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit
from uuid import UUID

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.kit.clock import ManualClock
from auth.provider.authorize.models import AuthorizationRequest, read_request
from auth.sessions.errors import OAuthRefusal
from tests.auth.phones import Key
from tests.auth.provider.city import Browser, Department, client_of, read_claims

REGISTERED = "https://library.example/cb"
CLIENT = client_of("library", UUID(int=1), {"k1": Key()})
FORM = {
    "response_type": "code",
    "redirect_uri": REGISTERED,
    "scope": "openid",
    "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    "code_challenge_method": "S256",
}


def is_taken(form: Mapping[str, str]) -> bool:
    return isinstance(read_request(form, CLIENT), AuthorizationRequest)


def test_the_plain_form_is_taken() -> None:
    assert is_taken(FORM)


@pytest.mark.parametrize("name", FORM)
def test_each_parameter_is_needed(name: str) -> None:
    assert not is_taken({key: value for key, value in FORM.items() if key != name})


TRICKS = [
    "https://library.example/cb/",
    "https://library.example/cb?x=1",
    "https://library.example/cb#",
    "https://library.example/cb#x",
    "https://library.example/CB",
    "https://LIBRARY.example/cb",
    "HTTPS://library.example/cb",
    "http://library.example/cb",
    "https://library.example:443/cb",
    "https://library.example./cb",
    "https://library.example/cb/..",
    "https://library.example/x/../cb",
    "https://library.example/./cb",
    "https://library.example//cb",
    "https://library.example/%63b",
    "https://library.example/cb%00",
    "https://library.example/cb%2f..",
    "https://library.example/cb;x",
    "https://library.example\\@evil.example/cb",
    "https://library.example@evil.example/cb",
    "https://evil.example/https://library.example/cb",
    "https://library.example.evil.example/cb",
    "https://evil-library.example/cb",
    "//library.example/cb",
    "/cb",
    "javascript:alert(1)//https://library.example/cb",
    "data:text/html,https://library.example/cb",
    " https://library.example/cb",
    "https://library.example/cb ",
    "https://library.example/cb\n",
    "https://library.example/cb\r\nSet-Cookie: a=b",
    "https://library.example/cb,https://evil.example",
    "https://library.example/cb https://evil.example",
    "https://lіbrary.example/cb",
    "https://xn--lbrary-7wf.example/cb",
    "https://[::1]/cb",
    "https://127.0.0.1/cb",
    "*",
    "",
]


@pytest.mark.parametrize("uri", TRICKS)
def test_near_misses_of_the_registered_address_are_refused(uri: str) -> None:
    assert not is_taken(FORM | {"redirect_uri": uri})


parts = urlsplit(REGISTERED)
variants = st.one_of(
    st.text(),
    st.builds(lambda at, text: REGISTERED[:at] + text + REGISTERED[at:], st.integers(0, 26), st.text(min_size=1)),
    st.builds(lambda at: REGISTERED[:at] + REGISTERED[at + 1 :], st.integers(0, 25)),
    st.builds(lambda at: f"{REGISTERED[:at]}%{ord(REGISTERED[at]):02x}{REGISTERED[at + 1 :]}", st.integers(0, 25)),
    st.builds(
        lambda scheme, host, path, query, fragment: urlunsplit((scheme, host, path, query, fragment)),
        st.sampled_from(["https", "http", "HTTPS", "", "javascript"]),
        st.sampled_from([parts.netloc, "library.example:443", "u@library.example", "evil.example", "library.example."]),
        st.sampled_from(["/cb", "/cb/", "/./cb", "/%63b", "/cb;", "", "/other", "//cb"]),
        st.sampled_from(["", "x=1", "code=1"]),
        st.sampled_from(["", "x"]),
    ),
)


@settings(max_examples=500)
@given(uri=variants)
@example(uri=REGISTERED)
def test_only_registered_addresses_byte_for_byte(uri: str) -> None:
    assert is_taken(FORM | {"redirect_uri": uri}) is (uri in CLIENT.redirect_uris)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": "none"}, "unsupported_response_type"),
        ({"response_type": "CODE"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"response_mode": "form_post"}, "invalid_request"),
        ({"scope": "library.card"}, "invalid_scope"),
        ({"scope": "OPENID"}, "invalid_scope"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": "s256"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge": "x" * 44}, "invalid_request"),
        ({"code_challenge": "x" * 42 + "+"}, "invalid_request"),
        ({"code_challenge": "x" * 42 + "="}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "whatever"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"max_age": "1e3"}, "invalid_request"),
        ({"max_age": "٣"}, "invalid_request"),
        ({"state": "x" * 513}, "invalid_request"),
        ({"nonce": "x" * 513}, "invalid_request"),
        ({"request": "eyJ"}, "request_not_supported"),
        ({"request_uri": "https://evil.example/request"}, "invalid_request"),
        ({"dpop_jkt": "short"}, "invalid_request"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(change: dict[str, str], error: str) -> None:
    refusal = read_request(FORM | change, CLIENT)
    assert not isinstance(refusal, AuthorizationRequest)
    assert refusal.error == error
    assert not any(value in refusal.error_description for value in change.values() if len(value) > 12)


@given(form=st.dictionaries(st.sampled_from([*FORM, "prompt", "max_age", "state", "nonce"]), st.text()))
def test_no_form_is_a_fault(form: dict[str, str]) -> None:
    assert isinstance(read_request(FORM | form, CLIENT), AuthorizationRequest | OAuthRefusal)


def test_unknown_scopes_and_parameters_are_ignored() -> None:
    request = read_request(FORM | {"scope": "openid profile phone", "acr_values": "gold", "display": "popup"}, CLIENT)
    assert isinstance(request, AuthorizationRequest)
    assert request.scopes == {"openid"}


async def test_a_pushed_request_is_answered_as_rfc_9126_says(library: Department) -> None:
    answer = await library.push()
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["request_uri"].startswith("urn:ietf:params:oauth:request_uri:")
    assert answer.json()["expires_in"] == 60


async def test_a_refused_push_names_the_error_and_redirects_nobody(library: Department) -> None:
    answer = await library.push(redirect_uri="https://evil.example/cb")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert "location" not in answer.headers


async def test_a_proof_and_a_thumbprint_must_agree(library: Department) -> None:
    answer = await library.push(dpop="", dpop_jkt="x" * 43)
    assert answer.json()["error"] == "invalid_dpop_proof"


async def test_a_forged_proof_is_refused(library: Department) -> None:
    assert (await library.push(dpop="a.b.c")).json()["error"] == "invalid_dpop_proof"


async def at_the_door(browser: Browser, address: str) -> tuple[int, bool, bool]:
    """Status, whether the page says that the request is over, and whether it sends or marks the browser."""
    page = await browser.open(address)
    return page.status_code, "不存在、已用过或已过期" in page.text, bool({"location", "set-cookie"} & set(page.headers))


TURNED_AWAY = (400, True, False)


async def test_a_pushed_request_opens_in_one_browser_alone(library: Department, new_browser: Any) -> None:
    address = await library.begin()
    first, second = new_browser("19900000021"), new_browser("19900000022")
    assert (await first.open(address)).status_code == 200
    assert await at_the_door(second, address) == TURNED_AWAY
    assert (await first.open(address)).status_code == 200  # reloaded


async def test_a_pushed_request_lives_a_minute(library: Department, browser: Browser, clock: ManualClock) -> None:
    address = await library.begin()
    clock.advance(60)
    assert await at_the_door(browser, address) == TURNED_AWAY


async def test_a_request_is_over_when_its_code_was_given(library: Department, browser: Browser) -> None:
    address = await library.begin()
    await browser.arrive(address)
    assert await at_the_door(browser, address) == TURNED_AWAY


async def test_another_client_cannot_open_the_request(
    library: Department, sports: Department, browser: Browser
) -> None:
    address = await library.begin()
    assert await at_the_door(browser, address.replace("client_id=library", "client_id=sports")) == TURNED_AWAY


@pytest.mark.parametrize(
    "query",
    [
        "",
        "client_id=library",
        "request_uri=urn:ietf:params:oauth:request_uri:x",
        "client_id=library&request_uri=urn:ietf:params:oauth:request_uri:x",
        "client_id=library&request_uri=https://evil.example/r",
        "client_id=library&client_id=library&request_uri=x",
        "client_id=%00&request_uri=%00",
        "client_id=%ff&request_uri=%ff",
        f"client_id=library&response_type=code&scope=openid&redirect_uri={quote(REGISTERED)}",
        "client_id=library&response_type=code&redirect_uri=https://evil.example",
    ],
)
async def test_nothing_but_a_pushed_request_opens(library: Department, browser: Browser, query: str) -> None:
    assert await at_the_door(browser, f"/oauth/authorize?{query}") == TURNED_AWAY


async def test_the_request_opens_by_a_form_as_well(library: Department, browser: Browser) -> None:
    address = await library.begin()
    query = dict(pair.split("=", 1) for pair in address.partition("?")[2].split("&"))
    opened = await browser.http.post("/oauth/authorize", data=query)
    assert opened.status_code == 303
    assert opened.headers["location"].startswith("/oauth/requests/")


async def test_an_id_token_of_another_client_is_no_hint(
    library: Department, sports: Department, browser: Browser
) -> None:
    code = (await browser.arrive(await sports.begin()))["code"]
    id_token = (await sports.redeem(code)).json()["id_token"]
    assert (await library.push(id_token_hint=id_token)).json()["error"] == "invalid_request"
    assert (await library.push(id_token_hint="x")).json()["error"] == "invalid_request"
    assert read_claims(id_token)["aud"] == "sports"


async def test_an_id_token_is_a_hint_for_a_day_after_its_end(
    library: Department, browser: Browser, clock: ManualClock
) -> None:
    code = (await browser.arrive(await library.begin()))["code"]
    id_token = (await library.redeem(code)).json()["id_token"]
    clock.advance(600 + 24 * 3600 - 1)
    assert (await library.push(id_token_hint=id_token)).status_code == 201
    clock.advance(1)
    assert (await library.push(id_token_hint=id_token)).json()["error"] == "invalid_request"
