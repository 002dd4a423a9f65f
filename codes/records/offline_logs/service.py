"""Takes logs of offline scans: each scan is examined again as of its own moment, and recorded where the holder reads.

Discloses nothing. What the city has no history of (whether an account was closed then, or frozen) is not judged.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from math import ceil

import msgspec

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.errors import RateLimited
from codes.offline import OFFLINE_ALLOWANCE_SECONDS, Challenge, Examined, Judged, check_holder, examine, judge
from codes.records.offline_logs import repository
from codes.records.offline_logs.history import TrustHistory
from codes.records.offline_logs.models import LATEST_UPLOAD, EntryAnswer, LogAnswer, OfflineEntry, UploadLog, refusal_of
from codes.records.offline_logs.ports import HoldsBack
from codes.records.offline_logs.records import Record, Seen, id_at, signed_at
from codes.scenarios.catalogue import Scenarios
from codes.trust.models import CodeFormat, VerifiedTrustList
from codes.trust.service import TrustLists
from codes.venues.scanners.models import Scanner
from codes.verdict import Reason, Verdict
from codes.verification import repository as scans
from codes.verification.models import policy_of
from codes.verification.standing import NOT_READ, Standing, Standings

USED_UP = frozenset({Reason.OK, Reason.REPLAYED})
"""What a showing comes to that the city may have accepted already."""


class OfflineLogs:
    """Uploads. Guaranteed: an entry counts once, and a showing is accepted once, online and offline together."""

    def __init__(
        self,
        *,
        trust_lists: TrustLists,
        scenarios: Scenarios,
        standings: Standings,
        clock: Clock,
        code_format: CodeFormat,
        limits: HoldsBack,
    ) -> None:
        self._trust_lists = trust_lists
        self._scenarios = scenarios
        self._standings = standings
        self._clock = clock
        self._code_format = code_format
        self._limits = limits

    async def upload(self, connection: Connection, scanner: Scanner, log: UploadLog) -> LogAnswer:
        """An answer to every entry, in their order. Each refusal is an answer, never an error.

        Raises `RateLimited` for a device that has to wait: nothing of the log is looked at, and it may come again.
        """
        now = self._clock.now()
        until = await self._limits.begin_log(connection, scanner, now)
        if until is not None:
            raise RateLimited(retry_after=ceil((until - now).total_seconds()))
        refused = self._refusals(log, now)
        taken = [entry for number, entry in enumerate(log.entries) if number not in refused]
        seen = await self._read(connection, taken)
        answers = {id(one.entry): await self._record(connection, scanner, one, now) for one in in_order(seen)}
        items = [
            refused[number] if number in refused else answers[id(entry)] for number, entry in enumerate(log.entries)
        ]
        await self._note(connection, scanner, items, now)
        return LogAnswer(items=items)

    async def forget_old(self, connection: Connection) -> None:
        """Forgets which entries were uploaded, once they are too old to come again; a periodic job."""
        await repository.delete_entries(connection, self._clock.now() - 2 * LATEST_UPLOAD)

    def _refusals(self, log: UploadLog, now: datetime) -> Mapping[int, EntryAnswer]:
        refusals = {
            number: refusal_of(entry, self._scenarios.find(entry.scenario), now)
            for number, entry in enumerate(log.entries)
        }
        return {
            number: EntryAnswer(entry_id=log.entries[number].entry_id, state="refused", refusal=refusal)
            for number, refusal in refusals.items()
            if refusal is not None
        }

    async def _read(self, connection: Connection, entries: list[OfflineEntry]) -> list[Seen]:
        history = TrustHistory(self._trust_lists, self._code_format, connection)
        lists = [await history.at(entry.scanned_at) for entry in entries]
        # A thousand signatures: other requests of this worker go on meanwhile.
        examined = await asyncio.to_thread(self._examine, entries, lists)
        return [
            Seen(entry=entry, trust_list=trust_list, examined=one)
            for entry, trust_list, one in zip(entries, lists, examined, strict=True)
        ]

    def _examine(self, entries: list[OfflineEntry], lists: list[VerifiedTrustList]) -> list[Examined]:
        return [
            examine(entry.code, trust_list, self._code_format, entry.scanned_at)
            for entry, trust_list in zip(entries, lists, strict=True)
        ]

    async def _record(self, connection: Connection, scanner: Scanner, seen: Seen, now: datetime) -> EntryAnswer:
        entry = seen.entry
        open_answer = EntryAnswer(entry_id=entry.entry_id, state="recorded")
        if not await repository.insert_entry(connection, scanner, entry.digest, open_answer, now):
            return await self._again(connection, scanner, entry)
        answer = await self._conclude(connection, scanner, seen, now)
        await repository.mark_answer(connection, scanner, answer)
        return answer

    async def _again(self, connection: Connection, scanner: Scanner, entry: OfflineEntry) -> EntryAnswer:
        """The entry was uploaded before; under the same id nothing else may be said."""
        earlier = await repository.find_entry(connection, scanner, entry.entry_id)
        if earlier is None or earlier.body_hash != entry.digest:
            return EntryAnswer(entry_id=entry.entry_id, state="refused", refusal="entry_reused")
        return msgspec.structs.replace(earlier.answer, repeated=True)

    async def _conclude(self, connection: Connection, scanner: Scanner, seen: Seen, now: datetime) -> EntryAnswer:
        standing, claims = NOT_READ, seen.examined.claims
        if seen.examined.reason is Reason.OK and claims is not None:
            standing = await self._standings.find_at(connection, claims, seen.entry.scanned_at, now)
        reason = self._judge(scanner, seen, standing).reason
        if reason in USED_UP and (known := await _find_known(connection, scanner, seen)):
            return known
        scan_id = id_at(seen.entry.scanned_at)
        record = Record(id=scan_id, scanner=scanner, seen=seen, standing=standing, reason=reason, now=now)
        if not await _remember(connection, self._scenarios, record):
            record = msgspec.structs.replace(record, reason=Reason.REPLAYED)
            await _remember(connection, self._scenarios, record)
        return record.answer

    def _judge(self, scanner: Scanner, seen: Seen, standing: Standing) -> Judged:
        entry, examined = seen.entry, seen.examined
        if examined.reason is not Reason.OK or examined.shown is None:
            return Judged(reason=examined.reason)
        if standing.refusal is not None:
            return standing.refusal
        judged = judge(
            examined.shown,
            seen.trust_list,
            standing.status,
            policy_of(self._scenarios.get(entry.scenario)),
            entry.scanned_at,
            challenge=Challenge(aud=str(scanner.site_id), cnonce=entry.nonce),
            allowance_seconds=OFFLINE_ALLOWANCE_SECONDS,
        )
        if judged.reason is Reason.OK and (refusal := scanner.refusal_of(entry.scenario)):
            return Judged(reason=refusal)
        if judged.reason is Reason.OK and standing.spent:
            return Judged(reason=Reason.REPLAYED)
        return check_holder(judged, examined.shown, holder_checked=entry.holder_checked)

    async def _note(self, connection: Connection, scanner: Scanner, items: list[EntryAnswer], now: datetime) -> None:
        """One line of the audit log for an upload that brought anything new, and what it counts against the device."""
        new = [item for item in items if item.state == "recorded" and not item.repeated]
        if not new:
            return
        await self._limits.end_log(connection, scanner, (item.reason for item in new if item.reason), now)
        conflicts = Counter(conflict.value for item in new for conflict in item.conflicts)
        await audit.record(
            connection,
            clock_now=now,
            actor=scanner.actor,
            action="scans.uploaded",
            subject=f"organization:{scanner.organization_id}",
            detail={"entries": len(new), "conflicts": dict(sorted(conflicts.items()))},
        )


def in_order(seen: Iterable[Seen]) -> list[Seen]:
    """By what their rows will lock, so that two scanners that saw the same codes never wait for each other.

    Of several scans of one showing the door's own acceptance counts, and the earliest of those.
    """

    def key(one: Seen) -> tuple[bytes, int, bool, datetime, str]:
        claims, presentation, entry = one.examined.claims, one.examined.presentation, one.entry
        showing = (b"" if claims is None else claims.cti, presentation.iat if presentation else 0)
        return (*showing, entry.verdict is not Verdict.ACCEPT, entry.scanned_at, entry.entry_id)

    return sorted(seen, key=key)


async def _find_known(connection: Connection, scanner: Scanner, seen: Seen) -> EntryAnswer | None:
    """The scan that this scanner had asked about online under the same id, without hearing the answer."""
    claims, presentation = seen.examined.claims, seen.examined.presentation
    if claims is None or presentation is None:
        return None
    found = await scans.find_answer(connection, claims.cti, signed_at(presentation))
    if found is None or (found.scanner_id, found.request_id) != (scanner.id, seen.entry.entry_id):
        return None
    return EntryAnswer(
        entry_id=seen.entry.entry_id,
        state="known",
        verification_id=found.id,
        verdict=Verdict.ACCEPT,
        reason=Reason.OK,
    )


async def _remember(connection: Connection, scenarios: Scenarios, record: Record) -> bool:
    """Whether the row stands; False when the showing was accepted before, anywhere."""
    claims, presentation = record.seen.examined.claims, record.seen.examined.presentation
    if record.reason is Reason.OK and claims is not None and presentation is not None and presentation.cnonce:
        until = datetime.fromtimestamp(claims.expires_at, UTC)
        if not await scans.insert_spent(connection, claims.cti, record.now, until):
            return False
    return await scans.insert_verification(connection, record.row(scenarios.get(record.seen.entry.scenario)))
