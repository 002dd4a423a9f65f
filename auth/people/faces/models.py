"""A face check: the face service compares a living face with the document's. No picture passes through here."""

from typing import Annotated, Literal, TypeAlias
from uuid import UUID

from msgspec import Meta

from app.kit.structs import Model, Request
from auth.people.life.models import NamedPerson

Purpose: TypeAlias = Literal["raise", "unfreeze"]
Challenge = Annotated[str, Meta(min_length=1, max_length=128)]
Evidence = Annotated[str, Meta(min_length=1, max_length=4096)]


class FaceChallenge(Model):
    """What the face must be shown for: once, within the time, and for one purpose."""

    challenge: str
    expires_in_seconds: int


class ShowFace(Request):
    """`evidence` is what the face service's own program gave the phone for this challenge; opaque to us."""

    challenge: Challenge
    evidence: Evidence


class UnfreezeByFace(Request):
    """I froze my account, or had it frozen, and this is my face."""

    holder: NamedPerson
    challenge: Challenge
    evidence: Evidence


class FaceConfirmed(Model):
    """The level that the session's next access tokens carry."""

    identity_level: int


class Unfrozen(Model):
    """The account is awake; sign in again."""

    status: Literal["active"] = "active"


class OpenChallenge(Model):
    """What is stored of a challenge, without its text."""

    nonce_hash: bytes
    purpose: Purpose
    session_id: UUID | None
