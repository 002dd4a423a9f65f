"""The way to a department with aiohttp: bounded in time and size, byte for byte, one header as often as it is named.

By itself it goes wherever it is told, as a developer's own machine may. A city hands in a resolver that knows where it
may go, and judges addresses before.
"""

import asyncio
from typing import Any, Self

import aiohttp
import yarl
from aiohttp.abc import AbstractResolver
from multidict import CIMultiDict

from miniapps.conformance.ports import Answer, Outgoing, Unanswered

AUTOMATIC = ("Accept", "Accept-Encoding", "User-Agent", "Content-Type")


class DirectNetwork:
    """One session, used as a context manager; follows no redirect, keeps no cookie, decodes nothing."""

    def __init__(self, resolver: AbstractResolver | None = None) -> None:
        self._resolver = resolver
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(resolver=self._resolver),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=AUTOMATIC,
            auto_decompress=False,
            trust_env=False,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def send(self, request: Outgoing) -> Answer:
        """The department's whole answer, or the head of a stream; raises `Unanswered`."""
        try:
            async with asyncio.timeout(request.timeout_seconds):
                return await self._exchange(request)
        except TimeoutError:
            raise Unanswered("timed-out") from None
        except aiohttp.ClientConnectorError:
            raise Unanswered("unreachable") from None
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
            raise Unanswered("hung-up") from None
        except (aiohttp.ClientError, OSError, ValueError):
            raise Unanswered("misbehaved") from None

    async def _exchange(self, request: Outgoing) -> Answer:
        assert self._session is not None
        async with self._session.request(
            request.method,
            yarl.URL(request.url, encoded=True),
            headers=CIMultiDict(request.headers),
            data=request.body or None,
            allow_redirects=False,
        ) as response:
            body = b"" if request.streamed else await _read(response, request.largest_answer)
            headers = tuple((name.lower(), value) for name, value in response.headers.items())
            return Answer(status=response.status, headers=headers, body=body)


async def _read(response: Any, largest: int) -> bytes:
    body = bytearray()
    async for part in response.content.iter_any():
        body += part
        if len(body) > largest:
            response.close()
            raise Unanswered("too-large")
    return bytes(body)
