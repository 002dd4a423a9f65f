"""One battery for every provider: what is asked, and in a few words what came back. It judges nothing.

Each probe is a function; its name is its line in `docs/conformance.md` where two providers differ.
"""

import time
from collections.abc import Callable
from typing import Any, Final

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from app.demo.caller import public_jwk_of
from tests.interop.city import query_of
from tests.interop.party import USUAL, Party

Probe = Callable[[Party], str]
PROBES: Final[dict[str, Probe]] = {}
OTHER_KEY: Final = ec.generate_private_key(ec.SECP256R1())
RSA_KEY: Final = rsa.generate_private_key(public_exponent=65537, key_size=2048)
ELSEWHERE: Final = "https://elsewhere.example/cb"


def probe(function: Probe) -> Probe:
    PROBES[function.__name__] = function
    return function


def said(answer: httpx.Response) -> str:
    """The status, and the name of the error if there is one."""
    try:
        error = answer.json().get("error")
    except ValueError:
        error = None
    return f"{answer.status_code} {error}" if error else str(answer.status_code)


def back(query: dict[str, str]) -> str:
    """What came back to the client's address; nothing, when nobody was sent there."""
    if not query:
        return "not sent back"
    return query.get("error", "") or " ".join(sorted(query))


def left_at(party: Party, address: str) -> str:
    """Where an authorization that may not begin leaves the citizen."""
    end = party.browser.visit(address)
    return back(query_of(end)) if end.startswith(party.redirect_uri) else "not sent back"


# Pushed requests and client authentication (RFC 9126, RFC 7523, FAPI 2.0)


@probe
def par(party: Party) -> str:
    answer = party.push()
    return f"{said(answer)} {' '.join(sorted(answer.json()))}"


@probe
def par_without_authentication(party: Party) -> str:
    return said(party.push(client_assertion=None, client_assertion_type=None))


@probe
def par_by_another_key(party: Party) -> str:
    return said(party.push(client_assertion=party.assertion(key=OTHER_KEY)))


@probe
def par_by_no_algorithm(party: Party) -> str:
    return said(party.push(client_assertion=party.assertion(key="", algorithm="none")))


@probe
def par_by_rs256(party: Party) -> str:
    return said(party.push(client_assertion=party.assertion(key=RSA_KEY, algorithm="RS256")))


@probe
def par_by_hs256_of_the_public_key(party: Party) -> str:
    secret = str(public_jwk_of(party.key))
    return said(party.push(client_assertion=party.assertion(key=secret, algorithm="HS256")))


@probe
def par_for_the_token_endpoint(party: Party) -> str:
    return said(party.push(client_assertion=party.assertion(aud=party.metadata["token_endpoint"])))


@probe
def par_for_a_list_of_audiences(party: Party) -> str:
    return said(party.push(client_assertion=party.assertion(aud=[party.issuer])))


@probe
def par_by_an_expired_assertion(party: Party) -> str:
    return said(party.push(client_assertion=party.assertion(exp=int(time.time()) - 300)))


@probe
def par_by_an_assertion_without_exp(party: Party) -> str:
    return said(party.push(client_assertion=party.assertion(exp=None)))


@probe
def par_by_an_assertion_without_jti(party: Party) -> str:
    return said(party.push(client_assertion=party.assertion(jti=None)))


@probe
def par_by_an_assertion_of_an_hour(party: Party) -> str:
    return said(party.push(client_assertion=party.assertion(exp=int(time.time()) + 3600)))


@probe
def par_by_an_assertion_for_later(party: Party) -> str:
    return said(party.push(client_assertion=party.assertion(nbf=int(time.time()) + 120)))


@probe
def par_by_the_same_assertion_twice(party: Party) -> str:
    assertion = party.assertion()
    party.push(client_assertion=assertion)
    return said(party.push(client_assertion=assertion))


@probe
def par_by_a_stranger(party: Party) -> str:
    claims = {"iss": "nobody", "sub": "nobody"}
    return said(party.push(client_id="nobody", client_assertion=party.assertion(**claims)))


@probe
def par_with_another_client_id(party: Party) -> str:
    return said(party.push(client_id="nobody"))


@probe
def par_with_a_secret_as_well(party: Party) -> str:
    return said(party.push(client_secret="secret"))


@probe
def par_without_pkce(party: Party) -> str:
    return said(party.push(code_challenge=None, code_challenge_method=None))


@probe
def par_with_plain_pkce(party: Party) -> str:
    return said(party.push(code_challenge=party.verifier, code_challenge_method="plain"))


@probe
def par_with_an_unnamed_pkce_method(party: Party) -> str:
    return said(party.push(code_challenge_method=None))


@probe
def par_with_a_short_challenge(party: Party) -> str:
    return said(party.push(code_challenge="short"))


@probe
def par_without_redirect_uri(party: Party) -> str:
    return said(party.push(redirect_uri=None))


@probe
def par_for_an_unregistered_redirect_uri(party: Party) -> str:
    return said(party.push(redirect_uri=ELSEWHERE))


@probe
def par_for_a_longer_redirect_uri(party: Party) -> str:
    return said(party.push(redirect_uri=party.redirect_uri + "/"))


@probe
def par_for_a_redirect_uri_with_a_query(party: Party) -> str:
    return said(party.push(redirect_uri=party.redirect_uri + "?a=b"))


@probe
def par_with_a_request_uri(party: Party) -> str:
    return said(party.push(request_uri="urn:ietf:params:oauth:request_uri:1"))


@probe
def par_with_a_request_object(party: Party) -> str:
    return said(party.push(request=party.assertion()))


@probe
def par_for_a_token_response(party: Party) -> str:
    return said(party.push(response_type="token"))


@probe
def par_for_an_id_token_response(party: Party) -> str:
    return said(party.push(response_type="code id_token"))


@probe
def par_without_response_type(party: Party) -> str:
    return said(party.push(response_type=None))


@probe
def par_for_a_fragment(party: Party) -> str:
    return said(party.push(response_mode="fragment"))


@probe
def par_with_an_unknown_scope(party: Party) -> str:
    return said(party.push(scope="openid nobody_knows_me"))


@probe
def par_without_openid(party: Party) -> str:
    return said(party.push(scope="nobody_knows_me"))


@probe
def par_with_none_among_prompts(party: Party) -> str:
    return said(party.push(prompt="none login"))


@probe
def par_with_an_unknown_prompt(party: Party) -> str:
    return said(party.push(prompt="shout"))


@probe
def par_with_a_negative_max_age(party: Party) -> str:
    return said(party.push(max_age="-1"))


@probe
def par_with_an_unknown_parameter(party: Party) -> str:
    return said(party.push(nobody_knows_me="1"))


@probe
def par_with_a_parameter_twice(party: Party) -> str:
    return said(party.push(state=["a", "b"]))


@probe
def par_with_a_false_hint(party: Party) -> str:
    return said(party.push(id_token_hint=party.assertion()))


@probe
def par_as_json(party: Party) -> str:
    url = party.metadata["pushed_authorization_request_endpoint"]
    return said(party.http.post(url, json={"client_id": party.client_id}))


@probe
def par_by_get(party: Party) -> str:
    return str(party.http.get(party.metadata["pushed_authorization_request_endpoint"]).is_success)


@probe
def par_with_a_broken_proof(party: Party) -> str:
    return said(party.push(dpop="a.b.c"))


@probe
def par_bound_to_two_keys(party: Party) -> str:
    return said(party.push(dpop=USUAL, dpop_jkt="A" * 43))


# The authorization endpoint (RFC 6749, RFC 9207, OpenID Connect Core)


@probe
def authorize(party: Party) -> str:
    return back(party.authorize())


@probe
def authorize_without_state(party: Party) -> str:
    return back(party.authorize(state=None))


@probe
def authorize_in_silence(party: Party) -> str:
    party.authorize()
    return back(party.authorize(prompt="none"))


@probe
def authorize_without_par(party: Party) -> str:
    usual = {"client_id": party.client_id, "response_type": "code", "redirect_uri": party.redirect_uri}
    more = {"scope": "openid", "code_challenge": party.challenge, "code_challenge_method": "S256"}
    return left_at(party, str(httpx.URL(party.metadata["authorization_endpoint"], params=usual | more)))


@probe
def authorize_an_unknown_request(party: Party) -> str:
    return left_at(party, party.address_of("urn:ietf:params:oauth:request_uri:unknown"))


@probe
def authorize_the_same_request_twice(party: Party) -> str:
    address = party.address_of(party.push().json()["request_uri"])
    party.browser.visit(address)
    return left_at(party, address)


@probe
def authorize_somebody_elses_request(party: Party) -> str:
    address = party.address_of(party.push().json()["request_uri"])
    return left_at(party, address.replace(party.client_id, "nobody"))


# The token endpoint (RFC 6749, RFC 7636, RFC 9449)


@probe
def token(party: Party) -> str:
    tokens = party.sign_in()
    return f"{tokens['token_type']} {' '.join(sorted(tokens))}"


@probe
def token_id_token(party: Party) -> str:
    claims = jwt.decode(party.sign_in()["id_token"], options={"verify_signature": False})
    return " ".join(sorted(claims))


@probe
def token_kind(party: Party) -> str:
    text = party.sign_in()["access_token"]
    return str(jwt.get_unverified_header(text)["typ"]) if text.count(".") == 2 else "opaque"


@probe
def token_is_never_cached(party: Party) -> str:
    return str(party.redeem("unknown").headers.get("cache-control"))


@probe
def token_by_an_unknown_code(party: Party) -> str:
    return said(party.redeem("unknown"))


@probe
def token_without_code(party: Party) -> str:
    return said(party.redeem(None))


@probe
def token_by_the_wrong_verifier(party: Party) -> str:
    return said(party.redeem(party.authorize()["code"], code_verifier="x" * 43))


@probe
def token_by_a_short_verifier(party: Party) -> str:
    return said(party.redeem(party.authorize()["code"], code_verifier="x"))


@probe
def token_without_verifier(party: Party) -> str:
    return said(party.redeem(party.authorize()["code"], code_verifier=None))


@probe
def token_for_another_redirect_uri(party: Party) -> str:
    return said(party.redeem(party.authorize()["code"], redirect_uri=ELSEWHERE))


@probe
def token_without_redirect_uri(party: Party) -> str:
    return said(party.redeem(party.authorize()["code"], redirect_uri=None))


@probe
def token_right_after_a_wrong_try(party: Party) -> str:
    code = party.authorize()["code"]
    party.redeem(code, code_verifier="x" * 43)
    return said(party.redeem(code))


@probe
def token_without_authentication(party: Party) -> str:
    code = party.authorize()["code"]
    return said(party.redeem(code, client_assertion=None, client_assertion_type=None, client_id=party.client_id))


@probe
def token_by_basic(party: Party) -> str:
    headers = {"Authorization": "Basic YTpi"}
    return said(party.redeem("unknown", headers=headers, client_assertion=None, client_assertion_type=None))


@probe
def token_by_a_code_used_twice(party: Party) -> str:
    code = party.authorize()["code"]
    first = party.redeem(code).json()["access_token"]
    return f"{said(party.redeem(code))}, then {party.introspect(first).json()}"


@probe
def token_without_proof(party: Party) -> str:
    return said(party.redeem(party.authorize()["code"], dpop=None))


@probe
def token_by_a_proof_for_elsewhere(party: Party) -> str:
    return said(party.redeem(party.authorize()["code"], dpop=party.proof("POST", ELSEWHERE)))


@probe
def token_by_a_proof_for_get(party: Party) -> str:
    return said(party.redeem(party.authorize()["code"], dpop=party.proof("GET", party.metadata["token_endpoint"])))


@probe
def token_by_an_old_proof(party: Party) -> str:
    old = party.proof("POST", party.metadata["token_endpoint"], iat=int(time.time()) - 3600)
    return said(party.redeem(party.authorize()["code"], dpop=old))


@probe
def token_by_a_proof_of_another_type(party: Party) -> str:
    odd = party.proof("POST", party.metadata["token_endpoint"], header={"typ": "JWT"})
    return said(party.redeem(party.authorize()["code"], dpop=odd))


@probe
def token_by_a_proof_with_a_private_key(party: Party) -> str:
    private = public_jwk_of(party.proof_key) | {"d": "AA"}
    odd = party.proof("POST", party.metadata["token_endpoint"], header={"jwk": private})
    return said(party.redeem(party.authorize()["code"], dpop=odd))


@probe
def token_by_a_proof_of_another_key(party: Party) -> str:
    odd = party.proof("POST", party.metadata["token_endpoint"], header={"jwk": public_jwk_of(OTHER_KEY)})
    return said(party.redeem(party.authorize()["code"], dpop=odd))


@probe
def token_by_another_key_than_pushed(party: Party) -> str:
    code = party.authorize(dpop_jkt="A" * 43)["code"]
    return said(party.redeem(code))


@probe
def token_without_grant_type(party: Party) -> str:
    return said(party.post("token_endpoint", dpop=USUAL))


@probe
def token_by_password(party: Party) -> str:
    return said(party.post("token_endpoint", dpop=USUAL, grant_type="password", username="a", password="b"))


@probe
def token_by_device_code(party: Party) -> str:
    grant = "urn:ietf:params:oauth:grant-type:device_code"
    return said(party.post("token_endpoint", dpop=USUAL, grant_type=grant, device_code="a"))


@probe
def refresh(party: Party) -> str:
    answer = party.refresh(party.sign_in()["refresh_token"])
    return f"{said(answer)} {' '.join(sorted(answer.json()))}"


@probe
def refresh_twice(party: Party) -> str:
    token = party.sign_in()["refresh_token"]
    party.refresh(token)
    return said(party.refresh(token))


@probe
def refresh_without_proof(party: Party) -> str:
    return said(party.refresh(party.sign_in()["refresh_token"], dpop=None))


@probe
def refresh_by_another_proof_key(party: Party) -> str:
    token = party.sign_in()["refresh_token"]
    party.proof_key = ec.generate_private_key(ec.SECP256R1())
    return said(party.refresh(token))


@probe
def refresh_by_an_unknown_token(party: Party) -> str:
    return said(party.refresh("unknown"))


@probe
def refresh_for_more(party: Party) -> str:
    return said(party.refresh(party.sign_in()["refresh_token"], scope="openid nobody_knows_me"))


@probe
def refresh_without_authentication(party: Party) -> str:
    token = party.sign_in()["refresh_token"]
    return said(party.refresh(token, client_assertion=None, client_assertion_type=None, client_id=party.client_id))


@probe
def client_credentials(party: Party) -> str:
    answer = party.post("token_endpoint", dpop=USUAL, grant_type="client_credentials")
    return f"{said(answer)} {' '.join(sorted(answer.json()))}"


@probe
def client_credentials_without_proof(party: Party) -> str:
    return said(party.post("token_endpoint", grant_type="client_credentials"))


@probe
def client_credentials_for_openid(party: Party) -> str:
    return said(party.post("token_endpoint", dpop=USUAL, grant_type="client_credentials", scope="openid"))


# Introspection, revocation, userinfo (RFC 7662, RFC 7009, OpenID Connect Core, section 5.3)


@probe
def introspection(party: Party) -> str:
    return " ".join(sorted(party.introspect(party.sign_in()["access_token"]).json()))


@probe
def introspection_of_a_refresh_token(party: Party) -> str:
    return str(party.introspect(party.sign_in()["refresh_token"]).json()["active"])


@probe
def introspection_of_an_id_token(party: Party) -> str:
    return str(party.introspect(party.sign_in()["id_token"]).json())


@probe
def introspection_of_an_unknown_token(party: Party) -> str:
    return f"{party.introspect('unknown').json()}"


@probe
def introspection_without_authentication(party: Party) -> str:
    return said(party.introspect("unknown", client_assertion=None, client_assertion_type=None))


@probe
def introspection_without_token(party: Party) -> str:
    return said(party.post("introspection_endpoint"))


@probe
def revocation_of_a_refresh_token(party: Party) -> str:
    tokens = party.sign_in()
    answer = party.revoke(tokens["refresh_token"])
    again = party.refresh(tokens["refresh_token"])
    return f"{said(answer)}, then {said(again)}, {party.introspect(tokens['access_token']).json()}"


@probe
def revocation_of_an_access_token(party: Party) -> str:
    tokens = party.sign_in()
    answer = party.revoke(tokens["access_token"])
    return f"{said(answer)}, then {party.introspect(tokens['access_token']).json()}"


@probe
def revocation_of_an_unknown_token(party: Party) -> str:
    return said(party.revoke("unknown"))


@probe
def revocation_with_an_unknown_hint(party: Party) -> str:
    return said(party.revoke("unknown", token_type_hint="nobody_knows_me"))


@probe
def revocation_without_authentication(party: Party) -> str:
    return said(party.revoke("unknown", client_assertion=None, client_assertion_type=None))


@probe
def revocation_without_token(party: Party) -> str:
    return said(party.post("revocation_endpoint"))


@probe
def userinfo(party: Party) -> str:
    answer = party.userinfo(party.sign_in()["access_token"])
    return f"{said(answer)} {' '.join(sorted(answer.json()))}"


@probe
def userinfo_by_post(party: Party) -> str:
    return said(party.userinfo(party.sign_in()["access_token"], method="POST"))


@probe
def userinfo_without_token(party: Party) -> str:
    answer = party.http.get(party.metadata["userinfo_endpoint"])
    return f"{answer.status_code} {answer.headers.get('www-authenticate', '').partition(' ')[0]}"


@probe
def userinfo_by_bearer(party: Party) -> str:
    return said(party.userinfo(party.sign_in()["access_token"], scheme="Bearer"))


@probe
def userinfo_without_proof(party: Party) -> str:
    return said(party.userinfo(party.sign_in()["access_token"], dpop=None))


@probe
def userinfo_by_a_proof_for_another_token(party: Party) -> str:
    url = party.metadata["userinfo_endpoint"]
    return said(party.userinfo(party.sign_in()["access_token"], dpop=party.proof("GET", url, token="another")))


@probe
def userinfo_by_a_proof_used_twice(party: Party) -> str:
    token = party.sign_in()["access_token"]
    proof = party.proof("GET", party.metadata["userinfo_endpoint"], token=token)
    party.userinfo(token, dpop=proof)
    return said(party.userinfo(token, dpop=proof))


@probe
def userinfo_by_an_id_token(party: Party) -> str:
    return said(party.userinfo(party.sign_in()["id_token"]))


@probe
def userinfo_by_a_client_in_its_own_name(party: Party) -> str:
    given = party.post("token_endpoint", dpop=USUAL, grant_type="client_credentials").json()
    return said(party.userinfo(given["access_token"]))


# Logout, last: it ends the browser's session (RP-Initiated Logout 1.0)


def logout_at(party: Party, **query: str) -> str:
    end = party.browser.visit(str(httpx.URL(party.metadata["end_session_endpoint"], params=query)))
    return f"back {sorted(query_of(end))}" if end.startswith(party.bye_uri) else "not sent back"


@probe
def logout_to_an_unregistered_address(party: Party) -> str:
    hint = party.sign_in()["id_token"]
    return logout_at(party, id_token_hint=hint, post_logout_redirect_uri=ELSEWHERE)


@probe
def logout_by_a_false_hint(party: Party) -> str:
    return logout_at(party, id_token_hint=party.assertion(), post_logout_redirect_uri=party.bye_uri)


@probe
def logout_by_a_changed_hint(party: Party) -> str:
    head, body, signature = party.sign_in()["id_token"].split(".")
    hint = f"{head}.{body}.{signature[::-1]}"
    return logout_at(party, id_token_hint=hint, post_logout_redirect_uri=party.bye_uri)


@probe
def logout(party: Party) -> str:
    hint = party.sign_in()["id_token"]
    gone = logout_at(party, id_token_hint=hint, post_logout_redirect_uri=party.bye_uri, state="bye")
    return f"{gone}, then {back(party.authorize(prompt='none'))}"


def observe(party: Party) -> dict[str, str]:
    """Everything, in order."""
    return {name: one(party) for name, one in PROBES.items()}


def fields(party: Party) -> dict[str, str]:
    """What the discovery document says."""
    return {f"discovery_{name}": field_of(party, value) for name, value in party.metadata.items()}


def field_of(party: Party, value: Any) -> str:
    """A field's value without what must differ: addresses, and the order of lists."""
    if isinstance(value, list):
        return " ".join(sorted(value))
    return "an address" if str(value).startswith(party.issuer) else str(value).lower()
