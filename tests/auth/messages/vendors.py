"""A vendor of text messages, calls or staff notices as a real server on loopback, that obeys the test."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web


class Vendor:
    """Takes messages with `status`; what it took stands in `taken`, also what was said twice."""

    def __init__(self) -> None:
        self.status = 200
        self.taken: list[dict[str, Any]] = []
        self.asked = 0
        self.url = ""

    @property
    def texts(self) -> list[str]:
        return [message["text"] for message in self.taken]

    def receipt(self, status: str, message: int = -1) -> dict[str, Any]:
        """The body of a receipt for one of the messages."""
        taken = self.taken[message]
        address = taken["receipt"]
        return {"message_id": taken["id"], "vendor": address["vendor"], "token": address["token"], "status": status}

    async def answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        body = await request.json()
        if self.status < 300:
            assert request.headers["Idempotency-Key"] == body["id"]
            self.taken.append(body)
        return web.Response(status=self.status, body=b"x" * 100_000)


@contextlib.asynccontextmanager
async def open_vendor() -> AsyncIterator[Vendor]:
    vendor, application = Vendor(), web.Application()
    application.router.add_post("/messages", vendor.answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    vendor.url = f"http://127.0.0.1:{runner.addresses[0][1]}/messages"
    yield vendor
    await runner.cleanup()
