"""The command line: it teaches, it tells every mistake at once, and verifies a code with files alone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from app.cli import suishen

COMMANDS = [
    "serve",
    "migrate",
    "demo",
    "keys",
    "audit",
    "verify-offline",
    "pull-lists",
    "settings",
    "staff",
    "miniapp",
    "scenarios",
]


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SUISHEN_", "DATABASE_URL"))}
    return subprocess.run(
        [sys.executable, "-m", "app.cli", *arguments],
        env=kept | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_help_names_every_command() -> None:
    text = CliRunner().invoke(suishen, ["--help"]).output
    assert all(command in text for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    result = CliRunner().invoke(suishen, [command, "--help"])
    assert result.exit_code == 0
    assert len(result.output.splitlines()) > 3


def test_production_start_without_anything_names_all_that_is_missing() -> None:
    ended = run("serve", SUISHEN_ENVIRONMENT="production")
    assert ended.returncode == 2
    named = {line.split()[1] for line in ended.stderr.splitlines()}
    assert {"DATABASE_URL", "SUISHEN_MASTER_KEY", "SUISHEN_PUBLIC_ORIGIN", "SUISHEN_SMS_URL"} <= named
    assert "Traceback" not in ended.stderr


def test_production_refuses_the_demo_city() -> None:
    ended = run(
        "serve",
        "--demo-city",
        SUISHEN_ENVIRONMENT="production",
        DATABASE_URL="postgresql://nobody@127.0.0.1:1/none",
        SUISHEN_MASTER_KEY="".join(chr(97 + number % 26) + "Qz9_"[number % 4] for number in range(21)) + "A",
        SUISHEN_PUBLIC_ORIGIN="https://city.example",
        SUISHEN_APPS_HOST="apps.city.example",
        SUISHEN_POPULATION_REGISTRY_URL="https://population.example",
        SUISHEN_ENTERPRISE_REGISTRY_URL="https://enterprise.example",
        SUISHEN_SMS_URL="https://sms.example",
    )
    assert ended.returncode == 2
    assert "stand-ins" in ended.stderr


@pytest.mark.parametrize("environment", [{"DATABASE_URL": "postgresql://city@db.internal/city"}])
def test_forget_refuses_what_development_did_not_make(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "audit-checkpoints.jws").write_text("kept")
    ended = run("forget", SUISHEN_DATA_DIRECTORY=str(tmp_path), **environment)
    assert ended.returncode == 2
    assert (tmp_path / "audit-checkpoints.jws").read_text() == "kept"


@pytest.mark.parametrize("arguments", [("nonsense",), ("keys", "rotate", "nonsense"), ("verify-offline",)])
def test_wrong_use_is_told_without_a_trace(arguments: tuple[str, ...]) -> None:
    ended = run(*arguments)
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr


def test_database_that_is_not_there_is_told_without_a_trace() -> None:
    ended = run("migrate", DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert ended.returncode == 2
    assert "DATABASE_URL" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("command", ["pull-lists", "pull-changes"])
@pytest.mark.parametrize("origin", ["http://127.0.0.1:1", "nonsense", "http://[", "http://127.0.0.1:99999"])
def test_city_that_does_not_answer_is_told_without_a_trace(command: str, origin: str, tmp_path: Path) -> None:
    ended = CliRunner().invoke(suishen, [command, str(tmp_path), "--origin", origin])
    assert ended.exit_code == 1
    assert isinstance(ended.exception, SystemExit)
    assert f"Error: {origin} does not answer" in ended.stderr


def test_picture_without_a_code_is_told_without_a_trace(tmp_path: Path) -> None:
    text, white = tmp_path / "code.txt", tmp_path / "white.png"
    text.write_text("no picture")
    Image.new("L", (90, 90), 255).save(white)
    for picture in (text, white):
        asked = ["verify-offline", "--picture", str(picture), "--lists", str(tmp_path), "--scenario", "301"]
        ended = CliRunner().invoke(suishen, asked)
        assert ended.exit_code == 1
        assert isinstance(ended.exception, SystemExit)
        assert f"No code can be read in {picture}" in ended.stderr


def test_verify_offline_without_lists_is_told_without_a_trace(tmp_path: Path) -> None:
    ended = run("verify-offline", "SSM1:ABC", "--lists", str(tmp_path), "--scenario", "301")
    assert ended.returncode == 2
    assert "pull-lists" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_door_that_verifies_offline_loads_no_city() -> None:
    loaded = "import sys, app.cli; print(*sys.modules)"
    modules = set(
        subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True).stdout.split()
    )
    assert modules.isdisjoint({"litestar", "aiohttp", "gateway", "app.main", "miniapps", "pypinyin"})
