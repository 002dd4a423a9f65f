"""How each release fares: every call's outcome, counted in memory and written together once a second.

Counts and nothing else: no person, no path, no text. Calls to a release on trial are counted by voice, of which a
sixteenth of the city has the same one, so that the watch can leave any one out. Loses at most the last second of one
worker in a crash; a write whose outcome is unknown is simply written again, for a worker's row holds its own totals.
"""

import bisect
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, Protocol, TypeAlias
from uuid import UUID

from app.kit.clock import Clock
from app.kit.database import Connection, Database
from app.kit.ids import new_id
from app.kit.structs import convert
from gateway.exposure import NOBODY
from miniapps.releases.health import BOUNDS_MS, Health

Outcome: TypeAlias = Literal["ok", "department_fault", "timeout", "bad_signature"]
Key: TypeAlias = tuple[UUID, int, int]
"""Release, slot and voice."""

SLOT_SECONDS: Final = 10
KEPT_SINGLE: Final = timedelta(minutes=15)
KEPT_HOURS: Final = timedelta(days=3)
KEPT_DAYS: Final = timedelta(days=400)
_BOUNDS: Final = tuple(bound / 1000 for bound in BOUNDS_MS)


class NoteOutcome(Protocol):
    """Hears how calls to departments end."""

    def __call__(self, release_id: UUID, outcome: Outcome, seconds: float, voice: int = NOBODY, /) -> None:
        """One call to the release's backend ended so, after so long; `voice` as in `gateway.exposure`."""
        ...


def note_nothing(_release_id: UUID, _outcome: Outcome, _seconds: float, _voice: int = NOBODY, /) -> None:
    """For whoever keeps no account of releases."""


class _Tally:
    """What one worker saw of one release in one slot."""

    __slots__ = ("bad_signatures", "calls", "durations", "faults", "timeouts", "written")

    def __init__(self) -> None:
        self.written = self.calls = self.faults = self.timeouts = self.bad_signatures = 0
        self.durations = [0] * (len(BOUNDS_MS) + 1)


class ReleaseHealth:
    """Counts for this worker, and answers for all of them."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._worker = new_id()
        self._tallies: dict[Key, _Tally] = {}

    def note(self, release_id: UUID, outcome: Outcome, seconds: float, voice: int = NOBODY, /) -> None:
        """One call to the release's backend ended so, after so long."""
        slot = int(self._clock.now().timestamp()) // SLOT_SECONDS
        key = (release_id, slot, voice)
        tally = self._tallies.get(key)
        if tally is None:
            tally = self._tallies[key] = _Tally()
        tally.calls += 1
        tally.durations[bisect.bisect_left(_BOUNDS, seconds)] += 1
        if outcome == "department_fault":
            tally.faults += 1
        elif outcome == "timeout":
            tally.timeouts += 1
        elif outcome == "bad_signature":
            tally.bad_signatures += 1

    async def write(self) -> None:
        """Writes the totals of the slots that changed; a periodic job. What could not be written waits on."""
        changed = {key: tally.calls for key, tally in self._tallies.items() if tally.calls > tally.written}
        if not changed:
            return
        columns = _columns(self._tallies, changed)
        async with self._database.acquire() as connection:
            await connection.execute(UPSERT, self._worker, *columns)
        for key, calls in changed.items():
            self._tallies[key].written = calls
        self._forget_ended_slots()

    async def fold(self) -> None:
        """Folds slots that are over into hours, hours into days, and forgets days; a periodic job of any worker."""
        now = self._clock.now()
        async with self._database.transaction() as connection:
            if not await connection.fetchval(TRY_LOCK):
                return
            await connection.execute(FOLD, SLOT_SECONDS, 3600, "hour", now - KEPT_SINGLE)
            await connection.execute(FOLD, 3600, 86_400, "day", now - KEPT_HOURS)
            await connection.execute(DELETE_DAYS, now - KEPT_DAYS)

    async def read_health(
        self, connection: Connection, release_ids: Collection[UUID], *, since: datetime
    ) -> Mapping[UUID, Health]:
        """What all workers saw of these releases since then; one that nobody called is left out.

        Exact to ten seconds for the last quarter of an hour, to the hour for three days, to the day before that. The
        ten seconds in which `since` lies count whole: a release that fails at once must not be blind to itself.
        """
        rows = await connection.fetch(READ, list(release_ids), since - timedelta(seconds=SLOT_SECONDS))
        return {row["release_id"]: convert(dict(list(row.items())[1:]), Health) for row in rows}

    async def read_voices(self, connection: Connection, release_id: UUID, *, since: datetime) -> Sequence[Health]:
        """The same of one release, each voice for itself; those that did not call are left out."""
        rows = await connection.fetch(READ_VOICES, release_id, since - timedelta(seconds=SLOT_SECONDS))
        return [convert(row, Health) for row in rows]

    def _forget_ended_slots(self) -> None:
        current = int(self._clock.now().timestamp()) // SLOT_SECONDS
        ended = [key for key, tally in self._tallies.items() if key[1] < current and tally.calls == tally.written]
        for key in ended:
            del self._tallies[key]


UPSERT: Final = """
insert into gateway.release_health as known
       (worker, span_seconds, release_id, slot, voice, calls, faults, timeouts, bad_signatures, durations)
select $1, 10, release_id, slot, voice, calls, faults, timeouts, bad_signatures,
       array[d0, d1, d2, d3, d4, d5, d6, d7, d8]
  from unnest($2::uuid[], $3::timestamptz[], $4::smallint[], $5::bigint[], $6::bigint[], $7::bigint[],
              $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[],
              $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[])
       as seen (release_id, slot, voice, calls, faults, timeouts, bad_signatures, d0, d1, d2, d3, d4, d5, d6, d7, d8)
    on conflict (release_id, slot, span_seconds, worker, voice) do update
   set (calls, faults, timeouts, bad_signatures, durations) =
       (excluded.calls, excluded.faults, excluded.timeouts, excluded.bad_signatures, excluded.durations)
"""

_SUMS: Final = """
       sum(calls)::bigint as calls, sum(faults)::bigint as faults, sum(timeouts)::bigint as timeouts,
       sum(bad_signatures)::bigint as bad_signatures,
       array[sum(durations[1]), sum(durations[2]), sum(durations[3]), sum(durations[4]), sum(durations[5]),
             sum(durations[6]), sum(durations[7]), sum(durations[8]), sum(durations[9])]::bigint[] as durations
"""

READ: Final = f"""
select release_id, {_SUMS} from gateway.release_health
 where release_id = any($1) and slot > $2
 group by release_id
"""  # noqa: S608 - a constant

READ_VOICES: Final = f"""
select {_SUMS} from gateway.release_health where release_id = $1 and slot > $2 group by voice order by voice
"""  # noqa: S608 - a constant

FOLD: Final = f"""
with ended as (delete from gateway.release_health where span_seconds = $1 and slot < $4 returning *),
     folded as (select release_id, voice, date_trunc($3, slot, 'UTC') as slot, {_SUMS} from ended
                 group by release_id, voice, date_trunc($3, slot, 'UTC'))
insert into gateway.release_health as known
       (release_id, slot, worker, span_seconds, voice, calls, faults, timeouts, bad_signatures, durations)
select release_id, slot, null, $2, voice, calls, faults, timeouts, bad_signatures, durations from folded
    on conflict (release_id, slot, span_seconds, worker, voice) do update
   set calls = known.calls + excluded.calls, faults = known.faults + excluded.faults,
       timeouts = known.timeouts + excluded.timeouts, bad_signatures = known.bad_signatures + excluded.bad_signatures,
       durations = array(select mine + theirs from unnest(known.durations, excluded.durations)
                                                with ordinality as pair (mine, theirs, place) order by place)
"""  # noqa: S608 - a constant

DELETE_DAYS: Final = "delete from gateway.release_health where span_seconds = 86400 and slot < $1"

TRY_LOCK: Final = "select pg_try_advisory_xact_lock(hashtext('gateway.release_health.fold'))"


def _columns(tallies: Mapping[Key, _Tally], keys: Collection[Key]) -> list[list[object]]:
    """One array a column, in an order that two workers share, so that neither waits for the other twice."""
    ordered = sorted(keys)
    seen = [tallies[key] for key in ordered]
    counts: list[list[object]] = [
        [tally.calls for tally in seen],
        [tally.faults for tally in seen],
        [tally.timeouts for tally in seen],
        [tally.bad_signatures for tally in seen],
    ]
    durations: list[list[object]] = [[tally.durations[place] for tally in seen] for place in range(len(BOUNDS_MS) + 1)]
    slots: list[object] = [datetime.fromtimestamp(slot * SLOT_SECONDS, UTC) for _, slot, _ in ordered]
    voices: list[object] = [voice for _, _, voice in ordered]
    return [[release_id for release_id, _, _ in ordered], slots, voices, *counts, *durations]
