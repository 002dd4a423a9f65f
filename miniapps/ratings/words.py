"""What people wrote about an act, sealed under the rating it belongs to. Refuses to open what belongs to another."""

from typing import Final
from uuid import UUID

import msgspec

from app.kit.vault import Vault
from miniapps.ratings.models import Rating, SealedWords

WORDS: Final = "miniapps.rating.words"
REPLY: Final = "miniapps.rating.reply"


class Words:
    """Seals and opens."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def seal(self, rating_id: UUID, words: SealedWords) -> bytes | None:
        """The citizen's words, or None when there are none."""
        if words == SealedWords():
            return None
        return self._vault.seal(WORDS, msgspec.json.encode(words), context=rating_id.bytes)

    def open(self, rating: Rating) -> SealedWords:
        """What the citizen wrote."""
        if rating.words_sealed is None:
            return SealedWords()
        opened = self._vault.open(WORDS, rating.words_sealed, context=rating.id.bytes)
        return msgspec.json.decode(opened, type=SealedWords)

    def seal_reply(self, rating_id: UUID, text: str) -> bytes:
        """The department's words."""
        return self._vault.seal(REPLY, text.encode(), context=rating_id.bytes)

    def open_reply(self, rating: Rating) -> str | None:
        """What the department wrote."""
        if rating.reply_sealed is None:
            return None
        return self._vault.open(REPLY, rating.reply_sealed, context=rating.id.bytes).decode()
