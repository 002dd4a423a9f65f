"""`suishen scenarios`: what who writes a city's file sees."""

import json
from pathlib import Path

import jsonschema_rs
import pytest
from click.testing import CliRunner, Result

from codes.scenarios.catalogue import load_scenarios
from codes.scenarios.cli import scenarios
from tests.codes.scenarios.test_editions import BAD, renamed, text_of

RELATIVE = {"the same edition", "a lower edition", "an own number renamed"}  # only a running city knows


def run(*arguments: str) -> Result:
    return CliRunner().invoke(scenarios, arguments)


def test_list_shows_every_scenario_that_ships() -> None:
    result = run("list")
    assert result.exit_code == 0
    assert all(f"{scenario.number} {scenario.names.zh}" in result.output for scenario in load_scenarios())
    assert "asks each time" in result.output


def test_check_says_what_is_the_citys_own(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_bytes(text_of(7, renamed(399, "reading-room"), retention_days=8))
    result = run("check", str(file))
    assert result.exit_code == 0
    assert "edition 7, 2 scenarios" in result.output
    assert "own: 399 reading-room" in result.output
    assert "differs: 301 library-entry" in result.output
    assert "left out: 601 hotel" in result.output
    assert run("list", str(file)).output.count("[") == 2


@pytest.mark.parametrize("name", sorted(set(BAD) - RELATIVE))
def test_check_refuses_a_bad_file_and_says_why(tmp_path: Path, name: str) -> None:
    file = tmp_path / "bad.toml"
    file.write_bytes(BAD[name])
    for command in ("check", "list"):
        result = run(command, str(file))
        if name == "too much":
            continue
        assert result.exit_code == 1
        assert str(file) in result.output


def test_check_without_a_file_is_a_mistake_of_the_command_line(tmp_path: Path) -> None:
    assert run("check", str(tmp_path / "none.toml")).exit_code == 2
    assert run("check").exit_code == 2


def test_schema_reads_the_shipped_catalogue_and_refuses_an_odd_one() -> None:
    schema = json.loads(run("schema").output)
    validator = jsonschema_rs.validator_for(schema)
    library = {"number": 301, "slug": "library-entry", "health": True}
    assert not validator.is_valid({"scenarios": [library]})
    assert not validator.is_valid({"scenarios": [], "colour": "green"})
    assert not validator.is_valid({"edition": 0, "scenarios": []})
    assert validator.is_valid({"edition": 1, "scenarios": []})
