"""Behaviours of the FAPI 2.0 Security Profile test plan (`fapi2-security-profile-final-test-plan`), for private_key_jwt
and DPoP, without signed requests. Each test is named after its module.
"""

from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from app.kit.clock import ManualClock
from tests.auth.conformance.modules import module
from tests.auth.conformance.test_basic_op import tokens_of
from tests.auth.phones import ISSUER, Key
from tests.auth.provider.city import Browser, Department, read_claims

FINAL = "fapi2-security-profile-final"


def named(*names: str) -> Callable[[Any], Any]:
    return module(*(f"{FINAL}-{name}" for name in names))


async def refused_push(library: Department, **form: Any) -> str:
    answer = await library.push(**form)
    assert answer.status_code in {400, 401}
    return str(answer.json()["error"])


@named("happy-flow")
async def test_happy_flow(library: Department, browser: Browser) -> None:
    tokens = await tokens_of(library, browser)
    assert tokens["token_type"] == "DPoP"
    assert (await library.userinfo(tokens["access_token"])).status_code == 200


@named("discovery-end-point-verification")
async def test_discovery_end_point_verification(library: Department) -> None:
    metadata = (await library.http.get("/.well-known/openid-configuration")).json()
    assert "S256" in metadata["code_challenge_methods_supported"]
    assert metadata["authorization_response_iss_parameter_supported"]
    assert metadata["require_pushed_authorization_requests"]
    assert "ES256" in metadata["dpop_signing_alg_values_supported"]


@named("ensure-request-object-without-redirect-uri-fails")
async def test_par_without_redirect_uri_fails(library: Department) -> None:
    assert await refused_push(library, redirect_uri=None) == "invalid_request"


@named("ensure-unsigned-authorization-request-without-using-par-fails")
async def test_authorization_request_without_par_fails(library: Department, browser: Browser) -> None:
    query = (
        f"client_id=library&response_type=code&scope=openid&redirect_uri={library.redirect_uri}&state=s"
        f"&code_challenge={library.challenge}&code_challenge_method=S256"
    )
    page = await browser.open(f"/oauth/authorize?{query}")
    assert (page.status_code, page.headers.get("location")) == (400, None)


@named("par-attempt-reuse-request_uri", "par-attempt-to-use-request_uri-for-different-client")
async def test_par_attempt_reuse_request_uri(
    library: Department, sports: Department, browser: Browser, new_browser: Callable[[str], Browser]
) -> None:
    address = await library.begin()
    page = await new_browser("19900000022").open(address.replace("client_id=library", "client_id=sports"))
    assert page.status_code == 400
    await browser.arrive(address)
    for other in (browser, new_browser("19900000022")):
        assert (await other.open(address)).status_code == 400


@named("par-attempt-to-use-expired-request_uri")
async def test_par_attempt_to_use_expired_request_uri(
    library: Department, browser: Browser, clock: ManualClock
) -> None:
    address = await library.begin()
    clock.advance(61)
    assert (await browser.open(address)).status_code == 400


@named("par-authorization-request-containing-request_uri-form-param")
async def test_par_with_request_uri_form_param_fails(library: Department) -> None:
    assert await refused_push(library, request_uri="urn:ietf:params:oauth:request_uri:x") == "invalid_request"


@named("par-ensure-pkce-required")
async def test_par_ensure_pkce_required(library: Department) -> None:
    assert await refused_push(library, code_challenge=None, code_challenge_method=None) == "invalid_request"


@named("par-plain-pkce-rejected")
async def test_par_plain_pkce_rejected(library: Department) -> None:
    assert await refused_push(library, code_challenge_method="plain") == "invalid_request"
    assert await refused_push(library, code_challenge_method=None) == "invalid_request"


@named("ensure-pkce-code-verifier-required", "incorrect-pkce-code-verifier-rejected")
async def test_pkce_verifier_missing_or_invalid(library: Department, browser: Browser) -> None:
    for verifier in (None, "x" * 43):
        code = (await browser.arrive(await library.begin()))["code"]
        assert (await library.redeem(code, code_verifier=verifier)).json()["error"] == "invalid_grant"


@named("ensure-authorization-code-is-bound-to-client")
async def test_authorization_code_is_bound_to_client(library: Department, sports: Department, browser: Browser) -> None:
    code = (await browser.arrive(await library.begin()))["code"]
    stolen = await sports.redeem(code, redirect_uri=library.redirect_uri, code_verifier=library.verifier)
    assert stolen.json()["error"] == "invalid_grant"


@named("attempt-reuse-authorization-code-after-one-second")
async def test_attempt_reuse_authorization_code_after_one_second(
    library: Department, browser: Browser, clock: ManualClock
) -> None:
    code = (await browser.arrive(await library.begin()))["code"]
    assert (await library.redeem(code)).status_code == 200
    clock.advance(1)
    assert (await library.redeem(code)).json()["error"] == "invalid_grant"


@named("access-token-type-header-case-sensitivity")
async def test_access_token_type_header_case_sensitivity(library: Department, browser: Browser) -> None:
    token = (await tokens_of(library, browser))["access_token"]
    for scheme in ("DPoP", "dpop", "DPOP"):
        proof = library.dpop_key.dpop("GET", "/oauth/userinfo", library.now, token=token)
        headers = {"Authorization": f"{scheme} {token}", "DPoP": proof}
        assert (await library.http.get("/oauth/userinfo", headers=headers)).status_code == 200


@named("ensure-holder-of-key-required")
async def test_access_tokens_are_bound(library: Department, browser: Browser) -> None:
    token = (await tokens_of(library, browser))["access_token"]
    assert (await library.userinfo(token, key=Key())).status_code == 401
    assert (await library.http.get("/oauth/userinfo", headers={"Authorization": f"Bearer {token}"})).status_code == 401
    assert (await library.http.get(f"/oauth/userinfo?access_token={token}")).status_code == 401


async def test_token_endpoint_fails_without_dpop(library: Department, browser: Browser) -> None:
    code = (await browser.arrive(await library.begin()))["code"]
    assert (await library.redeem(code, dpop=None)).json()["error"] == "invalid_dpop_proof"


@named("ensure-dpop-auth-code-binding-success", "ensure-dpopproof-at-par-endpoint-binding-success")
async def test_dpop_auth_code_binding(library: Department, browser: Browser) -> None:
    code = (await browser.arrive(await library.begin(dpop="")))["code"]
    assert (await library.redeem(code)).status_code == 200
    code = (await browser.arrive(await library.begin(dpop="")))["code"]
    assert (await library.redeem(code, key=Key())).json()["error"] == "invalid_grant"


@named(
    "ensure-mismatched-dpop-jkt-fails",
    "ensure-token-endpoint-fails-with-mismatched-dpop-jkt",
    "ensure-token-endpoint-fails-with-mismatched-dpop-proof-jkt",
)
async def test_mismatched_dpop_jkt_fails(library: Department, browser: Browser) -> None:
    assert await refused_push(library, dpop="", dpop_jkt="x" * 43) == "invalid_dpop_proof"
    code = (await browser.arrive(await library.begin(dpop_jkt="x" * 43)))["code"]
    assert (await library.redeem(code)).json()["error"] == "invalid_grant"


@named("dpop-negative-tests")
async def test_dpop_negative_tests(library: Department) -> None:
    now, key = library.now, library.dpop_key
    proofs = [
        key.dpop("GET", "/oauth/token", now),
        key.dpop("POST", "/oauth/par", now),
        key.dpop("POST", "/oauth/token", now, typ="jwt"),
        key.dpop("POST", "/oauth/token", now, jti=""),
        key.dpop("POST", "/oauth/token", now, jti=None),
        key.dpop("POST", "/oauth/token", now, iat=int(now.timestamp()) - 61),
        key.dpop("POST", "/oauth/token", now, iat=int(now.timestamp()) + 11),
        key.dpop("POST", "/oauth/token", now, iat="now"),
        key.dpop("POST", "/oauth/token", now) + "x",
        "x.y.z",
    ]
    for proof in proofs:
        answer = await library.post("/oauth/token", grant_type="client_credentials", dpop=proof)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_dpop_proof")


async def test_a_proof_is_taken_once(library: Department) -> None:
    proof = library.dpop_key.dpop("POST", "/oauth/token", library.now)
    first = await library.post("/oauth/token", grant_type="client_credentials", dpop=proof)
    again = await library.post("/oauth/token", grant_type="client_credentials", dpop=proof)
    assert (first.status_code, again.json().get("error")) == (200, "invalid_dpop_proof")


@named("ensure-client-assertion-in-token-endpoint")
async def test_client_assertion_aud_is_the_issuer(library: Department) -> None:
    assert (await library.push(client_assertion=library.assertion(aud=ISSUER))).status_code == 201


@named(
    "ensure-client-assertion-with-wrong-aud-fails",
    "par-test-array-as-audience-fails",
    "par-test-par-endpoint-url-as-audience-fails",
    "par-test-token-endpoint-url-as-audience-fails",
)
async def test_client_assertion_with_another_audience_fails(library: Department) -> None:
    for aud in (f"{ISSUER}/oauth/par", f"{ISSUER}/oauth/token", [ISSUER], [ISSUER, f"{ISSUER}/oauth/token"]):
        assert await refused_push(library, client_assertion=library.assertion(aud=aud)) == "invalid_client"


@named(
    "ensure-client-assertion-with-no-sub-fails",
    "ensure-client-assertion-with-exp-is-5-minutes-in-past-fails",
    "par-ensure-jwt-client-assertions-nbf-over-60-seconds-in-the-future-fails",
)
@pytest.mark.parametrize(
    "claims", [{"aud": None}, {"exp": 1}, {"sub": None}, {"exp": "past"}, {"iat": "future"}, {"nbf": "future"}]
)
async def test_wrong_client_assertions_fail(library: Department, claims: dict[str, Any]) -> None:
    times = {"past": int(library.now.timestamp()) - 300, "future": int(library.now.timestamp()) + 65}
    claims = {name: times.get(value, value) if isinstance(value, str) else value for name, value in claims.items()}
    assert await refused_push(library, client_assertion=library.assertion(**claims)) == "invalid_client"


@named("par-ensure-jwt-client-assertions-nbf-8-seconds-in-the-future-is-accepted")
async def test_clocks_may_differ_by_eight_seconds(library: Department) -> None:
    soon: dict[str, Any] = {"iat": int(library.now.timestamp()) + 8, "nbf": int(library.now.timestamp()) + 8}
    assert (await library.push(client_assertion=library.assertion(**soon))).status_code == 201


@named("ensure-signed-client-assertion-with-RS256-fails")
async def test_rs256_client_assertion_fails(library: Department) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    claims = jwt.decode(library.assertion(), options={"verify_signature": False})
    signed = jwt.encode(claims, key, algorithm="RS256", headers={"kid": "k1"})
    assert await refused_push(library, client_assertion=signed) == "invalid_client"


@named("refresh-token")
async def test_refresh_token(library: Department, sports: Department, browser: Browser) -> None:
    """Not rotated; the client has to prove itself and a key, and nobody else can use it (section 5.3.2.1)."""
    tokens = await tokens_of(library, browser)
    assert "refresh_token" not in (await library.refresh(tokens["refresh_token"])).json()
    assert (await sports.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"


@named("user-rejects-authentication")
async def test_user_rejects_authentication(library: Department, browser: Browser) -> None:
    await browser.open(await library.begin())
    await browser.submit("/cancel")
    assert browser.told() == {"error": "access_denied", "state": "state-1", "iss": ISSUER}


@named(
    "state-only-outside-request-object-not-used",
    "ensure-different-state-inside-and-outside-request-object",
    "ensure-different-nonce-inside-and-outside-request-object",
)
async def test_only_the_pushed_state_counts(library: Department, browser: Browser) -> None:
    told = await browser.arrive(await library.begin() + "&state=other&nonce=other&redirect_uri=https://evil.example")
    assert (told["state"], browser.left_for) == ("state-1", library.redirect_uri)


@named("ensure-authorization-request-without-state-success")
async def test_request_without_state_succeeds(library: Department, browser: Browser) -> None:
    told = await browser.arrive(await library.begin(state=None))
    assert set(told) == {"code", "iss"}


@named("ensure-other-scope-order-succeeds", "ensure-authorization-request-with-64-char-nonce-success")
async def test_other_orders_and_usual_nonces(library: Department, browser: Browser) -> None:
    tokens = await tokens_of(library, browser, nonce="n" * 64, scope="library.card openid")
    assert read_claims(tokens["id_token"])["nonce"] == "n" * 64


@named("ensure-authorization-request-without-nonce-success")
async def test_request_without_nonce_succeeds(library: Department, browser: Browser) -> None:
    assert "nonce" not in read_claims((await tokens_of(library, browser, nonce=None))["id_token"])


@named("ensure-authorization-request-with-long-state", "ensure-authorization-request-with-long-nonce")
async def test_long_values_are_returned_whole_or_refused(library: Department, browser: Browser) -> None:
    told = await browser.arrive(await library.begin(state="s" * 512, nonce="n" * 512))
    assert told["state"] == "s" * 512
    for name in ("state", "nonce"):
        assert await refused_push(library, **{name: "x" * 1000}) == "invalid_request"


@named("par-ensure-reused-request-uri-prior-to-auth-completion-succeeds")
async def test_the_request_may_be_opened_again_before_it_is_over(library: Department, browser: Browser) -> None:
    address = await library.begin()
    assert (await browser.open(address)).status_code == 200
    assert "code" in await browser.arrive(address)


@named("plain-fapi-tolerate-unregistered-redirect-uri", "ensure-redirect-uri-in-authorization-request")
async def test_addresses_are_registered_and_named(library: Department) -> None:
    assert await refused_push(library, redirect_uri="https://evil.example/cb") == "invalid_request"
    assert await refused_push(library, redirect_uri=None) == "invalid_request"


@named("par-without-duplicate-parameters")
async def test_only_client_id_and_request_uri_are_needed(library: Department, browser: Browser) -> None:
    """The plain case here: nothing that was pushed is repeated at the authorization endpoint."""
    address = await library.begin()
    assert address.count("=") == 2
    assert "code" in await browser.arrive(address)


@named("ensure-client-id-in-token-endpoint")
async def test_client_id_at_the_token_endpoint(library: Department, sports: Department, browser: Browser) -> None:
    code = (await browser.arrive(await library.begin()))["code"]
    assert (await library.redeem(code, client_id="sports")).json()["error"] == "invalid_client"
    assert (await library.redeem(code, client_id="library")).status_code == 200


@named("ensure-token-endpoint-fails-with-expired-auth-code")
async def test_token_endpoint_fails_with_expired_code(
    library: Department, browser: Browser, clock: ManualClock
) -> None:
    code = (await browser.arrive(await library.begin()))["code"]
    clock.advance(61)
    assert (await library.redeem(code)).json()["error"] == "invalid_grant"


@named("check-dpop-proof-nbf-exp")
async def test_dpop_proofs_may_say_nbf_and_exp(library: Department) -> None:
    now = int(library.now.timestamp())
    proof = library.dpop_key.dpop("POST", "/oauth/token", library.now, nbf=now, exp=now + 300)
    assert (await library.post("/oauth/token", grant_type="client_credentials", dpop=proof)).status_code == 200


@named("ensure-dpopproof-with-iat-10seconds-before-succeeds", "ensure-dpopproof-with-iat-10seconds-after-succeeds")
async def test_dpop_clocks_may_differ_by_ten_seconds(library: Department) -> None:
    for seconds in (-10, 10):
        iat = int(library.now.timestamp()) + seconds
        proof = library.dpop_key.dpop("POST", "/oauth/token", library.now, iat=iat)
        assert (await library.post("/oauth/token", grant_type="client_credentials", dpop=proof)).status_code == 200


@named("ensure-response-type-code-idtoken-fails", "ensure-response-type-token-fails")
async def test_other_response_types_fail(library: Department) -> None:
    for response_type in ("code id_token", "token", "id_token"):
        assert await refused_push(library, response_type=response_type) == "unsupported_response_type"


@named("par-attempt-invalid-http-method")
async def test_other_mistakes_fail(library: Department) -> None:
    assert await refused_push(library, redirect_uri="https://evil.example") == "invalid_request"
    assert (await library.http.get("/oauth/par")).status_code == 405
