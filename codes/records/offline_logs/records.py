"""What an offline scan becomes: a row among the scans, and the answer to the scanner. Pure but for the id it draws."""

import secrets
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from app.kit.structs import Model
from codes.envelope.presentation import Presentation
from codes.offline import Examined
from codes.records.offline_logs.models import EntryAnswer, OfflineEntry, conflicts_of
from codes.scenarios.models import Scenario
from codes.trust.models import VerifiedTrustList
from codes.verdict import Reason, verdict_of
from codes.verification.answers import kind_name, scanned_by
from codes.verification.models import Verification
from codes.verification.standing import Standing


class Seen(Model):
    """An entry that may be recorded, with what its code says; `trust_list` is the one of its moment."""

    entry: OfflineEntry
    trust_list: VerifiedTrustList
    examined: Examined


def id_at(moment: datetime) -> UUID:
    """A UUID version 7 of that millisecond: an old scan's id lies among the ids of its time."""
    milliseconds = int(moment.timestamp() * 1000) & (2**48 - 1)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | secrets.randbits(12) << 64 | 0b10 << 62 | secrets.randbits(62))


class Record(Model):
    """A scan about to be recorded: what the door said is in its entry, what the city finds is `reason`."""

    scanner: Any  # Scanner
    seen: Seen
    standing: Standing
    reason: Reason
    now: datetime
    id: UUID

    @property
    def answer(self) -> EntryAnswer:
        """What the scanner is told."""
        return EntryAnswer(
            entry_id=self.seen.entry.entry_id,
            state="recorded",
            verification_id=self.id,
            verdict=verdict_of(self.reason),
            reason=self.reason,
            conflicts=conflicts_of(self.seen.entry, self.reason, self.now),
        )

    def row(self, scenario: Scenario) -> Verification:
        """The scan as its holder will read it. As online, only an accepted showing carries the guard."""
        entry, claims, presentation = self.seen.entry, self.seen.examined.claims, self.seen.examined.presentation
        guarded = self.reason is Reason.OK and claims is not None and presentation is not None
        holder = self.standing.holder
        return Verification(
            id=self.id,
            iat=signed_at(presentation) if guarded and presentation else entry.scanned_at,
            guard_cti=claims.cti if guarded and claims else None,
            verified_at=entry.scanned_at,
            scanner_id=self.scanner.id,
            organization_id=self.scanner.organization_id,
            scanned_by=scanned_by(self.scanner),
            request_id=entry.entry_id,
            subject_type=holder.subject_type if holder else None,
            subject_id=holder.subject_id if holder else None,
            guardian_id=holder.guardian_id if holder else None,
            kind=kind_name(self.seen.examined.shown),
            scenario=scenario.number,
            basis=scenario.basis_kind,
            disclosed=[],
            withheld=[],
            verdict=verdict_of(self.reason),
            reason=self.reason,
            mode="offline",
            recorded_at=self.now,
            said=entry.verdict,
            conflicts=[conflict.value for conflict in self.answer.conflicts],
        )


def signed_at(presentation: Presentation) -> datetime:
    """When the phone signed."""
    return datetime.fromtimestamp(presentation.iat, UTC)
