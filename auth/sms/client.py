"""The HTTP clients that speak to vendors: no proxy of the environment, no idle connections, one set of roots."""

import functools
import ssl

import httpx


@functools.cache
def _trusted_roots() -> ssl.SSLContext:
    """Read once: reading them costs more than everything else that a client needs."""
    return httpx.create_ssl_context()


def vendor_client(*, timeout_seconds: float, connections: int = 20) -> httpx.AsyncClient:
    """A client for one vendor; whoever asked for it closes it.

    Connections are not kept: bytes that a vendor sends after its answer would become the answer to the next message.
    """
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=0)
    return httpx.AsyncClient(verify=_trusted_roots(), timeout=timeout_seconds, limits=limits, trust_env=False)
