"""The catalogue of scenarios, read once at start from data that ships with the program or from a city's own file.

Refuses to start with a file that breaks a rule, and tells all faults at once. Never changes while the program runs.
"""

import hashlib
from collections.abc import Iterable, Iterator
from importlib import resources
from pathlib import Path

import msgspec

from codes.scenarios.errors import CatalogueInvalid, ScenarioUnknown
from codes.scenarios.models import Catalogue, Scenario, faults_of


class Scenarios:
    """Every scenario of the city, by number."""

    def __init__(self, scenarios: Iterable[Scenario]) -> None:
        """Raises `CatalogueInvalid` when the scenarios contradict themselves or each other."""
        ordered = sorted(scenarios, key=lambda scenario: scenario.number)
        faults = faults_of(ordered)
        if faults:
            raise CatalogueInvalid(" ".join(faults))
        self._by_number = {scenario.number: scenario for scenario in ordered}
        self.version = hashlib.sha256(msgspec.json.encode(ordered)).hexdigest()[:16]
        """Changes exactly when any scenario changes; the same in every worker."""

    def __iter__(self) -> Iterator[Scenario]:
        return iter(self._by_number.values())

    def __len__(self) -> int:
        return len(self._by_number)

    def find(self, number: int) -> Scenario | None:
        """The scenario `number`, or None."""
        return self._by_number.get(number)

    def get(self, number: int) -> Scenario:
        """The scenario `number`; raises `ScenarioUnknown`."""
        scenario = self.find(number)
        if scenario is None:
            raise ScenarioUnknown(scenario=number)
        return scenario


def load_scenarios(path: Path | None = None) -> Scenarios:
    """The catalogue in `path`, by default the one that ships; raises `CatalogueInvalid`."""
    file = path or resources.files("codes.scenarios") / "scenarios.toml"
    return read_scenarios(file.read_bytes())


def read_scenarios(text: bytes) -> Scenarios:
    """The catalogue in `text` (TOML, UTF-8); raises `CatalogueInvalid`."""
    try:
        return Scenarios(msgspec.toml.decode(text, type=Catalogue).scenarios)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CatalogueInvalid(str(error)) from None
