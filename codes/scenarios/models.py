"""A scenario: a registered situation of a scan, and everything a verdict needs to know about it. Pure facts and rules.

There is no attribute for health, colour, travel history or personal credit, and a scenario that names one is refused.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Annotated, Final, Literal, TypeAlias

import msgspec

from app.kit.structs import Model, Text

CodeKind: TypeAlias = Literal["P", "F", "L", "O", "E", "V", "I"]
Attribute: TypeAlias = Literal[
    "display_name",
    "full_name",
    "phone_tail",
    "id_number",
    "age_over_18",
    "identity_level",
    "openid",
    "entitlements",
    "organization_name",
    "credit_code",
]
BasisKind: TypeAlias = Literal["statutory", "contract", "consent"]
StaleList: TypeAlias = Literal["open", "closed"]

GENERAL: Final = 0
"""What a code says that was opened without context: entitlement only, accepted where a scenario is `general_ok`."""

PERSONAL_KINDS: Final = frozenset[CodeKind]({"P", "F", "L", "O"})
NAMING: Final = frozenset[Attribute]({"full_name", "id_number"})
REAL_NAME: Final = 2
NO_LONGER_LISTED: Final = Text(zh="已停用的场景", en="A scenario no longer in use")
"""What records say of a scenario that has left the catalogue since."""

Number = Annotated[int, msgspec.Meta(ge=101, le=999)]
Slug = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=40)]
SourceName = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z_]{1,30}$")]


class Scenario(Model, forbid_unknown_fields=True):
    """One situation of a scan. `discloses` is the most that may leave; a registration and a basis narrow it."""

    number: Number
    slug: Slug
    names: Text
    kinds: Annotated[tuple[CodeKind, ...], msgspec.Meta(min_length=1)]
    purpose: Text
    basis_kind: BasisKind
    legal_basis: Text
    discloses: tuple[Attribute, ...]
    min_identity_level: Annotated[int, msgspec.Meta(ge=1, le=3)]
    freshness_seconds: Annotated[int, msgspec.Meta(ge=0, le=45)]
    """How old a presentation may be, online; 0 where the code carries no fresh signature."""
    general_ok: bool
    high_value: bool
    stale_list: StaleList
    """What an old trust or status list means here: the door stays open, or closes."""
    fallback: Text
    """The other way, for whoever shows no code. There always is one."""
    retention_days: Annotated[int, msgspec.Meta(ge=1, le=1095)]
    sources: tuple[SourceName, ...] = ()
    """Whom an enterprise check asks in this scenario."""


class Catalogue(Model, forbid_unknown_fields=True):
    """The file of scenarios as it stands."""

    scenarios: tuple[Scenario, ...]


def faults_of(scenarios: Sequence[Scenario]) -> list[str]:
    """Everything that contradicts itself, one sentence each; empty when the catalogue holds together."""
    faults = [f"{number} stands {times} times." for number, times in _repeated([s.number for s in scenarios])]
    faults += [f"{slug} names {times} scenarios." for slug, times in _repeated([s.slug for s in scenarios])]
    faults += [f"{scenario.number}: {fault}" for scenario in scenarios for fault in _faults(scenario)]
    return faults


def _repeated(values: Sequence[int | str]) -> list[tuple[int | str, int]]:
    return [(value, times) for value, times in Counter(values).items() if times > 1]


def _faults(scenario: Scenario) -> Iterator[str]:
    personal = PERSONAL_KINDS.issuperset(scenario.kinds)
    if not personal and not PERSONAL_KINDS.isdisjoint(scenario.kinds):
        yield "a personal code and a sticker cannot serve the same scenario."
    if personal == (scenario.freshness_seconds == 0):
        yield "personal codes have a freshness, stickers and officers' codes have none."
    if scenario.general_ok and not {"openid", "entitlements"}.issuperset(scenario.discloses):
        yield "a code without context may only answer about an entitlement."
    if not NAMING.isdisjoint(scenario.discloses) and scenario.min_identity_level < REAL_NAME:
        yield "a name or a document asks for a real-named holder."
    if scenario.sources and scenario.kinds != ("E",):
        yield "only enterprise checks ask sources."
    if len(set(scenario.discloses)) != len(scenario.discloses) or len(set(scenario.kinds)) != len(scenario.kinds):
        yield "a kind or an attribute stands twice."
    for name in ("names", "purpose", "legal_basis", "fallback"):
        text: Text = getattr(scenario, name)
        if not text.zh.strip() or not text.en.strip():
            yield f"{name} is empty in one language."
