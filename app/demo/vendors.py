"""STAND-IN. Two SMS vendors, a voice vendor and a messenger for staff, and the inboxes they deliver to.

It answers on loopback only, so that a message of the demo city leaves over real HTTP and its receipt comes back. What
was taken stands in memory. A vendor plays dead while told to: `PUT /sms-1/state {"up": false}`.
Run it with `python -m app.demo.vendors --port 8103`.
"""

import argparse
import asyncio
from collections import deque
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import aiohttp
import msgspec
from aiohttp import web

from app.kit.structs import Model

STAND_IN = "stand-in vendors, nothing leaves this machine"
LAST_PORT = 65_535
CHANNELS = {"sms-1": "sms", "sms-2": "sms", "voice": "voice"}
STAFF = "staff"
MOST_KEPT = 5000
MOST_SHOWN = 50
RECEIPT_SECONDS = 5


class Taken(Model):
    """A message as the demo inbox shows it, and the vendor that took it."""

    id: str
    phone: str
    text: str
    sent_at: datetime
    channel: str
    vendor: str


class Vendors:
    """What each vendor took, and which of them play dead."""

    def __init__(self) -> None:
        self.taken: deque[Taken] = deque(maxlen=MOST_KEPT)
        self.notices: deque[dict[str, Any]] = deque(maxlen=MOST_KEPT)
        self.dead: set[str] = set()
        self.client: aiohttp.ClientSession | None = None
        self._receipts: set[asyncio.Task[None]] = set()

    async def take(self, request: web.Request) -> web.Response:
        """A message, once for its id; its receipt follows."""
        vendor, body = _vendor_of(request), await request.json()
        if vendor == STAFF:
            if body["id"] not in [notice["id"] for notice in self.notices]:
                self.notices.appendleft(body)
            return web.json_response({"taken": True})
        if all((taken.id, taken.vendor) != (body["id"], vendor) for taken in self.taken):
            message = {name: body[name] for name in ("id", "phone", "text")}
            self.taken.appendleft(Taken(**message, sent_at=datetime.now(UTC), channel=CHANNELS[vendor], vendor=vendor))
        task = asyncio.create_task(self._send_receipt(body["id"], body["receipt"]))
        self._receipts.add(task)
        task.add_done_callback(self._receipts.discard)
        return web.json_response({"taken": True})

    async def show_inbox(self, request: web.Request) -> web.Response:
        """The latest messages, newest first, of one phone or of all."""
        phone = request.query.get("phone")
        shown = [taken for taken in self.taken if phone in {None, taken.phone}][:MOST_SHOWN]
        return web.Response(body=msgspec.json.encode(shown), content_type="application/json")

    async def show_notices(self, _request: web.Request) -> web.Response:
        """What the staff's messenger shows."""
        return web.json_response(list(self.notices)[:MOST_SHOWN])

    async def set_state(self, request: web.Request) -> web.Response:
        """Whether a vendor takes messages."""
        vendor, up = request.match_info["vendor"], (await request.json())["up"]
        (self.dead.discard if up else self.dead.add)(vendor)
        return web.json_response({"up": up})

    @web.middleware
    async def play_dead(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """A dead vendor is away for messages, and for nothing else."""
        if request.method == "POST" and request.match_info.get("vendor") in self.dead:
            return web.json_response({"error": "away"}, status=503)
        answer: web.StreamResponse = await handler(request)
        return answer

    async def hold_client(self, _application: web.Application) -> AsyncIterator[None]:
        """The client that sends receipts, as long as the program runs."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=RECEIPT_SECONDS)) as self.client:
            yield

    async def _send_receipt(self, message_id: str, address: dict[str, str]) -> None:
        assert self.client is not None
        receipt = {"message_id": message_id, "status": "delivered"}
        receipt |= {name: address[name] for name in ("vendor", "token")}
        try:
            async with self.client.post(address["url"], json=receipt) as answer:
                await answer.read()
        except (aiohttp.ClientError, TimeoutError):
            print(f"{STAND_IN}: a receipt found nobody", flush=True)


def _vendor_of(request: web.Request) -> str:
    vendor = request.match_info["vendor"]
    if vendor not in CHANNELS and vendor != STAFF:
        raise web.HTTPNotFound(text='{"error": "not found"}', content_type="application/json")
    return vendor


async def _answer_health(_request: web.Request) -> web.Response:
    return web.json_response({"status": "up", "served_by": STAND_IN})


def build_application() -> web.Application:
    """All vendors in one server."""
    vendors = Vendors()
    application = web.Application(middlewares=[vendors.play_dead])
    application.cleanup_ctx.append(vendors.hold_client)
    application.router.add_get("/health", _answer_health)
    application.router.add_get("/inbox", vendors.show_inbox)
    application.router.add_get("/staff/notices", vendors.show_notices)
    application.router.add_post("/{vendor}/messages", vendors.take)
    application.router.add_put("/{vendor}/state", vendors.set_state)
    return application


def main() -> None:
    """Serves until it is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="loopback port to listen on")
    port = parser.parse_args().port
    if not 0 < port <= LAST_PORT:
        parser.error("the port must be from 1 to 65535")
    print(f"{STAND_IN}: http://127.0.0.1:{port}", flush=True)
    web.run_app(build_application(), host="127.0.0.1", port=port, print=None, access_log=None)


if __name__ == "__main__":
    main()
