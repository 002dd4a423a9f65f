"""Crypto profiles: which curve, signature and hash a key speaks. There are two; a third (SM2, SM3) fits beside them.

A profile belongs to a key, never to a message: a message that names another algorithm than its key's is refused.
Phones speak the first, which is what their hardware has; the city's own keys may speak either.
"""

from typing import Any, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.kit.structs import Model
from codes.verdict import Reason, Refused

COORDINATE_BYTES = 32
KEY_TYPE, CURVE, X, Y = 1, -1, -2, -3
KEY_MEMBERS = frozenset({KEY_TYPE, CURVE, X, Y})
EC2, P256 = 2, 1
COSE_ES256 = -7
OKP, ED25519_CURVE = 1, 6
OKP_MEMBERS = frozenset({KEY_TYPE, CURVE, X})
COSE_EDDSA = -8
COMPRESSED = {False: b"\x02", True: b"\x03"}


class Profile(Protocol):
    """What every profile can do. `number` is stored beside all that was made under it."""

    number: int
    algorithm: int
    signature_bytes: int

    def sign(self, private_key: Any, message: bytes) -> bytes:
        """A signature of exactly `signature_bytes`."""
        ...

    def verify(self, public_key: Any, signature: bytes, message: bytes) -> bool:
        """Whether `signature` is right; never raises."""
        ...

    def encode_key(self, public_key: Any) -> dict[int, Any]:
        """The key as a COSE_Key (RFC 9053), as short as the profile allows."""
        ...

    def decode_key(self, key: Any) -> Any:
        """The key in a COSE_Key; raises `Refused` (MALFORMED)."""
        ...


class Es256:
    """ES256 on P-256 with SHA-256, signatures as fixed 64-byte r‖s (RFC 9053, section 2.1); keys with compressed y."""

    number = 1
    algorithm = COSE_ES256
    signature_bytes = 2 * COORDINATE_BYTES
    _ecdsa = ec.ECDSA(SHA256())
    _curve = ec.SECP256R1()

    def sign(self, private_key: ec.EllipticCurvePrivateKey, message: bytes) -> bytes:
        """r‖s."""
        r, s = decode_dss_signature(private_key.sign(message, self._ecdsa))
        return r.to_bytes(COORDINATE_BYTES, "big") + s.to_bytes(COORDINATE_BYTES, "big")

    def verify(self, public_key: ec.EllipticCurvePublicKey, signature: bytes, message: bytes) -> bool:
        """Accepts both s and n-s, as the standard does: replay is told by (cti, iat), never by signature bytes."""
        if len(signature) != self.signature_bytes:
            return False
        r, s = signature[:COORDINATE_BYTES], signature[COORDINATE_BYTES:]
        der = encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big"))
        try:
            public_key.verify(der, message, self._ecdsa)
        except InvalidSignature:
            return False
        return True

    def encode_key(self, public_key: ec.EllipticCurvePublicKey) -> dict[int, Any]:
        """{kty: EC2, crv: P-256, x: 32 bytes, y: its sign}."""
        point = public_key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
        return {KEY_TYPE: EC2, CURVE: P256, X: point[1:], Y: point[:1] == COMPRESSED[True]}

    def decode_key(self, key: Any) -> ec.EllipticCurvePublicKey:
        """Exactly the four members that `encode_key` writes; the point must lie on the curve."""
        if not isinstance(key, dict) or key.keys() != KEY_MEMBERS or key[KEY_TYPE] != EC2 or key[CURVE] != P256:
            raise Refused(Reason.MALFORMED, "key")
        x, y = key[X], key[Y]
        if not isinstance(x, bytes) or not isinstance(y, bool) or key[CURVE] is True:
            raise Refused(Reason.MALFORMED, "key")
        try:
            return ec.EllipticCurvePublicKey.from_encoded_point(self._curve, COMPRESSED[y] + x)
        except ValueError:
            raise Refused(Reason.MALFORMED, "key not on the curve") from None


class Ed25519:
    """EdDSA on Curve25519 (RFC 9053, section 2.2): signatures and keys as long as those of the first profile."""

    number = 2
    algorithm = COSE_EDDSA
    signature_bytes = 64

    def sign(self, private_key: Ed25519PrivateKey, message: bytes) -> bytes:
        """R‖S (RFC 8032)."""
        return private_key.sign(message)

    def verify(self, public_key: Ed25519PublicKey, signature: bytes, message: bytes) -> bool:
        """As RFC 8032 has it: S below the order, so that a signature has no twin."""
        try:
            public_key.verify(signature, message)
        except InvalidSignature:
            return False
        return True

    def encode_key(self, public_key: Ed25519PublicKey) -> dict[int, Any]:
        """{kty: OKP, crv: Ed25519, x: 32 bytes}."""
        return {KEY_TYPE: OKP, CURVE: ED25519_CURVE, X: public_key.public_bytes(Encoding.Raw, PublicFormat.Raw)}

    def decode_key(self, key: Any) -> Ed25519PublicKey:
        """Exactly the three members that `encode_key` writes."""
        if (
            not isinstance(key, dict)
            or key.keys() != OKP_MEMBERS
            or (key[KEY_TYPE], key[CURVE]) != (OKP, ED25519_CURVE)
        ):
            raise Refused(Reason.MALFORMED, "key")
        x = key[X]
        if not isinstance(x, bytes) or len(x) != COORDINATE_BYTES or key[KEY_TYPE] is True:
            raise Refused(Reason.MALFORMED, "key")
        return Ed25519PublicKey.from_public_bytes(x)


ES256, ED25519 = Es256(), Ed25519()
PROFILES: dict[int, Profile] = {profile.number: profile for profile in (ES256, ED25519)}


class Signer(Model):
    """A private key with its profile. `kid` is what verifiers find it by; a device's key needs none."""

    profile: Any  # Profile, which msgspec cannot name
    private_key: Any
    kid: bytes | None = None

    def sign(self, message: bytes) -> bytes:
        """A signature under the key's own profile."""
        signature: bytes = self.profile.sign(self.private_key, message)
        return signature


class VerifyingKey(Model):
    """A public key with its profile."""

    profile: Any
    public_key: Any

    def verify(self, signature: bytes, message: bytes) -> bool:
        """Whether `signature` over `message` is right; never raises."""
        right: bool = self.profile.verify(self.public_key, signature, message)
        return right
