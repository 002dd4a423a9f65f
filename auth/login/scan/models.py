"""Signing a browser in by a phone that scans a picture (RFC 10027): the attempt, and what the phone is told of it.

The number goes from the phone to the browser, never the other way: who relays the picture to somebody else's phone
would have to be told by that person what their phone shows.
"""

from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from msgspec import Meta

from app.kit.structs import Model, Request, Text
from auth.login.proof import Proved

SECONDS: Final = 90
DIGITS: Final = 4
MOST_TRIES: Final = 3
HIGHEST_AAL: Final = 1
"""A picture can be relayed: a scan never counts for more than a one-time code, however sure the phone is."""

ScanState = Literal["waiting", "scanned", "approved", "redeemed", "denied", "spent", "expired"]


class StoredScan(Model):
    """A row. `session_id` is of the phone that scanned first; no other phone gets near."""

    id: UUID
    secret_hash: bytes
    cookie_hash: bytes
    place: Text
    agent: str
    address_index: bytes
    created_at: datetime
    expires_at: datetime
    person_id: UUID | None = None
    session_id: UUID | None = None
    number_mac: bytes | None = None
    tries: int = 0
    redeemed_at: datetime | None = None
    denied_at: datetime | None = None

    def state(self, now: datetime) -> ScanState:
        """How far it has come at `now`."""
        if self.redeemed_at is not None:
            return "redeemed"
        if self.denied_at is not None:
            return "denied"
        if now >= self.expires_at:
            return "expired"
        if self.tries >= MOST_TRIES:
            return "spent"
        if self.number_mac is not None:
            return "approved"
        return "waiting" if self.person_id is None else "scanned"


class BeginScan(Model):
    """What the browser's side knows when it begins: for whom, in which program, from where."""

    place: Text
    """The site that the citizen is about to enter."""
    agent: str
    address: str


class OpenScan(Model):
    """What the browser is given: the picture's text to show, and the secret that only it keeps."""

    id: UUID
    text: str
    cookie: str


class ScanPicture(Request):
    """What a phone read out of the picture: the part after `#`."""

    secret: Annotated[str, Meta(min_length=43, max_length=43, pattern="^[A-Za-z0-9_-]+$")]


class ScanView(Model):
    """What the citizen reads on the phone before deciding.

    `same_network` is a hint: a computer elsewhere that claims to stand before you is a reason to refuse.
    """

    id: UUID
    place: Text
    agent: str
    same_network: bool
    state: ScanState
    began_at: datetime
    expires_at: datetime


class ScanNumber(Model):
    """The number to type into the browser. It is shown once and to this phone alone."""

    number: str
    expires_at: datetime


class ProvedScan(Proved, kw_only=True):
    """A right number in the right browser: whom the phone vouches for.

    What is opened stands on the phone's session (`session_id`): it ends with that one, at `until` by itself.
    """

    session_id: UUID
    until: datetime
