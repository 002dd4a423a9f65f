"""The two shapes every struct of the product has: facts that never change, and requests that refuse unknown fields."""

from collections.abc import Mapping
from typing import Any, TypeVar, dataclass_transform

import asyncpg
import msgspec

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class FrozenStructMeta(msgspec.StructMeta):
    """Makes every subclass keyword-only, which msgspec asks for class by class; frozen it inherits by itself."""

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **config: Any) -> Any:
        """As msgspec's own, with `kw_only` unless the class says otherwise."""
        return super().__new__(cls, name, bases, namespace, **({"kw_only": True} | config))


class Model(msgspec.Struct, metaclass=FrozenStructMeta, frozen=True, kw_only=True):
    """A fact: immutable, named fields only."""


class Request(msgspec.Struct, metaclass=FrozenStructMeta, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request body: as a fact, and a field nobody knows is an error instead of a silent loss."""


class Text(Model):
    """A text that a person reads, in both languages of the product (BCP 47 zh-CN and en)."""

    zh: str
    en: str

    def in_language(self, language: str) -> str:
        """The text in `language` ("zh" or "en"; anything else reads Chinese)."""
        return self.en if language == "en" else self.zh


def convert(row: Mapping[str, Any] | asyncpg.Record, to: type[T]) -> T:
    """A database row as a validated `to`; raises `msgspec.ValidationError` when the row does not fit.

    `to(**row)` would not validate at all.
    """
    return msgspec.convert(dict(row), to)
