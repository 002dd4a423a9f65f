"""A department's answer on its way to the citizen, piece by piece: downloads, server-sent events. Keeps nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from gateway.asgi import Receive, Send
from gateway.uploads import ClientGone, Upload
from gateway.upstream import OpenAnswer

MORE: Final = {"type": "http.response.body", "more_body": True}
END: Final = {"type": "http.response.body", "body": b"", "more_body": False}


async def pass_on(
    answer: OpenAnswer, send: Send, receive: Receive, upload: Upload | None, *, count: Callable[[int], None]
) -> None:
    """Sends the answer's body to its end; `count` hears the size of each piece first, and may raise.

    Raises `ClientGone` as soon as the citizen leaves, and a `DepartmentFault` when the department breaks off or falls
    silent. An answer that is left early has no end.
    """
    pump = asyncio.ensure_future(_pump(answer, send, count))
    gone = asyncio.ensure_future(_leave(receive, upload))
    try:
        await asyncio.wait((pump, gone), return_when=asyncio.FIRST_COMPLETED)
        if not pump.done():
            raise ClientGone
        await pump
    finally:
        pump.cancel()
        gone.cancel()
        await asyncio.gather(pump, gone, return_exceptions=True)


async def while_allowed(deed: Awaitable[None], look: Callable[[], Awaitable[None]], *, every_seconds: float) -> None:
    """Does `deed`, and stops it with whatever `look` raises, which is asked again and again meanwhile."""
    doing, looking = asyncio.ensure_future(deed), asyncio.ensure_future(_look(look, every_seconds))
    try:
        await asyncio.wait((doing, looking), return_when=asyncio.FIRST_COMPLETED)
        await (doing if doing.done() else looking)
    finally:
        doing.cancel()
        looking.cancel()
        await asyncio.gather(doing, looking, return_exceptions=True)


async def _look(look: Callable[[], Awaitable[None]], every_seconds: float) -> None:
    while True:
        await asyncio.sleep(every_seconds)
        await look()


async def _pump(answer: OpenAnswer, send: Send, count: Callable[[int], None]) -> None:
    while part := await answer.read():
        count(len(part))
        await send(MORE | {"body": part})
    await send(END)


async def _leave(receive: Receive, upload: Upload | None) -> None:
    """Returns when the citizen has left. Waits for ever while an upload still reads what they send."""
    if upload is not None and not upload.ended:
        await asyncio.Future()
    while (await receive())["type"] != "http.disconnect":
        pass
