"""What consents need from outside: registered purposes, birthdays, guardians, and who must hear of a withdrawal."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from app.kit.database import Connection
from auth.consents.models import Consent
from auth.consents.texts import RegisteredPurpose


class FindsPurposes(Protocol):
    """The register of what departments may ask for."""

    async def find_purpose(
        self, connection: Connection, department_id: UUID, purpose: str, text_version: str
    ) -> RegisteredPurpose | None:
        """What stands behind this name now; None when no mini-app of the department uses it.

        While a release is on trial there may be two: the one with these words is found first, else the published one.
        """
        ...


class ConsentListener(Protocol):
    """Whoever gave something out that stands on a consent."""

    async def hold_what_stands(self, connection: Connection, person_id: UUID) -> None:
        """Consents of this person are about to end: whoever is giving something out on one is waited for first."""
        ...

    async def consent_withdrawn(self, connection: Connection, consent: Consent, *, actor: str) -> None:
        """It ended in this transaction; a consent that another took the place of is not told."""
        ...


class KnowsBirthdays(Protocol):
    """Where ages are known."""

    async def find_fourteenth_birthday(self, connection: Connection, person_id: UUID) -> datetime | None:
        """When the person turns, or turned, fourteen in this city; None when nobody knows."""
        ...


class KnowsGuardians(Protocol):
    """Who stands for whom."""

    async def is_guardian(self, connection: Connection, *, guardian_id: UUID, child_id: UUID) -> bool:
        """Whether this person is this child's guardian now, and nothing less; so until the transaction ends."""
        ...

    async def list_guardian_ids(self, connection: Connection, child_id: UUID) -> list[UUID]:
        """The child's guardians now."""
        ...
