"""What a check needs from outside: registers of departments that know something of an enterprise."""

from datetime import datetime
from typing import Annotated, Literal, Protocol, TypeAlias
from uuid import UUID

import msgspec

from app.kit.structs import Model

Cause: TypeAlias = Literal["not_connected", "deadline", "unreachable", "refused", "not_understood", "failed"]
"""Why a source is missing: the officer reads it, and knows whether to ask again."""
Word = Annotated[str, msgspec.Meta(max_length=200)]


class Question(Model):
    """What a source is asked; it learns for which check, not who checks."""

    check_id: UUID
    credit_code: str
    scenario: int


class FactText(Model):
    """A text of a source in both languages, of bounded length."""

    zh: Word
    en: Word


class Fact(Model):
    """One thing that a source knows. `attention` asks the officer to look.

    `evidence` is the document that this fact stands in for, as `GET /v1/registers` names it.
    """

    label: FactText
    value: FactText
    level: Literal["normal", "attention"] = "normal"
    evidence: Annotated[str, msgspec.Meta(max_length=40)] | None = None


class SourceAnswer(Model):
    """What a source knows of one enterprise, and as of when."""

    credit_code: str
    as_of: datetime
    facts: Annotated[list[Fact], msgspec.Meta(max_length=100)]


class SourceUnavailable(Exception):
    """The source gave no answer that can be used. The text names the kind of failure, never what was sent."""

    def __init__(self, text: str, cause: Cause = "not_understood") -> None:
        super().__init__(text)
        self.cause: Cause = cause


class EnterpriseSource(Protocol):
    """One register."""

    async def ask(self, question: Question, /) -> SourceAnswer:
        """What it knows; raises `SourceUnavailable`. The caller sets the deadline by cancelling."""
        ...
