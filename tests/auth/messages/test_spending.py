"""The day's money for text messages: never overspent, by whichever row it is counted."""

import asyncio
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.database import Connection, Database
from auth.sms.spending import MOST_ROWS, ROOM_OF_A_ROW, refund, rows_for, spend

DAY = date(2026, 3, 2)


@given(st.integers(0, 10_000_000))
def test_little_money_is_counted_in_one_row_and_much_in_several(most: int) -> None:
    rows = rows_for(most)
    assert 1 <= rows <= MOST_ROWS
    assert rows == 1 or most // rows >= ROOM_OF_A_ROW


@pytest.mark.parametrize("a_day", [10, 2 * ROOM_OF_A_ROW, MOST_ROWS * ROOM_OF_A_ROW])
async def test_all_of_it_can_be_spent_and_no_more(connection: Connection, a_day: int) -> None:
    step = max(1, a_day // 40)
    spent = 0
    while await spend(connection, DAY, step, most=a_day, a_day=a_day) is not None:
        spent += step
    assert a_day - step * rows_for(a_day) < spent <= a_day
    assert await connection.fetchval("select sum(parts) from auth.sms_spending") == spent


async def test_what_is_given_back_can_be_spent_again(connection: Connection) -> None:
    row = await spend(connection, DAY, 10, most=10, a_day=10)
    assert row is not None
    assert await spend(connection, DAY, 1, most=10, a_day=10) is None
    await refund(connection, DAY, 10, row=row)
    assert await spend(connection, DAY, 1, most=10, a_day=10) is not None


async def test_many_at_once_do_not_overspend(race_database: Database) -> None:
    a_day = 2 * ROOM_OF_A_ROW

    async def one() -> bool:
        async with race_database.transaction() as connection:
            return await spend(connection, DAY, ROOM_OF_A_ROW // 8, most=a_day, a_day=a_day) is not None

    assert sum(await asyncio.gather(*(one() for _ in range(40)))) == 16
