"""The city's lists in a folder of the door's own: pulled on a timer, never for a scan; judged by when the line is down.

Offline nobody can tell whether a code was shown elsewhere; shown twice at this door, it is told.
"""

import asyncio
import contextlib
import secrets
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec

from app.kit.clock import Clock
from codes.envelope.presentation import UnverifiedPresentation
from codes.offline import read_code
from codes.offline_files import ROOT_FILE, STEP_FILE, VERSION_FILE, export_changes, export_files, read_folder
from codes.offline_verifier import Challenge, OfflineVerifier, RootUnreadable, no_trust, read_root
from codes.venues.scanner_client.answers import Answer, answer_of
from codes.venues.scanner_client.device import write_private
from codes.verdict import Reason, Verdict, retry_of, verdict_of

WHOLE_EVERY: Final = timedelta(seconds=300)
CHANGES_EVERY_SECONDS: Final = 30
FETCH_SECONDS: Final = 10
SHOWN_FOR: Final = timedelta(minutes=5)
"""Longer than any presentation lives."""


class Shown:
    """What this door has accepted offline lately, by pointer and second; a signature's bytes are no identity."""

    def __init__(self) -> None:
        self._until: dict[tuple[bytes, int], datetime] = {}

    def is_new(self, cti: bytes, iat: int, now: datetime) -> bool:
        """Whether this showing was not accepted before; from now on it was."""
        self._until = {showing: until for showing, until in self._until.items() if until > now}
        if (cti, iat) in self._until:
            return False
        self._until[cti, iat] = now + SHOWN_FOR
        return True


class Lists:
    """One folder of lists. `verify` asks nobody."""

    def __init__(self, directory: Path, origin: str, clock: Clock) -> None:
        self._directory = directory
        self._origin = origin
        self._clock = clock
        self._shown = Shown()
        self._verifier: OfflineVerifier | None = None
        self._code_format: Any = None  # CodeFormat, once there is a root
        self._pulled_at: datetime | None = None

    async def pull(self) -> None:
        """Pulls what is due: all lists every five minutes, the changes since in between. Raises `httpx.HTTPError`.

        The root is taken over the first time only; whoever gets it another way puts it into the folder beforehand.
        """
        now = self._clock.now()
        whole = self._pulled_at is None or now - self._pulled_at >= WHOLE_EVERY
        await asyncio.to_thread(self._pull, now, whole=whole)
        if whole:
            self._pulled_at = now
        self._verifier = None

    async def keep_current(self) -> None:
        """Pulls for ever, at times that doors do not share; while the city is away the lists grow old, and say so."""
        while True:
            with contextlib.suppress(httpx.HTTPError):
                await self.pull()
            await asyncio.sleep(CHANGES_EVERY_SECONDS * (0.8 + secrets.randbelow(1000) / 5000))

    def verify(
        self, code: str, scenario: int, challenge: Challenge | None = None, *, holder_checked: bool = False
    ) -> Answer:
        """The verdict by the lists; without any it is TRUST_LIST_STALE. Never raises for what a code says."""
        now = self._clock.now()
        if self._verifier is None:
            self._verifier = self._read(now)
        if self._verifier is None:
            return answer_of(no_trust(scenario))
        result = self._verifier.verify(
            code, scenario=scenario, now=now, challenge=challenge, holder_checked=holder_checked
        )
        answer = answer_of(result)
        return answer if answer.verdict is not Verdict.ACCEPT or self._is_new(code, now) else _replayed(answer)

    def _read(self, now: datetime) -> OfflineVerifier | None:
        """What lies in the folder, None without a root. What was believed is noted, so that nothing older will be."""
        try:
            self._code_format = read_root((self._directory / ROOT_FILE).read_bytes()).code_format
        except (FileNotFoundError, RootUnreadable):
            return None
        verifier = read_folder(self._directory, now)
        if verifier.version is not None:
            write_private(self._directory / VERSION_FILE, f"{verifier.version}\n".encode())
        write_private(self._directory / STEP_FILE, f"{verifier.step}\n".encode())
        return verifier

    def _is_new(self, code: str, now: datetime) -> bool:
        read = read_code(code, self._code_format)
        if not isinstance(read, UnverifiedPresentation):
            return True  # what hangs on a wall, or is on paper, is shown again and again
        return self._shown.is_new(read.claims.cti, read.presentation.iat, now)

    def _pull(self, now: datetime, *, whole: bool) -> None:
        with httpx.Client(base_url=self._origin, timeout=FETCH_SECONDS) as http:

            def fetch(path: str) -> bytes:
                return http.get(path).raise_for_status().content

            if whole:
                export_files(fetch, self._directory)
            export_changes(fetch, self._directory, now)


def _replayed(answer: Answer) -> Answer:
    reason = Reason.REPLAYED
    return msgspec.structs.replace(answer, verdict=verdict_of(reason), reason=reason, retry=retry_of(reason))
