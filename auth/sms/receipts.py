"""What a vendor needs to say what became of a message: where, and a token for exactly that message from that vendor.

The token is a MAC, so that nothing is stored for it; whoever has it can say delivered or failed of that one message.
"""

import base64
import hmac
from typing import Final
from uuid import UUID

from app.kit.vault import Vault

PURPOSE: Final = "message-receipt"
PATH: Final = "/v1/message-receipts"


class ReceiptDesk:
    """Gives tokens out and knows them again."""

    def __init__(self, vault: Vault, *, origin: str) -> None:
        self._vault = vault
        self._origin = origin

    def address_of(self, vendor: str, message_id: UUID) -> dict[str, str]:
        """What goes to the vendor with the message."""
        return {"url": self._origin + PATH, "vendor": vendor, "token": self._token(vendor, message_id)}

    def knows(self, vendor: str, message_id: UUID, token: str) -> bool:
        """Whether this is the token that went to this vendor with this message."""
        return hmac.compare_digest(self._token(vendor, message_id).encode(), token.encode("utf-8", "replace"))

    def _token(self, vendor: str, message_id: UUID) -> str:
        mac = self._vault.blind_index(PURPOSE, f"{vendor}:{message_id}")
        return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()
