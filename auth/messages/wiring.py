"""Puts the message centre together: notices, their ways out of the app, trusted contacts, and alerts to officials."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from litestar import Router

from app.kit.database import Connection
from app.kit.floor import Floor
from app.kit.jobs import Job
from auth.alerts import repository as alerts_repository
from auth.alerts import routes as alerts_routes
from auth.alerts.channel import HttpStaffChannel
from auth.alerts.service import Alerts, load_alert_texts
from auth.messages import repository, routes
from auth.messages.contacts import routes as contacts_routes
from auth.messages.contacts.service import Contacts
from auth.messages.courier import Courier
from auth.messages.models import DELIVERY_TOPIC
from auth.messages.own import MessageTraces
from auth.messages.receipts import Receipts
from auth.messages.service import Messages
from auth.messages.texts import load_texts
from auth.people.ports import EndReason
from auth.people.service import People
from auth.settings import AuthSettings
from auth.sms import routes as sms_routes
from auth.sms.demo_inbox import DemoInbox, Inbox
from auth.sms.failover import Failover
from auth.sms.ports import TOPIC as CODE_TOPIC
from auth.sms.ports import Sms
from auth.sms.receipts import ReceiptDesk
from auth.sms.sender import SmsSender
from auth.sms.vendor import HttpSms
from auth.sms.vendors_inbox import VendorsInbox
from auth.subject_keys.service import SubjectVault

SWEEP_EVERY_SECONDS: Final = 15
NOTICES_KEPT: Final = timedelta(days=730)
"""For the person; whatever was done stands in the audit log and in their account's events."""
ALERTS_KEPT: Final = timedelta(days=400)


@dataclass(frozen=True, kw_only=True)
class MessageCentre:
    """Everything that tells somebody something."""

    messages: Messages
    contacts: Contacts
    alerts: Alerts
    traces: MessageTraces
    courier: Courier
    receipts: Receipts
    demo_inbox: Inbox | None
    closers: tuple[Callable[[], Awaitable[None]], ...]

    @property
    def injected(self) -> dict[str, Any]:
        """What the handlers of these rooms ask for by name."""
        found: dict[str, Any] = {
            "messages": self.messages,
            "contacts": self.contacts,
            "alerts": self.alerts,
            "receipts": self.receipts,
        }
        return found if self.demo_inbox is None else found | {"demo_inbox": self.demo_inbox}

    def routers(self) -> list[Router]:
        """Every route of these rooms; the demo inbox only with the development stand-in for vendors."""
        parts = [routes.my_router, routes.vendor_router, contacts_routes.router, alerts_routes.router]
        return parts if self.demo_inbox is None else [*parts, sms_routes.router]

    @property
    def jobs(self) -> list[Job]:
        """Deliveries that nobody has in hand any more are found again."""
        return [Job(name="messages.sweep", every_seconds=SWEEP_EVERY_SECONDS, run=self.courier.sweep)]

    async def person_ended(self, connection: Connection, person_id: UUID, reason: EndReason, now: datetime) -> None:
        """Who died, left or was merged is told nothing more outside the app, nor is anybody told beside them.

        Who is frozen is told: they must hear of it.
        """
        if reason != "frozen":
            await self.messages.person_ended(connection, person_id, now)
            await self.contacts.person_ended(connection, person_id, now)

    async def forget(self, connection: Connection, now: datetime, before: datetime) -> None:
        """What is over is forgotten; a part of identity's own job."""
        await self.contacts.forget(connection, now)
        await repository.delete_old_messages(connection, now - NOTICES_KEPT)
        await alerts_repository.delete_old_alerts(connection, now - ALERTS_KEPT)
        if isinstance(self.demo_inbox, DemoInbox):
            await self.demo_inbox.forget_before(connection, before)


def build_messages(
    floor: Floor, settings: AuthSettings, *, people: People, subject_vault: SubjectVault
) -> MessageCentre:
    """The message centre on this floor. In production an SMS vendor must be set; else `RuntimeError`."""
    city_offset = timedelta(seconds=settings.city_utc_offset_seconds)
    desk = ReceiptDesk(floor.vault, origin=settings.issuer)
    texts, inbox = load_texts(), _build_inbox(floor, settings)
    shown = inbox or _build_vendors_inbox(floor, settings)
    staff = _build_staff(settings)
    alerts = Alerts(texts=load_alert_texts(), outbox=floor.outbox, clock=floor.clock, has_channel=staff is not None)
    sms = SmsSender(
        database=floor.database,
        vendors=Failover(_sms_vendors(settings, desk, inbox), floor.clock),
        alerts=alerts,
        clock=floor.clock,
        parts_a_day=settings.sms_parts_a_day,
        city_offset=city_offset,
    )
    voice = _build_voice(floor, settings, desk, inbox)
    messages = Messages(
        texts=texts,
        people=people,
        outbox=floor.outbox,
        subject_vault=subject_vault,
        clock=floor.clock,
        city_offset=city_offset,
    )
    contacts = Contacts(people=people, messages=messages, subject_vault=subject_vault, clock=floor.clock)
    courier = Courier(
        database=floor.database,
        texts=texts,
        people=people,
        alerts=alerts,
        sms=sms,
        voice=voice or sms,
        staff=staff,
        outbox=floor.outbox,
        subject_vault=subject_vault,
        clock=floor.clock,
        signature=settings.brand,
        city_offset=city_offset,
        most_a_day=settings.notices_a_day,
    )
    floor.outbox.handle(CODE_TOPIC, sms.send_code)
    floor.outbox.handle(DELIVERY_TOPIC, courier.deliver)
    return MessageCentre(
        messages=messages,
        contacts=contacts,
        alerts=alerts,
        traces=MessageTraces(messages, contacts),
        courier=courier,
        receipts=Receipts(desk=desk, outbox=floor.outbox, clock=floor.clock),
        demo_inbox=shown,
        closers=tuple(part.close for part in (sms, voice, staff, shown) if part is not None),
    )


def _build_inbox(floor: Floor, settings: AuthSettings) -> DemoInbox | None:
    if settings.sms_url:
        return None
    return DemoInbox(floor.database, floor.vault, floor.clock, environment=floor.environment)


def _build_vendors_inbox(floor: Floor, settings: AuthSettings) -> VendorsInbox | None:
    if not settings.demo_inbox_url:
        return None
    return VendorsInbox(settings.demo_inbox_url, environment=floor.environment)


def _sms_vendors(settings: AuthSettings, desk: ReceiptDesk, inbox: DemoInbox | None) -> list[Sms]:
    if inbox is not None:
        return [inbox]
    urls = {"sms-1": settings.sms_url, "sms-2": settings.sms_second_url}
    seconds = settings.vendor_timeout_seconds
    return [HttpSms(name, url, desk=desk, timeout_seconds=seconds) for name, url in urls.items() if url]


def _build_voice(floor: Floor, settings: AuthSettings, desk: ReceiptDesk, inbox: DemoInbox | None) -> Failover | None:
    """Without a voice vendor, who chose calls gets text messages."""
    if settings.voice_url:
        vendor: Sms = HttpSms("voice", settings.voice_url, desk=desk, timeout_seconds=settings.vendor_timeout_seconds)
        return Failover([vendor], floor.clock)
    return None if inbox is None else Failover([inbox.voice], floor.clock)


def _build_staff(settings: AuthSettings) -> HttpStaffChannel | None:
    if not settings.staff_channel_url:
        return None
    return HttpStaffChannel(settings.staff_channel_url, timeout_seconds=settings.vendor_timeout_seconds)
