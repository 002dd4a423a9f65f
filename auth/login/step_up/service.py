"""Step-up: who is signed in shows once more who they are, and gets a session that is believed more, for some minutes.

The raised session is a new one, begun in the caller's own: it ends with that one, by itself, and never later than the
minutes it was made for. The caller's own session stays as it was, and so does a copy of its token in other hands.
"""

from typing import Final
from uuid import UUID

from msgspec.structs import replace

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.errors import RateLimited, SuishenError
from app.kit.structs import Model
from auth.assurance import FRESH_SECONDS, KEY, ONE_TIME_CODE, VERIFIED_KEY
from auth.attempts import Lockout
from auth.devices.service import Devices
from auth.keys import ProofInvalid, jwk_in_header, public_key_of, read_unverified, thumbprint, verify_read
from auth.locks import lock_key
from auth.login.challenges import Challenges
from auth.login.otp.codes import OneTimeCodes
from auth.login.otp.models import ChallengeView, ShownCode
from auth.login.passkeys.ceremonies import decode
from auth.login.passkeys.errors import PasskeyRefused
from auth.login.passkeys.models import Assertion
from auth.login.passkeys.service import Passkeys, ProvedPasskey
from auth.login.step_up.errors import DeviceRefused, NoPhone, TotpRefused
from auth.login.step_up.models import PROOF_TYPE, StepUpByCode, StepUpChallenge
from auth.officials.service import Officials
from auth.people.service import People
from auth.phones.service import Phones
from auth.principal import Principal
from auth.sessions.errors import TokenInvalid
from auth.sessions.models import Session, StartSession, TokenPair
from auth.sessions.service import Sessions

SECONDS: Final = FRESH_SECONDS


class Raise(Model):
    """How far a proof takes the caller."""

    ial: int
    aal: int
    by: str
    device_id: UUID | None = None
    unproven: bool = False


class StepUps:
    """Raises callers for some minutes. Every method is one request's transaction; refusals are returned."""

    def __init__(
        self,
        *,
        sessions: Sessions,
        people: People,
        phones: Phones,
        devices: Devices,
        officials: Officials,
        codes: OneTimeCodes,
        challenges: Challenges,
        passkeys: Passkeys,
        lockout: Lockout,
        clock: Clock,
        issuer: str,
    ) -> None:
        self._sessions = sessions
        self._people = people
        self._phones = phones
        self._devices = devices
        self._officials = officials
        self._codes = codes
        self._challenges = challenges
        self._passkeys = passkeys
        self._lockout = lockout
        self._clock = clock
        self._issuer = issuer

    async def ask(self, connection: Connection, principal: Principal) -> StepUpChallenge:
        """One value to sign, for a passkey or for a device, good once and in this session."""
        asked = await self._passkeys.ask_in(connection, principal.session_id)
        return StepUpChallenge(
            public_key=asked.public_key, audience=self._issuer, expires_in_seconds=asked.expires_in_seconds
        )

    async def send_code(
        self, connection: Connection, principal: Principal, *, address: str
    ) -> ChallengeView | SuishenError:
        """A code to the phone that the caller has had longest, or the refusal, which is remembered."""
        phone = await self._phones.find_address(connection, principal.person_id)
        if phone is None:
            return NoPhone()
        return await self._codes.send(
            connection, phone, purpose="step_up", address=address, session_id=principal.session_id
        )

    async def by_code(
        self, connection: Connection, principal: Principal, request: StepUpByCode, *, address: str
    ) -> TokenPair | SuishenError:
        """A code proves that the caller is there still, and no more of them than their own session knew.

        What another step-up had added to it is not carried on: codes would prolong a key's proof for ever.
        """
        shown = await self._codes.check(
            connection,
            request.challenge_id,
            request.code,
            purpose="step_up",
            address=address,
            session_id=principal.session_id,
        )
        if not isinstance(shown, ShownCode):
            return shown
        await self._codes.use_up(connection, shown)
        base = await self._hold_base(connection, principal.session_id)
        raised = Raise(
            ial=base.ial,
            aal=ONE_TIME_CODE if base.device_id is None else KEY,
            by="otp",
            device_id=base.device_id,
            unproven=base.unproven,
        )
        return await self._raise(connection, principal, raised)

    async def by_device(
        self, connection: Connection, principal: Principal, proof: str, *, address: str
    ) -> TokenPair | SuishenError:
        """The key of an active device of the caller's takes them to all that the city knows of them, at `aal` 2."""
        wait = await self._lockout.find_wait(connection, address)
        if wait is not None:
            return RateLimited(retry_after=wait)
        device_id = await self._find_device(connection, principal, proof)
        if device_id is None:
            await self._lockout.count_wrong(connection, address)
            return await self._refuse(connection, principal, DeviceRefused())
        person = await self._people.get_person(connection, principal.person_id)
        raised = Raise(ial=person.identity_level, aal=KEY, by="device", device_id=device_id)
        return await self._raise(connection, principal, raised)

    async def by_passkey(
        self, connection: Connection, principal: Principal, answer: Assertion, *, address: str
    ) -> TokenPair | SuishenError:
        """A passkey of the caller's own takes them to all that the city knows of them, at `aal` 3 for five minutes."""
        proved = await self._passkeys.prove(
            connection, answer, purpose="step_up", session_id=principal.session_id, address=address
        )
        if not isinstance(proved, ProvedPasskey):
            return proved
        official = principal.subject_type == "official"
        if (proved.holder_type, proved.holder_id) != ("official" if official else "person", principal.person_id):
            return await self._refuse(connection, principal, PasskeyRefused())
        ial = principal.ial
        if not official:
            ial = (await self._people.get_person(connection, principal.person_id)).identity_level
        raised = Raise(ial=ial, aal=VERIFIED_KEY, by="passkey", device_id=principal.device_id)
        return await self._raise(connection, principal, raised)

    async def by_totp(
        self, connection: Connection, principal: Principal, code: str, *, address: str
    ) -> TokenPair | SuishenError:
        """The authenticator of a member of staff: fresh again, at `aal` 2. Each of its codes works once anywhere.

        Guesses at one account take turns, so that those made at once are counted too.
        """
        await lock_key(connection, principal.subject_id.bytes)
        wait = await self._lockout.find_wait(connection, address, target=principal.subject_id.bytes)
        if wait is not None:
            return RateLimited(retry_after=wait)
        if not await self._officials.use_code(connection, principal.subject_id, code, self._clock.now()):
            await self._lockout.count_wrong(connection, address, target=principal.subject_id.bytes)
            return await self._refuse(connection, principal, TotpRefused())
        return await self._raise(connection, principal, Raise(ial=principal.ial, aal=KEY, by="totp"))

    async def _find_device(self, connection: Connection, principal: Principal, proof: str) -> UUID | None:
        try:
            unverified = read_unverified(proof)
            key = public_key_of(jwk_in_header(unverified.header))
            claims = verify_read(unverified, key, typ=PROOF_TYPE)
            nonce = decode(str(claims.get("nonce")))
        except (ProofInvalid, ValueError):
            return None
        if claims.get("aud") != self._issuer:
            return None
        if not await self._challenges.use(connection, nonce, "step_up", principal.session_id):
            return None
        return await self._devices.find_active_by_key(connection, principal.person_id, thumbprint(key))

    async def _raise(self, connection: Connection, principal: Principal, raised: Raise) -> TokenPair:
        base = await self._hold_base(connection, principal.session_id)
        now = self._clock.now()
        seconds = min(SECONDS, int((base.expires_at - now).total_seconds()))
        pair = await self._sessions.start_session(
            connection,
            StartSession(
                subject_type=base.subject_type,
                subject_id=base.subject_id,
                agent_id=base.agent_id,
                holder_id=base.holder_id,
                organization_id=base.organization_id,
                mandate_id=base.mandate_id,
                parent_id=base.id,
                client_id=base.client_id,
                scopes=base.scopes,
                roles=base.roles,
                ial=raised.ial,
                aal=raised.aal,
                method="step_up",
                authenticated_at=now,
                idle_seconds=max(seconds, 1),
                absolute_seconds=max(seconds, 1),
                device_id=raised.device_id,
                jkt=base.jkt,
                unproven=raised.unproven,
            ),
        )
        await self._record(connection, principal, "login.stepped_up", {"by": raised.by, "aal": raised.aal})
        return replace(pair, expires_in=min(pair.expires_in, seconds))

    async def _hold_base(self, connection: Connection, session_id: UUID) -> Session:
        """The session in which the raised one begins: the caller's, or the one that theirs was raised in."""
        present = await self._sessions.find_living(connection, session_id)
        if present is None:
            raise TokenInvalid
        parent_id = present.parent_id if present.method == "step_up" else None
        base = await self._sessions.hold_living(connection, parent_id or present.id)
        if base is None:
            raise TokenInvalid
        return base

    async def _refuse(self, connection: Connection, principal: Principal, refusal: SuishenError) -> SuishenError:
        await self._record(connection, principal, "login.step_up_refused", {"reason": refusal.slug})
        return refusal

    async def _record(
        self, connection: Connection, principal: Principal, action: str, detail: dict[str, str | int]
    ) -> None:
        await audit.record(
            connection,
            clock_now=self._clock.now(),
            actor=principal.actor,
            action=action,
            subject=f"session:{principal.session_id}",
            detail=detail,
        )
