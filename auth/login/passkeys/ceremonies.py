"""The two ceremonies of WebAuthn for one origin: what is asked of authenticators, and what of their answers is true.

Pure: no database, no clock. Verification is the library's; what it leaves to the caller (one challenge once, whose the
credential is, whether its counter may be believed) is the service's.
"""

import base64
import binascii
from typing import Final
from urllib.parse import urlsplit

import msgspec
from webauthn import verify_authentication_response, verify_registration_response
from webauthn.helpers.cose import COSEAlgorithmIdentifier

from app.kit.structs import Model
from auth.login.passkeys.models import (
    ALGORITHMS,
    Algorithm,
    Assertion,
    Attestation,
    CreationOptions,
    Descriptor,
    RelyingParty,
    RequestOptions,
    UserEntity,
)

_SUPPORTED: Final = [COSEAlgorithmIdentifier(number) for number in ALGORITHMS]


class CeremonyFailed(Exception):
    """The answer is malformed or untrue. The text names the step, never content."""


class MadeCredential(Model):
    """A credential that an authenticator made with its user verified."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    synced: bool


class UsedCredential(Model):
    """A credential that signed the challenge with its user verified."""

    sign_count: int
    synced: bool


class _ClientData(Model):
    challenge: str
    cross_origin: bool = msgspec.field(name="crossOrigin", default=False)


class Ceremonies:
    """What holds for every passkey of one origin."""

    def __init__(self, issuer: str, *, brand: str, app_origins: tuple[str, ...] = ()) -> None:
        self._rp_id = urlsplit(issuer).hostname or ""
        self._brand = brand
        self._origins = [issuer, *app_origins]

    def request_options(self, challenge: bytes, *, seconds: int) -> RequestOptions:
        """Asks for any credential of this origin; the authenticator finds it, so that we name none."""
        return RequestOptions(challenge=encode(challenge), rp_id=self._rp_id, timeout=seconds * 1000)

    def creation_options(
        self, challenge: bytes, *, seconds: int, user_handle: bytes, user_name: str, known: list[bytes]
    ) -> CreationOptions:
        """Asks for a new credential, on an authenticator that holds none of `known`."""
        return CreationOptions(
            rp=RelyingParty(id=self._rp_id, name=self._brand),
            user=UserEntity(id=encode(user_handle), name=user_name, display_name=user_name),
            challenge=encode(challenge),
            algorithms=[Algorithm(alg=number) for number in ALGORITHMS],
            timeout=seconds * 1000,
            exclude_credentials=[Descriptor(id=encode(credential_id)) for credential_id in known],
        )

    def verify_made(self, answer: Attestation, challenge: bytes) -> MadeCredential:
        """The credential of a registration; raises `CeremonyFailed`. Attestation is not asked for, and unread."""
        try:
            made = verify_registration_response(
                credential=msgspec.to_builtins(answer),
                expected_challenge=challenge,
                expected_rp_id=self._rp_id,
                expected_origin=self._origins,
                require_user_verification=True,
                supported_pub_key_algs=_SUPPORTED,
            )
        except Exception:  # noqa: BLE001 - hostile bytes: the library lets the errors of its parsers through
            raise CeremonyFailed("registration") from None
        return MadeCredential(
            credential_id=made.credential_id,
            public_key=made.credential_public_key,
            sign_count=made.sign_count,
            synced=made.credential_backed_up,
        )

    def verify_used(self, answer: Assertion, challenge: bytes, *, public_key: bytes) -> UsedCredential:
        """What a true assertion by this key says; raises `CeremonyFailed`. The counter is the caller's to judge."""
        try:
            used = verify_authentication_response(
                credential=msgspec.to_builtins(answer),
                expected_challenge=challenge,
                expected_rp_id=self._rp_id,
                expected_origin=self._origins,
                credential_public_key=public_key,
                credential_current_sign_count=0,
                require_user_verification=True,
            )
        except Exception:  # noqa: BLE001 - hostile bytes: the library lets the errors of its parsers through
            raise CeremonyFailed("assertion") from None
        return UsedCredential(sign_count=used.new_sign_count, synced=used.credential_backed_up)


def unverified_challenge(client_data_json: str) -> bytes:
    """The challenge that an answer claims to be about, not yet believed; raises `CeremonyFailed`.

    Also for an answer that was made inside a page of another origin (WebAuthn Level 3, section 5.8.1).
    """
    try:
        data = msgspec.json.decode(decode(client_data_json), type=_ClientData)
        challenge = decode(data.challenge)
    except (msgspec.DecodeError, ValueError):
        raise CeremonyFailed("client data") from None
    if data.cross_origin:
        raise CeremonyFailed("cross origin")
    return challenge


def counter_moved_on(stored: int, seen: int) -> bool:
    """Whether a counter shows no sign of a copy: it grew, or this authenticator does not count (section 6.1.1)."""
    return seen > stored or seen == stored == 0


def encode(data: bytes) -> str:
    """Unpadded base64url."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """The bytes of unpadded base64url; raises `ValueError`."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise ValueError("base64url") from None
