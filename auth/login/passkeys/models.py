"""Passkeys: what is stored of one, what an authenticator answers, and what it is asked. Names on the wire that are not
snake_case are those of WebAuthn (Level 3, sections 5.1.8 to 5.1.10), which browsers read and write themselves.
"""

from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from msgspec import Meta, field

from app.kit.structs import Model, Request

HolderType = Literal["person", "official"]
Encoded = Annotated[str, Meta(max_length=16_384)]
Short = Annotated[str, Meta(max_length=2048)]
Name = Annotated[str, Meta(min_length=1, max_length=64)]


class StoredPasskey(Model):
    """A row. `public_key` is COSE, as the authenticator gave it."""

    id: UUID
    holder_type: HolderType
    holder_id: UUID
    credential_id: bytes
    public_key: bytes
    sign_count: int
    synced: bool
    name_sealed: bytes
    created_at: datetime
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None
    revoked_reason: str | None = None


class AssertionResponse(Model):
    """`AuthenticatorAssertionResponse` as JSON; members that browsers add are left unread."""

    client_data_json: Encoded = field(name="clientDataJSON")
    authenticator_data: Encoded = field(name="authenticatorData")
    signature: Short
    user_handle: Short | None = field(name="userHandle", default=None)


class Assertion(Model):
    """What `navigator.credentials.get()` gave, by `toJSON()`."""

    id: Short
    raw_id: Short = field(name="rawId")
    type: Literal["public-key"]
    response: AssertionResponse


class AttestationResponse(Model):
    """`AuthenticatorAttestationResponse` as JSON; members that browsers add are left unread."""

    client_data_json: Encoded = field(name="clientDataJSON")
    attestation_object: Encoded = field(name="attestationObject")


class Attestation(Model):
    """What `navigator.credentials.create()` gave, by `toJSON()`."""

    id: Short
    raw_id: Short = field(name="rawId")
    type: Literal["public-key"]
    response: AttestationResponse


class EnrolPasskey(Request):
    """A new credential and what its holder calls it."""

    name: Name
    credential: Attestation


class RenamePasskey(Request):
    """Another name for it."""

    name: Name


class SignInWithPasskey(Request):
    """The authenticator's answer to a challenge of `POST /v1/login/passkey/challenges`."""

    credential: Assertion


class Descriptor(Model):
    """A credential that is meant (`PublicKeyCredentialDescriptorJSON`)."""

    id: str
    type: Literal["public-key"] = "public-key"


class RequestOptions(Model):
    """For `PublicKeyCredential.parseRequestOptionsFromJSON()`."""

    challenge: str
    rp_id: str = field(name="rpId")
    timeout: int
    allow_credentials: list[Descriptor] = field(name="allowCredentials", default_factory=list)
    user_verification: Literal["required"] = field(name="userVerification", default="required")


class PasskeyRequest(Model):
    """What to ask the authenticator for. Whom it will name is not known before: the list of credentials is empty."""

    public_key: RequestOptions
    expires_in_seconds: int


class RelyingParty(Model):
    """This city."""

    id: str
    name: str


class UserEntity(Model):
    """The holder, by a handle that says nothing outside."""

    id: str
    name: str
    display_name: str = field(name="displayName")


class Algorithm(Model):
    """A signature algorithm by its COSE number."""

    alg: int
    type: Literal["public-key"] = "public-key"


class Selection(Model):
    """A credential that finds its holder by itself, on an authenticator that checks who is before it."""

    resident_key: Literal["required"] = field(name="residentKey", default="required")
    require_resident_key: bool = field(name="requireResidentKey", default=True)
    user_verification: Literal["required"] = field(name="userVerification", default="required")


class CreationOptions(Model):
    """For `PublicKeyCredential.parseCreationOptionsFromJSON()`."""

    rp: RelyingParty
    user: UserEntity
    challenge: str
    algorithms: list[Algorithm] = field(name="pubKeyCredParams")
    timeout: int
    exclude_credentials: list[Descriptor] = field(name="excludeCredentials")
    selection: Selection = field(name="authenticatorSelection", default_factory=Selection)
    attestation: Literal["none"] = "none"


class PasskeyCreation(Model):
    """What to ask the authenticator to make."""

    public_key: CreationOptions
    expires_in_seconds: int


class PasskeyView(Model):
    """A passkey as its holder sees it; in a session on a phone alone without its name."""

    id: UUID
    name: str | None
    synced: bool
    """Copied between the holder's devices by their maker, so that losing one of them loses nothing."""
    created_at: datetime
    last_used_at: datetime | None


ALGORITHMS: Final = (-7, -8, -257)
"""ES256, EdDSA, RS256: what authenticators on phones, on keys and in Windows make (RFC 9053, RFC 8812)."""
