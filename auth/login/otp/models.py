"""One-time codes by text message: a challenge, and what proves it."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from app.kit.structs import Model, Request
from auth.login.proof import Proved

CodePurpose = Literal["sign_in", "step_up", "attach", "disown"]


class Challenge(Model):
    """What is stored: the phone sealed, the code only as a MAC bound to this challenge."""

    id: UUID
    purpose: CodePurpose
    session_id: UUID | None
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
    """Show the code. `account` is needed only where several people share the phone: 1 is the first in the list."""

    challenge_id: UUID
    code: str
    account: Annotated[int, Meta(ge=1, le=100)] | None = None


class ChallengeView(Model):
    """The same for every phone, whether it has an account or not."""

    challenge_id: UUID
    expires_in_seconds: int


class ShownCode(Model):
    """A right code, not used up yet: which phone it was sent to."""

    challenge_id: UUID
    phone_index: bytes
    phone: str


class ProvedPhone(Proved, kw_only=True):
    """A right code: whom the phone opens, on which device of theirs, and how sure that makes us."""

    phone: str
