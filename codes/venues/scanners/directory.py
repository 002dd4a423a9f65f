"""Scanners in memory, so that a scan does not ask the database who scans; forgotten the moment one changes.

Believes its memory only while the notifications are heard: a worker that may have missed a revocation reads the table.
"""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from app.kit.clock import Clock
from app.kit.database import Connection, Database, Notifications
from auth.keys import key_of_point
from codes.enterprise_ports import FindsOrganizations, KnownOrganization
from codes.venues.scanners import repository
from codes.venues.scanners.models import EnrolledScanner, KnownScanner, Scanner

CHANNEL: Final = "codes_scanner"
REMEMBERED_FOR: Final = timedelta(seconds=60)
MOST_REMEMBERED: Final = 50_000
HEARD_WITHIN_SECONDS: Final = 1.0


class ScannerDirectory:
    """Finds scanners by id. A revoked one is found too, and says so; so is one whose organization is not active."""

    def __init__(
        self, database: Database, notifications: Notifications, organizations: FindsOrganizations, clock: Clock
    ) -> None:
        self._database = database
        self._organizations = organizations
        self._clock = clock
        self._notifications = notifications
        self._known: dict[UUID, tuple[datetime, KnownScanner]] = {}
        self._changes = 0
        notifications.on(CHANNEL, self.forget)

    async def find(self, scanner_id: UUID) -> KnownScanner | None:
        """The scanner as of at most a second ago, its organization as of at most a minute ago; None for no scanner."""
        remembered = self._remembered(scanner_id)
        if remembered is not None:
            return remembered
        changes = self._changes
        async with self._database.acquire() as connection:
            known = await self._read(connection, scanner_id)
        # A change that was told while we read may not be in what we read.
        if known is not None and changes == self._changes:
            self._remember(known)
        return known

    def forget(self, payload: str | None) -> None:
        """Forgets one scanner by its id, or all of them when something may have been missed."""
        self._changes += 1
        if payload is None:
            self._known.clear()
        else:
            self._known.pop(UUID(payload), None)

    def _remembered(self, scanner_id: UUID) -> KnownScanner | None:
        entry = self._known.get(scanner_id)
        if entry is None or not self._notifications.healthy_within(HEARD_WITHIN_SECONDS):
            return None
        read_at, known = entry
        return known if self._clock.now() - read_at <= REMEMBERED_FOR else None

    def _remember(self, known: KnownScanner) -> None:
        if len(self._known) >= MOST_REMEMBERED:
            self._known.clear()
        self._known[known.scanner.id] = (self._clock.now(), known)

    async def _read(self, connection: Connection, scanner_id: UUID) -> KnownScanner | None:
        enrolled = await repository.find_scanner(connection, scanner_id)
        if enrolled is None:
            return None
        organization = await self._organizations.get_organization(connection, enrolled.organization_id)
        return KnownScanner(scanner=_scanner_of(enrolled, organization), public_key=key_of_point(enrolled.public_key))


def _scanner_of(enrolled: EnrolledScanner, organization: KnownOrganization) -> Scanner:
    suspended = enrolled.state == "active" and organization.status != "active"
    return Scanner(
        id=enrolled.id,
        organization_id=enrolled.organization_id,
        organization_name=organization.name,
        site_id=enrolled.site_id,
        site_name=enrolled.site_name,
        device_name=enrolled.device_name,
        scenarios=frozenset(enrolled.scenarios),
        state="suspended" if suspended else enrolled.state,
        terms=None if enrolled.terms is None else {terms.scenario: terms for terms in enrolled.terms},
        operator_id=enrolled.operator_id,
        operator_until=enrolled.operator_until,
    )
