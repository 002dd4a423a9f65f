"""What is asked of tokens: introspection (RFC 7662), revocation (RFC 7009), userinfo (OpenID Connect Core, 5.3)."""

from tests.interop.battery.answers import said
from tests.interop.party import USUAL, Party


def introspection(party: Party) -> str:
    return " ".join(sorted(party.introspect(party.sign_in()["access_token"]).json()))


def introspection_of_a_refresh_token(party: Party) -> str:
    return str(party.introspect(party.sign_in()["refresh_token"]).json()["active"])


def introspection_of_an_id_token(party: Party) -> str:
    return str(party.introspect(party.sign_in()["id_token"]).json())


def introspection_of_an_unknown_token(party: Party) -> str:
    return f"{party.introspect('unknown').json()}"


def introspection_without_authentication(party: Party) -> str:
    return said(party.introspect("unknown", client_assertion=None, client_assertion_type=None))


def introspection_without_token(party: Party) -> str:
    return said(party.post("introspection_endpoint"))


def revocation_of_a_refresh_token(party: Party) -> str:
    tokens = party.sign_in()
    answer = party.revoke(tokens["refresh_token"])
    again = party.refresh(tokens["refresh_token"])
    return f"{said(answer)}, then {said(again)}, {party.introspect(tokens['access_token']).json()}"


def revocation_of_an_access_token(party: Party) -> str:
    tokens = party.sign_in()
    answer = party.revoke(tokens["access_token"])
    return f"{said(answer)}, then {party.introspect(tokens['access_token']).json()}"


def revocation_of_an_unknown_token(party: Party) -> str:
    return said(party.revoke("unknown"))


def revocation_with_an_unknown_hint(party: Party) -> str:
    return said(party.revoke("unknown", token_type_hint="nobody_knows_me"))


def revocation_without_authentication(party: Party) -> str:
    return said(party.revoke("unknown", client_assertion=None, client_assertion_type=None))


def revocation_without_token(party: Party) -> str:
    return said(party.post("revocation_endpoint"))


def userinfo(party: Party) -> str:
    answer = party.userinfo(party.sign_in()["access_token"])
    return f"{said(answer)} {' '.join(sorted(answer.json()))}"


def userinfo_by_post(party: Party) -> str:
    return said(party.userinfo(party.sign_in()["access_token"], method="POST"))


def userinfo_without_token(party: Party) -> str:
    answer = party.http.get(party.metadata["userinfo_endpoint"])
    return f"{answer.status_code} {answer.headers.get('www-authenticate', '').partition(' ')[0]}"


def userinfo_by_bearer(party: Party) -> str:
    return said(party.userinfo(party.sign_in()["access_token"], scheme="Bearer"))


def userinfo_without_proof(party: Party) -> str:
    return said(party.userinfo(party.sign_in()["access_token"], dpop=None))


def userinfo_by_a_proof_for_another_token(party: Party) -> str:
    url = party.metadata["userinfo_endpoint"]
    return said(party.userinfo(party.sign_in()["access_token"], dpop=party.proof("GET", url, token="another")))


def userinfo_by_a_proof_used_twice(party: Party) -> str:
    token = party.sign_in()["access_token"]
    proof = party.proof("GET", party.metadata["userinfo_endpoint"], token=token)
    party.userinfo(token, dpop=proof)
    return said(party.userinfo(token, dpop=proof))


def userinfo_by_an_id_token(party: Party) -> str:
    return said(party.userinfo(party.sign_in()["id_token"]))


def userinfo_by_a_client_in_its_own_name(party: Party) -> str:
    given = party.post("token_endpoint", dpop=USUAL, grant_type="client_credentials").json()
    return said(party.userinfo(given["access_token"]))
