"""What is asked at the token endpoint, grant by grant (RFC 6749, RFC 7636, RFC 9449)."""

import time

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from app.demo.caller import public_jwk_of
from tests.interop.battery.answers import ELSEWHERE, OTHER_KEY, said
from tests.interop.party import USUAL, Party


def token(party: Party) -> str:
    tokens = party.sign_in()
    return f"{tokens['token_type']} {' '.join(sorted(tokens))}"


def token_id_token(party: Party) -> str:
    claims = jwt.decode(party.sign_in()["id_token"], options={"verify_signature": False})
    return " ".join(sorted(claims))


def token_kind(party: Party) -> str:
    text = party.sign_in()["access_token"]
    return str(jwt.get_unverified_header(text)["typ"]) if text.count(".") == 2 else "opaque"


def token_is_never_cached(party: Party) -> str:
    return str(party.redeem("unknown").headers.get("cache-control"))


def token_by_an_unknown_code(party: Party) -> str:
    return said(party.redeem("unknown"))


def token_without_code(party: Party) -> str:
    return said(party.redeem(None))


def token_by_the_wrong_verifier(party: Party) -> str:
    return said(party.redeem(party.authorize()["code"], code_verifier="x" * 43))


def token_by_a_short_verifier(party: Party) -> str:
    return said(party.redeem(party.authorize()["code"], code_verifier="x"))


def token_without_verifier(party: Party) -> str:
    return said(party.redeem(party.authorize()["code"], code_verifier=None))


def token_for_another_redirect_uri(party: Party) -> str:
    return said(party.redeem(party.authorize()["code"], redirect_uri=ELSEWHERE))


def token_without_redirect_uri(party: Party) -> str:
    return said(party.redeem(party.authorize()["code"], redirect_uri=None))


def token_right_after_a_wrong_try(party: Party) -> str:
    code = party.authorize()["code"]
    party.redeem(code, code_verifier="x" * 43)
    return said(party.redeem(code))


def token_without_authentication(party: Party) -> str:
    code = party.authorize()["code"]
    return said(party.redeem(code, client_assertion=None, client_assertion_type=None, client_id=party.client_id))


def token_by_basic(party: Party) -> str:
    headers = {"Authorization": "Basic YTpi"}
    return said(party.redeem("unknown", headers=headers, client_assertion=None, client_assertion_type=None))


def token_by_a_code_used_twice(party: Party) -> str:
    code = party.authorize()["code"]
    first = party.redeem(code).json()["access_token"]
    return f"{said(party.redeem(code))}, then {party.introspect(first).json()}"


def token_without_proof(party: Party) -> str:
    return said(party.redeem(party.authorize()["code"], dpop=None))


def token_by_a_proof_for_elsewhere(party: Party) -> str:
    return said(party.redeem(party.authorize()["code"], dpop=party.proof("POST", ELSEWHERE)))


def token_by_a_proof_for_get(party: Party) -> str:
    return said(party.redeem(party.authorize()["code"], dpop=party.proof("GET", party.metadata["token_endpoint"])))


def token_by_an_old_proof(party: Party) -> str:
    old = party.proof("POST", party.metadata["token_endpoint"], iat=int(time.time()) - 3600)
    return said(party.redeem(party.authorize()["code"], dpop=old))


def token_by_a_proof_of_another_type(party: Party) -> str:
    odd = party.proof("POST", party.metadata["token_endpoint"], header={"typ": "JWT"})
    return said(party.redeem(party.authorize()["code"], dpop=odd))


def token_by_a_proof_with_a_private_key(party: Party) -> str:
    private = public_jwk_of(party.proof_key) | {"d": "AA"}
    odd = party.proof("POST", party.metadata["token_endpoint"], header={"jwk": private})
    return said(party.redeem(party.authorize()["code"], dpop=odd))


def token_by_a_proof_of_another_key(party: Party) -> str:
    odd = party.proof("POST", party.metadata["token_endpoint"], header={"jwk": public_jwk_of(OTHER_KEY)})
    return said(party.redeem(party.authorize()["code"], dpop=odd))


def token_by_another_key_than_pushed(party: Party) -> str:
    code = party.authorize(dpop_jkt="A" * 43)["code"]
    return said(party.redeem(code))


def token_without_grant_type(party: Party) -> str:
    return said(party.post("token_endpoint", dpop=USUAL))


def token_by_password(party: Party) -> str:
    return said(party.post("token_endpoint", dpop=USUAL, grant_type="password", username="a", password="b"))


def token_by_device_code(party: Party) -> str:
    grant = "urn:ietf:params:oauth:grant-type:device_code"
    return said(party.post("token_endpoint", dpop=USUAL, grant_type=grant, device_code="a"))


def refresh(party: Party) -> str:
    answer = party.refresh(party.sign_in()["refresh_token"])
    return f"{said(answer)} {' '.join(sorted(answer.json()))}"


def refresh_twice(party: Party) -> str:
    token = party.sign_in()["refresh_token"]
    party.refresh(token)
    return said(party.refresh(token))


def refresh_without_proof(party: Party) -> str:
    return said(party.refresh(party.sign_in()["refresh_token"], dpop=None))


def refresh_by_another_proof_key(party: Party) -> str:
    token = party.sign_in()["refresh_token"]
    party.proof_key = ec.generate_private_key(ec.SECP256R1())
    return said(party.refresh(token))


def refresh_by_an_unknown_token(party: Party) -> str:
    return said(party.refresh("unknown"))


def refresh_for_more(party: Party) -> str:
    return said(party.refresh(party.sign_in()["refresh_token"], scope="openid nobody_knows_me"))


def refresh_without_authentication(party: Party) -> str:
    token = party.sign_in()["refresh_token"]
    return said(party.refresh(token, client_assertion=None, client_assertion_type=None, client_id=party.client_id))


def client_credentials(party: Party) -> str:
    answer = party.post("token_endpoint", dpop=USUAL, grant_type="client_credentials")
    return f"{said(answer)} {' '.join(sorted(answer.json()))}"


def client_credentials_without_proof(party: Party) -> str:
    return said(party.post("token_endpoint", grant_type="client_credentials"))


def client_credentials_for_openid(party: Party) -> str:
    return said(party.post("token_endpoint", dpop=USUAL, grant_type="client_credentials", scope="openid"))
