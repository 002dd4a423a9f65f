"""The key commands, run as an operator runs them: a process of its own beside a database."""

import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from app.cli import suishen
from app.kit.database import Database

MASTER_KEY = "".join(chr(97 + number % 26) + "Qz9_"[number % 4] for number in range(21)) + "A"


class Operator:
    """Runs `suishen keys …` on one database."""

    def __init__(self, dsn: str) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SUISHEN_", "DATABASE_URL"))}
        self.environment = kept | {"DATABASE_URL": dsn, "SUISHEN_MASTER_KEY": MASTER_KEY}

    def keys(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "app.cli", "keys", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def done(self, *arguments: str) -> str:
        ended = self.keys(*arguments)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def listed(self, purpose: str) -> list[list[str]]:
        """kid, purpose, algorithm, state of each key."""
        return [line.split()[:4] for line in self.done("list").splitlines() if line.split()[1] == purpose]


@pytest.fixture
async def operator(race_dsn: str, race_database: Database) -> Operator:
    """On a city without keys: the first command makes them under its own master key."""
    async with race_database.acquire() as connection:
        await connection.execute("delete from kit.signing_key")
    return Operator(race_dsn)


async def test_a_stolen_key_is_withdrawn_announced_to_phones_and_gone_from_the_list(
    operator: Operator, race_database: Database
) -> None:
    stolen = next(kid for kid, _, _, state in operator.listed("grant") if state == "active")
    operator.done("withdraw", "grant", stolen)
    assert stolen not in {key[0] for key in operator.listed("grant")}
    async with race_database.acquire() as connection:
        asked = await connection.fetch("select kid, spread_seconds, withdrawn from codes.reissue")
        assert [tuple(row) for row in asked] == [(stolen, 600, True)]
        actions = await connection.fetch("select action, detail from kit.audit_entry where action = 'key.withdrawn'")
        assert [row["detail"] for row in actions] == [{"kid": stolen}]
        assert await connection.fetchval("select count(*) from codes.trust_list") == 1, "published at once"
    again = operator.keys("withdraw", "grant", stolen)
    assert (again.returncode, "Traceback" in again.stderr) == (2, False)


def test_an_algorithm_changes_only_after_its_key_was_announced_for_long_enough(operator: Operator) -> None:
    operator.done("announce", "grant", "ed25519")
    assert [key[2] for key in operator.listed("grant") if key[3] == "next"] == ["ed25519"]
    early = operator.keys("rotate", "grant")
    assert early.returncode == 2
    assert "too young" in early.stderr
    operator.done("rotate", "grant", "--force", "--exchange-within", "240")
    assert [key[2] for key in operator.listed("grant") if key[3] == "active"] == ["ed25519"]


def test_another_master_key_is_told_without_a_trace(operator: Operator) -> None:
    operator.done("list")
    operator.environment["SUISHEN_MASTER_KEY"] = MASTER_KEY[::-1]
    ended = operator.keys("list")
    assert (ended.returncode, "Traceback" in ended.stderr) == (2, False)


@pytest.mark.parametrize(
    "arguments",
    [
        ("announce", "token", "ed25519"),
        ("announce", "grant", "rsa"),
        ("withdraw", "grant"),
        ("withdraw", "token", "00000000", "--exchange-within", "5"),
        ("rotate", "token", "--exchange-within", "5"),
        ("rotate", "grant", "--exchange-within", "9999"),
    ],
)
def test_wrong_use_is_told_before_anything_is_touched(arguments: tuple[str, ...]) -> None:
    ended = CliRunner().invoke(suishen, ["keys", *arguments], env={"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/x"})
    assert ended.exit_code == 2
    assert "Usage:" in ended.output
