"""Takes ratings from those who were inspected, and publishes what many have said together."""

from uuid import UUID

import msgspec

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.errors import NotFound
from app.kit.vault import Vault
from auth.principal import Principal
from codes.acting import ActLog
from codes.enterprise.inspections import repository as inspections
from codes.enterprise.inspections.models import Inspection
from codes.enterprise.ratings import repository
from codes.enterprise.ratings.errors import AlreadyRated, RatedInspectionUnknown, RatingOver, RatingTooEarly
from codes.enterprise.ratings.models import (
    PUBLISHED_FOR,
    RATE_WITHIN,
    SMALLEST_GROUP,
    DepartmentRatings,
    RateInspection,
    RatingReceipt,
    Remark,
    average,
)
from codes.enterprise_ports import FindsOrganizations

RATER_PURPOSE = "codes.ratings.rater"


class Ratings:
    """Ratings of departments by enterprises."""

    def __init__(
        self, *, organizations: FindsOrganizations, vault: Vault, clock: Clock, acts: ActLog | None = None
    ) -> None:
        self._acts = acts or ActLog()
        self._organizations = organizations
        self._vault = vault
        self._clock = clock

    async def rate(
        self, connection: Connection, principal: Principal, inspection_id: UUID, request: RateInspection
    ) -> RatingReceipt:
        """One rating of one department for one inspection of the caller's enterprise.

        Raises `RatedInspectionUnknown`, `RatingTooEarly`, `RatingOver`, `AlreadyRated`.
        """
        inspection = await self._find_met(connection, principal, inspection_id)
        await self._require_part(connection, inspection, request.department_id)
        await self._require_in_time(connection, inspection, request.department_id)
        if not await repository.insert_rated(connection, inspection_id, request.department_id):
            raise AlreadyRated
        await repository.lock_department(connection, request.department_id)
        await repository.insert_rating(connection, request, self._rater_of(principal, request.department_id))
        await repository.release(connection, request.department_id, self._clock.now().date(), SMALLEST_GROUP)
        await self._record(connection, principal, inspection, request.department_id)
        await self._acts.note(
            connection, principal, "rating_given", self._clock.now(), inspection_id=str(inspection_id)
        )
        return RatingReceipt(inspection_id=inspection_id, department_id=request.department_id)

    async def publish(self, connection: Connection, department_id: UUID) -> DepartmentRatings:
        """What was said of a department within a year; raises `NotFound` unless it is a department."""
        department = await self._organizations.get_organization(connection, department_id)
        if department.kind != "department":
            raise NotFound
        since = self._clock.now().date() - PUBLISHED_FOR
        totals = await repository.get_totals(connection, department_id, since)
        remarks = await repository.count_remarks(connection, department_id, since)
        return DepartmentRatings(
            department_id=department_id,
            department=department.name,
            withheld=totals.ratings < SMALLEST_GROUP,
            ratings=totals.ratings,
            conduct=average(totals.conduct, totals.ratings),
            necessity=average(totals.necessity, totals.ratings),
            remarks=msgspec.convert(remarks, dict[Remark, int]),
            since=since,
        )

    async def _find_met(self, connection: Connection, principal: Principal, inspection_id: UUID) -> Inspection:
        inspection = await inspections.find_any_inspection(connection, inspection_id)
        if inspection is None or inspection.organization_id != principal.subject_id or inspection.way is None:
            raise RatedInspectionUnknown
        return inspection

    async def _require_part(self, connection: Connection, inspection: Inspection, department_id: UUID) -> None:
        parts = await inspections.list_parts(connection, inspection.id)
        if department_id not in {part.department_id for part in parts}:
            raise RatedInspectionUnknown

    async def _require_in_time(self, connection: Connection, inspection: Inspection, department_id: UUID) -> None:
        now = self._clock.now()
        if now > inspection.ends_at + RATE_WITHIN:
            raise RatingOver
        if inspection.is_active(now) and not await repository.was_checked(connection, inspection.id, department_id):
            raise RatingTooEarly

    def _rater_of(self, principal: Principal, department_id: UUID) -> bytes:
        """The same for all ratings that an enterprise gives a department; nobody without the vault can make it."""
        return self._vault.blind_index(RATER_PURPOSE, f"{department_id}:{principal.subject_id}")

    async def _record(
        self, connection: Connection, principal: Principal, inspection: Inspection, department_id: UUID
    ) -> None:
        """That it was rated, not how."""
        await audit.record(
            connection,
            clock_now=self._clock.now(),
            actor=principal.actor,
            action="inspection.rated",
            subject=f"organization:{inspection.organization_id}",
            detail={"inspection": str(inspection.id), "department": str(department_id)},
        )
