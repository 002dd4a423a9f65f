"""The rules by themselves: nobody passes on more than they have, nor what is nobody's to pass on."""

from datetime import UTC, datetime, timedelta
from typing import Any, get_args
from uuid import UUID

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from app.kit.ids import new_id
from auth.mandates.models import Mandate, MandateKind, Scope
from auth.mandates.rules import (
    DEEPEST,
    LONGEST,
    NEVER_DELEGATED,
    PARENTS,
    Act,
    ActKind,
    Terms,
    Why,
    covers,
    is_within,
    judge,
    narrow,
    root,
)
from auth.mandates.scopes import may_do_item, scopes_of

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
KINDS: tuple[MandateKind, ...] = get_args(MandateKind)

ITEMS, SCENARIOS, APPS = ("card", "permit", "tax"), (301, 501, 602), ("library", "hotline")


def some(names: Any) -> st.SearchStrategy[Any]:
    return st.none() | st.lists(st.sampled_from(names), unique=True).map(tuple)


scopes = st.builds(Scope, items=some(ITEMS), scenarios=some(SCENARIOS), apps=some(APPS))
acts = st.builds(
    Act,
    kind=st.sampled_from(get_args(ActKind)),
    item=st.none() | st.sampled_from(ITEMS),
    scenario=st.none() | st.sampled_from(SCENARIOS),
    app=st.none() | st.sampled_from(APPS),
)
ends = st.none() | st.integers(-10, 400).map(lambda days: NOON + timedelta(days=days))


def a_mandate(kind: MandateKind = "agent", **facts: Any) -> Mandate:
    defaults: dict[str, Any] = {
        "id": new_id(),
        "principal_type": "organization" if kind in {"responsible_person", "administrator", "agent"} else "person",
        "principal_id": UUID(int=1),
        "agent_id": UUID(int=2),
        "kind": kind,
        "role": "",
        "proof": "agreement",
        "starts_at": NOON - timedelta(days=1),
    }
    return Mandate(**(defaults | facts))


mandates = st.builds(
    lambda kind, scope, ends_at, depth, may_delegate, stops: a_mandate(
        kind,
        items=scope.items,
        scenarios=scope.scenarios,
        apps=scope.apps,
        ends_at=ends_at,
        depth=depth,
        may_delegate=may_delegate,
        stops=stops,
    ),
    st.sampled_from(KINDS),
    scopes,
    ends,
    st.integers(1, DEEPEST),
    st.booleans(),
    st.sampled_from([(), ("custody_dispute",)]),
)
terms = st.builds(
    Terms, kind=st.sampled_from(KINDS), scope=scopes, starts_at=st.just(NOON), ends_at=ends, may_delegate=st.booleans()
)


@st.composite
def passed_on(draw: st.DrawFn) -> tuple[Mandate, Terms]:
    """What may be passed on, and what is asked of it: drawn freely, hardly anything would ever be given."""
    kind = draw(st.sampled_from(sorted(PARENTS)))
    scope, begins, ends = draw(scopes), draw(st.sampled_from([-2, -1, 0, 1])), draw(st.sampled_from([None, 2, 4]))
    parent = a_mandate(
        draw(st.sampled_from(sorted(PARENTS[kind]))),
        items=scope.items,
        scenarios=scope.scenarios,
        apps=scope.apps,
        starts_at=NOON + timedelta(days=begins),
        ends_at=None if ends is None else NOON + timedelta(days=ends),
        depth=draw(st.integers(1, DEEPEST - 1)),
        may_delegate=True,
    )
    wanted, lasts = draw(st.just(scope) | scopes), draw(st.sampled_from([1, 2, 4, 6]))
    return parent, Terms(kind=kind, scope=wanted, starts_at=NOON, ends_at=NOON + timedelta(days=lasts))


done = st.builds(
    Act,
    kind=st.sampled_from(["call_app", "run_organization", "speak"]),
    item=st.none() | st.sampled_from(ITEMS),
    app=st.sampled_from(APPS),
)


@given(both=passed_on(), act=done, later=st.integers(0, 6))
def test_what_a_child_may_its_parent_may(both: tuple[Mandate, Terms], act: Act, later: int) -> None:
    """At every moment, for every act: narrowing never widens. Only the kind decides who shows codes and consents."""
    parent, wanted = both
    assume(narrow(parent, wanted) is None)
    assert parent.may_delegate
    assert parent.depth < DEEPEST
    assert parent.kind in PARENTS[wanted.kind]
    child = replace(
        a_mandate(wanted.kind, starts_at=NOON, ends_at=wanted.ends_at, depth=parent.depth + 1, parent_id=parent.id),
        items=wanted.scope.items,
        scenarios=wanted.scope.scenarios,
        apps=wanted.scope.apps,
        may_delegate=wanted.may_delegate,
    )
    now = NOON + timedelta(days=later)
    if judge(child, act, now) is None and act.kind != "show_code":
        assert judge(replace(parent, stops=()), act, now) is None


@pytest.mark.parametrize(
    ("parent", "wanted", "why"),
    [
        ({"starts_at": NOON + timedelta(seconds=1)}, {}, Why.TOO_LONG),
        ({"ends_at": NOON + timedelta(days=1)}, {"ends_at": NOON + timedelta(days=1, seconds=1)}, Why.TOO_LONG),
        ({"ends_at": NOON + timedelta(days=1)}, {"ends_at": None}, Why.TOO_LONG),
        ({"depth": DEEPEST}, {}, Why.TOO_DEEP),
        ({"depth": DEEPEST - 1}, {"may_delegate": True}, Why.TOO_DEEP),
        ({"items": ("card",)}, {}, Why.TOO_WIDE),
        ({"may_delegate": False}, {}, Why.NOT_PASSED_ON),
        ({}, {"kind": "administrator"}, Why.NOT_PASSED_ON),
        ({}, {}, None),
    ],
)
def test_what_is_passed_on_stays_within(parent: dict[str, Any], wanted: dict[str, Any], why: Why | None) -> None:
    usual: dict[str, Any] = {"kind": "agent", "scope": Scope(), "starts_at": NOON, "ends_at": None}
    assert narrow(a_mandate(**({"may_delegate": True} | parent)), Terms(**(usual | wanted))) is why


@example(scope=Scope(items=(), scenarios=(301,)), outer=Scope(items=()), act=Act(kind="show_code", scenario=301))
@given(scope=scopes, outer=scopes, act=acts)
def test_a_part_covers_no_more_than_the_whole(scope: Scope, outer: Scope, act: Act) -> None:
    if is_within(scope, outer) and covers(scope, act):
        assert covers(outer, act)


@given(mandate=mandates, act=acts)
def test_nothing_is_done_by_what_is_stopped_over_or_ended(mandate: Mandate, act: Act) -> None:
    over = replace(mandate, stops=(), ends_at=NOON)
    ended = replace(mandate, stops=(), ends_at=None, revoked_at=NOON - timedelta(hours=1), revoked_reason="revoked")
    early = replace(mandate, stops=(), ends_at=None, starts_at=NOON + timedelta(seconds=1))
    assert [judge(one, act, NOON) for one in (over, ended, early)] == [Why.ENDED] * 3
    assert judge(replace(mandate, stops=("custody_dispute",)), act, NOON) is Why.STOPPED


@given(mandate=mandates, kind=st.sampled_from(sorted(NEVER_DELEGATED)))
def test_consent_credentials_mandates_and_deletion_are_nobody_else_s(mandate: Mandate, kind: Any) -> None:
    """Mandates excepted where passing on was given; a guardian's consent for a child under 14 has its own test."""
    if judge(mandate, Act(kind=kind), NOON) is None:
        assert kind == "mandate"
        assert mandate.may_delegate


def test_a_guardian_consents_until_fourteen_and_nobody_else_does() -> None:
    birthday = NOON + timedelta(days=1)
    guardian = a_mandate("guardian", ends_at=NOON + timedelta(days=2000), own_word_from=birthday)
    consent = Act(kind="consent")
    assert judge(guardian, consent, NOON) is None
    assert judge(guardian, consent, birthday) is Why.NEVER_DELEGATED
    for kind in set(KINDS) - {"guardian"}:
        assert judge(a_mandate(kind, own_word_from=birthday), consent, NOON) is Why.NEVER_DELEGATED


@given(wanted=terms)
def test_helpers_name_items_and_nothing_given_lasts_for_ever(wanted: Terms) -> None:
    if root(wanted) is not None:
        return
    if wanted.kind in LONGEST:
        assert wanted.ends_at is not None
        assert wanted.ends_at - wanted.starts_at <= LONGEST[wanted.kind]
    if wanted.kind == "volunteer":
        assert len(wanted.scope.items or ()) == 1
        assert not wanted.may_delegate


@pytest.mark.parametrize(
    ("scope", "act", "covered"),
    [
        (Scope(), Act(kind="call_app", app="library"), True),
        (Scope(apps=()), Act(kind="call_app", app="library"), False),
        (Scope(apps=("library",)), Act(kind="call_app", app="hotline"), False),
        (Scope(items=("card",)), Act(kind="call_app", app="library"), False),  # for which item, nobody says
        (Scope(items=("card",)), Act(kind="call_app", app="library", item="card"), True),
        (Scope(items=("card",), apps=("library",)), Act(kind="call_app", app="library"), True),
        (Scope(items=("card",), apps=("library",)), Act(kind="call_app", app="library", item="tax"), False),
        (Scope(), Act(kind="call_app"), False),
        (Scope(scenarios=(301,)), Act(kind="show_code"), True),  # a batch is fetched before anybody knows where
        (Scope(scenarios=(301,)), Act(kind="show_code", scenario=501), False),
        (Scope(scenarios=()), Act(kind="show_code"), False),
        (Scope(items=("card",)), Act(kind="show_code", scenario=301), False),
        (Scope(items=("card",)), Act(kind="run_organization"), False),
        (Scope(items=("card",)), Act(kind="run_organization", item="card"), True),
    ],
)
def test_scope(scope: Scope, act: Act, *, covered: bool) -> None:
    assert covers(scope, act) is covered


@given(scope=scopes, item=st.sampled_from(ITEMS))
def test_a_token_says_what_the_mandate_says(scope: Scope, item: str) -> None:
    said = scopes_of("organization", scope)
    assert may_do_item(said, item) is (scope.items is None or item in scope.items)
    assert not may_do_item({"organization"}, item)
