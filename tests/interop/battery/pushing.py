"""What is asked where requests are pushed, and of who pushes them (RFC 9126, RFC 7523, FAPI 2.0)."""

import time
from typing import Final

from cryptography.hazmat.primitives.asymmetric import rsa

from app.demo.caller import public_jwk_of
from tests.interop.battery.answers import ELSEWHERE, OTHER_KEY, said
from tests.interop.party import USUAL, Party

RSA_KEY: Final = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def par(party: Party) -> str:
    answer = party.push()
    return f"{said(answer)} {' '.join(sorted(answer.json()))}"


def par_without_authentication(party: Party) -> str:
    return said(party.push(client_assertion=None, client_assertion_type=None))


def par_by_another_key(party: Party) -> str:
    return said(party.push(client_assertion=party.assertion(key=OTHER_KEY)))


def par_by_no_algorithm(party: Party) -> str:
    return said(party.push(client_assertion=party.assertion(key="", algorithm="none")))


def par_by_rs256(party: Party) -> str:
    return said(party.push(client_assertion=party.assertion(key=RSA_KEY, algorithm="RS256")))


def par_by_hs256_of_the_public_key(party: Party) -> str:
    secret = str(public_jwk_of(party.key))
    return said(party.push(client_assertion=party.assertion(key=secret, algorithm="HS256")))


def par_for_the_token_endpoint(party: Party) -> str:
    return said(party.push(client_assertion=party.assertion(aud=party.metadata["token_endpoint"])))


def par_for_a_list_of_audiences(party: Party) -> str:
    return said(party.push(client_assertion=party.assertion(aud=[party.issuer])))


def par_by_an_expired_assertion(party: Party) -> str:
    return said(party.push(client_assertion=party.assertion(exp=int(time.time()) - 300)))


def par_by_an_assertion_without_exp(party: Party) -> str:
    return said(party.push(client_assertion=party.assertion(exp=None)))


def par_by_an_assertion_without_jti(party: Party) -> str:
    return said(party.push(client_assertion=party.assertion(jti=None)))


def par_by_an_assertion_of_an_hour(party: Party) -> str:
    return said(party.push(client_assertion=party.assertion(exp=int(time.time()) + 3600)))


def par_by_an_assertion_for_later(party: Party) -> str:
    return said(party.push(client_assertion=party.assertion(nbf=int(time.time()) + 120)))


def par_by_the_same_assertion_twice(party: Party) -> str:
    assertion = party.assertion()
    party.push(client_assertion=assertion)
    return said(party.push(client_assertion=assertion))


def par_by_a_stranger(party: Party) -> str:
    claims = {"iss": "nobody", "sub": "nobody"}
    return said(party.push(client_id="nobody", client_assertion=party.assertion(**claims)))


def par_with_another_client_id(party: Party) -> str:
    return said(party.push(client_id="nobody"))


def par_with_a_secret_as_well(party: Party) -> str:
    return said(party.push(client_secret="secret"))


def par_without_pkce(party: Party) -> str:
    return said(party.push(code_challenge=None, code_challenge_method=None))


def par_with_plain_pkce(party: Party) -> str:
    return said(party.push(code_challenge=party.verifier, code_challenge_method="plain"))


def par_with_an_unnamed_pkce_method(party: Party) -> str:
    return said(party.push(code_challenge_method=None))


def par_with_a_short_challenge(party: Party) -> str:
    return said(party.push(code_challenge="short"))


def par_without_redirect_uri(party: Party) -> str:
    return said(party.push(redirect_uri=None))


def par_for_an_unregistered_redirect_uri(party: Party) -> str:
    return said(party.push(redirect_uri=ELSEWHERE))


def par_for_a_longer_redirect_uri(party: Party) -> str:
    return said(party.push(redirect_uri=party.redirect_uri + "/"))


def par_for_a_redirect_uri_with_a_query(party: Party) -> str:
    return said(party.push(redirect_uri=party.redirect_uri + "?a=b"))


def par_with_a_request_uri(party: Party) -> str:
    return said(party.push(request_uri="urn:ietf:params:oauth:request_uri:1"))


def par_with_a_request_object(party: Party) -> str:
    return said(party.push(request=party.assertion()))


def par_for_a_token_response(party: Party) -> str:
    return said(party.push(response_type="token"))


def par_for_an_id_token_response(party: Party) -> str:
    return said(party.push(response_type="code id_token"))


def par_without_response_type(party: Party) -> str:
    return said(party.push(response_type=None))


def par_for_a_fragment(party: Party) -> str:
    return said(party.push(response_mode="fragment"))


def par_with_an_unknown_scope(party: Party) -> str:
    return said(party.push(scope="openid nobody_knows_me"))


def par_without_openid(party: Party) -> str:
    return said(party.push(scope="nobody_knows_me"))


def par_with_none_among_prompts(party: Party) -> str:
    return said(party.push(prompt="none login"))


def par_with_an_unknown_prompt(party: Party) -> str:
    return said(party.push(prompt="shout"))


def par_with_a_negative_max_age(party: Party) -> str:
    return said(party.push(max_age="-1"))


def par_with_an_unknown_parameter(party: Party) -> str:
    return said(party.push(nobody_knows_me="1"))


def par_with_a_parameter_twice(party: Party) -> str:
    return said(party.push(state=["a", "b"]))


def par_with_a_false_hint(party: Party) -> str:
    return said(party.push(id_token_hint=party.assertion()))


def par_as_json(party: Party) -> str:
    url = party.metadata["pushed_authorization_request_endpoint"]
    return said(party.http.post(url, json={"client_id": party.client_id}))


def par_by_get(party: Party) -> str:
    return str(party.http.get(party.metadata["pushed_authorization_request_endpoint"]).is_success)


def par_with_a_broken_proof(party: Party) -> str:
    return said(party.push(dpop="a.b.c"))


def par_bound_to_two_keys(party: Party) -> str:
    return said(party.push(dpop=USUAL, dpop_jkt="A" * 43))
