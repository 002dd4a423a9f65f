"""The kinds of notices and their texts: data that ships with the program, checked at start.

Refuses whatever would make a notice dangerous to read aloud or to send: a link, a number that could be a code or an
account, a place to fill something in. Pure.
"""

import functools
import re
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Annotated, Final, Literal, TypeAlias

import msgspec

from app.kit.structs import Model, Text

Weight: TypeAlias = Literal["urgent", "important", "ordinary"]
MessageKind: TypeAlias = str
"""A block of `texts.toml`. A test finds every kind that the program writes in that file."""

KIND: Final = re.compile(r"[a-z]+(_[a-z]+)*")
ADDRESS: Final = re.compile(r"://|\bwww\b|@|[a-z0-9-]\.[a-z]{2,}|\bhttps?\b", re.IGNORECASE | re.ASCII)
LONG_NUMBER: Final = re.compile(r"\d{6,}")
"""Hotlines have five digits; one-time codes have six."""

Line = Annotated[str, msgspec.Meta(min_length=4, max_length=200)]


class Block(Model, forbid_unknown_fields=True):
    """A kind as it stands in the file."""

    weight: Weight
    zh: Line
    en: Line

    @property
    def text(self) -> Text:
        return Text(zh=self.zh, en=self.en)


class TextsInvalid(Exception):
    """What is wrong with a file of texts, one sentence for each fault."""


class Texts:
    """Every kind by its name."""

    def __init__(self, blocks: Mapping[str, Block]) -> None:
        """Raises `TextsInvalid`."""
        faults = list(_faults(blocks))
        if faults:
            raise TextsInvalid(" ".join(faults))
        self._blocks = dict(blocks)

    def __iter__(self) -> Iterator[MessageKind]:
        return iter(self._blocks)

    def __getitem__(self, kind: MessageKind) -> Block:
        """The block; raises `KeyError` for a kind that the file does not have."""
        return self._blocks[kind]

    def text_of(self, kind: MessageKind) -> Text:
        """What a person reads. A kind that the file no longer has says that it has gone, and no more."""
        block = self._blocks.get(kind)
        return GONE if block is None else block.text

    def weight_of(self, kind: MessageKind) -> Weight:
        """How much it matters that a person hears of it. What is gone matters no more."""
        block = self._blocks.get(kind)
        return "ordinary" if block is None else block.weight


GONE: Final = Text(zh="这类通知已停用。", en="Notices of this kind are no longer written.")


@functools.cache
def load_texts() -> Texts:
    """The texts that ship; raises `TextsInvalid`."""
    return read_texts((resources.files("auth.messages") / "texts.toml").read_bytes())


def read_texts(file: bytes) -> Texts:
    """The texts in `file` (TOML, UTF-8); raises `TextsInvalid`."""
    try:
        return Texts(msgspec.toml.decode(file, type=dict[str, Block]))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise TextsInvalid(str(error)) from None


def leads_somewhere(line: str) -> bool:
    """Whether a phone would make a link or a mail address of something in it, or a reader a code or an account."""
    return bool(ADDRESS.search(line) or LONG_NUMBER.search(line))


def _faults(blocks: Mapping[str, Block]) -> Iterator[str]:
    for kind, block in blocks.items():
        if not KIND.fullmatch(kind):
            yield f"{kind!r} is no name of a kind."
        for line in (block.zh, block.en):
            if not line.isprintable():
                yield f"{kind}: {line!r} is not one line."
            if leads_somewhere(line) or "{" in line:
                yield f"{kind}: {line!r} leads somewhere, or has a number or a place to fill in."
