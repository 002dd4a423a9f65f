"""One battery for every provider: what is asked, and in a few words what came back. It judges nothing.

Every public function of the modules beside it is a probe; its name is its line in `docs/conformance.md` where two
providers differ.
"""

import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

from tests.interop.battery import authorizing, inspecting, logout, pushing, tokens
from tests.interop.party import Party

Probe = Callable[[Party], str]
PARTS: Final = (pushing, authorizing, tokens, inspecting, logout)
"""Logout last: it ends the browser's session."""


def observe(party: Party) -> dict[str, str]:
    """Everything, in order."""
    return {name: one(party) for module in PARTS for name, one in probes_of(module).items()}


def probes_of(module: ModuleType) -> dict[str, Probe]:
    """The functions that stand in the module itself, as they stand there."""
    return {
        name: one
        for name, one in vars(module).items()
        if inspect.isfunction(one) and one.__module__ == module.__name__ and not name.startswith("_")
    }


def fields(party: Party) -> dict[str, str]:
    """What the discovery document says."""
    return {f"discovery_{name}": field_of(party, value) for name, value in party.metadata.items()}


def field_of(party: Party, value: Any) -> str:
    """A field's value without what must differ: addresses, and the order of lists."""
    if isinstance(value, list):
        return " ".join(sorted(value))
    return "an address" if str(value).startswith(party.issuer) else str(value).lower()
