"""Scans at a door that has a fast lane, in the words of its tests."""

from typing import Any

from app.kit.database import Connection, Database
from codes.venues.scanners.models import Scanner
from codes.verdict import VerificationResult
from codes.verification.models import VerifyCode
from tests.codes.personal_city import City

LIBRARY_ENTRY = 301


async def at_work(connection: Connection, scanner: Scanner, scenario: int) -> Scanner:
    """The device works in `scenario`, as after its first scan."""
    await connection.execute(
        "insert into codes.scanner_use (scanner_id, scenario) values ($1, $2)", scanner.id, scenario
    )
    return scanner


def asking(code: str, scenario: int = LIBRARY_ENTRY, **asked: Any) -> VerifyCode:
    return VerifyCode(code=code, scenario=scenario, **asked)


async def ask(database: Database, city: City, scanner: Scanner, request: VerifyCode) -> VerificationResult:
    """As the front door does: the lane, and where that has nothing to say or fails, the long way."""
    try:
        result = await city.codes.lane.accept(scanner, request)
    except Exception:  # noqa: BLE001 - as in the front door
        result = None
    if result is not None:
        return result
    async with database.transaction() as connection:
        return await city.codes.verifications.verify(connection, scanner, request)


async def rows(connection: Connection) -> list[dict[str, Any]]:
    """Every scan on record, in the order of their ids."""
    return [dict(row) for row in await connection.fetch("select * from codes.verification order by id")]
