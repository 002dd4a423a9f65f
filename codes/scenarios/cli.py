"""`suishen scenarios`: for who writes a city's scenario file. These commands ask no server and no database."""

import sys
from pathlib import Path

import click
import msgspec

from codes.scenarios.catalogue import Scenarios, catalogue_schema, check_scenarios, load_scenarios
from codes.scenarios.errors import CatalogueInvalid
from codes.scenarios.models import Scenario

EXAMPLES = """\b
suishen scenarios list                      what ships
suishen scenarios check our-scenarios.toml  what is wrong with a city's own file
suishen scenarios schema > schema.json      JSON Schema of such a file, for an editor
suishen scenarios in-use                    which ones have a verifier, a test and a recent ACCEPT
"""

ScenarioFile = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group(name="scenarios", epilog=EXAMPLES)
def scenarios() -> None:
    """The situations in which a code may be scanned."""


@scenarios.command("list")
@click.argument("file", type=ScenarioFile, required=False)
def list_scenarios(file: Path | None) -> None:
    """Show every scenario of FILE, by default those that ship: number, carriers, what it discloses, on which basis."""
    catalogue = _read(file)
    for scenario in catalogue:
        click.echo(_line_of(scenario))
    click.echo(f"Edition {catalogue.edition}, {len(catalogue)} scenarios.", err=True)


@scenarios.command()
@click.argument("file", type=ScenarioFile)
def check(file: Path) -> None:
    """Say what is wrong with FILE. Exits with 0 when a running city would take it, else with 1.

    Whether its edition is above the one in force, only the city itself can tell.
    """
    catalogue = _read(file)
    shipped = load_scenarios()
    click.echo(f"Good: edition {catalogue.edition}, {len(catalogue)} scenarios.")
    for scenario in catalogue:
        if (known := shipped.find(scenario.number)) is None or known != scenario:
            click.echo(f"  {'differs' if known else 'own'}: {scenario.number} {scenario.slug}")
    for scenario in shipped:
        if catalogue.find(scenario.number) is None:
            click.echo(f"  left out: {scenario.number} {scenario.slug}")


@scenarios.command()
def schema() -> None:
    """Print the JSON Schema (2020-12) of a scenario file."""
    click.echo(msgspec.json.format(msgspec.json.encode(catalogue_schema())))


def _read(file: Path | None) -> Scenarios:
    if file is None:
        return load_scenarios()
    try:
        return check_scenarios(file.read_bytes())
    except CatalogueInvalid as invalid:
        click.echo(f"{file}: {invalid}", err=True)
        sys.exit(1)


def _line_of(scenario: Scenario) -> str:
    marks = [
        mark
        for mark, stands in (
            ("asks each time", scenario.asks_each_time),
            ("operator", scenario.operator_required),
            ("high value", scenario.high_value),
        )
        if stands
    ]
    names = f"{scenario.number} {scenario.names.zh} {scenario.names.en}"
    disclosed = ", ".join(scenario.discloses) or "nothing"
    return f"{names} [{''.join(scenario.kinds)}]: {disclosed} ({'; '.join([scenario.basis_kind, *marks])})"
