"""One battery against our provider and the certified `oidc-provider`: alike, or different for a documented reason."""

import re
from pathlib import Path

import pytest

from tests.interop.battery.everything import fields, observe
from tests.interop.city import APP_ID, Browser, City
from tests.interop.oracle import running_oracle
from tests.interop.party import Party, Registration

DOCUMENT = Path(__file__).parents[2] / "docs" / "conformance.md"
ROW = re.compile(r"^\| `(?P<probe>\w+)` \| (?P<ours>[^|]*) \| (?P<theirs>[^|]*) \| (?P<why>[^|]+) \|$", re.MULTILINE)
TOLD, NOT_TOLD = "told", "—"


@pytest.mark.timeout(180)
def test_differences_from_the_oracle_are_those_of_the_table(city: City, browser: Browser) -> None:
    us = Registration(client_id=APP_ID, key=city.key, redirect_uri=city.redirect_uri, bye_uri=city.bye_uri)
    with Party(city.issuer, us, browser) as party:
        ours, our_fields = observe(party), fields(party)
    with running_oracle(city.ear.address) as oracle:
        theirs, their_fields = observe(oracle), fields(oracle)
    seen = differences(ours, theirs) | differences(*told_by_one(our_fields, their_fields))
    explained = {row["probe"]: (row["ours"], row["theirs"]) for row in ROW.finditer(DOCUMENT.read_text())}
    assert seen == explained, "\n".join(f"| `{name}` | {a} | {b} | |" for name, (a, b) in seen.items())


def told_by_one(ours: dict[str, str], theirs: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Of a field that only one of them tells, its presence is enough."""
    return (
        {name: value if name in theirs else TOLD for name, value in ours.items()},
        {name: value if name in ours else TOLD for name, value in theirs.items()},
    )


def differences(ours: dict[str, str], theirs: dict[str, str]) -> dict[str, tuple[str, str]]:
    return {
        name: (ours.get(name, NOT_TOLD), theirs.get(name, NOT_TOLD))
        for name in ours | theirs
        if ours.get(name) != theirs.get(name)
    }
