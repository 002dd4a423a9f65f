"""Puts together what a person may ask about their own data. Other packages add their parts through the front door."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from litestar import Router

from app.kit.database import Connection
from app.kit.floor import Floor
from app.kit.jobs import Job
from auth.consents.service import Consents
from auth.devices.service import Devices
from auth.mandates.service import Mandates
from auth.messages.service import Messages
from auth.people.life.service import PersonLife
from auth.people.lookups.service import Lookups
from auth.people.service import People
from auth.privacy.closing import routes as closing_routes
from auth.privacy.closing.service import AccountClosing
from auth.privacy.corrections import routes as corrections_routes
from auth.privacy.corrections.ports import CorrectsRecords
from auth.privacy.corrections.service import TOPIC as CORRECTION_TOPIC
from auth.privacy.corrections.service import Corrections
from auth.privacy.exports import routes as exports_routes
from auth.privacy.exports.service import TOPIC as EXPORT_TOPIC
from auth.privacy.exports.service import Exports
from auth.privacy.own import (
    ROWS,
    Companies,
    ConsentsPart,
    DevicesPart,
    DocumentsPart,
    LookupsPart,
    PersonPart,
    Traces,
)
from auth.privacy.ports import KeepsPersons
from auth.settings import AuthSettings
from auth.subject_keys.service import SubjectVault

CLOSE_EVERY_SECONDS: Final = 30
ASK_EVERY_SECONDS: Final = 5


@dataclass(frozen=True, kw_only=True)
class PrivacyRooms:
    """Copy, correction, end."""

    exports: Exports
    corrections: Corrections
    closing: AccountClosing

    @property
    def injected(self) -> dict[str, Any]:
        """What handlers ask for by name."""
        return {"exports": self.exports, "corrections": self.corrections, "closing": self.closing}

    def join(self, package: KeepsPersons) -> None:
        """From now on another package has its parts in copies, its cases before an end, and deletes at the end."""
        for part in package.parts:
            self.exports.add(part)
        self.closing.ask(package)
        self.closing.erase_with(package)

    def routers(self) -> list[Router]:
        """The routes of these rooms."""
        return [exports_routes.router, corrections_routes.router, closing_routes.router]

    def jobs(self) -> list[Job]:
        """What comes round again."""
        return [
            Job(name="auth.closing", every_seconds=CLOSE_EVERY_SECONDS, run=self.closing.close_due),
            Job(name="auth.corrections", every_seconds=ASK_EVERY_SECONDS, run=self.corrections.ask_after_all),
        ]

    async def forget(self, connection: Connection, now: datetime) -> None:
        """Deletes what is over; part of a periodic job."""
        await self.exports.forget(connection, now)


def build_privacy(
    floor: Floor,
    settings: AuthSettings,
    *,
    people: People,
    life: PersonLife,
    devices: Devices,
    mandates: Mandates,
    consents: Consents,
    messages: Messages,
    subject_vault: SubjectVault,
    lookups: Lookups,
    authority: CorrectsRecords,
) -> PrivacyRooms:
    """These rooms on this floor. Consents end with the account from here on."""
    allowed = ConsentsPart(consents)
    life.tell(allowed)
    corrections = Corrections(
        database=floor.database,
        people=people,
        authority=authority,
        messages=messages,
        outbox=floor.outbox,
        subject_vault=subject_vault,
        clock=floor.clock,
    )
    exports = Exports(
        database=floor.database,
        people=people,
        messages=messages,
        outbox=floor.outbox,
        subject_vault=subject_vault,
        clock=floor.clock,
        parts=[
            PersonPart(people),
            DocumentsPart(people),
            DevicesPart(devices),
            LookupsPart(lookups),
            allowed,
            corrections,
            *ROWS,
        ],
    )
    floor.outbox.handle(CORRECTION_TOPIC, corrections.deliver)
    floor.outbox.handle(EXPORT_TOPIC, exports.make)
    closing = AccountClosing(
        database=floor.database,
        people=people,
        life=life,
        messages=messages,
        subject_vault=subject_vault,
        clock=floor.clock,
        cooling=timedelta(seconds=settings.closing_seconds),
        cases=[Companies(mandates), corrections],
        erasers=[Traces(), exports, corrections],
    )
    life.tell(closing)
    return PrivacyRooms(exports=exports, corrections=corrections, closing=closing)
