"""Carries what is due out of the app: one delivery at a time, with no transaction open while a vendor is asked.

At least once. What nobody takes waits and is tried again until it is stale; a delivery whose worker died is found by
the sweep. What a person has read in the app meanwhile, and is not urgent, is not sent any more.
"""

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog

from app.kit.clock import Clock
from app.kit.database import Connection, Database
from app.kit.outbox import Outbox
from app.kit.structs import Model, Text
from app.kit.vault import VaultError
from auth.attempts import Limit, spend_attempt
from auth.messages import repository
from auth.messages.models import DELIVERY_TOPIC, Delivery, DeliveryState, Message, Preferences
from auth.messages.planning import after_quiet_hours
from auth.messages.ports import FindsAlerts, KnowsPeople, StaffChannel, StaffNotice, Vendors
from auth.messages.service import PHONE_PURPOSE
from auth.messages.texts import Texts
from auth.settings import DAY_SECONDS
from auth.sms.ports import Handed, SmsMessage, SmsNotTaken, SmsRefused
from auth.subject_keys.service import SubjectVault

LEASE: Final = timedelta(seconds=15)
OVERDUE: Final = timedelta(seconds=60)
FIRST_WAIT_SECONDS: Final = 4
LONGEST_WAIT_SECONDS: Final = 600
RECEIPTS_COME_WITHIN: Final = timedelta(days=3)
MOST_DOUBLINGS: Final = 10
TOLD: Final = frozenset({"active", "frozen"})
"""Whose phones still ring: who was frozen hears of it."""
ABOUT_ANOTHER: Final = Text(
    zh="您是一位亲友的可信联系人，TA 收到了提醒：", en="Somebody named you as a trusted contact and was told: "
)

log = structlog.get_logger()


class Errand(Model):
    """A delivery in hand, and what is to be handed over."""

    delivery: Delivery
    letter: SmsMessage | StaffNotice


class Courier:
    """The outbox's handler for deliveries."""

    def __init__(
        self,
        *,
        database: Database,
        texts: Texts,
        people: KnowsPeople,
        alerts: FindsAlerts,
        sms: Vendors,
        voice: Vendors,
        staff: StaffChannel | None,
        outbox: Outbox,
        subject_vault: SubjectVault,
        clock: Clock,
        signature: Text,
        city_offset: timedelta,
        most_a_day: int,
    ) -> None:
        self._database = database
        self._texts = texts
        self._people = people
        self._alerts = alerts
        self._sms = sms
        self._voice = voice
        self._staff = staff
        self._outbox = outbox
        self._subject_vault = subject_vault
        self._clock = clock
        self._signature = signature
        self._city_offset = city_offset
        self._most_a_day = most_a_day

    async def deliver(self, payload: dict[str, Any]) -> None:
        """One delivery by its id, if it is due. May be called twice: who has it in hand, sends it."""
        async with self._database.transaction() as connection:
            errand = await self._take(connection, UUID(payload["delivery_id"]))
        if errand is None:
            return
        delivery = errand.delivery
        try:
            handed = await self._hand_over(errand)
        except SmsNotTaken as error:
            await self._keep_for_later(delivery, str(error))
            return
        except SmsRefused:
            await self._end(delivery, "failed")
            return
        async with self._database.transaction() as connection:
            now = self._clock.now()
            await repository.mark_sent(connection, delivery.id, handed.vendor, now)
            if handed.delivered:
                await repository.mark_ended(connection, delivery.id, "delivered", now, sent_at=now)

    async def sweep(self) -> None:
        """Finds deliveries that nobody has in hand any more, and forgets phones after the last receipt. A job."""
        now = self._clock.now()
        async with self._database.transaction() as connection:
            for delivery_id in await repository.mark_overdue(connection, now - OVERDUE, now):
                await self._send_at(connection, delivery_id, now)
            await repository.forget_phones(connection, now - RECEIPTS_COME_WITHIN)

    async def _take(self, connection: Connection, delivery_id: UUID) -> Errand | None:
        """What to hand over now, or None when nothing is; why not stands in the row."""
        now = self._clock.now()
        delivery = await repository.take_delivery(connection, delivery_id, now=now, leased_until=now + LEASE)
        if delivery is None:
            return None
        if delivery.expires_at <= now:
            await repository.mark_ended(connection, delivery_id, "expired", now)
            return None
        if delivery.alert_id is not None:
            return await self._take_alert(connection, delivery, delivery.alert_id, now)
        letter = await self._letter(connection, delivery, now)
        return None if letter is None else Errand(delivery=delivery, letter=letter)

    async def _take_alert(
        self, connection: Connection, delivery: Delivery, alert_id: UUID, now: datetime
    ) -> Errand | None:
        notice = await self._alerts.find_notice(connection, alert_id, delivery.id)
        if notice is None or self._staff is None:
            await repository.mark_ended(connection, delivery.id, "unneeded", now)
            return None
        return Errand(delivery=delivery, letter=notice)

    async def _letter(self, connection: Connection, delivery: Delivery, now: datetime) -> SmsMessage | None:
        assert delivery.message_id is not None
        message = await repository.find_message(connection, delivery.message_id)
        assert message is not None
        if (needless := await self._needlessness(connection, message, delivery, now)) is not None:
            await repository.mark_ended(connection, delivery.id, needless, now)
            return None
        if (due_at := await self._after_quiet_hours(connection, message, now)) > now:
            await repository.mark_waiting(connection, delivery.id, due_at)
            await self._send_at(connection, delivery.id, due_at)
            return None
        phone = await self._find_phone(connection, message, delivery)
        if phone is None:
            await repository.mark_ended(connection, delivery.id, "withheld", now)
            return None
        return self._write(message, delivery, phone)

    async def _needlessness(
        self, connection: Connection, message: Message, delivery: Delivery, now: datetime
    ) -> DeliveryState | None:
        """Why a notice is not sent after all, or None."""
        if message.read_at is not None and not self._is_urgent(message):
            return "unneeded"
        person = await self._people.get_person(connection, message.person_id)
        if person.status not in TOLD:
            return "withheld"
        if delivery.attempts > 1:
            return None
        spent = await spend_attempt(connection, self._limit_of(message), message.person_id.bytes, now)
        return None if spent is None else "withheld"

    def _limit_of(self, message: Message) -> Limit:
        """Counted apart, since others cause the other ones: nobody uses up the warnings about one's own account."""
        own = "notice_urgent" if self._is_urgent(message) else "notice"
        kind = own if message.about_id is None else "notice_about"
        return Limit(kind=kind, most=self._most_a_day, window_seconds=DAY_SECONDS)

    async def _after_quiet_hours(self, connection: Connection, message: Message, now: datetime) -> datetime:
        """Now, or later: what waited for a vendor, or for a choice since changed, wakes nobody up either."""
        if self._is_urgent(message):
            return now
        chosen = await repository.find_preferences(connection, message.person_id)
        return after_quiet_hours(chosen or Preferences(), now, self._city_offset)

    def _is_urgent(self, message: Message) -> bool:
        return self._texts.weight_of(message.kind) == "urgent"

    async def _find_phone(self, connection: Connection, message: Message, delivery: Delivery) -> str | None:
        """Where to, or None once the person's key is destroyed."""
        if delivery.phone_sealed is None:
            return None
        try:
            opened = await self._subject_vault.open(
                connection, message.person_id, PHONE_PURPOSE, delivery.phone_sealed, context=delivery.id.bytes
            )
        except VaultError:
            return None
        return opened.decode()

    def _write(self, message: Message, delivery: Delivery, phone: str) -> SmsMessage:
        lead = ABOUT_ANOTHER.in_language(delivery.language) if message.about_id else ""
        text = self._texts.text_of(message.kind).in_language(delivery.language)
        return SmsMessage(
            id=delivery.id,
            phone=phone,
            text=f"【{self._signature.zh}】{lead}{text}",
            template=f"{'contact' if message.about_id else 'notice'}.{message.kind}",
            purpose="notice",
            language=delivery.language,
            expires_at=delivery.expires_at,
        )

    async def _hand_over(self, errand: Errand) -> Handed:
        letter, delivery = errand.letter, errand.delivery
        if isinstance(letter, StaffNotice):
            assert self._staff is not None
            return await self._staff.send(letter)
        vendors = self._voice if delivery.channel == "voice" else self._sms
        return await vendors.send(letter, tried=delivery.tried)

    async def _keep_for_later(self, delivery: Delivery, error: str) -> None:
        log.warning("message.not_taken", channel=delivery.channel, attempts=delivery.attempts, error=error)
        wait = min(FIRST_WAIT_SECONDS * 2 ** min(delivery.attempts - 1, MOST_DOUBLINGS), LONGEST_WAIT_SECONDS)
        due_at = self._clock.now() + timedelta(seconds=wait)
        async with self._database.transaction() as connection:
            await repository.mark_waiting(connection, delivery.id, due_at)
            await self._send_at(connection, delivery.id, due_at)

    async def _end(self, delivery: Delivery, state: DeliveryState) -> None:
        async with self._database.transaction() as connection:
            await repository.mark_ended(connection, delivery.id, state, self._clock.now())

    async def _send_at(self, connection: Connection, delivery_id: UUID, due_at: datetime) -> None:
        await self._outbox.enqueue(
            connection, topic=DELIVERY_TOPIC, payload={"delivery_id": str(delivery_id)}, now=due_at
        )
