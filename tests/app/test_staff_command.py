"""`suishen staff add` and `staff close`, as an administrator at the machine uses them."""

import asyncio
import os
import re
import subprocess
import sys

import pytest

from app.kit.database import Database
from auth.documents import make_synthetic_credit_code
from tests.fixtures.postgres import TEST_MASTER_KEY_TEXT

CREDIT_CODE = make_synthetic_credit_code(sequence=777)


def run(race_database: Database, *arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SUISHEN_")}
    own = {"DATABASE_URL": race_database.dsn, "SUISHEN_MASTER_KEY": TEST_MASTER_KEY_TEXT}
    return subprocess.run(
        [sys.executable, "-m", "app.cli", "staff", *arguments],
        env=kept | own,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.timeout(120)
async def test_an_operator_is_made_and_closed_at_the_machine(race_database: Database) -> None:
    given = ("--name", "演示人员", "--role", "security_admin", "--department", "演示部门", "--credit-code", CREDIT_CODE)
    made = await asyncio.to_thread(run, race_database, "add", "guard", *given)
    assert made.returncode == 0, made.stderr
    assert re.search(r"password: \S{20,}", made.stdout)
    closed = await asyncio.to_thread(run, race_database, "close", "guard")
    assert closed.returncode == 0, closed.stderr
    assert "Closed: guard. Sessions ended: 0." in closed.stderr
    async with race_database.acquire() as connection:
        assert await connection.fetchval("select status from auth.official where username = 'guard'") == "disabled"
        actor = await connection.fetchval("select actor from kit.audit_entry where action = 'official.disabled'")
    assert actor == "system"
    again = await asyncio.to_thread(run, race_database, "close", "guard")
    assert again.returncode != 0
    assert "Traceback" not in again.stderr
