"""The table in docs/conformance.md says what the tests here show: no module more, none less."""

import re
from pathlib import Path

from tests.auth.conformance import test_basic_op, test_fapi2, test_logout
from tests.auth.conformance.modules import TESTS

TABLE = Path(__file__).parents[3] / "docs" / "conformance.md"


def rows() -> dict[str, str]:
    """Module and test of every row that names a test."""
    found = re.findall(r"^\| `([A-Za-z0-9_-]+)` \| `([a-z0-9_.]+)` \|", TABLE.read_text(), re.MULTILINE)
    return dict(found)


def test_the_table_names_every_test_and_every_test_is_there() -> None:
    assert rows() == TESTS


def test_every_named_test_exists() -> None:
    modules = {"test_basic_op": test_basic_op, "test_fapi2": test_fapi2, "test_logout": test_logout}
    for test in TESTS.values():
        place, _, name = test.partition(".")
        assert callable(getattr(modules[place], name)), test


def test_what_does_not_apply_says_why() -> None:
    reasons = re.findall(r"^\| `([A-Za-z0-9_-]+)` \| — \| does not apply: (.+) \|$", TABLE.read_text(), re.MULTILINE)
    assert reasons
    assert not {name for name, _ in reasons} & set(TESTS)
