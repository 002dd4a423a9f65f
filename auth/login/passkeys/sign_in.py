"""Sign-in of citizens by passkey: nobody says who they are, the credential does. Staff come in by their password first.

A passkey is the second proof that a phone is not: it opens all of the identity that the city knows.
"""

from uuid import UUID

from app.kit.database import Connection
from app.kit.errors import RateLimited
from auth.assurance import VERIFIED_KEY
from auth.devices.service import Devices
from auth.login.challenges import Purpose
from auth.login.citizens import CitizenSessions, LoginView
from auth.login.passkeys.errors import PasskeyRefused
from auth.login.passkeys.models import Assertion
from auth.login.passkeys.service import Passkeys, ProvedPasskey
from auth.login.proof import Proved
from auth.people.models import Person
from auth.people.service import People


class PasskeyLogin:
    """Lets citizens in."""

    def __init__(self, *, passkeys: Passkeys, people: People, devices: Devices, citizens: CitizenSessions) -> None:
        self._passkeys = passkeys
        self._people = people
        self._devices = devices
        self._citizens = citizens

    async def sign_in(
        self, connection: Connection, answer: Assertion, *, jkt: str | None, address: str
    ) -> LoginView | PasskeyRefused | RateLimited:
        """Tokens, or the refusal, which is remembered. `jkt` binds the session to a DPoP key."""
        proved = await self.prove(connection, answer, jkt=jkt, address=address)
        return await self._citizens.open(connection, proved, jkt=jkt) if isinstance(proved, Proved) else proved

    async def prove(
        self,
        connection: Connection,
        answer: Assertion,
        *,
        jkt: str | None,
        address: str,
        purpose: Purpose = "sign_in",
        session_id: UUID | None = None,
    ) -> Proved | PasskeyRefused | RateLimited:
        """Which citizen proved themself, and how sure that makes us, or the refusal, which is remembered."""
        passkey = await self._passkeys.prove(
            connection, answer, purpose=purpose, session_id=session_id, address=address
        )
        if not isinstance(passkey, ProvedPasskey):
            return passkey
        person = await self._find_person(connection, passkey)
        if person is None:
            return PasskeyRefused()
        device_id = None if jkt is None else await self._devices.find_active_by_key(connection, person.id, jkt)
        return Proved(
            person_id=person.id, ial=person.identity_level, aal=VERIFIED_KEY, method="passkey", device_id=device_id
        )

    async def _find_person(self, connection: Connection, passkey: ProvedPasskey) -> Person | None:
        if passkey.holder_type != "person":
            return None
        person = await self._people.get_person(connection, passkey.holder_id)
        if person.merged_into is not None:
            person = await self._people.get_person(connection, person.merged_into)
        return person if person.status in {"active", "frozen"} else None  # who is frozen hears it from `Sessions`
