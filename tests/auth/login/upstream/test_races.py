"""Many answers at once: one account for one human being, one use of one answer, over real connections."""

import asyncio
from collections import Counter

import httpx
import pytest

from app.demo.registries import RESIDENTS
from app.kit.database import Database
from tests.auth.login.upstream.national import National, Program

STRANGER = RESIDENTS[10]


@pytest.fixture
def program(race_client: httpx.AsyncClient, national: National) -> Program:
    return Program(race_client, national)


async def test_eight_first_arrivals_at_once_make_one_account(program: Program, race_database: Database) -> None:
    bodies = [await program.go(STRANGER) for _ in range(8)]
    answers = await asyncio.gather(*(program.show(body) for body in bodies))
    assert [answer.status_code for answer in answers] == [200] * 8
    assert len({answer.json()["person"]["id"] for answer in answers}) == 1
    async with race_database.acquire() as connection:
        assert await connection.fetchval("select count(*) from auth.person") == 1
        assert await connection.fetchval("select count(*) from auth.identity_link") == 1


async def test_two_houses_at_once_find_one_human_being(program: Program, race_database: Database) -> None:
    body = await program.go(STRANGER)
    answers = await asyncio.gather(program.show(body), program.show_network(STRANGER))
    assert [answer.status_code for answer in answers] == [200, 200]
    assert len({answer.json()["person"]["id"] for answer in answers}) == 1


async def test_one_answer_shown_twenty_times_at_once_counts_once(program: Program) -> None:
    body = await program.go(STRANGER)
    answers = await asyncio.gather(*(program.show(body) for _ in range(20)))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 401: 19}
