"""`suishen miniapp scorecards` against a database: a table, a spreadsheet, and a calendar that cannot be read."""

import csv
import io
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.cli import clear_mistakes, suishen
from tests.fixtures.postgres import TEST_MASTER_KEY_TEXT


@pytest.fixture
def environment(worker_dsn: str, tmp_path: Path) -> dict[str, str]:
    return {
        "DATABASE_URL": worker_dsn,
        "SUISHEN_MASTER_KEY": TEST_MASTER_KEY_TEXT,
        "SUISHEN_DATA_DIRECTORY": str(tmp_path),
    }


def run(environment: dict[str, str], *arguments: str) -> Result:
    return CliRunner().invoke(suishen, ["miniapp", "scorecards", *arguments], env=environment)


def test_a_city_without_services_has_a_table_without_rows(environment: dict[str, str], tmp_path: Path) -> None:
    shown = run(environment)
    assert (shown.exit_code, shown.stdout.splitlines()[0].split()[:3]) == (0, ["app_id", "department", "verdict"])
    assert "0 mini-apps." in shown.stderr
    sheet = tmp_path / "cards.csv"
    assert run(environment, "--csv", str(sheet)).exit_code == 0
    assert len(list(csv.reader(io.StringIO(sheet.read_text())))) == 1


def test_a_calendar_that_cannot_be_read_stops_the_start(
    environment: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    calendar = tmp_path / "calendar.toml"
    calendar.write_text('holidays = ["someday"]')
    with pytest.raises(SystemExit) as stopped, clear_mistakes():
        answer = run(environment | {"SUISHEN_CALENDAR_FILE": str(calendar)})
        assert answer.exception is not None
        raise answer.exception
    assert stopped.value.code == 2
    assert "SUISHEN_CALENDAR_FILE" in capsys.readouterr().err
