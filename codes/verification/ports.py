"""What a verification needs of the rest of the house. Shapes only."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol, TypeAlias
from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import Model
from codes.envelope.claims import Kind
from codes.scenarios.models import Scenario
from codes.verdict import Reason, VerificationResult

SubjectType: TypeAlias = Literal["person", "organization"]


class Holder(Model):
    """Whom a code speaks of. A code that a guardian shows speaks of the child; guardian and mandate stand beside it."""

    subject_type: SubjectType
    subject_id: UUID
    guardian_id: UUID | None = None
    mandate_id: UUID | None = None
    frozen: bool | None = None
    """Whether a freeze lies on them, found with the code in one round trip; None: nobody has looked."""


class KnownPerson(Protocol):
    """As much of a person as a verdict needs."""

    @property
    def identity_level(self) -> int: ...

    @property
    def status(self) -> str: ...


class FindsPeople(Protocol):
    """People, and what may be said of them."""

    async def get_person(self, connection: Connection, person_id: UUID, /) -> KnownPerson:
        """The person; raises identity's own error when there is none."""
        ...

    async def find_people(self, connection: Connection, person_ids: Collection[UUID], /) -> Mapping[UUID, KnownPerson]:
        """Those of them that there are, in one round trip."""
        ...

    async def disclose(
        self, connection: Connection, person_id: UUID, attributes: frozenset[str], /
    ) -> Mapping[str, str | bool]:
        """The named attributes, no more; what is not known is left out."""
        ...


class FindsStaticCodes(Protocol):
    """The register of codes that hang on walls."""

    async def find_holder(self, connection: Connection, kind: Kind, cti: bytes, /) -> Holder | None:
        """Whom the code with this pointer speaks of, or None when there is no such code."""
        ...


class FindsPaper(Protocol):
    """The register of paper codes."""

    async def find_holder(self, connection: Connection, cti: bytes, /) -> Holder | None:
        """Whom the paper with this pointer speaks of, or None when there is no such paper."""
        ...


class FindsEntitlements(Protocol):
    """Who is entitled to what: kept by departments, told as short names such as `library.reader`."""

    async def list_entitlements(self, connection: Connection, person_id: UUID, scenario: int, /) -> list[str]:
        """The entitlements that matter in this scenario."""
        ...


class Scans(Protocol):
    """Who scans, as `codes.venues.scanners` shows a device whose signature held."""

    @property
    def id(self) -> UUID: ...

    @property
    def organization_id(self) -> UUID: ...

    @property
    def organization_name(self) -> str: ...

    @property
    def site_id(self) -> UUID: ...

    @property
    def site_name(self) -> str: ...

    @property
    def device_name(self) -> str: ...

    @property
    def actor(self) -> str: ...

    def refusal_of(self, scenario: int, /) -> Any:
        """The `Reason` why it may not ask in this scenario, or None."""
        ...

    def on_duty(self, now: datetime, /) -> UUID | None:
        """The operator who answers for its scans at this moment, or None."""
        ...

    def permitted(self, scenario: Scenario, /) -> frozenset[str]:
        """What it is registered to learn in a scenario."""
        ...


class AskedScan(Protocol):
    """Who asks, and in which scenario."""

    @property
    def scanner(self) -> Scans: ...

    @property
    def scenario(self) -> Scenario: ...


class AcceptedScan(AskedScan, Protocol):
    """A scan that is about to be told ACCEPT."""

    @property
    def id(self) -> UUID: ...

    @property
    def now(self) -> datetime: ...

    @property
    def item(self) -> str | None: ...


class AdmitsScans(Protocol):
    """Who may ask at all at this moment: limits against enumeration, and locks after a change of scenario."""

    async def refusal(
        self, connection: Connection, scanner: Scans, scenario: Scenario, now: datetime, /
    ) -> Reason | None:
        """Why this scan is not even looked at, or None. The refusal is recorded as a scan and discloses nothing."""
        ...

    async def list_admitted(
        self, connection: Connection, scans: Sequence[AskedScan], now: datetime, /
    ) -> Sequence[bool]:
        """Whether nothing stands against each scan, as far as one look at the books tells; it writes nothing.

        For scenarios in which nobody has to have signed on, and an acceptance counts as nothing.
        """
        ...

    async def learn(
        self, connection: Connection, scanner: Scans, scenario: Scenario, result: VerificationResult, now: datetime, /
    ) -> None:
        """Takes note of the verdict, in the transaction of the scan; refusals of its own and repeats included."""
        ...


class NarrowsDisclosure(Protocol):
    """What a scanner is registered to learn in a scenario, which may be less than the scenario allows."""

    def narrowed(self, scanner: Scans, scenario: Scenario, attributes: frozenset[str], /) -> frozenset[str]:
        """Those of `attributes` that may leave; never more."""
        ...


class IssuesTickets(Protocol):
    """Form tickets of counter scenarios: what a department redeems for prefilled fields."""

    async def issue(self, connection: Connection, scan: AcceptedScan, holder: Holder, now: datetime, /) -> str | None:
        """The ticket of this scan, or None where the scenario is no counter's.

        Called before the guard against replays is known to hold: when it does not, nobody is ever told the ticket.
        """
        ...


class KnowsFreezes(Protocol):
    """Persons whose codes were frozen at a counter."""

    async def reason(self, connection: Connection, person_id: UUID, now: datetime, /) -> Reason | None:
        """SUSPENDED or REVOKED, or None for who is not frozen."""
        ...


class KnowsMandates(Protocol):
    """Whether somebody still speaks for the person whose code they show."""

    async def reason(self, connection: Connection, holder: Holder, scenario: int, /) -> Reason | None:
        """Why a code of this holder, shown by `guardian_id` under `mandate_id`, does not count; None when it does."""
        ...


class EndsCodes(Protocol):
    """Whatever else was given to a person: online codes, paper codes. Ends in the caller's transaction."""

    async def end_codes(self, connection: Connection, person_id: UUID, now: datetime, /) -> int:
        """Ends everything of this person's; how many codes that were."""
        ...

    async def end_codes_of_device(self, connection: Connection, device_id: UUID, now: datetime, /) -> int:
        """Ends what was given to one device; how many codes that were."""
        ...
