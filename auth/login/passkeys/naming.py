"""What an authenticator shows beside a passkey so that its holder knows whose it is: masked, as on every screen."""

from app.kit.database import Connection
from app.kit.structs import Text
from auth.officials.service import Officials
from auth.people.service import People
from auth.principal import Principal


class AccountNames:
    """Names the caller's account."""

    def __init__(self, *, people: People, officials: Officials, brand: Text) -> None:
        self._people = people
        self._officials = officials
        self._brand = brand

    async def name_of(self, connection: Connection, principal: Principal) -> str:
        """The masked name, else the masked phone, else the city's name."""
        if principal.subject_type == "official":
            return await self._officials.display_name(connection, principal.subject_id) or self._brand.zh
        view = await self._people.describe(connection, principal.person_id, ial=principal.ial)
        return view.display_name or next(iter(view.phones), self._brand.zh)
