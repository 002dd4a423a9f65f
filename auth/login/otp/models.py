"""One-time codes by text message: a challenge, and what proves it."""

from datetime import datetime
from uuid import UUID

from app.kit.structs import Model, Request
from auth.people.models import PersonView
from auth.sessions.models import TokenPair


class Challenge(Model):
    """What is stored: the phone sealed, the code only as a MAC bound to this challenge."""

    id: UUID
    phone_index: bytes
    phone_sealed: bytes
    code_mac: bytes
    created_at: datetime
    expires_at: datetime
    tries: int = 0


class RequestCode(Request):
    """Ask for a code."""

    phone: str


class RedeemCode(Request):
    """Show the code."""

    challenge_id: UUID
    code: str


class ChallengeView(Model):
    """The same for every phone, whether it has an account or not."""

    challenge_id: UUID
    expires_in_seconds: int


class ProvedPhone(Model):
    """A right code: whom the phone opens, on which device of theirs, and how sure that makes us."""

    person_id: UUID
    phone: str
    device_id: UUID | None
    ial: int
    aal: int


class LoginView(TokenPair):
    """Tokens, and who signed in."""

    person: PersonView
