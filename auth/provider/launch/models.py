"""Opening a mini-app from the city's app: what the mini-app's own session asks for, and what the phone hands it back.

The phone carries; it learns nothing that it could use. The code goes over the bridge or in a POST, never in an address,
and only who made the challenge can redeem it.
"""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from app.kit.structs import Model, Request, Text
from auth.consents.texts import Basis

LaunchState = Literal["ready", "asking", "guardian", "declined"]
Thumbprint = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{43}(?![\s\S])")]
Name = Annotated[str, Meta(min_length=1, max_length=128)]
Value = Annotated[str, Meta(min_length=1, max_length=512)]


class LaunchApp(Request):
    """What the mini-app's page said over the bridge. The challenge is of a verifier that stays in its own session.

    `redirect_uri` is named only when the code is to be posted there; it is one of the registered ones, byte for byte.
    """

    app_id: Name
    code_challenge: Thumbprint
    code_challenge_method: Literal["S256"]
    scopes: Annotated[list[Name], Meta(max_length=32)]
    nonce: Value | None = None
    dpop_jkt: Thumbprint | None = None
    redirect_uri: Value | None = None
    acr_values: Annotated[tuple[Name, ...], Meta(max_length=9)] = ()
    max_age: Annotated[int, Meta(ge=0, le=999_999_999)] | None = None


class AnswerLaunch(Request):
    """The citizen's decision on the page that was shown, by its name and the version of its words."""

    part: Name
    text_version: Name
    agreed: Annotated[list[Name], Meta(max_length=32)]
    goes_on: bool
    """False: the citizen does not want to open it after all."""


class AskedScope(Model):
    """Something that stands or falls with the citizen's consent. Nothing is ticked in advance."""

    name: str
    fields: tuple[str, ...]
    purpose: Text
    required: bool
    sensitive: bool
    retention_days: int
    goes_to: tuple[str, ...]
    """The department's own hosts: others, later, are another question."""


class ToldScope(Model):
    """Something that has another basis: told, not asked."""

    name: str
    fields: tuple[str, ...]
    purpose: Text
    basis: Basis
    legal_basis: str | None


class LaunchQuestion(Model):
    """One page to show. `separate` asks for one sensitive thing and nothing else (PIPL, article 29)."""

    part: str
    text_version: str
    asked: tuple[AskedScope, ...]
    told: tuple[ToldScope, ...]
    separate: bool


class LaunchView(Model):
    """How far it is. `code` is there once, when it is ready; it lives a minute and is good for the mini-app alone."""

    id: UUID
    state: LaunchState
    app_id: str
    app_name: Text
    organization_name: str
    question: LaunchQuestion | None = None
    code: str | None = None
    expires_in_seconds: int | None = None
    iss: str | None = None
    """Who gave the code (RFC 9207): it goes along with it."""
    redirect_uri: str | None = None
