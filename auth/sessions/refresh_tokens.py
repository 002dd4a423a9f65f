"""Refresh tokens: 52 bytes that name a session and a generation and cannot be made without the family's secret.

The secret of a family is derived from the vault's key and the session's id, so that nothing in the database, taken
alone, makes or checks a token. Pure: the same session and generation always give the same token.
"""

import base64
import binascii
import hashlib
import hmac
from typing import Final
from uuid import UUID

from app.kit.structs import Model
from app.kit.vault import Vault

_MAC_BYTES: Final = 32
_HEAD_BYTES: Final = 20
_TEXT_LENGTH: Final = 70
_LAST_GENERATION: Final = 2**32 - 1


class RefreshToken(Model):
    """A genuine token of a session; whether it is the newest, only the session knows."""

    session_id: UUID
    generation: int
    text: str

    @property
    def hash(self) -> bytes:
        """What the database keeps of it."""
        return hashlib.sha256(self.text.encode()).digest()


class RefreshTokens:
    """Makes and recognises refresh tokens. What was made for one `purpose` is nothing for another."""

    def __init__(self, vault: Vault, *, purpose: str = "refresh-family") -> None:
        self._vault = vault
        self._purpose = purpose

    def make(self, session_id: UUID, generation: int) -> RefreshToken:
        """The token of this generation: HMAC(family secret, generation)."""
        head = session_id.bytes + generation.to_bytes(4, "big")
        text = base64.urlsafe_b64encode(head + self._mac(session_id, head)).rstrip(b"=").decode()
        return RefreshToken(session_id=session_id, generation=generation, text=text)

    def recognise(self, text: str) -> RefreshToken | None:
        """The token when it is one of ours, byte for byte, else None. Touches no database."""
        if len(text) != _TEXT_LENGTH or not text.isascii():
            return None
        try:
            data = base64.b64decode(text + "==", altchars=b"-_", validate=True)
        except binascii.Error:
            return None
        session_id, generation = UUID(bytes=data[:16]), int.from_bytes(data[16:_HEAD_BYTES], "big")
        if generation == _LAST_GENERATION:
            return None
        genuine = self.make(session_id, generation)
        # The whole text is compared, so that a second spelling of the same bytes is not the same token.
        return genuine if hmac.compare_digest(genuine.text, text) else None

    def _mac(self, session_id: UUID, head: bytes) -> bytes:
        family_secret = self._vault.blind_index(self._purpose, str(session_id))
        return hmac.digest(family_secret, head, hashlib.sha256)[:_MAC_BYTES]
