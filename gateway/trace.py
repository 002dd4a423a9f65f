"""What is known of one call while it goes on, and the row that stays of it. Holds nothing personal."""

import time
from datetime import datetime

import structlog

from app.kit.errors import InternalError, SuishenError, TemporarilyUnavailable
from app.kit.ids import new_nonce
from gateway import errors
from gateway.access import AccessRow
from gateway.asgi import BY_GATEWAY, Headers
from gateway.headers import ALWAYS
from gateway.routing import DATABASE_AWAY, RETRY_SECONDS

log = structlog.get_logger()

ALLOWED = "allowed"


class Trace:
    """One call so far."""

    def __init__(self) -> None:
        self.request_id = new_nonce()
        self.started = time.perf_counter()
        self.app_id = ""
        self.route = ""
        self.department_seconds = 0.0
        self.status = 0
        self.by_gateway = False
        self.size = 0
        self.whole = True
        self.decision = ALLOWED

    def server_timing(self) -> bytes:
        """How long the gateway and the department took so far, in milliseconds (W3C Server Timing)."""
        gateway = time.perf_counter() - self.started - self.department_seconds
        return f"gateway;dur={gateway * 1000:.1f}, department;dur={self.department_seconds * 1000:.1f}".encode()

    def begin(self, status: int, headers: Headers) -> list[tuple[bytes, bytes]]:
        """The answer begins: its headers with the marks that every answer has."""
        self.status, self.by_gateway = status, BY_GATEWAY in headers
        return [*headers, *self.marks(), *ALWAYS]

    def marks(self) -> list[tuple[bytes, bytes]]:
        """By which an answer is found again, and where its time went."""
        return [(b"x-request-id", self.request_id.encode()), (b"server-timing", self.server_timing())]

    def row(self, method: str, now: datetime) -> AccessRow:
        """The access row, when the call is over."""
        return AccessRow(
            timestamp=now,
            request_id=self.request_id,
            app_id=self.app_id,
            method=method,
            route=self.route,
            status=self.status,
            decision=self.decision,
            origin="gateway" if self.by_gateway else "department",
            department_ms=round(self.department_seconds * 1000, 1),
            total_ms=round((time.perf_counter() - self.started) * 1000, 1),
            bytes=self.size,
            whole=self.whole,
        )

    def refusal_of(self, error: Exception) -> SuishenError:
        """What a citizen is told of `error`. What nobody foresaw is logged."""
        refusal = self._named(error)
        self.decision = refusal.slug
        return refusal

    def _named(self, error: Exception) -> SuishenError:
        if isinstance(error, SuishenError):
            return error
        if isinstance(error, TimeoutError):
            return errors.DepartmentTimedOut()
        if isinstance(error, DATABASE_AWAY):
            log.error("database.away", request_id=self.request_id, error=type(error).__name__)
            return TemporarilyUnavailable(retry_after=RETRY_SECONDS)
        self._log_fault(error)
        return InternalError()

    def _log_fault(self, error: Exception) -> None:
        place = error.__traceback__
        while place is not None and place.tb_next is not None:
            place = place.tb_next
        where = "" if place is None else f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}"
        # The kind and the place, never the text: it may quote what somebody sent.
        log.error("gateway.failed", request_id=self.request_id, error=type(error).__name__, where=where)
