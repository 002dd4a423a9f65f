"""用码记录: who scanned me. The citizen, or the company, reads every scan that reached their code.

Except while a notice is deferred by law; then it is read afterwards, with the reason.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

from app.kit.clock import Clock
from app.kit.database import Connection
from auth.principal import Principal
from codes.scenarios.catalogue import Scenarios
from codes.scenarios.models import NO_LONGER_LISTED, PERSONAL_KINDS
from codes.verification import repository
from codes.verification.models import Deferral, RecordedScan, ScanList, ScanView, ScenarioName

# A question locks every partition that it might read, and the server's table of locks is shared: years go in parts.
AT_ONCE = timedelta(days=30)
AHEAD = timedelta(minutes=1)
FIRST_ID, LAST_ID = UUID(int=0), UUID(int=(1 << 128) - 1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CURSOR = r"^[0-9a-f]{13}-[0-9a-f]{32}(?![\s\S])"


class ScanRecords:
    """Reads records; only ever those of the caller's own subject."""

    def __init__(self, scenarios: Scenarios, clock: Clock) -> None:
        self._scenarios = scenarios
        self._clock = clock

    async def list_scans(
        self, connection: Connection, principal: Principal, *, after: str | None, limit: int
    ) -> ScanList:
        """A page, latest first by the moment at which the code was signed."""
        now, subject = self._clock.now(), (principal.subject_type, principal.subject_id)
        before = (now + AHEAD, LAST_ID) if after is None else place_of(after)
        rows: list[RecordedScan] = []
        for since, until in spans(before[0], now - self._longest(principal)):
            end = before if until == before[0] else (until, FIRST_ID)
            rows += await repository.list_scans(
                connection, subject, since=since, before=end, now=now, limit=limit + 1 - len(rows)
            )
            if len(rows) > limit:
                break
        last = rows[limit - 1] if len(rows) > limit else None
        return ScanList(
            items=[self._view(row) for row in rows[:limit]], next=cursor_of(last.iat, last.id) if last else None
        )

    async def find_scan(
        self, connection: Connection, principal: Principal, verification_id: UUID
    ) -> RecordedScan | None:
        """One scan of the caller's own, or None: there is none, or they may not know of it yet."""
        now, subject = self._clock.now(), (principal.subject_type, principal.subject_id)
        for since, until in spans(now + AHEAD, now - self._longest(principal)):
            found = await repository.find_scan(connection, subject, verification_id, since=since, until=until, now=now)
            if found is not None:
                return found
        return None

    def _longest(self, principal: Principal) -> timedelta:
        """How far back a scan may still know this kind of holder; a day more, since days are forgotten whole."""
        personal = principal.subject_type == "person"
        days = [
            scenario.retention_days
            for scenario in self._scenarios
            if not personal or not PERSONAL_KINDS.isdisjoint(scenario.kinds)
        ]
        return timedelta(days=max(days, default=0) + 1)

    def _view(self, row: RecordedScan) -> ScanView:
        scenario = self._scenarios.find(row.scenario)
        deferral = None
        if row.deferred_by is not None and row.deferred_until is not None:
            deferral = Deferral(legal_basis=row.deferred_by, until=row.deferred_until)
        return ScanView(
            verification_id=row.id,
            at=row.verified_at,
            scanner=row.scanned_by,
            scenario=ScenarioName(number=row.scenario, names=scenario.names if scenario else NO_LONGER_LISTED),
            basis=row.basis,
            kind=row.kind,
            verdict=row.verdict,
            reason=row.reason,
            disclosed=row.disclosed,
            withheld=row.withheld,
            mode=row.mode,
            said=row.said,
            conflicts=row.conflicts,
            recorded_at=row.recorded_at,
            deferral=deferral,
            on_behalf_of=None if row.guardian_id is None else row.subject_id,
        )


def spans(latest: datetime, oldest: datetime) -> Iterator[tuple[datetime, datetime]]:
    """From `latest` back to `oldest` in parts; each begins where the one before it ended."""
    until = latest
    while until > oldest:
        since = max(until - AT_ONCE, oldest)
        yield since, until
        until = since


def cursor_of(at: datetime, last_id: UUID) -> str:
    """The place after a scan, as text: microseconds since 1970 and the id."""
    return f"{(at - EPOCH) // timedelta(microseconds=1):013x}-{last_id.hex}"


def place_of(cursor: str) -> tuple[datetime, UUID]:
    """The place in a text that matches `CURSOR`."""
    microseconds, _, last_id = cursor.partition("-")
    return EPOCH + timedelta(microseconds=int(microseconds, 16)), UUID(hex=last_id)
