"""A verdict put into words: the result that the scanner is told, the row that stays, and the answer kept for a retry.

Decides nothing: what was judged and disclosed comes in, the same shape goes out for every carrier.
"""

import base64
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from app.kit.structs import Model
from app.kit.vault import Vault
from codes.offline import Challenge, Judged, Shown, checks_of, freshness_of, printed_on
from codes.scenarios.models import Scenario
from codes.trust.models import VerifiedTrustList
from codes.verdict import Reason, ScannedBy, VerificationResult, retry_of, verdict_of
from codes.verification.models import StoredAnswer, Verification, VerifyCode
from codes.verification.ports import Scans
from codes.verification.reading import Reading
from codes.verification.receipts import Receipts

ANSWER_PURPOSE = "codes.answer"
DOCUMENT = "document"


class Scan(Model):
    """One scan: who asks, when, in which scenario, and how."""

    id: UUID
    now: datetime
    scanner: Any  # Scans
    scenario: Scenario
    trust_list: VerifiedTrustList
    request_id: str | None = None
    holder_checked: bool = False
    item: str | None = None
    challenge: Challenge | None = None


def challenge_of(scanner: Scans, request: VerifyCode) -> Challenge:
    """What the phone may have been asked to sign: the scanner's place, and the nonce that it sends along."""
    return Challenge(aud=str(scanner.site_id), cnonce=_decoded(request.cnonce))


class Answers:
    """Makes results and rows of scans."""

    def __init__(self, receipts: Receipts, vault: Vault) -> None:
        self._receipts = receipts
        self._vault = vault

    def result(
        self, scan: Scan, reading: Reading, judged: Judged, disclosed: dict[str, Any], ticket: str | None = None
    ) -> VerificationResult:
        """What the scanner is told. `disclosed` is empty unless the verdict is ACCEPT."""
        accepted = judged.reason is Reason.OK
        examined, scenario = reading.examined, scan.scenario.number
        return VerificationResult(
            verification_id=str(scan.id),
            verdict=verdict_of(judged.reason),
            reason=judged.reason,
            retry=retry_of(judged.reason),
            mode="online",
            kind=kind_name(examined.shown),
            scenario=scenario,
            checks=checks_of(judged, scenario, examined.shown, reading.skipped),
            freshness=freshness_of(scan.trust_list, reading.standing.status, examined.presentation, scan.now),
            disclosed=disclosed,
            withheld=sorted(set(scan.scenario.discloses) - disclosed.keys()) if accepted else [],
            scanner=scanned_by(scan.scanner),
            receipt=self._receipts.sign(
                scan.id, judged.reason, scenario=scenario, scanner_id=scan.scanner.id, now=scan.now
            ),
            form_ticket=ticket,
            printed=printed_on(examined.shown, judged.reason),
        )

    def row(self, scan: Scan, reading: Reading, result: VerificationResult) -> Verification:
        """The record of the scan; only an accepted one carries a guard, and an answer to repeat."""
        guard = reading.guard if result.reason is Reason.OK else None
        holder = reading.standing.holder
        return Verification(
            id=scan.id,
            iat=scan.now if guard is None else guard.iat,
            guard_cti=None if guard is None else guard.cti,
            verified_at=scan.now,
            scanner_id=scan.scanner.id,
            organization_id=scan.scanner.organization_id,
            scanned_by=scanned_by(scan.scanner),
            request_id=scan.request_id,
            subject_type=holder.subject_type if holder else None,
            subject_id=holder.subject_id if holder else None,
            guardian_id=holder.guardian_id if holder else None,
            kind=result.kind,
            scenario=result.scenario,
            basis=scan.scenario.basis_kind,
            disclosed=sorted(result.disclosed),
            withheld=result.withheld,
            verdict=result.verdict,
            reason=result.reason,
            answer_sealed=None if guard is None else self._seal(scan.id, result),
            operator_id=scan.scanner.on_duty(scan.now),
        )

    def open(self, answer: StoredAnswer) -> VerificationResult | None:
        """The first answer, marked as repeated; None once it was forgotten."""
        if answer.answer_sealed is None:
            return None
        opened = self._vault.open(ANSWER_PURPOSE, answer.answer_sealed, context=answer.id.bytes)
        return msgspec.structs.replace(msgspec.json.decode(opened, type=VerificationResult), repeated=True)

    def _seal(self, scan_id: UUID, result: VerificationResult) -> bytes:
        return self._vault.seal(ANSWER_PURPOSE, msgspec.json.encode(result), context=scan_id.bytes)


def kind_name(shown: Shown | None) -> str | None:
    """How results and records name the carrier."""
    if shown is None:
        return None
    return DOCUMENT if shown.kind is None else shown.kind.name


def scanned_by(scanner: Scans) -> ScannedBy:
    """The names that the holder reads."""
    return ScannedBy(org=scanner.organization_name, site=scanner.site_name, device=scanner.device_name)


def _decoded(cnonce: str | None) -> bytes | None:
    """The nonce's bytes; a text of no possible length is no nonce, so that it matches nothing."""
    if cnonce is None or len(cnonce) % 4 == 1:
        return None
    return base64.urlsafe_b64decode(cnonce + "=" * (-len(cnonce) % 4))
