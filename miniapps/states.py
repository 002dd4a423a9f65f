"""The three life cycles of a mini-app as tables: what may follow what. Pure; knows neither who acts nor why."""

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from app.kit.structs import Model
from miniapps.errors import StateConflict

AppState: TypeAlias = Literal["registered", "active", "suspended", "retiring", "retired"]
VersionState: TypeAlias = Literal[
    "draft", "submitted", "checking", "reviewing", "approved", "changes_requested", "rejected"
]
ReleaseState: TypeAlias = Literal["internal", "gray", "published", "superseded", "rolled_back", "halted"]


class LifeCycle(Model):
    """States and, for each, those that may follow. A state that nothing follows is an end."""

    name: str
    follows: Mapping[str, frozenset[str]]

    def allows(self, current: str, target: str) -> bool:
        """Whether `target` may follow `current`."""
        return target in self.follows[current]

    def walk(self, current: str, *path: str) -> None:
        """Raises `StateConflict` at the first step of `path` that may not be taken."""
        for target in path:
            if not self.allows(current, target):
                raise StateConflict(of=self.name, state=current, wanted=target)
            current = target


APP: Final = LifeCycle(
    name="app",
    follows={
        "registered": frozenset({"active", "retired"}),
        "active": frozenset({"suspended", "retiring"}),
        "suspended": frozenset({"active", "retiring"}),
        "retiring": frozenset({"retired"}),
        "retired": frozenset(),
    },
)

VERSION: Final = LifeCycle(
    name="version",
    follows={
        "draft": frozenset({"submitted"}),
        "submitted": frozenset({"checking"}),
        "checking": frozenset({"reviewing", "changes_requested"}),
        "reviewing": frozenset({"approved", "changes_requested", "rejected"}),
        "approved": frozenset(),
        "changes_requested": frozenset(),
        "rejected": frozenset(),
    },
)

RELEASE: Final = LifeCycle(
    name="release",
    follows={
        "internal": frozenset({"gray", "rolled_back", "halted"}),
        "gray": frozenset({"published", "rolled_back", "halted"}),
        "published": frozenset({"superseded", "rolled_back", "halted"}),
        "superseded": frozenset(),
        "rolled_back": frozenset(),
        "halted": frozenset(),
    },
)
