"""Secrets at rest: authenticated encryption, blind indexes and derived keys, all under one master key.

The master key comes from the environment and is never stored. Each purpose has its own key, so that a value sealed
for one place cannot be opened in another.
"""

import functools
import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MASTER_KEY_BYTES = 32
PROFILE_AES_256_GCM = 1
NONCE_BYTES = 12


class VaultError(Exception):
    """A sealed value was changed, cut, or sealed under another key, purpose or context."""


class Vault:
    """Seals and opens values. Stateless apart from its keys; safe to share."""

    def __init__(self, master_key: bytes) -> None:
        if len(master_key) != MASTER_KEY_BYTES:
            raise ValueError(f"The master key must be {MASTER_KEY_BYTES} bytes, not {len(master_key)}.")
        self._master_key = master_key
        self._aead = functools.cache(lambda purpose: AESGCM(self.derive("seal:" + purpose)))
        self._index_key = functools.cache(lambda purpose: self.derive("index:" + purpose))

    def derive(self, purpose: str, length: int = 32) -> bytes:
        """A key of its own for `purpose` (HKDF-SHA256, RFC 5869): the same bytes at every call and on every node."""
        return HKDF(algorithm=SHA256(), length=length, salt=None, info=purpose.encode()).derive(self._master_key)

    def seal(self, purpose: str, plaintext: bytes, *, context: bytes = b"") -> bytes:
        """Encrypts: profile (1 byte) ‖ nonce (12) ‖ ciphertext and tag. `context` must be shown again to open."""
        nonce = os.urandom(NONCE_BYTES)
        head = bytes([PROFILE_AES_256_GCM])
        return head + nonce + self._aead(purpose).encrypt(nonce, plaintext, head + context)

    def open(self, purpose: str, sealed: bytes, *, context: bytes = b"") -> bytes:
        """Decrypts what `seal` made; raises `VaultError`."""
        head, nonce, body = sealed[:1], sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
        if head != bytes([PROFILE_AES_256_GCM]) or len(nonce) != NONCE_BYTES:
            raise VaultError("Sealed under an unknown profile.")
        try:
            return self._aead(purpose).decrypt(nonce, body, head + context)
        except InvalidTag:
            raise VaultError("The sealed value cannot be opened with this key, purpose and context.") from None

    def blind_index(self, purpose: str, value: str) -> bytes:
        """32 bytes that find a sealed value again by equality, and say nothing of it without the key."""
        return hmac.digest(self._index_key(purpose), value.encode(), hashlib.sha256)
