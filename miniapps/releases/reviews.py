"""A reviewer's judgement: of a manifest by its hash, never of one's own work, once."""

import hmac

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.ids import new_id
from auth.principal import Principal
from miniapps.errors import ManifestHashMismatch
from miniapps.lifecycle.emergencies import Emergencies
from miniapps.manifest import decode_canonical
from miniapps.registry import repository as apps
from miniapps.releases import repository
from miniapps.releases.models import Review, ReviewView, WriteReview, refuse_own_review, review_view
from miniapps.states import VERSION


class Reviews:
    """Judgements of versions."""

    def __init__(self, emergencies: Emergencies, clock: Clock) -> None:
        self._emergencies = emergencies
        self._clock = clock

    async def review(
        self, connection: Connection, principal: Principal, app_id: str, code: int, request: WriteReview
    ) -> ReviewView:
        """Judges a version; raises `VersionUnknown`, `SelfReview`, `StateConflict`, `ManifestHashMismatch`.

        Of two reviewers who judge at once, one decides and the other is refused. To approve an emergency begins it, and
        raises `EmergencyTooLong` or `EmergencyFixed` where that is too late or not one any more.
        """
        await apps.get_app_locked(connection, app_id)
        version = await repository.get_version(connection, app_id, code)
        refuse_own_review(version, principal.person_id)
        VERSION.walk(version.state, request.verdict)
        if not hmac.compare_digest(bytes.fromhex(request.manifest_hash), version.manifest_hash):
            raise ManifestHashMismatch
        review = Review(
            id=new_id(),
            version_id=version.id,
            verdict=request.verdict,
            reason=request.reason,
            manifest_hash=version.manifest_hash,
            author_id=version.author_id,
            reviewer_id=principal.person_id,
            reviewed_at=self._clock.now(),
        )
        await repository.insert_review(connection, review)
        if request.verdict == "approved":
            await self._emergencies.begin(connection, decode_canonical(version.manifest), review.reviewed_at)
        await repository.mark_reviewed(connection, version.id, request.verdict)
        await audit.record(
            connection,
            clock_now=review.reviewed_at,
            actor=principal.actor,
            action="miniapp.version_reviewed",
            subject=f"miniapp:{app_id}",
            detail={"code": code, "verdict": request.verdict, "manifest_hash": request.manifest_hash},
        )
        return review_view(review)
