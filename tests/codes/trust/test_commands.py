"""The key commands, as an operator runs them beside a database."""

import asyncio

import pytest
from click.testing import CliRunner

from app.cli import EXPECTED, suishen
from app.kit.database import Database
from app.kit.keyring import KeyNotAnnounced, KeyUnknown
from app.kit.vault import VaultError

MASTER_KEY = "".join(chr(97 + number % 26) + "Qz9_"[number % 4] for number in range(21)) + "A"


class Operator:
    """Runs `suishen keys …` on one database. What a command refused is remembered in `mistake`."""

    def __init__(self, dsn: str) -> None:
        self.environment = {"DATABASE_URL": dsn, "SUISHEN_MASTER_KEY": MASTER_KEY}
        self.mistake: BaseException | None = None

    async def keys(self, *arguments: str) -> str:
        """In a thread of its own, where the command may run its own event loop."""
        ended = await asyncio.to_thread(CliRunner().invoke, suishen, ["keys", *arguments], env=self.environment)
        self.mistake = ended.exception
        return ended.output

    async def done(self, *arguments: str) -> str:
        said = await self.keys(*arguments)
        assert self.mistake is None
        return said

    async def listed(self, purpose: str) -> list[list[str]]:
        """kid, purpose, algorithm, state of each key."""
        lines = [line.split() for line in (await self.done("list")).splitlines()]
        return [words[:4] for words in lines if len(words) > 3 and words[1] == purpose]


@pytest.fixture
async def operator(race_dsn: str, race_database: Database) -> Operator:
    """On a city without keys: the first command makes them under its own master key."""
    async with race_database.acquire() as connection:
        await connection.execute("delete from kit.signing_key")
    return Operator(race_dsn)


async def test_a_stolen_key_is_withdrawn_announced_to_phones_and_gone_from_the_list(
    operator: Operator, race_database: Database
) -> None:
    stolen = next(kid for kid, _, _, state in await operator.listed("grant") if state == "active")
    await operator.done("withdraw", "grant", stolen)
    assert stolen not in {key[0] for key in await operator.listed("grant")}
    async with race_database.acquire() as connection:
        asked = await connection.fetch("select kid, spread_seconds, withdrawn from codes.reissue")
        assert [tuple(row) for row in asked] == [(stolen, 600, True)]
        actions = await connection.fetch("select action, detail from kit.audit_entry where action = 'key.withdrawn'")
        assert [row["detail"] for row in actions] == [{"kid": stolen}]
        assert await connection.fetchval("select count(*) from codes.trust_list") == 1, "published at once"
    await operator.keys("withdraw", "grant", stolen)
    assert isinstance(operator.mistake, KeyUnknown)


async def test_an_algorithm_changes_only_after_its_key_was_announced_for_long_enough(operator: Operator) -> None:
    await operator.done("announce", "grant", "ed25519")
    assert [key[2] for key in await operator.listed("grant") if key[3] == "next"] == ["ed25519"]
    await operator.keys("rotate", "grant")
    assert isinstance(operator.mistake, KeyNotAnnounced)
    await operator.done("rotate", "grant", "--force", "--exchange-within", "240")
    assert [key[2] for key in await operator.listed("grant") if key[3] == "active"] == ["ed25519"]


async def test_another_master_key_opens_nothing(operator: Operator) -> None:
    await operator.done("list")
    operator.environment["SUISHEN_MASTER_KEY"] = MASTER_KEY[::-1]
    await operator.keys("list")
    assert isinstance(operator.mistake, VaultError)


def test_every_mistake_of_an_operator_is_told_without_a_trace() -> None:
    assert {KeyUnknown, KeyNotAnnounced, VaultError} <= set(EXPECTED)


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
