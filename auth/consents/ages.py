"""Who is a child for the law of consents: under fourteen by their document. Whose age nobody knows counts as older."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from uuid import UUID

from app.kit.database import Connection
from auth.people.service import People

AGE_OF_CONSENT: Final = 14
"""PIPL, article 31; Regulations on the Protection of Minors in Cyberspace, article 31."""


class Birthdays:
    """Reads birthdays from documents; remembers none."""

    def __init__(self, people: People, *, city_offset: timedelta) -> None:
        self._people = people
        self._city_offset = city_offset

    async def find_fourteenth_birthday(self, connection: Connection, person_id: UUID) -> datetime | None:
        """When the person turns, or turned, fourteen in this city; None when nobody knows."""
        identity = await self._people.find_identity(connection, person_id)
        if identity is None or identity.birth_date is None:
            return None
        return fourteenth_birthday(identity.birth_date, self._city_offset)


def fourteenth_birthday(born: date, city_offset: timedelta) -> datetime:
    """The city's midnight, in UTC, that begins the day; for 29 February the first of March of a common year."""
    try:
        day = born.replace(year=born.year + AGE_OF_CONSENT)
    except ValueError:
        day = date(born.year + AGE_OF_CONSENT, 3, 1)
    return datetime.combine(day, time(), UTC) - city_offset
