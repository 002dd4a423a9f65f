"""Whether this worker lives, and whether it should be sent people. However many ask, it looks once a second.

For whoever runs the city: an address of the operator's own network, which their proxy does not pass on to anybody else.
"""

import asyncio
import time
from typing import Final

from litestar import Response, Router, get

from app.kit.database import Database, Notifications
from app.kit.http import Injected
from app.kit.structs import Model
from auth.guards import public

LISTENING_WITHIN_SECONDS: Final = 5.0
LOOK_EVERY_SECONDS: Final = 1.0
PATIENCE_SECONDS: Final = 2.0


class Liveness(Model):
    status: str


class Readiness(Model):
    """`checks` says of each thing this worker needs whether it is there: "ok" or "missing"."""

    status: str
    checks: dict[str, str]


class Pulse:
    """Looks at what this worker needs. Nobody is let in faster or slower for asking, so asking must cost nothing."""

    def __init__(self, database: Database, notifications: Notifications) -> None:
        self._database = database
        self._notifications = notifications
        self._look: asyncio.Task[Readiness] | None = None
        self._fresh_until = 0.0

    async def feel(self) -> Readiness:
        """How it was at most a second ago; who asks while somebody looks is told what they see."""
        look = self._look
        if look is None or (look.done() and time.monotonic() >= self._fresh_until):
            look = self._look = asyncio.create_task(self._check())
        return await asyncio.shield(look)  # a caller who leaves takes nobody's answer away

    async def _check(self) -> Readiness:
        checks = {
            "database": "ok" if await self._database_answers() else "missing",
            "notifications": "ok" if self._notifications.healthy_within(LISTENING_WITHIN_SECONDS) else "missing",
        }
        self._fresh_until = time.monotonic() + LOOK_EVERY_SECONDS
        well = all(state == "ok" for state in checks.values())
        return Readiness(status="ok" if well else "not ready", checks=checks)

    async def _database_answers(self) -> bool:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS), self._database.acquire() as connection:
                return bool(await connection.fetchval("select true"))
        except Exception:  # noqa: BLE001 - whatever keeps the database from answering, the answer is no
            return False


@get("/health/live", guards=[public], summary="Whether the process answers", sync_to_thread=False)
def live() -> Liveness:
    return Liveness(status="ok")


@get("/health/ready", guards=[public], summary="Whether this worker can serve people")
async def ready(pulse: Injected[Pulse]) -> Response[Readiness]:
    readiness = await pulse.feel()
    return Response(readiness, status_code=200 if readiness.status == "ok" else 503)


router = Router(path="/", route_handlers=[live, ready], tags=["Health"])
