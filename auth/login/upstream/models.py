"""Ways in that another house vouches for: what it says of a human being, what is kept of it, what goes over HTTP.

Pure. What another house calls a person stands here only as a keyed index; names and numbers are never kept by it.
"""

from datetime import datetime
from typing import Annotated, Final, Literal, TypeAlias
from uuid import UUID

from msgspec import Meta

from app.kit.structs import Model, Request
from auth.people.models import Identity
from auth.sessions.models import Method

Source: TypeAlias = Literal["national", "network"]
"""`national`: the national identity provider, by OpenID Connect. `network`: 网号 and 网证, by the national app."""

METHODS: Final[dict[Source, Method]] = {"national": "upstream", "network": "network"}

Secret: TypeAlias = Annotated[str, Meta(min_length=16, max_length=128)]
Short: TypeAlias = Annotated[str, Meta(max_length=128)]


class Arrival(Model):
    """What another house said just now: who somebody is there, how surely, and perhaps by which document."""

    source: Source
    subject_index: bytes
    ial: int
    aal: int
    identity: Identity | None = None
    """None: it tells no name; the network identity need not."""


class Link(Model):
    """A row: an account elsewhere that opens one of ours; of a merged account it opens the one that was kept."""

    id: UUID
    person_id: UUID
    source: Source
    linked_at: datetime
    last_used_at: datetime


class LinkView(Model):
    """A link as its holder sees it."""

    id: UUID
    source: Source
    linked_at: datetime
    last_used_at: datetime


class LinkList(Model):
    """All of somebody's links that open their account."""

    items: list[LinkView]


class Attempt(Model):
    """A row: one way to another house and back. `key_hash` is of a secret that only who began it holds."""

    id: UUID
    source: Source
    key_hash: bytes
    expires_at: datetime
    state_hash: bytes | None = None
    request_id: UUID | None = None
    """The authorization request, where a browser is on its way to a client."""
    session_id: UUID | None = None
    """The session in which somebody links an account to their own."""
    jkt: str | None = None
    tries: int = 0


class Holder(Model):
    """Who begins: the secret that they keep, where they are on the way to, and from which address they ask."""

    key: str
    address: str
    request_id: UUID | None = None
    session_id: UUID | None = None
    jkt: str | None = None


class NationalBegun(Model):
    """Where the citizen goes. `login` stays in the program that asked: without it the answer is worth nothing."""

    login: str
    authorization_url: str
    expires_in_seconds: int


class Returned(Model):
    """What came back in the address to which the national provider sent the citizen (RFC 6749, RFC 9207)."""

    state: str
    code: str
    iss: str
    error: str


class ShowNationalAnswer(Request):
    """The same, as a program hands it in."""

    login: Secret
    state: Secret
    code: Annotated[str, Meta(max_length=2048)] = ""
    iss: Annotated[str, Meta(max_length=512)] = ""
    error: Short = ""

    @property
    def returned(self) -> Returned:
        return Returned(state=self.state, code=self.code, iss=self.iss, error=self.error)


class NetworkBegun(Model):
    """What the national app is to sign, for this city and once."""

    login: str
    challenge: str
    audience: str
    expires_in_seconds: int


class ShowNetworkCredential(Request):
    """What the national app handed over: the network number and a credential over the challenge."""

    login: Secret
    network_number: Annotated[str, Meta(min_length=4, max_length=64)]
    credential: Annotated[str, Meta(min_length=1, max_length=8192)]


class NetworkPicture(Model):
    """What a browser shows for the national app to scan."""

    id: UUID
    text: str
