"""The decision as a table: who may call what, and with which scopes."""

from typing import Any

import pytest

from app.kit.errors import StepUpRequired, SuishenError, Unauthenticated
from app.kit.ids import new_id
from auth.errors import IdentityLevelTooLow, PhoneAloneNotEnough, WrongSubject
from auth.principal import Principal
from gateway import errors
from gateway.policy import ConsentGiven, Decision, consent_scopes, decide
from gateway.routing import Match, find_route, parse_target
from tests.gateway.conftest import a_principal, consent_to
from tests.gateway.publications import LIBRARY, a_snapshot, published

SNAPSHOT = a_snapshot()
CONTACT, HOBBY = consent_to("phone_tail", "id_number"), consent_to()


def match_of(method: str, path: str, **changes: Any) -> Match:
    target = parse_target(f"/apps/{LIBRARY}{path}")
    assert target is not None
    match = find_route(a_snapshot(published(**changes)) if changes else SNAPSHOT, method, target)
    assert isinstance(match, Match)
    return match


@pytest.mark.parametrize(
    ("method", "path", "principal", "error"),
    [
        ("GET", "/loans", None, Unauthenticated),
        ("GET", "/profile", None, Unauthenticated),
        ("GET", "/loans/overdue", a_principal(ial=1), IdentityLevelTooLow),
        ("PUT", "/loans/7/renewal", a_principal(aal=1), StepUpRequired),
        ("PUT", "/loans/7/renewal", a_principal(ial=0, aal=2), IdentityLevelTooLow),
        ("GET", "/loans", a_principal(subject_type="official"), WrongSubject),
        ("GET", "/profile", a_principal(), errors.BasisMissing),
        ("GET", "/loans", a_principal(ial=1, unproven=True), PhoneAloneNotEnough),
        ("GET", "/loans/overdue", a_principal(ial=1, unproven=True), PhoneAloneNotEnough),
    ],
)
def test_decide_refuses(method: str, path: str, principal: Principal | None, error: type[SuishenError]) -> None:
    assert isinstance(decide(match_of(method, path), principal, {}), error)


@pytest.mark.parametrize(
    ("audience", "principal", "error"),
    [
        (["person"], None, Unauthenticated),
        (["person"], a_principal(subject_type="organization", agent_id=new_id()), WrongSubject),
        (["organization"], a_principal(), WrongSubject),
        (["staff"], a_principal(), WrongSubject),
        (["staff"], None, Unauthenticated),
    ],
)
def test_decide_refuses_another_audience(
    audience: list[str], principal: Principal | None, error: type[SuishenError]
) -> None:
    assert isinstance(decide(match_of("GET", "/books", audience=audience), principal, {}), error)


@pytest.mark.parametrize(
    ("method", "path", "principal"),
    [
        ("GET", "/books", None),
        ("GET", "/books", a_principal(ial=1)),
        ("GET", "/books", a_principal(subject_type="official")),
        ("GET", "/loans", a_principal(ial=1)),
        ("GET", "/loans", a_principal(subject_type="organization", agent_id=new_id())),
        ("GET", "/loans/overdue", a_principal(ial=2)),
        ("PUT", "/loans/7/renewal", a_principal(ial=1, aal=2)),
    ],
)
def test_decide_allows(method: str, path: str, principal: Principal | None) -> None:
    decision = decide(match_of(method, path), principal, {})
    assert isinstance(decision, Decision)
    assert (decision.principal, decision.granted) == (principal, ())


@pytest.mark.parametrize(
    ("consents", "granted"),
    [
        ({"contact": CONTACT}, {"reader": ("display_name",), "contact": ("phone_tail",)}),
        (
            {"contact": CONTACT, "hobby": HOBBY},
            {"reader": ("display_name",), "contact": ("phone_tail",), "hobby": ()},
        ),
        (
            {"contact": CONTACT, "reader": HOBBY, "other": HOBBY},
            {"reader": ("display_name",), "contact": ("phone_tail",)},
        ),
    ],
)
def test_decide_grants_what_has_a_basis_and_no_more(
    consents: dict[str, ConsentGiven], granted: dict[str, tuple[str, ...]]
) -> None:
    decision = decide(match_of("GET", "/profile"), a_principal(), {**consents})
    assert isinstance(decision, Decision)
    assert {grant.scope.name: grant.fields for grant in decision.granted} == granted
    assert [grant.consent_id for grant in decision.granted[:2]] == [None, CONTACT.id]


@pytest.mark.parametrize("consents", [{}, {"hobby": HOBBY}, {"reader": HOBBY}])
def test_decide_refuses_without_a_required_consent(consents: dict[str, ConsentGiven]) -> None:
    refusal = decide(match_of("GET", "/profile"), a_principal(), consents)
    assert isinstance(refusal, errors.BasisMissing)
    assert refusal.extensions["scope"] == "contact"


def test_consent_scopes_names_only_those_that_need_consent() -> None:
    assert set(consent_scopes(match_of("GET", "/profile"))) == {"contact", "hobby"}
    assert not consent_scopes(match_of("GET", "/card"))
