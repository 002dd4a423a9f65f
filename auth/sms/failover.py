"""Several vendors as one: whoever is well is asked first, and the others when it does not take the message.

Who was ill is remembered for half a minute in this worker, only to save time: a wrong memory costs one more request.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog

from app.kit.clock import Clock
from auth.sms.ports import Handed, Sms, SmsMessage, SmsNotTaken

ILL_FOR: Final = timedelta(seconds=30)

log = structlog.get_logger()


class Failover:
    """Hands each message to the first vendor that takes it."""

    def __init__(self, vendors: Sequence[Sms], clock: Clock) -> None:
        self._vendors = tuple(vendors)
        self._clock = clock
        self._ill_until: dict[str, datetime] = {}

    async def send(self, message: SmsMessage, *, tried: Collection[str] = ()) -> Handed:
        """Hands the message over, to those last who have `tried` in vain; raises `SmsNotTaken`, `SmsRefused`."""
        for vendor in sorted(self._vendors, key=lambda vendor: self._rank(vendor, tried)):
            try:
                return await vendor.send(message)
            except SmsNotTaken as error:
                log.warning("sms.vendor_ill", vendor=vendor.name, error=str(error))
                self._ill_until[vendor.name] = self._clock.now() + ILL_FOR
        raise SmsNotTaken("nobody")

    async def close(self) -> None:
        """Ends what the vendors hold open."""
        for vendor in self._vendors:
            await vendor.close()

    def _rank(self, vendor: Sms, tried: Collection[str]) -> tuple[bool, bool]:
        ill_until = self._ill_until.get(vendor.name)
        return vendor.name in tried, ill_until is not None and ill_until > self._clock.now()
