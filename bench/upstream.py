"""A department that answers at once, so that a proxied call measures the proxy: `python -m bench.upstream --port N`."""

import argparse
from collections.abc import Awaitable, Callable
from typing import Any

from app.serve import serve

BODY = b'{"items":[{"loan_id":"1","title":"\xe3\x80\x8a\xe5\x9f\x8e\xe5\xb8\x82\xe3\x80\x8b","due_on":"2026-12-31"}]}'
HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())]


async def app(scope: Any, _receive: Any, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
    """Bare ASGI; believes everybody."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        await send({"type": "http.response.body", "body": BODY})


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    arguments, _ = parser.parse_known_args()
    serve(host="127.0.0.1", port=arguments.port, workers=1, target="bench.upstream:app", factory=False)
