"""Sends a text message: within the day's money, before it is too late, by whichever vendor takes it.

No transaction is open while a vendor is asked. What cannot be sent is said by an exception, and whoever asked keeps it.
"""

from collections.abc import Collection
from datetime import date, timedelta
from typing import Any

import msgspec
import structlog

from app.kit.clock import Clock
from app.kit.database import Database
from auth.alerts.service import Alerts
from auth.sms import spending
from auth.sms.failover import Failover
from auth.sms.ports import Handed, SmsMessage, SmsNotTaken, SmsRefused

log = structlog.get_logger()


class SmsSender:
    """The one way out for text messages."""

    def __init__(
        self,
        *,
        database: Database,
        vendors: Failover,
        alerts: Alerts,
        clock: Clock,
        parts_a_day: int,
        city_offset: timedelta,
    ) -> None:
        self._database = database
        self._vendors = vendors
        self._alerts = alerts
        self._clock = clock
        self._parts_a_day = parts_a_day
        self._city_offset = city_offset

    async def send(self, message: SmsMessage, *, tried: Collection[str] = ()) -> Handed:
        """Hands the message over; raises `SmsNotTaken` (also when the day's money is spent) and `SmsRefused`."""
        day, parts = (self._clock.now() + self._city_offset).date(), spending.parts_of(message.text)
        row = await self._spend(day, parts, message)
        try:
            return await self._vendors.send(message, tried=tried)
        except (SmsNotTaken, SmsRefused):
            async with self._database.acquire() as connection:
                await spending.refund(connection, day, parts, row=row)
            raise

    async def send_code(self, payload: dict[str, Any]) -> None:
        """The outbox's handler for one-time codes: one that would come too late, or to nobody, is not sent at all."""
        message = msgspec.convert(payload, SmsMessage)
        if message.expires_at is not None and message.expires_at <= self._clock.now():
            log.warning("sms.too_late", message=str(message.id))
            return
        try:
            await self.send(message)
        except SmsRefused:
            log.warning("sms.refused", message=str(message.id))

    async def close(self) -> None:
        """Ends what the vendors hold open."""
        await self._vendors.close()

    async def _spend(self, day: date, parts: int, message: SmsMessage) -> int:
        share = spending.NOTICES_SHARE if message.purpose == "notice" else 1
        async with self._database.acquire() as connection:  # no transaction: what is spent is one statement
            most = int(self._parts_a_day * share)
            row = await spending.spend(connection, day, parts, most=most, a_day=self._parts_a_day)
            if row is not None:
                return row
        async with self._database.transaction() as connection:
            now = self._clock.now()
            if await spending.mark_warned(connection, day, now):
                await self._alerts.raise_alert(connection, "sms_money_spent", subject=f"sms:{day}", now=now)
        raise SmsNotTaken("money")
