"""The catalogue that ships keeps its promises, and a file that breaks one does not start the program."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codes.scenarios.catalogue import Scenarios, load_scenarios, read_scenarios
from codes.scenarios.errors import CatalogueInvalid, ScenarioUnknown
from codes.scenarios.models import Scenario

SHIPPED = load_scenarios()
LISTED = (
    *range(101, 108), *range(201, 206), *range(301, 307), *range(401, 407), *range(501, 507),
    *range(601, 609), *range(701, 708), *range(801, 806), 901, 902, 951, 952,
)  # fmt: skip
YES_OR_NO = (*range(101, 107), *range(401, 406), 604, 701, 705, 707)

LIBRARY = """
[[scenarios]]
number = 301
slug = "library-entry"
names = { zh = "图书馆入馆", en = "Library entry" }
kinds = ["P"]
purpose = { zh = "核验入馆资格", en = "Check the right to enter" }
basis_kind = "contract"
legal_basis = { zh = "约定", en = "Agreement" }
discloses = ["openid", "entitlements"]
min_identity_level = 1
freshness_seconds = 45
general_ok = true
high_value = false
stale_list = "open"
fallback = { zh = "请出示读者证。", en = "Show the reader's card." }
retention_days = 30
"""


def changed(**changes: Any) -> Scenario:
    facts = msgspec.to_builtins(SHIPPED.get(301)) | changes
    return msgspec.convert(facts, Scenario)


def test_every_listed_number_ships() -> None:
    assert [scenario.number for scenario in SHIPPED] == list(LISTED)
    assert len(SHIPPED) >= 50


@pytest.mark.parametrize("number", YES_OR_NO)
def test_a_yes_or_no_scenario_discloses_only_an_entitlement(number: int) -> None:
    assert SHIPPED.get(number).discloses == ("entitlements",)


@pytest.mark.parametrize("number", [*range(301, 307), 606])
def test_culture_and_tickets_never_disclose_a_name(number: int) -> None:
    assert {"display_name", "full_name", "id_number", "phone_tail"}.isdisjoint(SHIPPED.get(number).discloses)


def test_defaults_of_the_remaining_scenarios() -> None:
    assert SHIPPED.get(608).discloses == ("age_over_18",)
    assert SHIPPED.get(201).discloses == ("full_name", "id_number")
    assert SHIPPED.get(602).discloses == ("full_name", "phone_tail")
    assert "full_name" in SHIPPED.get(605).discloses
    assert "id_number" not in SHIPPED.get(601).discloses
    assert SHIPPED.get(951).discloses == SHIPPED.get(952).discloses == ()
    assert SHIPPED.get(804).sources == ("fire", "emergency", "work_safety")


def test_a_lawful_check_is_not_dressed_up_as_consent() -> None:
    assert {SHIPPED.get(number).basis_kind for number in (107, 201, 501, 601, *range(801, 806))} == {"statutory"}


def test_who_opens_a_code_without_context_is_never_named() -> None:
    assert all({"openid", "entitlements"}.issuperset(s.discloses) for s in SHIPPED if s.general_ok)


def test_get_unknown_number_names_the_error() -> None:
    with pytest.raises(ScenarioUnknown):
        SHIPPED.get(999)
    assert SHIPPED.find(0) is None


def test_version_is_the_same_for_the_same_scenarios_in_any_order() -> None:
    assert Scenarios(reversed(list(SHIPPED))).version == SHIPPED.version
    assert Scenarios([changed(retention_days=31)]).version != Scenarios([changed()]).version


@pytest.mark.parametrize("attribute", ["health", "health_colour", "travel_history", "credit_score", "birth_date", ""])
def test_read_attribute_that_must_not_exist_is_refused(attribute: str) -> None:
    with pytest.raises(CatalogueInvalid):
        read_scenarios(LIBRARY.replace('"entitlements"', f'"{attribute}"').encode())


@pytest.mark.parametrize("field", [line.partition(" ")[0] for line in LIBRARY.splitlines() if "=" in line])
def test_read_without_a_field_is_refused(field: str) -> None:
    text = "\n".join(line for line in LIBRARY.splitlines() if not line.startswith(f"{field} "))
    with pytest.raises(CatalogueInvalid, match=field):
        read_scenarios(text.encode())


@pytest.mark.parametrize(
    ("present", "instead"),
    [
        ("number = 301", "number = 0"),
        ("number = 301", 'number = "301"'),
        ('slug = "library-entry"', 'slug = "Library Entry"'),
        ('kinds = ["P"]', "kinds = []"),
        ('kinds = ["P"]', 'kinds = ["X"]'),
        ('kinds = ["P"]', 'kinds = ["P", "P"]'),
        ('kinds = ["P"]', 'kinds = ["P", "E"]'),
        ('kinds = ["P"]', 'kinds = ["E"]'),
        ('basis_kind = "contract"', 'basis_kind = "habit"'),
        ("min_identity_level = 1", "min_identity_level = 0"),
        ("freshness_seconds = 45", "freshness_seconds = 0"),
        ("freshness_seconds = 45", "freshness_seconds = 46"),
        ('stale_list = "open"', 'stale_list = "ajar"'),
        ("retention_days = 30", "retention_days = 0"),
        ("retention_days = 30", "retention_days = 4000"),
        ("retention_days = 30", 'retention_days = 30\nsources = ["fire"]'),
        ("retention_days = 30", "retention_days = 30\ncolour = true"),
        ('fallback = { zh = "请出示读者证。"', 'fallback = { zh = " "'),
        ('discloses = ["openid", "entitlements"]', 'discloses = ["openid", "full_name"]'),
        ('discloses = ["openid", "entitlements"]', 'discloses = ["openid", "openid"]'),
        ("general_ok = true", 'general_ok = "yes"'),
        ("[[scenarios]]", "[[scenario]]"),
    ],
)
def test_read_scenario_that_breaks_a_rule_is_refused(present: str, instead: str) -> None:
    assert present in LIBRARY
    with pytest.raises(CatalogueInvalid):
        read_scenarios(LIBRARY.replace(present, instead).encode())


def test_read_the_same_number_or_slug_twice_tells_both_faults() -> None:
    with pytest.raises(CatalogueInvalid, match=r"301 stands 2 times.*library-entry names 2 scenarios"):
        read_scenarios((LIBRARY * 2).encode())


def test_a_named_holder_must_be_real_named() -> None:
    with pytest.raises(CatalogueInvalid, match="real-named"):
        Scenarios([changed(discloses=["full_name"], general_ok=False)])


@given(st.binary(max_size=200))
def test_read_any_bytes_is_a_catalogue_or_refused_by_name(text: bytes) -> None:
    try:
        found = read_scenarios(text)
    except CatalogueInvalid:
        return
    assert isinstance(found, Scenarios)
