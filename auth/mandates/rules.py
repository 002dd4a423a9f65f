"""The rules of mandates: what an agent may do, and what may be passed on. Pure functions of their input, no I/O.

One engine for all kinds: identity, codes and the gateway ask the same `judge`. What is not allowed here is refused.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Literal, TypeAlias, TypeVar

from app.kit.structs import Model
from auth.mandates.models import GUARDIAN_KINDS, Mandate, MandateKind, Scope

ActKind: TypeAlias = Literal[
    "show_code", "call_app", "run_organization", "speak", "consent", "credential", "mandate", "deletion"
]

DEEPEST: Final = 3
NEVER_DELEGATED: Final[frozenset[ActKind]] = frozenset({"consent", "credential", "mandate", "deletion"})
SHOWS_CODES: Final[frozenset[MandateKind]] = frozenset({"guardian", "adult_guardian", "family", "proxy"})
"""Helpers and volunteers stand beside the citizen, who shows the code; an organization has codes of its own."""
PARENTS: Final[dict[MandateKind, frozenset[MandateKind]]] = {
    "administrator": frozenset({"responsible_person"}),
    "agent": frozenset({"responsible_person", "administrator", "agent"}),
    "proxy": frozenset({"adult_guardian", "family", "proxy"}),
}
"""Under which mandates one may be given. What is not here is given by the principal, a registry or a counter."""
LONGEST: Final[dict[MandateKind, timedelta]] = {
    "assisted": timedelta(hours=12),
    "volunteer": timedelta(hours=2),
    "proxy": timedelta(days=366),
    "family": timedelta(days=3 * 366),
    "adult_guardian": timedelta(days=5 * 366),
}
"""How long one may last that is given to a person for a person; who wants longer says so again."""
NAMES_ITEMS: Final[dict[MandateKind, range]] = {"assisted": range(1, 6), "volunteer": range(1, 2)}
"""How many items of business it names, where it must name any."""

T = TypeVar("T")


class Act(Model):
    """What somebody wants to do for another: in which item, scenario or mini-app, where that is known."""

    kind: ActKind
    item: str | None = None
    scenario: int | None = None
    app: str | None = None


class Why(StrEnum):
    """Why a mandate does not allow an act, or may not be given."""

    NONE = "no-mandate"
    ENDED = "mandate-ended"
    STOPPED = "mandate-stopped"
    NEVER_DELEGATED = "never-delegated"
    OUT_OF_SCOPE = "mandate-scope"
    OWN_CONSENT = "own-consent-missing"
    CONFIRMATION = "confirmation-needed"
    DECLINED = "declined"
    NOT_PASSED_ON = "not-passed-on"
    TOO_DEEP = "too-deep"
    TOO_WIDE = "wider-than-its-parent"
    TOO_LONG = "lasts-too-long"
    NEEDS_ITEMS = "items-not-named"
    OF_ONESELF = "of-oneself"
    NOT_SPONSORED = "not-sponsored"
    AGE = "age"
    BY_REGISTRY = "by-registry"
    UNDER_GUARDIANSHIP = "under-guardianship"


class Terms(Model):
    """What a new mandate would be."""

    kind: MandateKind
    scope: Scope
    starts_at: datetime
    ends_at: datetime | None
    may_delegate: bool = False


def judge(mandate: Mandate, act: Act, now: datetime) -> Why | None:
    """Why this mandate does not allow `act` at `now`, or None when it does. Its parents live as long as it does."""
    if mandate.stops:
        return Why.STOPPED
    if not mandate.lives(now):
        return Why.ENDED
    if act.kind in NEVER_DELEGATED:
        return None if _is_delegated_after_all(mandate, act, now) else Why.NEVER_DELEGATED
    if not covers(mandate.scope, act) or (act.kind == "show_code" and mandate.kind not in SHOWS_CODES):
        return Why.OUT_OF_SCOPE
    return _own_word(mandate, act, now)


def covers(scope: Scope, act: Act) -> bool:
    """Whether the act is in the part that `scope` names.

    A mini-app that is called, or a scan, must be named itself, or be for a named item, as soon as either is limited.
    """
    if not (_allows(scope.items, act.item) and _allows(scope.scenarios, act.scenario) and _allows(scope.apps, act.app)):
        return False
    if act.kind == "run_organization":
        return scope.items is None or act.item is not None
    if act.kind == "call_app":
        return act.app is not None and (scope.items is None or _is_named(scope.apps, act.app) or act.item is not None)
    if act.kind == "show_code" and act.scenario is not None:
        return scope.items is None or _is_named(scope.scenarios, act.scenario) or act.item is not None
    return act.kind != "show_code" or scope.scenarios is None or len(scope.scenarios) > 0


def narrow(parent: Mandate, terms: Terms) -> Why | None:
    """Why `terms` may not be given under `parent`, or None. A child never says more than its parent, nor for longer."""
    if parent.kind not in PARENTS.get(terms.kind, frozenset()) or not parent.may_delegate:
        return Why.NOT_PASSED_ON
    if parent.depth >= DEEPEST or (terms.may_delegate and parent.depth + 1 >= DEEPEST):
        return Why.TOO_DEEP
    if not is_within(terms.scope, parent.scope):
        return Why.TOO_WIDE
    if terms.starts_at < parent.starts_at or _ends_after(terms.ends_at, parent.ends_at):
        return Why.TOO_LONG
    return root(terms)


def root(terms: Terms) -> Why | None:
    """Why `terms` may not be given by anybody at all, or None."""
    longest = LONGEST.get(terms.kind)
    if terms.ends_at is not None and terms.ends_at <= terms.starts_at:
        return Why.ENDED
    if longest is not None and (terms.ends_at is None or terms.ends_at - terms.starts_at > longest):
        return Why.TOO_LONG
    named = NAMES_ITEMS.get(terms.kind)
    if named is not None and len(terms.scope.items or ()) not in named:
        return Why.NEEDS_ITEMS
    if named is not None and terms.may_delegate:
        return Why.NOT_PASSED_ON
    return None


def is_within(scope: Scope, outer: Scope) -> bool:
    """Whether `scope` says nothing that `outer` does not say."""
    return (
        _within(scope.items, outer.items)
        and _named_within(scope.scenarios, outer.scenarios, outer.items)
        and _named_within(scope.apps, outer.apps, outer.items)
    )


def keeps_no_document(kind: MandateKind) -> bool:
    """Whether the agent never sees what stands on a document: volunteers do not (nor do their screens)."""
    return kind == "volunteer"


def needs_confirmation(kind: MandateKind) -> bool:
    """Whether the citizen stands beside the agent and confirms each act (帮办)."""
    return kind == "assisted"


def _is_delegated_after_all(mandate: Mandate, act: Act, now: datetime) -> bool:
    """A guardian consents for a child under 14; a mandate is given under one that may be passed on."""
    if act.kind == "mandate":
        return mandate.may_delegate and mandate.depth < DEEPEST
    under_age = mandate.kind == "guardian" and mandate.own_word_from is not None and now < mandate.own_word_from
    return act.kind == "consent" and under_age


def _own_word(mandate: Mandate, act: Act, now: datetime) -> Why | None:
    """From the fourteenth birthday on a child's no ends all of it, and what is more than a code needs a yes."""
    if mandate.kind not in GUARDIAN_KINDS or mandate.own_word_from is None or now < mandate.own_word_from:
        return None
    if mandate.own_word == "refused" or (mandate.own_word is None and act.kind != "show_code"):
        return Why.OWN_CONSENT
    return None


def _allows(named: Sequence[T] | None, one: T | None) -> bool:
    return named is None or one is None or one in named


def _is_named(named: Sequence[T] | None, one: T) -> bool:
    return named is not None and one in named


def _within(named: Sequence[T] | None, outer: Sequence[T] | None) -> bool:
    return outer is None or (named is not None and set(named) <= set(outer))


def _named_within(named: Sequence[T] | None, outer: Sequence[T] | None, items: Sequence[str] | None) -> bool:
    """What is named counts without an item: where the outer one is for named items alone, nothing else may be named."""
    if outer is None and items is not None:
        return not named
    return _within(named, outer)


def _ends_after(end: datetime | None, outer: datetime | None) -> bool:
    return outer is not None and (end is None or end > outer)
