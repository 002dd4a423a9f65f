"""One scan, one verdict: signatures, status, time, scenario, scanner, holder, replay; then what may leave, and the row.

The row is the guard: of all scans of one presentation, on all workers, exactly one is accepted. A refused scan is
remembered too, and discloses nothing.
"""

import base64
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.ids import new_id
from app.kit.structs import Model
from app.kit.vault import Vault
from codes.offline import Challenge, Examined, Judged, checks_of, examine, freshness_of, judge
from codes.scenarios.catalogue import Scenarios
from codes.scenarios.models import Scenario
from codes.trust.models import CodeFormat, VerifiedTrustList
from codes.trust.service import TrustLists
from codes.verdict import Reason, ScannedBy, VerificationResult, retry_of, verdict_of
from codes.verification import repository
from codes.verification.holders import Holders
from codes.verification.models import StoredAnswer, Verification, VerifyCode, attributes_allowed, policy_of
from codes.verification.ports import Scans
from codes.verification.receipts import Receipts
from codes.verification.standing import NOT_READ, Standing, Standings

ANSWER_PURPOSE = "codes.answer"


class Scan(Model):
    """One scan while it is judged."""

    id: UUID
    now: datetime
    scanner: Any  # Scans
    scenario: Scenario
    request: VerifyCode
    trust_list: VerifiedTrustList
    examined: Examined


class Verifications:
    """Verdicts online."""

    def __init__(
        self,
        *,
        trust_lists: TrustLists,
        scenarios: Scenarios,
        holders: Holders,
        standings: Standings,
        receipts: Receipts,
        vault: Vault,
        clock: Clock,
        code_format: CodeFormat,
    ) -> None:
        self._trust_lists = trust_lists
        self._scenarios = scenarios
        self._holders = holders
        self._standings = standings
        self._receipts = receipts
        self._vault = vault
        self._clock = clock
        self._code_format = code_format

    async def verify(self, connection: Connection, scanner: Scans, request: VerifyCode) -> VerificationResult:
        """The verdict on what `scanner` read. Raises `ScenarioUnknown`; a bad code is a verdict, never an error."""
        scenario = self._scenarios.get(request.scenario)
        now = self._clock.now()
        trust_list = (await self._trust_lists.current(connection)).verified
        scan = Scan(
            id=new_id(),
            now=now,
            scanner=scanner,
            scenario=scenario,
            request=request,
            trust_list=trust_list,
            examined=examine(request.code, trust_list, self._code_format, now),
        )
        claims = scan.examined.claims
        standing = NOT_READ
        if scan.examined.reason is Reason.OK and claims is not None:
            standing = await self._standings.find(connection, claims, now)
        judged = await self._judge(connection, scan, standing)
        if judged.reason is Reason.STALE_CODE and (earlier := await self._find_earlier(connection, scan)):
            return earlier
        return await self._conclude(connection, scan, standing, judged)

    async def _judge(self, connection: Connection, scan: Scan, standing: Standing) -> Judged:
        examined = scan.examined
        if examined.reason is not Reason.OK or examined.code is None:
            return Judged(reason=examined.reason, failed_step=examined.failed_step)
        if standing.refusal is not None:
            return standing.refusal
        judged = judge(
            examined.code,
            scan.trust_list,
            standing.status,
            policy_of(scan.scenario),
            scan.now,
            challenge=_challenge_of(scan),
        )
        if judged.reason is not Reason.OK:
            return judged
        if refusal := scan.scanner.refusal_of(scan.scenario.number):
            return msgspec.structs.replace(judged, reason=refusal, failed_step="scanner")
        assert standing.holder is not None
        reason = await self._holders.standing(connection, standing.holder, scan.scenario)
        return judged if reason is Reason.OK else msgspec.structs.replace(judged, reason=reason, failed_step="holder")

    async def _conclude(
        self, connection: Connection, scan: Scan, standing: Standing, judged: Judged
    ) -> VerificationResult:
        disclosed: dict[str, Any] = {}
        if judged.reason is Reason.OK and standing.holder is not None:
            chosen = None if scan.examined.presentation is None else scan.examined.presentation.scenario
            disclosed = await self._holders.disclose(
                connection,
                standing.holder,
                attributes_allowed(scan.scenario, chosen),
                scenario=scan.scenario.number,
                asked_by=scan.scanner.organization_id,
            )
        result = self._result(scan, standing, judged, disclosed)
        if await repository.insert_verification(connection, self._row(scan, standing, result)):
            return result
        return await self._answer_again(connection, scan, standing, judged)

    async def _answer_again(
        self, connection: Connection, scan: Scan, standing: Standing, judged: Judged
    ) -> VerificationResult:
        """The presentation was accepted before: the same request gets its answer again, any other is a replay."""
        if earlier := await self._find_earlier(connection, scan):
            return earlier
        replayed = msgspec.structs.replace(judged, reason=Reason.REPLAYED, failed_step="replay")
        result = self._result(scan, standing, replayed, {})
        await repository.insert_verification(connection, self._row(scan, standing, result))
        return result

    async def _find_earlier(self, connection: Connection, scan: Scan) -> VerificationResult | None:
        """What this scanner was told on the same request in the same scenario, if it may still ask there."""
        presentation, claims, asked = scan.examined.presentation, scan.examined.claims, scan.request.request_id
        if presentation is None or claims is None or asked is None:
            return None
        if scan.scanner.refusal_of(scan.scenario.number) is not None:
            return None
        answer = await repository.find_answer(connection, claims.cti, _time(presentation.iat))
        if answer is None or (answer.scanner_id, answer.request_id) != (scan.scanner.id, asked):
            return None
        earlier = self._open(answer)
        return earlier if earlier is not None and earlier.scenario == scan.scenario.number else None

    def _result(self, scan: Scan, standing: Standing, judged: Judged, disclosed: dict[str, Any]) -> VerificationResult:
        accepted = judged.reason is Reason.OK
        claims = scan.examined.claims
        return VerificationResult(
            verification_id=str(scan.id),
            verdict=verdict_of(judged.reason),
            reason=judged.reason,
            retry=retry_of(judged.reason),
            mode="online",
            kind=None if claims is None else claims.kind.name,
            scenario=scan.scenario.number,
            checks=checks_of(judged, scan.scenario.number, scan.examined.code),
            freshness=freshness_of(scan.trust_list, standing.status, scan.examined.presentation, scan.now),
            disclosed=disclosed,
            withheld=sorted(set(scan.scenario.discloses) - disclosed.keys()) if accepted else [],
            scanner=_scanned_by(scan.scanner),
            receipt=self._receipts.sign(
                scan.id, judged.reason, scenario=scan.scenario.number, scanner_id=scan.scanner.id, now=scan.now
            ),
        )

    def _row(self, scan: Scan, standing: Standing, result: VerificationResult) -> Verification:
        presentation, claims = scan.examined.presentation, scan.examined.claims
        guarded = result.reason is Reason.OK and presentation is not None and claims is not None
        answer = msgspec.json.encode(result)
        return Verification(
            id=scan.id,
            iat=_time(presentation.iat) if guarded and presentation else scan.now,
            guard_cti=claims.cti if guarded and claims else None,
            verified_at=scan.now,
            scanner_id=scan.scanner.id,
            organization_id=scan.scanner.organization_id,
            scanned_by=_scanned_by(scan.scanner),
            request_id=scan.request.request_id,
            subject_type=standing.holder.subject_type if standing.holder else None,
            subject_id=standing.holder.subject_id if standing.holder else None,
            kind=result.kind,
            scenario=result.scenario,
            basis=scan.scenario.basis_kind,
            disclosed=sorted(result.disclosed),
            withheld=result.withheld,
            verdict=result.verdict,
            reason=result.reason,
            answer_sealed=self._vault.seal(ANSWER_PURPOSE, answer, context=scan.id.bytes) if guarded else None,
        )

    def _open(self, answer: StoredAnswer) -> VerificationResult | None:
        if answer.answer_sealed is None:
            return None
        opened = self._vault.open(ANSWER_PURPOSE, answer.answer_sealed, context=answer.id.bytes)
        return msgspec.structs.replace(msgspec.json.decode(opened, type=VerificationResult), repeated=True)


def _challenge_of(scan: Scan) -> Challenge:
    return Challenge(aud=str(scan.scanner.site_id), cnonce=_decoded(scan.request.cnonce))


def _decoded(cnonce: str | None) -> bytes | None:
    """The nonce's bytes; a text of no possible length is no nonce, so that it matches nothing."""
    if cnonce is None or len(cnonce) % 4 == 1:
        return None
    return base64.urlsafe_b64decode(cnonce + "=" * (-len(cnonce) % 4))


def _scanned_by(scanner: Scans) -> ScannedBy:
    return ScannedBy(org=scanner.organization_name, site=scanner.site_name, device=scanner.device_name)


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
