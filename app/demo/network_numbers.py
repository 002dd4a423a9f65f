"""STAND-IN. Network numbers (网号) and credentials (网证) of invented people, as the national platform judges them.

The number tells nothing of who it is; a credential is good for one challenge, once. Below `/stand-in/` is what the
national app does for its holder.
"""

import secrets
from collections.abc import Awaitable, Callable
from typing import Any, Final, Literal

import msgspec
from aiohttp import web

from app.demo.registries import RESIDENTS, Resident
from app.kit.structs import Request

DIGITS: Final = 4


class IssueNumber(Request):
    """Somebody applies for a number in the national app."""

    document_number: str


class MakeCredential(Request):
    """The national app makes a credential for a challenge that a program handed to it."""

    network_number: str
    challenge: str
    verified_by: Literal["name", "face"] = "face"
    discloses: bool = True


class CredentialQuestion(Request):
    """Is this credential the number's?"""

    network_number: str
    credential: str
    challenge: str


class CollectionQuestion(Request):
    """Who scanned this picture?"""

    challenge: str
    number: str


class NetworkNumbers:
    """Numbers, and what was shown for which challenge; all in memory."""

    def __init__(self) -> None:
        self._holders: dict[str, Resident] = {}
        self._made: dict[tuple[str, str, str], MakeCredential] = {}
        self._scanned: dict[tuple[str, str], MakeCredential] = {}

    def join(self, application: web.Application) -> None:
        """Its routes."""
        for path, kind, act in (
            ("/v1/network-identities/check", CredentialQuestion, self.check),
            ("/v1/network-identities/collect", CollectionQuestion, self.collect),
            ("/stand-in/network-numbers", IssueNumber, self.issue),
            ("/stand-in/network-credentials", MakeCredential, self.make),
            ("/stand-in/network-scans", MakeCredential, self.scan),
        ):
            application.router.add_post(path, _answering(kind, act))

    def issue(self, asked: IssueNumber) -> dict[str, Any]:
        """A number; the same person gets the same one again."""
        for number, holder in self._holders.items():
            if holder.document_number == asked.document_number:
                return {"network_number": number}
        holder = next(person for person in RESIDENTS if person.document_number == asked.document_number)
        number = f"WH{secrets.token_hex(8).upper()}"
        self._holders[number] = holder
        return {"network_number": number}

    def make(self, asked: MakeCredential) -> dict[str, Any]:
        """A credential for one challenge."""
        credential = secrets.token_urlsafe(24)
        self._made[asked.network_number, credential, asked.challenge] = asked
        return {"credential": credential}

    def scan(self, asked: MakeCredential) -> dict[str, Any]:
        """A picture was scanned: the number that the holder types into the browser before them."""
        number = f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"
        self._scanned[asked.challenge, number] = asked
        return {"number": number}

    def check(self, question: CredentialQuestion) -> dict[str, Any]:
        """Whether it fits, once."""
        made = self._made.pop((question.network_number, question.credential, question.challenge), None)
        return self._answer(made)

    def collect(self, question: CollectionQuestion) -> dict[str, Any]:
        """Who it was, once."""
        return self._answer(self._scanned.pop((question.challenge, question.number), None))

    def _answer(self, made: MakeCredential | None) -> dict[str, Any]:
        holder = None if made is None else self._holders.get(made.network_number)
        if made is None or holder is None:
            return {"match": False}
        answer = {"match": True, "network_number": made.network_number, "verified_by": made.verified_by}
        return answer | ({"holder": msgspec.to_builtins(holder)} if made.discloses else {})


def _answering(kind: Any, act: Callable[[Any], dict[str, Any]]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handler(request: web.Request) -> web.Response:
        try:
            asked = msgspec.json.decode(await request.read(), type=kind)
        except msgspec.DecodeError:
            raise web.HTTPBadRequest(text='{"error": "malformed"}', content_type="application/json") from None
        return web.json_response(act(asked))

    return handler
