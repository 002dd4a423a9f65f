"""The books as they stood: which keys were believed, and what was void, when a scan took place without the city."""

from datetime import datetime

import msgspec

from app.kit.database import Connection
from codes.envelope.claims import Claims
from codes.keys import verifying_key_of
from codes.offline import StatusFound
from codes.offline_logs import repository
from codes.status.models import Status, StatusPointer
from codes.trust.document import verify_trust_list
from codes.trust.models import CodeFormat, VerifiedTrustList
from codes.trust.repository import StoredTrustList
from codes.trust.service import TrustLists
from codes.verification.standing import Standing, Standings


class TrustHistory:
    """Trust lists of the last days. Made anew for each log; remembers what it read for that one."""

    def __init__(self, trust_lists: TrustLists, code_format: CodeFormat, connection: Connection) -> None:
        self._trust_lists = trust_lists
        self._code_format = code_format
        self._connection = connection
        self._known: dict[int, VerifiedTrustList] = {}

    async def at(self, moment: datetime) -> VerifiedTrustList:
        """The list in force at `moment`; the present one where none of that time is kept."""
        stored = await repository.find_trust_list(self._connection, moment)
        if stored is None:
            return (await self._trust_lists.current(self._connection)).verified
        if stored.version not in self._known:
            self._known[stored.version] = self._verified(stored)
        return self._known[stored.version]

    def _verified(self, stored: StoredTrustList) -> VerifiedTrustList:
        return verify_trust_list(
            stored.body,
            {bytes.fromhex(root.kid): verifying_key_of(root) for root in self._trust_lists.roots()},
            self._code_format.environment,
            now=stored.issued_at,
        )


async def standing_at(
    connection: Connection, standings: Standings, claims: Claims, moment: datetime, now: datetime
) -> Standing:
    """Whose code it is, and whether it was void at `moment`: what changed later does not count yet."""
    standing = await standings.find(connection, claims, now)
    if standing.status.status in (Status.VALID, None):
        return standing
    changed_at = await repository.find_changed_at(connection, StatusPointer(shard=claims.shard, index=claims.index))
    if changed_at is None or changed_at <= moment:
        return standing
    return msgspec.structs.replace(standing, status=StatusFound(status=Status.VALID, as_of=moment))
