"""Sign-in by a code sent to a phone: 6 digits, 5 minutes, 5 tries, bound to its request.

Nothing here tells whether a phone has an account: the account is made at the first success. A phone is an address, not
an identity: on a device that was never seen, a code opens identity level 1 at most.
"""

import hmac
import secrets
from datetime import timedelta
from typing import Final
from uuid import UUID

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.errors import RateLimited
from app.kit.ids import new_id
from app.kit.outbox import Outbox
from app.kit.vault import Vault
from auth.attempts import Limit, find_lockout, spend_attempt
from auth.devices.service import Devices
from auth.documents import normalize_phone
from auth.locks import lock_key
from auth.login.otp import repository
from auth.login.otp.errors import CodeRefused
from auth.login.otp.models import Challenge, ChallengeView, LoginView, ProvedPhone, RedeemCode
from auth.people.errors import PhoneInvalid
from auth.people.service import People
from auth.sessions.models import StartSession
from auth.sessions.service import Sessions
from auth.settings import DAY_SECONDS, AuthSettings
from auth.sms.ports import TOPIC

PHONE_PURPOSE: Final = "otp-phone"
CODE_PURPOSE: Final = "otp-code"
CLIENT: Final = "citizen-app"
SCOPES: Final = frozenset({"citizen"})
DIGITS: Final = 6
UNSEEN_DEVICE_LEVEL: Final = 1


class OtpLogin:
    """Sends codes and takes them back."""

    def __init__(
        self,
        *,
        people: People,
        sessions: Sessions,
        devices: Devices,
        outbox: Outbox,
        vault: Vault,
        clock: Clock,
        settings: AuthSettings,
    ) -> None:
        self._people = people
        self._sessions = sessions
        self._devices = devices
        self._outbox = outbox
        self._vault = vault
        self._clock = clock
        self._settings = settings
        window = settings.otp_window_seconds
        self._phone_limit = Limit(kind="otp_phone", most=settings.otp_phone_limit, window_seconds=window)
        self._address_limit = Limit(kind="otp_address", most=settings.otp_address_limit, window_seconds=window)
        self._wrong_limit = Limit(kind="otp_wrong", most=settings.otp_wrong_limit, window_seconds=DAY_SECONDS)
        self._wrong_address_limit = Limit(
            kind="otp_wrong_address", most=settings.otp_wrong_address_limit, window_seconds=window
        )

    async def request_code(self, connection: Connection, phone: str, *, address: str) -> ChallengeView | RateLimited:
        """A challenge whose code is on its way, or the refusal, which is remembered. Raises `PhoneInvalid`."""
        normalized = normalize_phone(phone)
        if normalized is None:
            raise PhoneInvalid
        index = self._people.phone_index(normalized)
        wait = await self._spend(connection, index, self._address_index(address))
        if wait is not None:
            return RateLimited(retry_after=wait)
        now, challenge_id = self._clock.now(), new_id()
        code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"
        challenge = Challenge(
            id=challenge_id,
            phone_index=index,
            phone_sealed=self._vault.seal(PHONE_PURPOSE, normalized.encode(), context=challenge_id.bytes),
            code_mac=self._mac(challenge_id, code),
            created_at=now,
            expires_at=now + timedelta(seconds=self._settings.otp_seconds),
        )
        await repository.insert_challenge(connection, challenge)
        payload = {"id": str(challenge_id), "phone": normalized, "text": self._text(code)}
        await self._outbox.enqueue(connection, topic=TOPIC, payload=payload, now=now)
        return ChallengeView(challenge_id=challenge_id, expires_in_seconds=self._settings.otp_seconds)

    async def redeem_code(
        self, connection: Connection, shown: RedeemCode, *, jkt: str | None, address: str
    ) -> LoginView | CodeRefused | RateLimited:
        """Tokens for the person whom the phone opens, or the refusal, which is remembered.

        `jkt` binds the session to a DPoP key.
        """
        proved = await self.prove_code(connection, shown, jkt=jkt, address=address)
        return await self._open(connection, proved, jkt) if isinstance(proved, ProvedPhone) else proved

    async def prove_code(
        self, connection: Connection, shown: RedeemCode, *, jkt: str | None, address: str
    ) -> ProvedPhone | CodeRefused | RateLimited:
        """Who proved to hold a phone, and how sure that makes us, or the refusal, which is remembered. Opens nothing.

        Of simultaneous calls with the right code exactly one succeeds; calls for one phone take turns. Other people's
        wrong codes do not lock out who proves an active device of the phone's.
        """
        challenge = await repository.mark_tried(
            connection, shown.challenge_id, most=self._settings.otp_tries, now=self._clock.now()
        )
        if challenge is None:
            return CodeRefused()
        await lock_key(connection, challenge.phone_index)
        wait = await self._find_lockout(connection, challenge.phone_index, self._address_index(address))
        if wait is not None and not await self._proves_device(connection, challenge, jkt):
            return RateLimited(retry_after=wait)
        if not hmac.compare_digest(challenge.code_mac, self._mac(challenge.id, shown.code)):
            return await self._refuse_wrong(connection, challenge, self._address_index(address))
        await repository.mark_redeemed(connection, challenge.id, self._clock.now())
        phone = self._vault.open(PHONE_PURPOSE, challenge.phone_sealed, context=challenge.id.bytes).decode()
        person = await self._people.find_or_register(connection, phone)
        if person.status != "active":
            return CodeRefused()
        device_id = None if jkt is None else await self._devices.find_active_by_key(connection, person.id, jkt)
        return ProvedPhone(
            person_id=person.id,
            phone=phone,
            device_id=device_id,
            ial=person.identity_level if device_id else UNSEEN_DEVICE_LEVEL,
            aal=2 if device_id else 1,
        )

    async def _spend(self, connection: Connection, phone_index: bytes, address_index: bytes) -> int | None:
        now = self._clock.now()
        wait = await spend_attempt(connection, self._phone_limit, phone_index, now)
        return wait or await spend_attempt(connection, self._address_limit, address_index, now)

    async def _find_lockout(self, connection: Connection, phone_index: bytes, address_index: bytes) -> int | None:
        now = self._clock.now()
        wait = await find_lockout(connection, self._wrong_limit, phone_index, now)
        return wait or await find_lockout(connection, self._wrong_address_limit, address_index, now)

    async def _proves_device(self, connection: Connection, challenge: Challenge, jkt: str | None) -> bool:
        person_id = await self._people.find_id_by_phone_index(connection, challenge.phone_index)
        if jkt is None or person_id is None:
            return False
        return await self._devices.find_active_by_key(connection, person_id, jkt) is not None

    async def _refuse_wrong(self, connection: Connection, challenge: Challenge, address_index: bytes) -> CodeRefused:
        now = self._clock.now()
        await spend_attempt(connection, self._wrong_limit, challenge.phone_index, now)
        await spend_attempt(connection, self._wrong_address_limit, address_index, now)
        await audit.record(
            connection,
            clock_now=now,
            actor="anonymous",
            action="login.otp_refused",
            subject=f"otp:{challenge.id}",
            detail={"tries": challenge.tries},
        )
        return CodeRefused()

    async def _open(self, connection: Connection, proved: ProvedPhone, jkt: str | None) -> LoginView:
        pair = await self._sessions.start_session(
            connection,
            StartSession(
                subject_type="person",
                subject_id=proved.person_id,
                holder_id=proved.person_id,
                client_id=CLIENT,
                scopes=SCOPES,
                ial=proved.ial,
                aal=proved.aal,
                method="otp",
                authenticated_at=self._clock.now(),
                idle_seconds=self._settings.session_idle_seconds,
                absolute_seconds=self._settings.session_seconds,
                device_id=proved.device_id,
                jkt=jkt,
            ),
        )
        return LoginView(
            access_token=pair.access_token,
            refresh_token=pair.refresh_token,
            token_type=pair.token_type,
            expires_in=pair.expires_in,
            scope=pair.scope,
            person=await self._people.describe(connection, proved.person_id, ial=proved.ial, phone=proved.phone),
        )

    def _address_index(self, address: str) -> bytes:
        return self._vault.blind_index("address", address)

    def _mac(self, challenge_id: UUID, code: str) -> bytes:
        return self._vault.blind_index(CODE_PURPOSE, f"{challenge_id}:{code}")

    def _text(self, code: str) -> str:
        brand, minutes = self._settings.brand, self._settings.otp_seconds // 60
        return (
            f"【{brand.zh}】验证码 {code}，{minutes} 分钟内有效，请勿告诉他人。"
            f" [{brand.en}] Your code is {code}, valid for {minutes} minutes. Tell nobody."
        )
