"""A number is changed at a counter: the person stands there, face and document compared, so nothing waits.

For who lost phone and number together. The new number proves itself by a code, as everywhere.
"""

from collections.abc import Awaitable, Callable
from uuid import UUID

from app.kit.database import Connection
from app.kit.errors import RateLimited, SuishenError
from app.kit.masking import mask_phone
from auth.login.otp.codes import OneTimeCodes
from auth.login.otp.models import ChallengeView, ShownCode
from auth.people.life.errors import NamedPersonUnknown, PersonNotChecked
from auth.phones.models import AttachAtCounter, AttachedAtCounter
from auth.phones.service import Phones
from auth.principal import Principal

FindPerson = Callable[[], Awaitable[UUID | None]]
"""Whom the official means; that they asked for nobody is written down."""


class PhoneCounter:
    """What an official of a counter does with phones."""

    def __init__(self, *, phones: Phones, codes: OneTimeCodes) -> None:
        self._phones = phones
        self._codes = codes

    async def send_code(
        self, connection: Connection, official: Principal, phone: str, *, address: str
    ) -> ChallengeView | RateLimited:
        """A code to the number that the person brought, or the refusal, which is remembered. Raises `PhoneInvalid`."""
        return await self._codes.send(
            connection, phone, purpose="attach", address=address, session_id=official.session_id
        )

    async def attach(
        self,
        connection: Connection,
        official: Principal,
        request: AttachAtCounter,
        find_person: FindPerson,
        *,
        address: str,
    ) -> AttachedAtCounter | SuishenError:
        """The number, theirs at once, or the refusal, which is remembered. Raises `PersonNotChecked`."""
        if not request.holder_checked:
            raise PersonNotChecked
        shown = await self._codes.check(
            connection,
            request.challenge_id,
            request.code,
            purpose="attach",
            address=address,
            session_id=official.session_id,
        )
        if not isinstance(shown, ShownCode):
            return shown
        person_id = await find_person()
        if person_id is None:
            return NamedPersonUnknown()
        await self._codes.use_up(connection, shown)
        attached_at = await self._phones.attach_now(
            connection, person_id, shown, in_place_of_others=request.in_place_of_others, actor=official.actor
        )
        return AttachedAtCounter(phone=mask_phone(shown.phone), attached_at=attached_at)
