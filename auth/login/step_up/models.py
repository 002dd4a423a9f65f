"""Step-up: what a signed-in caller shows once more, to be believed more for some minutes."""

from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta

from app.kit.structs import Model, Request
from auth.login.passkeys.models import Assertion, RequestOptions

PROOF_TYPE: Final = "step-up-proof+jwt"


class StepUpChallenge(Model):
    """One value to sign, whichever key is at hand, good once and in this session.

    A passkey answers `public_key`. A device signs a compact JWS with its enrolled key: header typ "step-up-proof+jwt"
    and its public `jwk`, claims `nonce` (the challenge of `public_key`) and `aud` (`audience`).
    """

    public_key: RequestOptions
    audience: str
    expires_in_seconds: int


class StepUpByCode(Request):
    """The one-time code that this session asked for."""

    challenge_id: UUID
    code: str


class StepUpByDevice(Request):
    """A proof by the key of an enrolled device."""

    proof: Annotated[str, Meta(max_length=4096)]


class StepUpByPasskey(Request):
    """The answer of the caller's authenticator."""

    credential: Assertion


class StepUpByTotp(Request):
    """The code of a member of staff's authenticator program."""

    totp: Annotated[str, Meta(max_length=16)]
