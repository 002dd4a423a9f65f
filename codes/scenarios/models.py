"""A scenario: a registered situation of a scan, and everything a verdict needs to know about it. Pure facts and rules.

There is no attribute for health, colour, travel history or personal credit, and a scenario that names one is refused.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
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
VERSION_DIGITS: Final = 16
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
    asks_each_time: bool = False
    """Sensitive: the phone says what will be disclosed at every showing, not only the first."""
    operator_required: bool = False
    """A person at the device answers for the scan, and has signed on to it by name."""
    form_ticket: bool = False
    """A counter: a scan for an item of business brings a ticket for prefilled fields."""

    @property
    def disclosure_version(self) -> str:
        """Changes exactly when what the holder is told before choosing this scenario changes."""
        told = (self.names, self.purpose, self.basis_kind, self.legal_basis, self.fallback)
        facts = msgspec.json.encode((told, sorted(self.discloses), self.retention_days, self.asks_each_time))
        return hashlib.sha256(facts).hexdigest()[:VERSION_DIGITS]


class Catalogue(Model, forbid_unknown_fields=True):
    """The file of scenarios as it stands. `edition` rises with every change, so that nobody goes back to an old one."""

    scenarios: tuple[Scenario, ...]
    edition: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)] = 1


def faults_of(scenarios: Sequence[Scenario]) -> list[str]:
    """Everything that contradicts itself, one sentence each; empty when the catalogue holds together."""
    faults = [f"{number} stands {times} times." for number, times in _repeated([s.number for s in scenarios])]
    faults += [f"{slug} names {times} scenarios." for slug, times in _repeated([s.slug for s in scenarios])]
    faults += [f"{scenario.number}: {fault}" for scenario in scenarios for fault in _faults(scenario)]
    return faults


def renumbered(before: Mapping[int, str], after: Mapping[int, str]) -> list[str]:
    """Numbers that would mean something else than they did, one sentence each: numbers are stable once shipped."""
    changed = sorted(number for number in before.keys() & after.keys() if before[number] != after[number])
    return [f"{number} was {before[number]} and cannot become {after[number]}." for number in changed]


def must_be_shown(scenario: Scenario, shown_version: str | None) -> bool:
    """Whether a phone says what will be disclosed before it opens a code for `scenario`: choosing is the consent act.

    `shown_version` is the `disclosure_version` that this holder was shown last, None for a first time.
    """
    return scenario.asks_each_time or shown_version != scenario.disclosure_version


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
    yield from _faults_of_choice(scenario)
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


def _faults_of_choice(scenario: Scenario) -> Iterator[str]:
    """Choosing the scenario on the phone is the consent: what chooses nothing cannot carry it."""
    if scenario.general_ok and (scenario.basis_kind == "consent" or scenario.asks_each_time):
        yield "a code without context chose nothing, so nothing may rest on its holder's choice."
    if "L" in scenario.kinds and scenario.basis_kind == "consent":
        yield "paper chooses nothing, so nothing may rest on its holder's consent."
