"""What is asked at the authorization endpoint (RFC 6749, RFC 9207, OpenID Connect Core)."""

import httpx

from tests.interop.battery.answers import back, left_at
from tests.interop.party import Party


def authorize(party: Party) -> str:
    return back(party.authorize())


def authorize_without_state(party: Party) -> str:
    return back(party.authorize(state=None))


def authorize_in_silence(party: Party) -> str:
    party.authorize()
    return back(party.authorize(prompt="none"))


def authorize_without_par(party: Party) -> str:
    usual = {"client_id": party.client_id, "response_type": "code", "redirect_uri": party.redirect_uri}
    more = {"scope": "openid", "code_challenge": party.challenge, "code_challenge_method": "S256"}
    return left_at(party, str(httpx.URL(party.metadata["authorization_endpoint"], params=usual | more)))


def authorize_an_unknown_request(party: Party) -> str:
    return left_at(party, party.address_of("urn:ietf:params:oauth:request_uri:unknown"))


def authorize_the_same_request_twice(party: Party) -> str:
    address = party.address_of(party.push().json()["request_uri"])
    party.browser.visit(address)
    return left_at(party, address)


def authorize_somebody_elses_request(party: Party) -> str:
    address = party.address_of(party.push().json()["request_uri"])
    return left_at(party, address.replace(party.client_id, "nobody"))
