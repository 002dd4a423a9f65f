"""Tells officials what a machine did by itself: in a list that they read, and by the staff channel when it is urgent.

An alert is written with the deed, in its transaction. Who is told is found when it leaves, so that who left the job is
not told any more.
"""

import functools
from collections.abc import Sequence
from datetime import datetime, timedelta
from importlib import resources
from typing import Final
from uuid import UUID

from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.ids import new_id
from app.kit.listing import cut
from app.kit.outbox import Outbox
from auth.alerts import repository
from auth.alerts.errors import AlertUnknown
from auth.alerts.models import Alert, AlertList, AlertView
from auth.messages.models import DELIVERY_TOPIC, Delivery
from auth.messages.ports import StaffNotice
from auth.messages.repository import insert_delivery
from auth.messages.texts import Texts, read_texts
from auth.principal import Principal

LIVES: Final = timedelta(days=1)
WHO_ANSWERS: Final = ("system_admin", "security_admin")


@functools.cache
def load_alert_texts() -> Texts:
    """The texts that ship; raises `TextsInvalid`."""
    return read_texts((resources.files("auth.alerts") / "texts.toml").read_bytes())


class Alerts:
    """Raises alerts, and shows officials theirs. With no staff channel an alert stays in the list."""

    def __init__(self, *, texts: Texts, outbox: Outbox, clock: Clock, has_channel: bool) -> None:
        self._texts = texts
        self._outbox = outbox
        self._clock = clock
        self._has_channel = has_channel

    async def raise_alert(
        self,
        connection: Connection,
        kind: str,
        *,
        subject: str,
        now: datetime,
        organization_id: UUID | None = None,
        roles: Sequence[str] = (),
        city_roles: Sequence[str] = WHO_ANSWERS,
    ) -> None:
        """Tells the officials of the organization who have one of `roles`, and those anywhere with `city_roles`.

        If and only if the caller's transaction commits. `kind` is a block of `texts.toml`, `subject` an opaque id.
        """
        weight = self._texts[kind].weight
        alert = Alert(
            id=new_id(),
            kind=kind,
            organization_id=organization_id,
            roles=tuple(roles),
            city_roles=tuple(city_roles),
            subject=subject,
            raised_at=now,
        )
        await repository.insert_alert(connection, alert)
        if weight == "urgent" and self._has_channel:
            await self._send(connection, alert)

    async def raise_once(
        self,
        connection: Connection,
        kind: str,
        *,
        subject: str,
        organization_id: UUID | None,
        roles: Sequence[str],
        city_roles: Sequence[str],
        at_most_every: timedelta,
    ) -> bool:
        """As `raise_alert`, unless the same was raised that lately, by whichever worker; whether it was raised now."""
        now = self._clock.now()
        if not await repository.is_first_since(connection, kind, subject, now - at_most_every):
            return False
        await self.raise_alert(
            connection,
            kind,
            subject=subject,
            now=now,
            organization_id=organization_id,
            roles=roles,
            city_roles=city_roles,
        )
        return True

    async def list_alerts(
        self, connection: Connection, principal: Principal, *, after: UUID | None, limit: int
    ) -> AlertList:
        """A page of what this official is told."""
        rows = await repository.list_alerts(
            connection,
            principal.subject_id,
            organization_id=principal.organization_id,
            roles=principal.roles,
            after=after,
            limit=limit + 1,
        )
        page, following = cut(rows, limit)
        return AlertList(items=[self._view_of(row) for row in page], next=following)

    async def read(self, connection: Connection, principal: Principal, alert_id: UUID) -> AlertView:
        """This official has seen it; raises `AlertUnknown` when it is not for them."""
        await self._find(connection, principal, alert_id)
        await repository.insert_reading(connection, alert_id, principal.subject_id, self._clock.now())
        return self._view_of(await self._find(connection, principal, alert_id))

    async def find_notice(self, connection: Connection, alert_id: UUID, delivery_id: UUID) -> StaffNotice | None:
        """The alert for the staff channel, to whoever is told at this moment; None when nobody is."""
        alert = await repository.find_alert(connection, alert_id)
        recipients = [] if alert is None else await repository.list_recipients(connection, alert)
        if alert is None or not recipients:
            return None
        return StaffNotice(
            id=delivery_id,
            to=recipients,
            kind=alert.kind,
            text=self._texts.text_of(alert.kind),
            subject=alert.subject,
            raised_at=alert.raised_at,
        )

    async def _send(self, connection: Connection, alert: Alert) -> None:
        now = alert.raised_at
        delivery = Delivery(
            id=new_id(),
            alert_id=alert.id,
            channel="staff",
            state="waiting",
            language="zh",
            created_at=now,
            due_at=now,
            expires_at=now + LIVES,
        )
        await insert_delivery(connection, delivery)
        payload = {"delivery_id": str(delivery.id)}
        await self._outbox.enqueue(connection, topic=DELIVERY_TOPIC, payload=payload, now=now)

    async def _find(self, connection: Connection, principal: Principal, alert_id: UUID) -> Alert:
        found = await repository.list_alerts(
            connection,
            principal.subject_id,
            organization_id=principal.organization_id,
            roles=principal.roles,
            only=alert_id,
        )
        if not found:
            raise AlertUnknown
        return found[0]

    def _view_of(self, alert: Alert) -> AlertView:
        return AlertView(
            id=alert.id,
            kind=alert.kind,
            text=self._texts.text_of(alert.kind),
            organization_id=alert.organization_id,
            subject=alert.subject,
            raised_at=alert.raised_at,
            read_at=alert.read_at,
            readers=alert.readers,
        )
