"""The catalogue of scenarios: data that ships with the program, or a city's own file. Tells all faults at once.

One catalogue is shared by all who ask, and changes as a whole (`editions` does that): who took a scenario out of it
keeps the one they took.
"""

import functools
import hashlib
from collections.abc import Iterable, Iterator
from importlib import resources
from typing import Any

import msgspec

from codes.scenarios.errors import CatalogueInvalid, ScenarioUnknown
from codes.scenarios.models import Catalogue, Scenario, faults_of, renumbered


class Scenarios:
    """Every scenario of the city, by number."""

    def __init__(self, scenarios: Iterable[Scenario], *, edition: int = 1) -> None:
        """Raises `CatalogueInvalid` when the scenarios contradict themselves or each other."""
        ordered = sorted(scenarios, key=lambda scenario: scenario.number)
        faults = faults_of(ordered)
        if faults:
            raise CatalogueInvalid(" ".join(faults))
        self._by_number = {scenario.number: scenario for scenario in ordered}
        self.edition = edition
        self.version = hashlib.sha256(msgspec.json.encode(ordered)).hexdigest()[:16]
        """Changes exactly when any scenario changes; the same in every worker."""

    def __iter__(self) -> Iterator[Scenario]:
        return iter(self._by_number.values())

    def __len__(self) -> int:
        return len(self._by_number)

    def adopt(self, other: "Scenarios") -> None:
        """From now on says what `other` says."""
        self._by_number = {scenario.number: scenario for scenario in other}
        self.edition, self.version = other.edition, other.version

    @property
    def slugs(self) -> dict[int, str]:
        """What each number means."""
        return {scenario.number: scenario.slug for scenario in self}

    def find(self, number: int) -> Scenario | None:
        """The scenario `number`, or None."""
        return self._by_number.get(number)

    def get(self, number: int) -> Scenario:
        """The scenario `number`; raises `ScenarioUnknown`."""
        scenario = self.find(number)
        if scenario is None:
            raise ScenarioUnknown(scenario=number)
        return scenario


def check_scenarios(text: bytes) -> Scenarios:
    """A city's own catalogue in `text`; raises `CatalogueInvalid`, also for a number that ships and is renamed."""
    scenarios = read_scenarios(text)
    if faults := renumbered(load_scenarios().slugs, scenarios.slugs):
        raise CatalogueInvalid(" ".join(faults))
    return scenarios


def load_scenarios() -> Scenarios:
    """The catalogue that ships, each time a new one: it may adopt another."""
    shipped = _shipped()
    return Scenarios(shipped, edition=shipped.edition)


@functools.cache
def _shipped() -> Scenarios:
    return read_scenarios((resources.files("codes.scenarios") / "scenarios.toml").read_bytes())


def read_scenarios(text: bytes) -> Scenarios:
    """The catalogue in `text` (TOML, UTF-8); raises `CatalogueInvalid`."""
    try:
        catalogue = msgspec.toml.decode(text, type=Catalogue)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CatalogueInvalid(str(error)) from None
    return Scenarios(catalogue.scenarios, edition=catalogue.edition)


@functools.cache
def catalogue_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a scenario file, for editors and other programs; the rules beyond it are ours."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | msgspec.json.schema(Catalogue)
