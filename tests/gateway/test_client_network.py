"""The way to clients of the identity provider: what is posted and read there, and where the city does not go at all."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from app.kit.errors import SuishenError
from gateway.errors import DepartmentMisbehaved
from gateway.network import NetworkPolicy
from gateway.upstream import Upstream
from gateway.wiring import LARGEST_DOCUMENT, ClientNetwork
from tests.gateway.servers import plain_answer, read_request, serving

ELSEWHERE = b"HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/latest\r\ncontent-length: 0\r\n\r\n"
MISSING = b"HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\n{}"


@contextlib.asynccontextmanager
async def network(*ports: int) -> AsyncIterator[ClientNetwork]:
    upstream = Upstream(NetworkPolicy(allowed=frozenset(f"127.0.0.1:{port}" for port in ports)))
    try:
        yield ClientNetwork(upstream, timeout_seconds=2)
    finally:
        await upstream.close()


@contextlib.asynccontextmanager
async def site(answer: bytes) -> AsyncIterator[int]:
    """A client's server with one answer for everything."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await read_request(reader):
            writer.write(answer)
            await writer.drain()

    async with serving(talk) as port:
        yield port


async def test_a_document_is_read_whole() -> None:
    async with site(plain_answer(b'{"keys":[]}')) as port, network(port) as clients:
        assert await clients.get_document(f"http://127.0.0.1:{port}/jwks.json") == b'{"keys":[]}'


@pytest.mark.parametrize("answer", [ELSEWHERE, MISSING, plain_answer(b"x" * (LARGEST_DOCUMENT + 1))])
async def test_what_is_no_document_is_refused_and_nothing_is_followed(answer: bytes) -> None:
    async with site(answer) as port, network(port) as clients:
        with pytest.raises(DepartmentMisbehaved):
            await clients.get_document(f"http://127.0.0.1:{port}/jwks.json")


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:9/jwks.json",
        "http://localhost/jwks.json",
        "http://[::1]/jwks.json",
        "https://10.0.0.1/jwks.json",
        "file:///etc/passwd",
    ],
)
async def test_the_citys_own_network_is_no_clients_address(url: str) -> None:
    async with network() as clients:
        with pytest.raises(SuishenError):
            await clients.get_document(url)
        with pytest.raises(SuishenError):
            await clients.post_form(url, {})
