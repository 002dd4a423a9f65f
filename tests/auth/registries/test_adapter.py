"""The registries' client against servers that drip, break off, or answer nonsense: always the one named refusal."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

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


@pytest.fixture(params=[drip, break_off, nonsense, fault])
async def registry(request: pytest.FixtureRequest) -> AsyncIterator[HttpRegistry]:
    answer: Answer = request.param

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
    yield registry
    await registry.close()
    server.close()


async def test_registry_that_does_not_answer_properly_is_unavailable(registry: HttpRegistry) -> None:
    async with asyncio.timeout(5):
        with pytest.raises(RegistryUnavailable):
            await registry.check_person(name="测试甲", document_type="id_card", document_number="x")
