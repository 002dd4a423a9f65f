"""HTTP clients that ask systems outside: no proxy of the environment, no idle connections, one set of roots."""

import functools
import ssl

import httpx


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
