"""Notices ID numbers in what departments answer, where none was granted: counts them, logs it, and tells officials.

Changes no answer: a rule that guesses would spoil good ones; masking is declared in the manifest. Keeps no number, and
sees only what it can read: buffered answers as they are sent, not what is encoded or streamed.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from typing import Final, Protocol
from uuid import UUID

import structlog

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection, Database
from app.kit.structs import Model
from auth.documents import id_card_number_is_valid
from gateway.policy import Decision
from gateway.snapshot import CompiledApp

log = structlog.get_logger()

FIELD: Final = "id_number"
KIND: Final = "miniapp_leaks"
MOST_LOOKED_AT: Final = 256 * 1024
MOST_COUNTED: Final = 100
MOST_CHECKED: Final = 500
"""What looks like a number and is none is checked too: 256 KiB of that would hold the loop for a tenth of a second."""
_DIGITS_ALIKE: Final = bytes(ord("0" if byte in b"0123456789" else " ") for byte in range(256))
_ENOUGH_DIGITS: Final = b"0" * 17
TOLD_AGAIN_AFTER: Final = timedelta(days=1)

# 18 characters that begin a region and hold a day of birth (GB 11643); the check digit is reckoned of these only.
_LIKELY: Final = re.compile(
    rb"(?<![0-9])[1-9][0-9]{5}(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9Xx](?![0-9])"
)


class RaisesAlerts(Protocol):
    """The officials' list of alerts."""

    async def raise_once(
        self,
        connection: Connection,
        kind: str,
        *,
        subject: str,
        organization_id: UUID | None,
        roles: tuple[str, ...],
        city_roles: tuple[str, ...],
        at_most_every: timedelta,
    ) -> bool:
        """Whether they are told now, and not long ago already."""
        ...


class Seen(Model):
    """What one mini-app let out since it was last written down."""

    app: CompiledApp
    answers: int
    numbers: int


class Leaks:
    """Looks at answers; what was seen is written down by a job, away from the call."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._alerts: RaisesAlerts | None = None
        self._seen: dict[str, Seen] = {}

    def tell(self, alerts: RaisesAlerts) -> None:
        """From now on officials hear of it."""
        self._alerts = alerts

    def look(self, decision: Decision, body: bytes) -> None:
        """Notes the numbers in an answer that leaves, unless this caller's basis grants a number."""
        numbers = count_id_numbers(body)
        if numbers and not any(FIELD in granted.fields for granted in decision.granted):
            app = decision.match.app
            before = self._seen.get(app.app_id)
            answers, known = (0, 0) if before is None else (before.answers, before.numbers)
            self._seen[app.app_id] = Seen(app=app, answers=answers + 1, numbers=known + numbers)

    async def write(self) -> None:
        """Logs and audits what was seen, and tells officials once a day of each mini-app; a periodic job."""
        seen, self._seen = self._seen, {}
        for one in seen.values():
            log.warning("gateway.leak", app_id=one.app.app_id, answers=one.answers, numbers=one.numbers)
            async with self._database.transaction() as connection:
                await self._tell(connection, one)

    async def _tell(self, connection: Connection, seen: Seen) -> None:
        subject = f"miniapp:{seen.app.app_id}"
        if self._alerts is None or not await self._alerts.raise_once(
            connection,
            KIND,
            subject=subject,
            organization_id=seen.app.organization_id,
            roles=("developer",),
            city_roles=("security_admin", "reviewer"),
            at_most_every=TOLD_AGAIN_AFTER,
        ):
            return
        await audit.record(
            connection,
            clock_now=self._clock.now(),
            actor="system",
            action="miniapp.leak_noticed",
            subject=subject,
            detail={"release": str(seen.app.release_id), "answers": seen.answers, "numbers": seen.numbers},
        )


def look_at_nothing(_decision: Decision, _body: bytes) -> None:
    """For a gateway that looks at no answer."""


def count_id_numbers(body: bytes) -> int:
    """How many ID numbers with a check digit that holds stand in the first 256 KiB; counts to a hundred. Pure.

    Checks the first five hundred that could be one. Nearly every answer has no 17 digits in a row, which is
    seen in a thousandth of a millisecond.
    """
    body = body[:MOST_LOOKED_AT]
    if _ENOUGH_DIGITS not in body.translate(_DIGITS_ALIKE):
        return 0
    counted = 0
    for number in islice(_likely(body), MOST_CHECKED):
        counted += id_card_number_is_valid(number)
        if counted >= MOST_COUNTED:
            break
    return counted


def _likely(body: bytes) -> Iterator[str]:
    for found in _LIKELY.finditer(body):
        yield found[0].decode().upper()
