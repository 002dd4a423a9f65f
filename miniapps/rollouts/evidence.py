"""What is known of a release beside the published one, gathered from the gateway and from citizens' ratings."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import Model
from miniapps.ports import HearsVoices, KnowsRatings
from miniapps.releases.health import Health
from miniapps.rollouts.halting import Seen


class Both(Model):
    """The gray release and, if there is one, the published one, in the same span."""

    gray: Seen
    published: Seen | None


class Evidence:
    """Reads; where nobody counts, nothing is known, and nothing is held against a release."""

    def __init__(self) -> None:
        self._health: HearsVoices | None = None
        self._ratings: KnowsRatings | None = None

    def count_calls_by(self, health: HearsVoices) -> None:
        """From now on calls are counted there."""
        self._health = health

    def count_ratings_by(self, ratings: KnowsRatings) -> None:
        """From now on ratings are counted there."""
        self._ratings = ratings

    async def look(
        self, connection: Connection, release_id: UUID, published_id: UUID | None, *, since: datetime
    ) -> Both:
        """Both releases since then."""
        ids = [release_id] if published_id is None else [release_id, published_id]
        known = {} if self._health is None else await self._health.read_health(connection, ids, since=since)
        seen = {each: await self._seen(connection, each, known.get(each, Health()), since) for each in ids}
        return Both(gray=seen[release_id], published=None if published_id is None else seen[published_id])

    async def hear_voices(self, connection: Connection, release_id: UUID, *, since: datetime) -> Sequence[Health]:
        """How the release fares since then with each voice: one citizen has one and no more."""
        return () if self._health is None else await self._health.read_voices(connection, release_id, since=since)

    async def _seen(self, connection: Connection, release_id: UUID, health: Health, since: datetime) -> Seen:
        if self._ratings is None:
            return Seen(health=health)
        count, bad = await self._ratings.bad_share(connection, release_id, since)
        return Seen(health=health, ratings=count, bad_ratings=bad)
