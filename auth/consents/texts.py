"""The words of a question for consent, and the version that names exactly these words. Pure.

A version is a digest of what is shown: other words are another version, whatever else a department changes. So what
was recorded can be held against what was shown, and nobody's consent is carried over to a purpose they never read.
"""

import functools
import hashlib
from typing import Final, Literal

import msgspec

from app.kit.structs import Model, Text

Basis = Literal["statute", "contract", "consent"]
SENSITIVE_FIELDS: Final = frozenset({"id_number"})
"""Sensitive whatever a manifest says (PIPL, article 28)."""


class Recipient(Model):
    """Where told fields go, and for whom the mini-app is there. More of either is another question to the citizen."""

    hosts: tuple[str, ...] = ()
    audience: tuple[str, ...] = ()


class ConsentText(Model):
    """What a citizen reads before they allow it: which fields, what for, how delicate, how long kept, and by whom."""

    purpose: Text
    fields: tuple[str, ...]
    sensitive: bool = False
    retention_days: int = 0
    recipient: Recipient = msgspec.field(default_factory=Recipient)

    @property
    def version(self) -> str:
        """22 characters that stand for these words and no others."""
        return _version_of(self)

    @property
    def asked_apart(self) -> bool:
        """Whether it must be asked for in a question of its own (PIPL, article 29)."""
        return self.sensitive or not SENSITIVE_FIELDS.isdisjoint(self.fields)


class RegisteredPurpose(Model):
    """What a department may ask for under this name now, and on which basis."""

    basis: Basis
    text: ConsentText


@functools.lru_cache(maxsize=4096)
def _version_of(text: ConsentText) -> str:
    # The order of fields is no other text.
    shown: list[object] = [
        text.purpose.zh,
        text.purpose.en,
        sorted(set(text.fields)),
        text.sensitive,
        text.retention_days,
    ]
    if text.recipient != Recipient():
        shown += [sorted(text.recipient.hosts), sorted(text.recipient.audience)]
    return "text-" + hashlib.sha256(msgspec.json.encode(shown)).hexdigest()[:17]
