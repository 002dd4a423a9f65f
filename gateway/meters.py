"""What the gateway counts of calls to departments and of the worker's own load. Counts by app, rank and department.

Decides nothing; what is watched is watched weakly, so that it ends with its worker.
"""

from typing import Final
from weakref import WeakSet

from app.kit.metrics import METRICS, Readings
from gateway.breakers import Protection
from gateway.limits.shared import SharedLimits
from gateway.overload.gate import Gate
from gateway.overload.ranks import Rank
from gateway.routing import RouteTable

CALLS: Final = METRICS.counter(
    "suishen_calls_total", "Calls to departments that ended.", "app_id", "answered_by", "status"
)
DEPARTMENT_SECONDS: Final = METRICS.histogram(
    "suishen_department_seconds", "How long departments took to answer, or to begin a stream.", "app_id"
)
REQUESTS: Final = METRICS.counter("suishen_requests_total", "Requests answered, by rank.", "rank", "status")
REQUEST_SECONDS: Final = METRICS.histogram(
    "suishen_request_seconds", "From the request to the first byte of its answer, by rank.", "rank"
)
STATUS_CLASSES: Final = ("", "1xx", "2xx", "3xx", "4xx", "5xx", "6xx", "7xx", "8xx", "9xx")
RANKS: Final = tuple(rank.name.lower() for rank in Rank)

_protections: WeakSet[Protection] = WeakSet()


def watch_departments(protection: Protection) -> Protection:
    """Its breakers and places are counted from now on."""
    _protections.add(protection)
    return protection


def count_call(app_id: str, answered_by: str, status: int, department_seconds: float) -> None:
    """A call is over. `app_id` is one that is published, or empty; without an answer there is no time of theirs."""
    CALLS.add(app_id, answered_by, STATUS_CLASSES[status // 100 % 10])
    if department_seconds:
        DEPARTMENT_SECONDS.add(department_seconds, app_id)


def watch_worker(gate: Gate, limits: object, table: RouteTable) -> None:
    """Gauges of one worker: its load, its buckets, its snapshot, and how departments fare with it."""
    METRICS.gauge("suishen_in_flight", "Requests inside.", read=lambda: {(): gate.inside})
    METRICS.gauge("suishen_waiting", "Requests that wait for their turn.", read=lambda: {(): gate.waiting})
    METRICS.gauge("suishen_in_flight_limit", "How many requests are let in at once.", read=lambda: {(): gate.limit})
    METRICS.gauge(
        "suishen_loop_delay_seconds",
        "How late the slowest worker's event loop was, at least, in the last tenth of a second.",
        read=lambda: {(): gate.delay},
        join="max",
    )
    METRICS.gauge(
        "suishen_overload_refusals",
        "Requests refused for want of room since the worker started, by rank.",
        "rank",
        read=lambda: {(RANKS[rank],): count for rank, count in gate.refused.items()},
    )
    METRICS.gauge("suishen_published_apps", "Services in force.", read=lambda: _apps(table), join="max")
    METRICS.gauge(
        "suishen_limits_alone",
        "Workers that count calls for themselves, because the shared store is away.",
        read=lambda: {(): float(isinstance(limits, SharedLimits) and limits.counts_alone)},
    )
    METRICS.gauge(
        "suishen_limits_alone_rounds",
        "Questions to the shared store that a worker answered itself, since it started.",
        read=lambda: {(): float(limits.rounds_alone if isinstance(limits, SharedLimits) else 0)},
    )
    METRICS.gauge(
        "suishen_department_resting",
        "Departments that some worker lets rest after failures.",
        "department",
        read=_resting,
        join="max",
    )
    METRICS.gauge("suishen_department_places", "Calls under way, by department.", "department", read=_places)


def _apps(table: RouteTable) -> Readings:
    return {(): float(len(table.snapshot.apps))}


def _resting() -> Readings:
    lanes = [item for protection in _protections for item in protection.lanes()]
    return {(department,): 1.0 for department, lane in lanes if lane.breaker.resting}


def _places() -> Readings:
    taken: dict[tuple[str, ...], float] = {}
    for protection in _protections:
        for department, lane in protection.lanes():
            if lane.bulkhead.taken:
                taken[department,] = taken.get((department,), 0.0) + lane.bulkhead.taken
    return taken
