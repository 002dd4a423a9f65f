"""What the city already holds of an enterprise: registers, and the documents that each of them makes unnecessary.

Pure. Says which questions of a checklist ask for such a document again.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Literal

import msgspec

from app.kit.structs import Model, Request, Text
from codes.lines import ONE_LINE
from codes.scenarios.models import SourceName

EvidenceSlug = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z_]{1,39}(?![\s\S])")]
ASKING = (
    *("提供", "提交", "出示", "上交", "上报", "填报", "报送", "交验", "递交", "索取", "查验原件", "复印件", "副本"),
    *("provide", "submit", "hand in", "hand over", "show us", "bring", "fill in", "photocopy", "a copy of"),
)
"""Words by which an instruction to look becomes a question to the enterprise."""


class EvidenceView(Model):
    """A document that the city fetches itself."""

    slug: str
    names: Text


class Evidence(Model, forbid_unknown_fields=True):
    """A document of an enterprise that a register stands in for. `words`: how people name it."""

    slug: EvidenceSlug
    names: Text
    words: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]

    @property
    def view(self) -> EvidenceView:
        """As the public reads it."""
        return EvidenceView(slug=self.slug, names=self.names)


class Register(Model, forbid_unknown_fields=True):
    """A register of a department. An answer older than `stale_after_hours` is shown as old."""

    name: SourceName
    names: Text
    stale_after_hours: Annotated[int, msgspec.Meta(ge=1, le=8784)]
    evidence: tuple[Evidence, ...]
    always: bool = False
    """Whether this house itself keeps it, so that it needs no connection."""


class RegisterFile(Model, forbid_unknown_fields=True):
    """The file of registers as it stands."""

    registers: tuple[Register, ...]


class ChecklistItem(Request):
    """One line of what an officer will do: look at something, or ask the enterprise for something."""

    text: Annotated[str, msgspec.Meta(min_length=2, max_length=100, pattern=ONE_LINE)]
    kind: Literal["look", "ask"] = "look"
    evidence: EvidenceSlug | None = None
    """The document that is asked for, as `GET /v1/registers` names it, where it is one of those."""


class HeldAlready(Model):
    """A question that the city can answer itself: the item by its position from 0, the document, and who holds it."""

    item: int
    evidence: str
    register: str


def faults_of(registers: Sequence[Register]) -> list[str]:
    """Everything that contradicts itself, one sentence each."""
    names = Counter(register.name for register in registers)
    slugs = Counter(evidence.slug for register in registers for evidence in register.evidence)
    faults = [f"{name} stands {times} times." for name, times in (names + slugs).items() if times > 1]
    words = [word for register in registers for evidence in register.evidence for word in evidence.words]
    return faults + [f"{word!r} is no word to look for." for word in words if len(plain(word)) < len("执照")]


def list_held_questions(checklist: Iterable[ChecklistItem], held: Sequence[Register]) -> list[HeldAlready]:
    """The items that ask for what `held` registers know; empty when the checklist asks for nothing twice."""
    return [found for position, item in enumerate(checklist) for found in _held_in(position, item, held)]


def plain(text: str) -> str:
    """Letters and digits only, in one width and one case: a blank inside a word hides nothing."""
    return "".join(character for character in unicodedata.normalize("NFKC", text).casefold() if character.isalnum())


def _held_in(position: int, item: ChecklistItem, held: Sequence[Register]) -> Iterator[HeldAlready]:
    text = plain(item.text)
    asks = item.kind == "ask" or any(plain(word) in text for word in ASKING)
    for register in held:
        for evidence in register.evidence:
            named = any(plain(word) in text for word in evidence.words)
            if item.evidence == evidence.slug or (asks and named):
                yield HeldAlready(item=position, evidence=evidence.slug, register=register.name)
