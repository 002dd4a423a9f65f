"""A small ASGI application that the tests of serving run: it says who answers, waits when asked, and can die."""

import asyncio
import gc
import os
from collections.abc import Awaitable, Callable
from typing import Any

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """`/pid`, `/slow`, `/stuck` (holds the interpreter), `/die`, `/variable`, `/frozen`."""
    if scope["type"] == "lifespan":
        await live(receive, send)
        return
    body = str(os.getpid())
    match scope["path"]:
        case "/slow":
            await asyncio.sleep(1.5)
        case "/stuck":
            sum(range(10**11))  # one long call into C: no other thread of this process gets its turn
        case "/die":
            os._exit(7)
        case "/variable":
            body = os.environ.get("TINY_VARIABLE", "")
        case "/frozen":
            body = str(gc.get_freeze_count())
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": body.encode()})


async def live(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


def make_application() -> object:
    """The same behind a factory."""
    return application


def fail() -> object:
    """An application that cannot be made."""
    raise RuntimeError("the tiny application refuses to be made")
