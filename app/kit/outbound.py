"""HTTP clients that ask systems outside: no proxy of the environment, no idle connections, one set of roots."""

import functools
import ssl
from typing import Final

import httpx

UNPACKED: Final = {"Accept-Encoding": "identity"}
"""What unpacks into more than was sent is not read."""


class AnswerTooLong(Exception):
    """More came than such an answer may be long; the rest was not read."""


@functools.cache
def _trusted_roots() -> ssl.SSLContext:
    """Read once: reading them costs more than everything else that a client needs."""
    return httpx.create_ssl_context()


def outbound_client(*, timeout_seconds: float, connections: int) -> httpx.AsyncClient:
    """A client for one system or several of a kind; whoever asked for it closes it.

    Connections are not kept: httpx gives bytes that come after one answer to the next question.
    """
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=0)
    return httpx.AsyncClient(verify=_trusted_roots(), timeout=timeout_seconds, limits=limits, trust_env=False)


async def send_bounded(client: httpx.AsyncClient, request: httpx.Request, *, longest: int) -> httpx.Response:
    """The whole answer, which is never longer in memory than `longest` and one piece; raises `AnswerTooLong`.

    Redirects are not followed. The caller sets the deadline: httpx limits each wait by itself.
    """
    request.headers.update(UNPACKED)
    response = await client.send(request, follow_redirects=False, stream=True)
    try:
        content = bytearray()
        async for piece in response.aiter_raw():
            content += piece
            if len(content) > longest:
                raise AnswerTooLong
    finally:
        await response.aclose()
    return httpx.Response(response.status_code, content=bytes(content))
