"""What came back, in a few words, and the things that no provider should take."""

from typing import Final

import httpx
from cryptography.hazmat.primitives.asymmetric import ec

from tests.interop.city import query_of
from tests.interop.party import Party

OTHER_KEY: Final = ec.generate_private_key(ec.SECP256R1())
ELSEWHERE: Final = "https://elsewhere.example/cb"


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
