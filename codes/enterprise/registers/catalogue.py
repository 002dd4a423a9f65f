"""The registers of departments, read once at start from data that ships with the program."""

import functools
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import timedelta
from importlib import resources

import msgspec

from codes.enterprise.registers.errors import ChecklistAsksForHeld, EvidenceUnknown, RegistersInvalid
from codes.enterprise.registers.models import (
    ChecklistItem,
    EvidenceView,
    Register,
    RegisterFile,
    faults_of,
    list_held_questions,
)


class Registers:
    """Every register that is known, and which of them this city has connected."""

    def __init__(self, registers: Iterable[Register], connected: Collection[str] = ()) -> None:
        """Raises `RegistersInvalid` when the file contradicts itself."""
        known = tuple(registers)
        self._by_name = {register.name: register for register in known}
        if faults := faults_of(known):
            raise RegistersInvalid(" ".join(faults))
        self._held = tuple(register for register in known if register.always or register.name in connected)
        self._slugs = frozenset(evidence.slug for register in known for evidence in register.evidence)

    def __iter__(self) -> Iterator[Register]:
        return iter(self._by_name.values())

    @property
    def held(self) -> tuple[Register, ...]:
        """Those that this city can ask by itself."""
        return self._held

    def find(self, name: str) -> Register | None:
        """The register of this name, or None: a city may connect more than ship with the program."""
        return self._by_name.get(name)

    def stale_after(self, name: str, otherwise: timedelta) -> timedelta:
        """How old an answer of this register may be."""
        register = self.find(name)
        return otherwise if register is None else timedelta(hours=register.stale_after_hours)

    def list_unasked(self, names: Collection[str]) -> list[EvidenceView]:
        """The documents that a check which asks the registers `names` brings along by itself."""
        held = (register for register in self._held if register.always or register.name in names)
        return [evidence.view for register in held for evidence in register.evidence]

    def require_nothing_held(self, checklist: Sequence[ChecklistItem]) -> None:
        """Raises `ChecklistAsksForHeld` with every such item, `EvidenceUnknown` for a document that nobody listed."""
        unknown = {item.evidence for item in checklist if item.evidence is not None} - self._slugs
        if unknown:
            raise EvidenceUnknown(evidence=sorted(unknown))
        held = list_held_questions(checklist, self._held)
        if held:
            raise ChecklistAsksForHeld(held=msgspec.to_builtins(held))


def load_registers(connected: Collection[str]) -> Registers:
    """The registers that ship, of which the city has connected these; raises `RegistersInvalid`."""
    return Registers(_shipped(), connected)


@functools.cache
def _shipped() -> Registers:
    return read_registers((resources.files("codes.enterprise.registers") / "registers.toml").read_bytes())


def read_registers(text: bytes, connected: Collection[str] = ()) -> Registers:
    """The registers in `text` (TOML, UTF-8); raises `RegistersInvalid`."""
    try:
        return Registers(msgspec.toml.decode(text, type=RegisterFile).registers, connected)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RegistersInvalid(str(error)) from None
