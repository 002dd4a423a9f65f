"""The registries' client against servers that drip, break off, or answer nonsense: always the one named refusal."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NamedTuple

import pytest

from auth.registries.adapter import HttpRegistry
from auth.registries.errors import RegistryUnavailable

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


async def drip(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
    for _ in range(1000):
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.05)


async def break_off(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{")


async def nonsense(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]")


async def fault(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n")


async def gush(writer: asyncio.StreamWriter) -> None:
    """A true answer, and then what would fill the memory: whoever reads it whole is still reading at the deadline."""
    writer.write(b'HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{"match": true}')
    while True:
        writer.write(b" " * 65_536)
        await writer.drain()


async def packed(writer: asyncio.StreamWriter) -> None:
    """One that unpacks to a thousand times what was sent, though nobody asked for it packed."""
    body = gzip.compress(b'{"match": true}' + b" " * 10_000_000)
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))


class Faulty(NamedTuple):
    """A client of a server that answers wrongly, and what is said of it."""

    registry: HttpRegistry
    state: str


@pytest.fixture(
    params=[
        (drip, "too_slow"),
        (break_off, "unreachable"),
        (nonsense, "malformed"),
        (fault, "refused"),
        (gush, "malformed"),
        (packed, "malformed"),
    ],
    ids=lambda case: case[0].__name__,
)
async def faulty(request: pytest.FixtureRequest) -> AsyncIterator[Faulty]:
    answer: Answer
    answer, state = request.param

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await answer(writer)
            await writer.drain()
        except ConnectionError:
            return
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    registry = HttpRegistry(population_url=url, enterprise_url=url, timeout_seconds=0.5)
    yield Faulty(registry, state)
    await registry.close()
    server.close()


async def test_registry_that_does_not_answer_properly_is_unavailable(faulty: Faulty) -> None:
    async with asyncio.timeout(5):
        with pytest.raises(RegistryUnavailable) as refused:
            await faulty.registry.check_person(name="测试甲", document_type="id_card", document_number="x")
    assert refused.value.extensions["state"] == faulty.state
