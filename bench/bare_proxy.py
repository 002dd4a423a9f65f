"""The limit of a proxied call: aiohttp in a bare ASGI application that does nothing but pass on.

`python -m bench.bare_proxy --port N --upstream http://127.0.0.1:M`
"""

import argparse
import os
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp

from app.serve import serve

UPSTREAM = "BENCH_UPSTREAM"


class BareProxy:
    """One session a worker, made with its loop."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def __call__(self, scope: Any, _receive: Any, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
        """GET only, which is all that the bench sends."""
        if scope["type"] != "http":
            return
        if self._session is None:
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        async with self._session.get(os.environ[UPSTREAM] + scope["path"]) as answer:
            body = await answer.read()
            headers = [(name.lower(), value) for name, value in answer.raw_headers]
            await send({"type": "http.response.start", "status": answer.status, "headers": headers})
            await send({"type": "http.response.body", "body": body})


app = BareProxy()

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--upstream", required=True)
    arguments = parser.parse_args()
    environment = {UPSTREAM: arguments.upstream}
    serve(
        host="127.0.0.1",
        port=arguments.port,
        workers=1,
        target="bench.bare_proxy:app",
        factory=False,
        environment=environment,
    )
