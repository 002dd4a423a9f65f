"""Tells officials and citizens what happened to a mini-app, once the front door has joined the message centre.

Refuses to say anything personal: a subject is an app id, and a kind has a fixed text.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from app.kit.database import Connection
from miniapps.ports import RaisesAlerts, WritesMessages

DEPARTMENT: Final = ("developer", "hotline")
CITY: Final = ("reviewer", "system_admin")


class Tellers:
    """Silent until `speak_through`. What is told is told if and only if the caller's transaction commits."""

    def __init__(self) -> None:
        self._alerts: RaisesAlerts | None = None
        self._messages: WritesMessages | None = None

    def speak_through(self, alerts: RaisesAlerts, messages: WritesMessages) -> None:
        """From now on officials and citizens hear."""
        self._alerts, self._messages = alerts, messages

    async def alert(
        self,
        connection: Connection,
        kind: str,
        *,
        app_id: str,
        now: datetime,
        organization_id: UUID | None = None,
        city: bool = True,
    ) -> None:
        """Tells the staff of the department, and with `city` the city's reviewers. `kind` stands in `auth.alerts`."""
        if self._alerts is not None:
            await self._alerts.raise_alert(
                connection,
                kind,
                subject=f"miniapp:{app_id}",
                now=now,
                organization_id=organization_id,
                roles=DEPARTMENT,
                city_roles=CITY if city else (),
            )

    async def write(self, connection: Connection, person_id: UUID, kind: str, now: datetime) -> None:
        """Tells a citizen. `kind` stands in `auth.messages`."""
        if self._messages is not None:
            await self._messages.write(connection, person_id, kind, now)
