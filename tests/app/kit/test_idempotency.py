"""The same request with the same key acts once; another request with that key is refused."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, cast
from uuid import uuid4

import httpx
import pytest
from litestar import Litestar, get, post
from litestar import Request as Asking
from litestar.di import Provide
from litestar.params import JSONBody

from app.kit.clock import ManualClock
from app.kit.database import Connection, Database
from app.kit.errors import Conflict, SuishenError
from app.kit.http import Injected
from app.kit.idempotency import Once, dependencies, forget_expired
from app.kit.structs import Model, Request
from app.kit.vault import Vault
from app.problems import HANDLERS
from app.web.providing import provide_in_turn


class Deed(Request):
    name: str


class Done(Model):
    number: int
    name: str


@post("/deeds")
async def act(data: JSONBody[Deed], once: Injected[Once], connection: Injected[Connection]) -> Done:
    async def count() -> Done:
        number = await connection.fetchval("insert into deed (name) values ($1) returning number", data.name)
        if data.name == "slow":
            await asyncio.sleep(0.3)
        if data.name == "refused":
            raise Conflict
        return Done(number=number, name=data.name)

    return await once(Done, count)


@post("/bytes")
async def take(request: Asking[Any, Any, Any], once: Injected[Once]) -> int:
    """Reads the body itself, as whoever takes documents does."""

    async def measure() -> int:
        return len(await request.body())

    return await once(int, measure)


@get("/deeds", sync_to_thread=False)
def look() -> None:
    """Reading takes no key."""


OPENED: list[Connection] = []


@pytest.fixture
async def client(race_database: Database, vault: Vault, clock: ManualClock) -> httpx.AsyncClient:
    OPENED.clear()
    provide_in_turn()
    async with race_database.acquire() as connection:
        await connection.execute("create table deed (number serial primary key, name text)")

    async def opened() -> AsyncGenerator[Connection, None]:
        async with race_database.transaction() as connection:
            OPENED.append(connection)
            yield connection

    app = Litestar(
        [act, take, look],
        dependencies={
            **dependencies(),
            "connection": Provide(opened),
            "vault": Provide(lambda: vault, sync_to_thread=False),
            "clock": Provide(lambda: clock, sync_to_thread=False),
        },
        exception_handlers=HANDLERS,
        request_max_body_size=1000,
    )
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=cast("Any", app)), base_url="http://test")


async def post_deed(client: httpx.AsyncClient, name: str, key: str | None) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return await client.post("/deeds", json={"name": name}, headers=headers)


async def count(database: Database) -> int:
    async with database.acquire() as connection:
        found: int = await connection.fetchval("select count(*) from deed")
        return found


async def test_repeated_request_gets_the_first_answer(client: httpx.AsyncClient, race_database: Database) -> None:
    key = str(uuid4())
    answers = [await post_deed(client, "a", key) for _ in range(3)]
    assert {answer.text for answer in answers} == {answers[0].text}
    assert {answer.status_code for answer in answers} == {201}
    assert await count(race_database) == 1


async def test_request_without_a_key_acts_every_time(client: httpx.AsyncClient, race_database: Database) -> None:
    for _ in range(2):
        await post_deed(client, "a", None)
    assert await count(race_database) == 2


async def test_same_key_with_another_body_is_refused(client: httpx.AsyncClient, race_database: Database) -> None:
    key = str(uuid4())
    await post_deed(client, "a", key)
    answer = await post_deed(client, "b", key)
    assert answer.status_code == 422
    assert answer.json()["type"] == "/problems/idempotency-key-reused"
    assert await count(race_database) == 1


async def test_same_key_while_the_first_runs_is_told_to_wait(
    client: httpx.AsyncClient, race_database: Database
) -> None:
    key = str(uuid4())
    answers = await asyncio.gather(*(post_deed(client, "slow", key) for _ in range(5)))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [201, 409, 409, 409, 409]
    assert await count(race_database) == 1


async def test_refused_request_may_be_tried_again_with_its_key(
    client: httpx.AsyncClient, race_database: Database
) -> None:
    key = str(uuid4())
    assert [(await post_deed(client, "refused", key)).status_code for _ in range(2)] == [409, 409]
    assert await count(race_database) == 0


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "x" * 129, "a\tb"])
async def test_key_out_of_form_is_refused(client: httpx.AsyncClient, race_database: Database, key: str) -> None:
    answer = await client.post("/deeds", json={"name": "a"}, headers=[(b"Idempotency-Key", key.encode("latin-1"))])
    assert answer.status_code == 400
    assert answer.json()["type"] == "/problems/idempotency-key-invalid"
    assert OPENED == []
    assert await count(race_database) == 0


async def test_a_body_that_is_too_large_takes_no_connection(client: httpx.AsyncClient) -> None:
    answer = await client.post("/bytes", content=b"x" * 1001, headers={"Idempotency-Key": str(uuid4())})
    assert (answer.status_code, OPENED) == (413, [])
    assert (await client.post("/bytes", content=b"x", headers={"Idempotency-Key": str(uuid4())})).status_code == 201
    assert len(OPENED) == 1


async def test_answer_is_forgotten_after_a_day(
    client: httpx.AsyncClient, race_database: Database, clock: ManualClock
) -> None:
    key = str(uuid4())
    await post_deed(client, "a", key)
    clock.advance(24 * 3600 + 1)
    await forget_expired(race_database, clock)
    await post_deed(client, "a", key)
    assert await count(race_database) == 2


async def test_kept_answer_is_sealed(client: httpx.AsyncClient, race_database: Database) -> None:
    await post_deed(client, "a-telling-name", str(uuid4()))
    async with race_database.acquire() as connection:
        dump = await connection.fetchval("select encode(sealed, 'escape') from kit.idempotent_answer")
    assert "telling" not in dump


async def test_refusal_that_is_returned_is_not_kept(race_database: Database, vault: Vault, clock: ManualClock) -> None:
    async def refuse() -> Done | SuishenError:
        return Conflict()

    async with race_database.transaction() as connection:
        once = Once(connection, vault, clock.now(), b"s" * 32, b"b" * 32)
        assert isinstance(await once(Done, refuse), Conflict)
        assert await connection.fetchval("select count(*) from kit.idempotent_answer") == 0
