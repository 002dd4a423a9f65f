"""What is asked where a session ends (RP-Initiated Logout 1.0); it ends the browser's own."""

import httpx

from tests.interop.battery.answers import ELSEWHERE, back
from tests.interop.city import query_of
from tests.interop.party import Party


def _logout_at(party: Party, **query: str) -> str:
    end = party.browser.visit(str(httpx.URL(party.metadata["end_session_endpoint"], params=query)))
    return f"back {sorted(query_of(end))}" if end.startswith(party.bye_uri) else "not sent back"


def logout_to_an_unregistered_address(party: Party) -> str:
    hint = party.sign_in()["id_token"]
    return _logout_at(party, id_token_hint=hint, post_logout_redirect_uri=ELSEWHERE)


def logout_by_a_false_hint(party: Party) -> str:
    return _logout_at(party, id_token_hint=party.assertion(), post_logout_redirect_uri=party.bye_uri)


def logout_by_a_changed_hint(party: Party) -> str:
    head, body, signature = party.sign_in()["id_token"].split(".")
    hint = f"{head}.{body}.{signature[::-1]}"
    return _logout_at(party, id_token_hint=hint, post_logout_redirect_uri=party.bye_uri)


def logout(party: Party) -> str:
    hint = party.sign_in()["id_token"]
    gone = _logout_at(party, id_token_hint=hint, post_logout_redirect_uri=party.bye_uri, state="bye")
    return f"{gone}, then {back(party.authorize(prompt='none'))}"
