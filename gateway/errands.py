"""The city's own errands at a mini-app: signed as every call is, in nobody's name, to paths that no manifest declares.

Refuses suspended and unknown mini-apps, and any answer but a good one. Holds no database connection.
"""

from typing import Final

from app.kit.errors import SuishenError
from app.kit.ids import new_id
from gateway import errors
from gateway.calls import Call, Departments
from gateway.routing import RouteTable, fallback, find_entry
from gateway.snapshot import choose

OF_THE_CITY: Final = "/.ssb/"
CHANNEL: Final = "city"
LARGEST_ANSWER: Final = 512 * 1024
PATIENCE_SECONDS: Final = 4.0
GOOD: Final = range(200, 300)


class Errands:
    """Asks published mini-apps in the city's own name."""

    def __init__(self, *, table: RouteTable, departments: Departments, zone: str) -> None:
        self._table = table
        self._departments = departments
        self._zone = zone

    async def run(self, app_id: str, path: str, body: bytes, *, idempotency_key: str | None = None) -> bytes:
        """The answer to one POST of JSON, which is sent once; raises a `SuishenError`."""
        if not path.startswith(OF_THE_CITY):
            raise ValueError("An errand goes below /.ssb/, where no citizen's call ever goes.")
        entry = find_entry(self._table.snapshot, app_id)
        if isinstance(entry, SuishenError):
            raise entry
        app = choose(entry, None, None)
        if app is None:
            raise errors.UnknownService(app_id=app_id)
        headers = {"content-type": "application/json", "accept": "application/json"}
        if idempotency_key is not None:
            headers["idempotency-key"] = idempotency_key
        answer = await self._departments.call(
            Call(
                app=app,
                method="POST",
                path=path,
                query="",
                request_id=new_id().hex,
                headers=headers,
                body=body,
                timeout_seconds=PATIENCE_SECONDS,
                assertion=None,
                zone=self._zone,
                channel=CHANNEL,
                largest_answer=LARGEST_ANSWER,
            )
        )
        if answer.status not in GOOD:
            raise errors.DepartmentMisbehaved(app_id=app_id, fallback=fallback(app))
        return answer.body
