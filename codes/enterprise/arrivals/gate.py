"""Reads officers' codes (I) at an enterprise's own enrolled scanner, as a carrier of the one verify call.

A code for another enterprise is refused there, so that a task opens no other gate. The gate says who may come in; that
the enterprise has met the officers, only somebody who acts for it says, by scanning in the app.
"""

from datetime import datetime

from app.kit.database import Connection
from codes.enterprise.arrivals import repository
from codes.enterprise.inspections import repository as inspections
from codes.envelope.claims import Kind
from codes.envelope.static_code import parse_static_code
from codes.offline import Judged, StatusFound, examine
from codes.status.models import StatusPointer
from codes.status.service import Statuses
from codes.trust.models import CodeFormat
from codes.trust.service import TrustLists
from codes.verdict import Reason, Refused
from codes.verification.ports import Holder, Scans
from codes.verification.reading import Reading
from codes.verification.standing import NOT_FOUND, NOT_READ, Standing


class GateReader:
    """The carrier `I`, as a `ReadsCodes`. The holder is the department that leads the task."""

    def __init__(self, *, trust_lists: TrustLists, statuses: Statuses, code_format: CodeFormat) -> None:
        self._trust_lists = trust_lists
        self._statuses = statuses
        self._code_format = code_format

    def recognises(self, text: str) -> bool:
        """By what it says of itself; whether that is true, `read` finds out."""
        try:
            return parse_static_code(text, self._code_format.host).claims.kind is Kind.I
        except Refused:
            return False

    async def read(
        self,
        connection: Connection,
        scanner: Scans,
        text: str,
        scenario: int,  # noqa: ARG002 - of the port; whether it asks for inspections, `judge` says
        now: datetime,
    ) -> Reading:
        """What the code is worth at this scanner."""
        trust_list = (await self._trust_lists.current(connection)).verified
        examined = examine(text, trust_list, self._code_format, now)
        if examined.reason is not Reason.OK or examined.claims is None:
            return Reading(examined=examined, standing=NOT_READ)
        pointer = StatusPointer(shard=examined.claims.shard, index=examined.claims.index)
        status = StatusFound(status=await self._statuses.find_status(connection, pointer), as_of=now)
        standing = await self._find_standing(connection, scanner, examined.claims.cti, status)
        return Reading(examined=examined, standing=standing)

    async def _find_standing(self, connection: Connection, scanner: Scans, cti: bytes, status: StatusFound) -> Standing:
        """A task that was closed has taken its code with it, so the status says that."""
        code = await repository.find_by_cti(connection, cti)
        task = None if code is None else await inspections.find_any_inspection(connection, code.inspection_id)
        if task is None:
            return NOT_FOUND
        holder = Holder(subject_type="organization", subject_id=task.department_id)
        if task.organization_id != scanner.organization_id:
            not_for_them = Judged(reason=Reason.SCANNER_NOT_ALLOWED, failed_step="scanner")
            return Standing(holder=holder, status=status, refusal=not_for_them)
        return Standing(holder=holder, status=status)
