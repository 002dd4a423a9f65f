"""Which scenarios are in use: only those with a registered verifier, an end-to-end test, and an ACCEPT in 30 days.

For an operator to read now and then: it goes over the scans of a month, and is asked by no request.
"""

import functools
from collections.abc import Mapping
from datetime import datetime, timedelta
from importlib import resources
from typing import Final

import msgspec

from app.kit.database import Connection
from app.kit.structs import Model
from codes.scenarios.catalogue import Scenarios

RECENT: Final = timedelta(days=30)


class ScenarioUse(Model):
    """The three conditions of one scenario. `verifiers` are active devices and officers with an open task."""

    number: int
    slug: str
    verifiers: int
    tested_by: str | None
    last_accepted_at: datetime | None

    @property
    def in_use(self) -> bool:
        """Whether all three hold."""
        return bool(self.verifiers) and self.tested_by is not None and self.last_accepted_at is not None

    @property
    def line(self) -> str:
        """For a terminal."""
        accepted = "-" if self.last_accepted_at is None else f"{self.last_accepted_at:%Y-%m-%d}"
        tested = "tested" if self.tested_by else "no test"
        mark = "in use" if self.in_use else "-"
        return f"{self.number} {self.slug:<28} {mark:<6}  verifiers {self.verifiers:>5}  {tested:<7}  ACCEPT {accepted}"


class EndToEndTests(Model, forbid_unknown_fields=True):
    """The file of end-to-end tests: the name of each, and the scenarios that it plays."""

    tests: dict[str, list[int]]


@functools.cache
def end_to_end_tests() -> Mapping[int, str]:
    """Which test plays a scenario from the showing to the verdict, by number; a test holds the file in step."""
    text = (resources.files("codes.scenarios") / "end_to_end.toml").read_bytes()
    file = msgspec.toml.decode(text, type=EndToEndTests)
    return {number: name for name, numbers in file.tests.items() for number in numbers}


COUNT_VERIFIERS = """
select scenario, count(*) as verifiers
  from (select unnest(scenarios) as scenario from codes.scanner where state = 'active'
        union all
        select scenario from codes.inspection where state = 'active' and ends_at > $1) v
 group by scenario
"""

FIND_LAST_ACCEPTED = """
select scenario, max(at) as at
  from (select scenario, verified_at as at from codes.verification where iat > $1 and verdict = 'ACCEPT'
        union all
        select scenario, checked_at from codes.enterprise_check where checked_at > $1 and state = 'answered') a
 group by scenario
"""


async def list_uses(connection: Connection, scenarios: Scenarios, now: datetime) -> list[ScenarioUse]:
    """Every scenario of the catalogue, in the order of the numbers."""
    verifiers = {row["scenario"]: row["verifiers"] for row in await connection.fetch(COUNT_VERIFIERS, now)}
    accepted = {row["scenario"]: row["at"] for row in await connection.fetch(FIND_LAST_ACCEPTED, now - RECENT)}
    tested = end_to_end_tests()
    return [
        ScenarioUse(
            number=scenario.number,
            slug=scenario.slug,
            verifiers=verifiers.get(scenario.number, 0),
            tested_by=tested.get(scenario.number),
            last_accepted_at=accepted.get(scenario.number),
        )
        for scenario in scenarios
    ]
