"""Keys of the floor's keyring, in the shape the envelope signs and verifies with."""

from app.kit.keyring import SigningKey, VerifyKey
from codes.envelope.profiles import PROFILES, Signer, VerifyingKey


def signer_of(key: SigningKey) -> Signer:
    """Signs with `key`; its id in a code is 4 bytes."""
    return Signer(profile=PROFILES[key.profile], private_key=key.private_key, kid=bytes.fromhex(key.kid))


def verifying_key_of(key: VerifyKey) -> VerifyingKey:
    """Verifies what `key` signed."""
    return VerifyingKey(profile=PROFILES[key.profile], public_key=key.public_key)
