"""What the city's own books say of a code at this moment: whose it is, and whether it still counts."""

from datetime import datetime

import msgspec

from app.kit.database import Connection
from app.kit.structs import Model
from codes.envelope.claims import PRESENTED, Claims, Kind
from codes.offline import Judged, StatusFound
from codes.showing.grants.pointers import GrantPointer, Pointers
from codes.status.models import StatusPointer
from codes.status.service import Statuses
from codes.verdict import Reason
from codes.verification import repository
from codes.verification.models import GrantKey, GrantStanding
from codes.verification.ports import FindsPaper, FindsStaticCodes, Holder

UNKNOWN = StatusFound(status=None)


class Standing(Model):
    """The holder, if the code is in the books; `refusal` when the books say that it cannot count."""

    holder: Holder | None
    status: StatusFound
    refusal: Judged | None = None
    spent: bool = False  # used up for good by an earlier acceptance


NOT_READ = Standing(holder=None, status=UNKNOWN)
NOT_OURS = Standing(holder=None, status=UNKNOWN, refusal=Judged(reason=Reason.MALFORMED, failed_step="status"))
NOT_FOUND = Standing(holder=None, status=UNKNOWN, refusal=Judged(reason=Reason.STATUS_UNKNOWN, failed_step="status"))


class Standings:
    """Looks codes up whose signatures held: one round trip for a personal code."""

    def __init__(
        self,
        *,
        pointers: Pointers,
        statuses: Statuses,
        static_codes: FindsStaticCodes,
        paper_codes: FindsPaper | None = None,
    ) -> None:
        self._pointers = pointers
        self._statuses = statuses
        self._static_codes = static_codes
        self._paper_codes = paper_codes

    async def find(self, connection: Connection, claims: Claims, now: datetime) -> Standing:
        """The standing of the code with these claims, from the database and no cache."""
        place = StatusPointer(shard=claims.shard, index=claims.index)
        if claims.kind in PRESENTED:
            return await self._of_grant(connection, claims.cti, place, now)
        holder = await self._find_holder(connection, claims)
        if holder is None:
            return NOT_FOUND
        status = await self._statuses.find_status(connection, place)
        return Standing(holder=holder, status=StatusFound(status=status, as_of=now))

    async def find_at(self, connection: Connection, claims: Claims, moment: datetime, now: datetime) -> Standing:
        """Whose code it is, and what its status was at `moment`, whatever happened to it since."""
        standing = await self.find(connection, claims, now)
        place = StatusPointer(shard=claims.shard, index=claims.index)
        was = None if standing.status.status is None else await self._statuses.find_status_at(connection, place, moment)
        if was is None:
            return standing
        return msgspec.structs.replace(standing, status=StatusFound(status=was, as_of=moment))

    async def _find_holder(self, connection: Connection, claims: Claims) -> Holder | None:
        if claims.kind is not Kind.L:
            return await self._static_codes.find_holder(connection, claims.kind, claims.cti)
        return None if self._paper_codes is None else await self._paper_codes.find_holder(connection, claims.cti)

    async def _of_grant(self, connection: Connection, cti: bytes, place: StatusPointer, now: datetime) -> Standing:
        pointer = self._pointers.open(cti)
        if pointer is None:
            return NOT_OURS
        [grant] = await repository.list_standings(connection, [GrantKey(batch=pointer.batch, place=place, cti=cti)])
        return standing_of(grant, pointer, now)


def standing_of(grant: GrantStanding | None, pointer: GrantPointer, now: datetime) -> Standing:
    """What a row of the books says of the grant that `pointer` names. Pure."""
    if grant is None or pointer.number >= grant.grants:
        return NOT_FOUND
    return Standing(
        holder=Holder(
            subject_type="person",
            subject_id=grant.person_id,
            guardian_id=grant.guardian_id,
            mandate_id=grant.mandate_id,
            frozen=grant.frozen,
        ),
        status=StatusFound(status=grant.true_status, as_of=now),
        spent=grant.spent,
    )
