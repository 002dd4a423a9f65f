"""What the registry needs from outside; joined by the front door."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from app.kit.database import Connection
from miniapps.releases.health import Health


class NetworkPolicy(Protocol):
    """Which addresses of departments the operator lets the gateway reach. Both raise a `SuishenError`."""

    def check(self, url: str) -> None:
        """Judges the spelling of a base URL and the operator's exceptions; resolves nothing."""
        ...

    async def check_reachable(self, url: str) -> None:
        """As `check`, and every address the name has now may be reached. Asks the network: hold no transaction."""
        ...


class HearsOfApps(Protocol):
    """Whoever hands something out in a mini-app's name: sign-in, above all."""

    async def client_changed(self, connection: Connection, client_id: str, *, actor: str) -> None:
        """The mini-app was published, suspended or resumed in this transaction; `client_id` is its app_id."""
        ...


class Organization(Protocol):
    """What the registry keeps of a department."""

    @property
    def id(self) -> UUID:
        """Its id."""
        ...

    @property
    def name(self) -> str:
        """Its registered name."""
        ...

    @property
    def credit_code(self) -> str:
        """Its unified social credit code (GB 32100)."""
        ...

    @property
    def status(self) -> str:
        """Only an "active" one offers mini-apps."""
        ...


class Organizations(Protocol):
    """Where organizations are known."""

    async def get_organization(self, connection: Connection, organization_id: UUID) -> Organization:
        """The organization; raises a `NotFound`."""
        ...


class RaisesAlerts(Protocol):
    """The message centre, as far as it tells officials."""

    async def raise_alert(
        self,
        connection: Connection,
        kind: str,
        *,
        subject: str,
        now: datetime,
        organization_id: UUID | None = None,
        roles: Sequence[str] = (),
        city_roles: Sequence[str] = (),
    ) -> None:
        """Tells officials of the organization with one of `roles`, and those anywhere with one of `city_roles`."""
        ...


class WritesMessages(Protocol):
    """The message centre, as far as it tells citizens."""

    async def write(self, connection: Connection, person_id: UUID, kind: str, now: datetime) -> None:
        """Tells the person, if and only if the caller's transaction commits."""
        ...


class EndsConsents(Protocol):
    """Where consents are kept."""

    async def end_purpose(
        self, connection: Connection, department_id: UUID, purpose: str, *, actor: str, limit: int
    ) -> list[UUID]:
        """Ends at most `limit` consents in force to the department for this purpose; whose they were."""
        ...


class KnowsUses(Protocol):
    """Where it is known which service a subject used lately, and how many used one."""

    async def find_last_use(self, connection: Connection, subject_id: UUID, app_id: str) -> datetime | None:
        """When the subject last used the service, to the hour; None when that is long ago or never was."""
        ...

    async def find_release(self, connection: Connection, subject_id: UUID, app_id: str) -> UUID | None:
        """The release that serves the subject now, perhaps a gray one; None when none does."""
        ...

    async def count_users(self, connection: Connection, app_id: str, since: datetime) -> int:
        """How many subjects used it since then."""
        ...


class KnowsHealth(Protocol):
    """Where every call to a release's backend is counted: the gateway."""

    async def read_health(
        self, connection: Connection, release_ids: Collection[UUID], *, since: datetime
    ) -> Mapping[UUID, Health]:
        """What all workers saw of these releases since then; one that nobody called is left out."""
        ...


class HearsVoices(KnowsHealth, Protocol):
    """The same place, for who must not take one citizen's word for everybody's."""

    async def read_voices(self, connection: Connection, release_id: UUID, *, since: datetime) -> Sequence[Health]:
        """What was seen of one release, in parts of which any one citizen's calls are all in the same."""
        ...


class KnowsRatings(Protocol):
    """Where citizens' ratings are counted."""

    async def bad_share(self, connection: Connection, release_id: UUID, since: datetime) -> tuple[int, int]:
        """How many ratings were given to acts done with this release since then, and how many of them are bad."""
        ...
