"""The table of who may reach which route: reads `matrix.toml`, and proposes the line of a route that it lacks."""

import re
import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from litestar.handlers import HTTPRouteHandler

TABLE: Final = Path(__file__).parent / "matrix.toml"
PERSON, RESPONSIBLE, ORGANIZATION, OFFICIAL, SCANNER = "person", "responsible", "organization", "official", "scanner"
SIGNED_IN: Final = frozenset({PERSON, RESPONSIBLE, ORGANIZATION, OFFICIAL})
OPEN: Final = frozenset({"public", "client"})
KINDS: Final = SIGNED_IN | OPEN | {SCANNER}
WORD: Final = re.compile(r"([a-z]+)(?:\(([a-z_, ]+)\))?")
OF_GUARDS: Final = {
    "public": "public",
    "signed_in": "person organization official",
    "citizen": "person organization",
    "claimant": "person organization",
    "oneself": "person official",
    "person": "person",
    "organization_agent": "organization",
    "organization_agent_for": "organization",
    "scanner": "scanner",
    "known_scanner": "scanner",
}


@dataclass(frozen=True, kw_only=True)
class Access:
    """One line: whom a route lets in. The first kind owns what the route names."""

    kinds: tuple[str, ...]
    roles: tuple[str, ...] = ()
    shared: bool = False

    @property
    def owner(self) -> str:
        return self.kinds[0]

    @property
    def is_open(self) -> bool:
        """Whether anyone may call without a token of the city."""
        return not OPEN.isdisjoint(self.kinds)

    def welcomes(self, kind: str, roles: Collection[str]) -> bool:
        """Whether the guard lets such a caller pass."""
        if kind == OFFICIAL:
            return OFFICIAL in self.kinds and (not self.roles or not set(self.roles).isdisjoint(roles))
        return kind in self.kinds or (kind == PERSON and RESPONSIBLE in self.kinds)


def read_table() -> dict[str, Access]:
    """Every line; raises `ValueError` for one that is none."""
    lines = tomllib.loads(TABLE.read_text())
    return {route: read_line(route, line) for route, line in lines.items()}


def read_line(route: str, line: str) -> Access:
    kinds, roles, shared = [], (), False
    for word, inside in WORD.findall(line):
        shared = shared or word == "shared"
        if word != "shared":
            kinds.append(word)
        roles = tuple(role.strip() for role in inside.split(",")) if inside else roles
    if not kinds or not KINDS.issuperset(kinds) or WORD.sub("", line).strip():
        raise ValueError(f"{route}: {line}")
    return Access(kinds=tuple(kinds), roles=roles, shared=shared)


def line_of(route: str, handler: HTTPRouteHandler) -> str:
    """What the guards say, to be read before it is copied: they know neither `shared` nor who owns a thing."""
    said = [_words_of(guard) for guard in handler.resolve_guards()]
    return f'"{route}" = "{" ".join(words for words in said if words) or "?"}"'


def _words_of(guard: Any) -> str:
    function: Any = getattr(guard, "func", guard)
    name = function.__qualname__.partition(".")[0]
    if name != OFFICIAL:
        return OF_GUARDS.get(name, "")
    held = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    roles = held["roles"].cell_contents if "roles" in held else ()
    return f"official({', '.join(roles)})" if roles else OFFICIAL
