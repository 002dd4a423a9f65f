"""An application behind the edge guard that answers with exactly what it saw, or breaks off. Served by granian."""

from typing import Any

import msgspec

from gateway.asgi import refuse_websocket
from gateway.edge import EdgeGuard
from gateway.errors import NotAWebSocket


async def echo(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": message["type"] + ".complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    if scope["type"] == "websocket":
        await refuse_websocket(send, NotAWebSocket(), scope["headers"])
        return
    if scope["raw_path"] == b"/broken":
        length = [(b"content-length", b"10")] if scope["query_string"] == b"length" else []
        await send({"type": "http.response.start", "status": 200, "headers": length})
        await send({"type": "http.response.body", "body": b"part", "more_body": True})
        return
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    seen = {
        "method": scope["method"],
        "raw_path": scope["raw_path"].decode("latin-1"),
        "query": scope["query_string"].decode("latin-1"),
        "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in scope["headers"]],
        "body": body.decode("latin-1"),
    }
    answer = msgspec.json.encode(seen)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


app = EdgeGuard(echo)
