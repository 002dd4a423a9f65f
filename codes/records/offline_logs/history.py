"""The books as they stood: which keys were believed when a scan took place without the city."""

from bisect import bisect_right
from collections.abc import Collection
from datetime import datetime
from operator import itemgetter

import msgspec

from app.kit.database import Connection
from codes.envelope.claims import PRESENTED
from codes.keys import verifying_key_of
from codes.records.offline_logs import repository
from codes.trust.document import verify_trust_list
from codes.trust.models import CodeFormat, TrustedKey, VerifiedTrustList
from codes.trust.service import TrustLists


class TrustHistory:
    """Trust lists of the last days. Made anew for each log; reads each list once, however many scans ask for it."""

    def __init__(self, trust_lists: TrustLists, code_format: CodeFormat, connection: Connection) -> None:
        self._trust_lists = trust_lists
        self._code_format = code_format
        self._connection = connection
        self._issued: list[tuple[datetime, int]] | None = None
        self._known: dict[int | None, VerifiedTrustList] = {}

    async def at(self, moment: datetime) -> VerifiedTrustList:
        """The list in force at `moment`; the present one where none of that time is kept."""
        if self._issued is None:
            self._issued = await repository.list_issued(self._connection)
        place = bisect_right(self._issued, moment, key=itemgetter(0))
        version = self._issued[place - 1][1] if place else None
        if version not in self._known:
            self._known[version] = await self._read(version)
        return self._known[version]

    async def _read(self, version: int | None) -> VerifiedTrustList:
        present = (await self._trust_lists.current(self._connection)).verified
        stored = None if version is None else await repository.find_trust_list(self._connection, version)
        if stored is None:
            return present
        past = verify_trust_list(
            stored.body,
            {bytes.fromhex(root.kid): verifying_key_of(root) for root in self._trust_lists.roots()},
            self._code_format.environment,
            now=stored.issued_at,
        )
        stolen = await repository.list_withdrawn(self._connection)
        keys = {kid: key for kid, key in past.keys.items() if kid in present.keys or left_by_itself(key, stolen)}
        return msgspec.structs.replace(past, keys=keys)


def left_by_itself(key: TrustedKey, stolen: Collection[bytes]) -> bool:
    """Whether a key may have left the list since because its time was over: only those of grants live that short.

    What was stolen is believed no more, also of the time before: a thief writes any date into a log.
    """
    return key.kinds <= PRESENTED and key.kid not in stolen
