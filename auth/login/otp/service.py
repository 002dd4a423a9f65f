"""Sign-in by a code sent to a phone. A phone is an address, not an identity.

Nothing here tells whether a phone has an account: the account is made at the first success. On a device that was never
seen a code opens identity level 1 at most, and where the person is known by more than a phone, a session that says so
(`unproven`): the number may have a new holder. One phone may serve several people; whoever holds it says who they are.
"""

from typing import Final

from app.kit.database import Connection
from app.kit.errors import RateLimited
from auth.devices.service import Devices
from auth.login.citizens import CitizenSessions, LoginView
from auth.login.otp.codes import OneTimeCodes
from auth.login.otp.errors import AccountNotChosen, CodeRefused
from auth.login.otp.models import ChallengeView, ProvedPhone, RedeemCode, ShownCode
from auth.login.standing import Standing
from auth.people.models import Person
from auth.people.service import People
from auth.phones.models import PhoneHolder
from auth.phones.service import Phones

UNSEEN_DEVICE_LEVEL: Final = 1


class OtpLogin:
    """Sends codes and lets their readers in."""

    def __init__(
        self,
        *,
        codes: OneTimeCodes,
        standing: Standing,
        people: People,
        phones: Phones,
        devices: Devices,
        citizens: CitizenSessions,
    ) -> None:
        self._codes = codes
        self._standing = standing
        self._people = people
        self._phones = phones
        self._devices = devices
        self._citizens = citizens

    async def request_code(self, connection: Connection, phone: str, *, address: str) -> ChallengeView | RateLimited:
        """A challenge whose code is on its way, or the refusal, which is remembered. Raises `PhoneInvalid`."""
        return await self._codes.send(connection, phone, purpose="sign_in", address=address)

    async def redeem_code(
        self, connection: Connection, shown: RedeemCode, *, jkt: str | None, address: str
    ) -> LoginView | CodeRefused | RateLimited | AccountNotChosen:
        """Tokens for the person whom the phone opens, or the refusal, which is remembered.

        `jkt` binds the session to a DPoP key. Where several people share the phone one has to be named.
        """
        proved = await self.prove_code(connection, shown, jkt=jkt, address=address)
        if not isinstance(proved, ProvedPhone):
            return proved
        return await self._citizens.open(connection, proved, jkt=jkt, phone=proved.phone)

    async def prove_code(
        self, connection: Connection, shown: RedeemCode, *, jkt: str | None, address: str
    ) -> ProvedPhone | CodeRefused | RateLimited | AccountNotChosen:
        """Who proved to hold a phone, and how sure that makes us, or the refusal, which is remembered. Opens nothing.

        Of simultaneous calls with the right code exactly one succeeds; calls for one phone take turns. Other people's
        wrong codes do not lock out who proves an active device of the phone's. Where several people share the phone one
        has to be named; the code is still good afterwards.
        """
        code = await self._codes.check(
            connection,
            shown.challenge_id,
            shown.code,
            purpose="sign_in",
            address=address,
            spared=lambda index: self._proves_device(connection, index, jkt),
        )
        if not isinstance(code, ShownCode):
            return code
        holders = await self._phones.list_holders(connection, code.phone_index)
        chosen = await self._choose(connection, holders, shown.account, jkt)
        if chosen is None and shown.account is None and len(holders) > 1:
            return AccountNotChosen(accounts=await self._phones.list_labels(connection, holders))
        await self._codes.use_up(connection, code)
        person = await self._find_person(connection, code, holders, chosen, shown.account)
        if person is None or person.status not in {"active", "frozen"}:  # who is frozen hears it from `Sessions`
            return CodeRefused()
        return await self._proved(connection, person, code, jkt)

    async def _choose(
        self, connection: Connection, holders: list[PhoneHolder], account: int | None, jkt: str | None
    ) -> PhoneHolder | None:
        """Who is meant: the one named, else the one whose device asks."""
        if account is not None:
            return holders[account - 1] if account <= len(holders) else None
        for holder in holders if jkt is not None else []:
            if await self._devices.find_active_by_key(connection, holder.person_id, jkt or ""):
                return holder
        return None

    async def _find_person(
        self,
        connection: Connection,
        code: ShownCode,
        holders: list[PhoneHolder],
        chosen: PhoneHolder | None,
        account: int | None,
    ) -> Person | None:
        if not holders:
            return await self._people.find_or_register(connection, code.phone)
        if chosen is None and account is not None:
            return None
        return await self._people.get_person(connection, (chosen or holders[0]).person_id)

    async def _proved(self, connection: Connection, person: Person, code: ShownCode, jkt: str | None) -> ProvedPhone:
        device_id = None if jkt is None else await self._devices.find_active_by_key(connection, person.id, jkt)
        known_by_more = device_id is None and await self._standing.is_more_than_a_phone(connection, person)
        return ProvedPhone(
            person_id=person.id,
            phone=code.phone,
            phone_index=code.phone_index,
            method="otp",
            device_id=device_id,
            ial=person.identity_level if device_id else UNSEEN_DEVICE_LEVEL,
            aal=2 if device_id else 1,
            unproven=known_by_more,
        )

    async def _proves_device(self, connection: Connection, phone_index: bytes, jkt: str | None) -> bool:
        if jkt is None:
            return False
        for holder in await self._phones.list_holders(connection, phone_index):
            if await self._devices.find_active_by_key(connection, holder.person_id, jkt) is not None:
                return True
        return False
