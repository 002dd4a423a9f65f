"""Whether this worker lives, and whether it should be sent people."""

from litestar import Response, Router, get

from app.kit.database import Database, Notifications
from app.kit.http import Injected
from app.kit.structs import Model
from auth.guards import public

LISTENING_WITHIN_SECONDS = 5.0


class Liveness(Model):
    status: str


class Readiness(Model):
    """`checks` says of each thing this worker needs whether it is there: "ok" or "missing"."""

    status: str
    checks: dict[str, str]


@get("/health/live", guards=[public], summary="Whether the process answers", sync_to_thread=False)
def live() -> Liveness:
    return Liveness(status="ok")


@get("/health/ready", guards=[public], summary="Whether this worker can serve people")
async def ready(database: Injected[Database], notifications: Injected[Notifications]) -> Response[Readiness]:
    checks = {
        "database": "ok" if await _answers(database) else "missing",
        "notifications": "ok" if notifications.healthy_within(LISTENING_WITHIN_SECONDS) else "missing",
    }
    well = all(state == "ok" for state in checks.values())
    return Response(Readiness(status="ok" if well else "not ready", checks=checks), status_code=200 if well else 503)


async def _answers(database: Database) -> bool:
    try:
        async with database.acquire() as connection:
            return bool(await connection.fetchval("select true", timeout=2))
    except Exception:  # noqa: BLE001 - whatever keeps the database from answering, the answer is no
        return False


router = Router(path="/", route_handlers=[live, ready], tags=["Health"])
