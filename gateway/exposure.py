"""Who sees a release that is not yet everybody's: testers who accepted, then a share of the citizens of some zones.

Pure. A subject's bucket is a stable hash of subject, app and release, so that a growing share only ever adds people; so
is a caller's voice in how the release fares, which they share with a sixteenth of the city.
Refuses to guess: whoever is nobody, or is in no known zone when zones are named, sees what is published.
"""

import hashlib
from typing import Final
from uuid import UUID

from app.kit.structs import Model
from miniapps.zones.codes import lies_in

BUCKETS: Final = 100
VOICES: Final = 16
NOBODY: Final = 0


class Rule(Model):
    """Whom a gray release takes. `percent` 0: testers alone; no `zones`: the whole city."""

    percent: int
    zones: frozenset[str] = frozenset()
    testers: frozenset[UUID] = frozenset()

    def takes(self, subject_id: UUID, app_id: str, release_id: UUID, zone: str | None) -> bool:
        """Whether this subject, at home in `zone`, is served by the release."""
        if subject_id in self.testers:
            return True
        if self.percent <= 0 or not self._reaches(zone):
            return False
        return bucket_of(subject_id, app_id, release_id) < self.percent

    def _reaches(self, zone: str | None) -> bool:
        return not self.zones or (zone is not None and any(lies_in(zone, whole) for whole in self.zones))


def bucket_of(subject_id: UUID, app_id: str, release_id: UUID) -> int:
    """0 to 99, always the same for the same three, and independent from release to release."""
    digest = hashlib.sha256(b"ssb-gray\0" + subject_id.bytes + release_id.bytes + app_id.encode()).digest()
    return int.from_bytes(digest[:8], "big") % BUCKETS


def voice_of(caller: str | None, release_id: UUID) -> int:
    """1 to 16, always the same for one caller and one release; `NOBODY` for the city's own calls."""
    if caller is None:
        return NOBODY
    digest = hashlib.sha256(b"ssb-voice\0" + release_id.bytes + caller.encode()).digest()
    return 1 + digest[0] % VOICES
