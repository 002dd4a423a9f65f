"""A mini-app opened from the city's app: the code fits only the session that asked, and stands on the phone's."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.ids import new_token
from auth.wiring import AuthServices
from tests.auth.phones import ISSUER, Phone, slug_of
from tests.auth.provider.city import Department, Register, read_claims

NewPhone = Callable[[str], Phone]


@pytest.fixture
async def citizen(phone: Phone) -> Phone:
    await phone.sign_in()
    return phone


async def launch(citizen: Phone, app: Department, **changes: Any) -> httpx.Response:
    usual = {
        "app_id": app.client_id,
        "code_challenge": app.challenge,
        "code_challenge_method": "S256",
        "scopes": ["openid", "library.card"],
        "nonce": "n-1",
    }
    body = {name: value for name, value in (usual | changes).items() if value is not None}
    return await citizen.client.post("/v1/launches", json=body, headers=citizen.headers)


async def answer(citizen: Phone, view: dict[str, Any], **changes: Any) -> httpx.Response:
    page = view["question"]
    usual = {
        "part": page["part"],
        "text_version": page["text_version"],
        "agreed": [scope["name"] for scope in page["asked"]],
        "goes_on": True,
    }
    path = f"/v1/launches/{view['id']}/answers"
    return await citizen.client.post(path, json=usual | changes, headers=citizen.headers)


async def opened(citizen: Phone, app: Department, **changes: Any) -> dict[str, Any]:
    """The view with its code; says yes to everything on the way."""
    response = await launch(citizen, app, **changes)
    view: dict[str, Any] = response.json()
    while view.get("state") == "asking":
        view = (await answer(citizen, view)).json()
    assert view["state"] == "ready", view
    return view


async def redeem(app: Department, code: str, **form: Any) -> httpx.Response:
    return await app.redeem(code, **({"redirect_uri": None} | form))


async def test_the_citizen_reads_agrees_and_is_in(citizen: Phone, library: Department) -> None:
    asked = await launch(citizen, library)
    assert (asked.status_code, asked.headers["cache-control"]) == (201, "no-store")
    page = asked.json()["question"]
    assert (asked.json()["state"], asked.json()["organization_name"]) == ("asking", "演示市图书馆")
    assert [(scope["name"], scope["required"]) for scope in page["asked"]] == [("library.card", True)]
    assert page["asked"][0]["purpose"] == {"zh": "办理读者证", "en": "Make a reader's card"}
    view = (await answer(citizen, asked.json())).json()
    assert (view["state"], view["iss"], view["expires_in_seconds"]) == ("ready", ISSUER, 60)
    tokens = (await redeem(library, view["code"])).json()
    id_token = read_claims(tokens["id_token"])
    assert (id_token["aud"], id_token["nonce"], id_token["acr"]) == ("library", "n-1", "ial1.aal1")
    assert (await library.userinfo(tokens["access_token"])).status_code == 200
    again = (await launch(citizen, library)).json()
    assert again["state"] == "ready"  # whoever agreed before is not asked again


async def test_the_same_citizen_has_the_same_name_by_browser_and_by_phone(
    citizen: Phone, library: Department, connection: Connection
) -> None:
    first = (await redeem(library, (await opened(citizen, library))["code"])).json()
    second = (await redeem(library, (await opened(citizen, library))["code"])).json()
    names = {read_claims(tokens["id_token"])["sub"] for tokens in (first, second)}
    person_id = str(await connection.fetchval("select id from auth.person"))
    assert len(names) == 1
    assert person_id not in names


async def test_no_code_stands_in_an_address(citizen: Phone, library: Department) -> None:
    view = await opened(citizen, library, redirect_uri=library.redirect_uri)
    assert view["redirect_uri"] == library.redirect_uri
    assert view["code"] not in str({name: value for name, value in view.items() if name != "code"})


async def test_a_code_is_for_the_session_that_asked(citizen: Phone, library: Department) -> None:
    for form in ({"code_verifier": "x" * 43}, {"code_verifier": None}, {"redirect_uri": "https://x"}):
        view = await opened(citizen, library)
        assert (await redeem(library, view["code"], **form)).json()["error"] == "invalid_grant"
        assert (await redeem(library, view["code"])).json()["error"] == "invalid_grant"  # and is spent


async def test_a_code_slipped_into_anothers_session_fails_there(
    citizen: Phone, new_phone: NewPhone, library: Department
) -> None:
    thief = new_phone("19900000002")
    await thief.sign_in()
    code = (await opened(thief, library))["code"]
    library.verifier = new_token(32)  # the victim's session has another one
    assert (await redeem(library, code)).json()["error"] == "invalid_grant"


async def test_another_client_cannot_redeem_it(citizen: Phone, library: Department, sports: Department) -> None:
    code = (await opened(citizen, library))["code"]
    sports.verifier = library.verifier
    assert (await redeem(sports, code)).json()["error"] == "invalid_grant"
    assert (await redeem(library, code)).status_code == 200


async def test_a_posted_code_names_its_address(citizen: Phone, library: Department) -> None:
    view = await opened(citizen, library, redirect_uri=library.redirect_uri)
    assert (await redeem(library, view["code"])).json()["error"] == "invalid_grant"
    view = await opened(citizen, library, redirect_uri=library.redirect_uri)
    assert (await redeem(library, view["code"], redirect_uri=library.redirect_uri)).status_code == 200


async def test_a_code_lives_a_minute_and_counts_once(citizen: Phone, library: Department, clock: ManualClock) -> None:
    late = (await opened(citizen, library))["code"]
    clock.advance(60)
    assert (await redeem(library, late)).json()["error"] == "invalid_grant"
    code = (await opened(citizen, library))["code"]
    tokens = (await redeem(library, code)).json()
    assert (await redeem(library, code)).json()["error"] == "invalid_grant"
    assert (await library.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"


async def test_a_code_bound_to_a_key_wants_that_key(citizen: Phone, library: Department) -> None:
    view = await opened(citizen, library, dpop_jkt="A" * 43)
    assert (await redeem(library, view["code"])).json()["error"] == "invalid_grant"


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"app_id": "nobody"}, "app-not-launchable"),
    ({"redirect_uri": "https://evil.example/cb"}, "launch-invalid"),
    ({"redirect_uri": "https://library.example/cb/"}, "launch-invalid"),
    ({"code_challenge": None}, "fields-invalid"),
    ({"code_challenge": "x"}, "fields-invalid"),
    ({"code_challenge": "A" * 43 + "\n"}, "fields-invalid"),
    ({"code_challenge_method": "plain"}, "fields-invalid"),
    ({"code_challenge_method": None}, "fields-invalid"),
    ({"scopes": ["x"] * 33}, "fields-invalid"),
]


async def test_a_wrong_request_is_named(citizen: Phone, library: Department) -> None:
    named = [slug_of(await launch(citizen, library, **change)) for change, _ in WRONG]
    assert named == [slug for _, slug in WRONG]


async def test_nobody_launches_without_a_session_of_their_own(citizen: Phone, library: Department) -> None:
    citizen.tokens["access_token"] = "x"
    assert (await launch(citizen, library)).status_code == 401


async def test_what_is_not_agreed_to_opens_nothing(citizen: Phone, library: Department, connection: Connection) -> None:
    refusals: list[dict[str, Any]] = [{"agreed": []}, {"goes_on": False}]
    for refusal in refusals:
        view = (await launch(citizen, library)).json()
        assert (await answer(citizen, view, **refusal)).json()["state"] == "declined"
        assert slug_of(await answer(citizen, view)) == "launch-unknown"
    assert await connection.fetchval("select count(*) from auth.consent") == 0


async def test_an_answer_is_to_the_words_that_were_read(
    citizen: Phone, library: Department, register: Register
) -> None:
    view = (await launch(citizen, library)).json()
    assert slug_of(await answer(citizen, view, text_version="other")) == "launch-answer-stale"
    assert slug_of(await answer(citizen, view, part="library.card")) == "launch-answer-stale"
    register.clients["library"] = replace(register.clients["library"], text_version="manifest-2")
    assert slug_of(await answer(citizen, view)) == "launch-answer-stale"


async def test_anothers_launch_is_unknown(citizen: Phone, new_phone: NewPhone, library: Department) -> None:
    view = (await launch(citizen, library)).json()
    thief = new_phone("19900000002")
    await thief.sign_in()
    assert slug_of(await answer(thief, view)) == "launch-unknown"
    same_person = new_phone(citizen.number)
    await same_person.sign_in()
    assert slug_of(await answer(same_person, view)) == "launch-unknown"  # on another phone


async def test_no_browser_goes_on_with_a_launch(citizen: Phone, library: Department) -> None:
    view = (await launch(citizen, library)).json()
    page = await citizen.client.get(f"/oauth/requests/{view['id']}")
    assert page.status_code == 400


async def test_more_is_to_be_proved_first(citizen: Phone, library: Department, clock: ManualClock) -> None:
    refused = await launch(citizen, library, acr_values=["ial1.aal2", "ial2.aal2"])
    assert slug_of(refused) == "step-up-required"
    assert (refused.json()["acr_values"], refused.json()["max_age"]) == ("ial1.aal2 ial2.aal2", 300)
    clock.advance(61)
    assert (await launch(citizen, library, max_age=60)).json()["max_age"] == 60
    assert (await launch(citizen, library, max_age=61)).status_code == 201


async def test_what_was_opened_ends_with_the_phone_and_within_a_day(
    citizen: Phone, library: Department, connection: Connection
) -> None:
    tokens = (await redeem(library, (await opened(citizen, library))["code"])).json()
    lasts = await connection.fetchval("select expires_at - created_at from auth.session where client_id = 'library'")
    assert lasts.total_seconds() == 12 * 3600
    await citizen.client.delete("/v1/me/sessions", headers=citizen.headers)
    assert (await library.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await library.userinfo(tokens["access_token"])).status_code == 401


async def test_a_client_vanishes_with_its_mini_app(
    citizen: Phone, library: Department, register: Register, auth: AuthServices, connection: Connection
) -> None:
    tokens = (await redeem(library, (await opened(citizen, library))["code"])).json()
    waiting = (await opened(citizen, library))["code"]
    gone = register.clients.pop("library")
    await auth.provider.clients.client_changed(connection, "library", actor="system")
    assert slug_of(await launch(citizen, library)) == "app-not-launchable"
    assert (await redeem(library, waiting)).json()["error"] == "invalid_client"
    register.clients["library"] = gone
    assert (await library.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"


async def test_a_repeated_request_gives_the_same_code(citizen: Phone, library: Department) -> None:
    await opened(citizen, library)
    citizen_headers = citizen.headers | {"Idempotency-Key": "launch-1"}
    body = {
        "app_id": "library",
        "code_challenge": library.challenge,
        "code_challenge_method": "S256",
        "scopes": ["openid"],
    }
    first, second = [
        (await citizen.client.post("/v1/launches", json=body, headers=citizen_headers)).json() for _ in range(2)
    ]
    assert first == second


async def test_of_many_redemptions_at_once_one_counts(citizen: Phone, library: Department) -> None:
    code = (await opened(citizen, library))["code"]
    answers = await asyncio.gather(*(redeem(library, code) for _ in range(8)))
    assert sorted(found.status_code for found in answers) == [200, *[400] * 7]
