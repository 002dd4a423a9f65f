"""One-time codes to phones: 6 digits, 5 minutes, 5 tries, bound to the request that asked, its purpose and its session.

Says who holds a phone, and nothing of whose it is. Every limit counts phones and addresses, never accounts, so that
neither body nor status nor time tells which phones have one.
"""

import hmac
import secrets
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final
from uuid import UUID

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.errors import RateLimited
from app.kit.ids import new_id
from app.kit.outbox import Outbox
from app.kit.structs import Text
from app.kit.vault import Vault
from auth.attempts import Limit, Lockout, spend_attempt
from auth.documents import normalize_phone
from auth.locks import lock_key
from auth.login.otp import repository
from auth.login.otp.errors import CodeRefused
from auth.login.otp.models import Challenge, ChallengeView, CodePurpose, ShownCode
from auth.people.errors import PhoneInvalid
from auth.people.service import People
from auth.settings import AuthSettings
from auth.sms.ports import TOPIC

PHONE_PURPOSE: Final = "otp-phone"
CODE_PURPOSE: Final = "otp-code"
DIGITS: Final = 6
WHAT_FOR: Final[dict[CodePurpose, Text]] = {
    "sign_in": Text(zh="", en=""),
    "step_up": Text(zh="您正在再次验证身份，", en="You are confirming that it is you. "),
    "attach": Text(zh="您正在把此号码加入一个账号，", en="You are adding this number to an account. "),
    "disown": Text(zh="您正在声明原账号不属于您，", en="You are saying that this number's account is not yours. "),
}
"""What the code does, so that nobody is talked into reading out one that does something else."""

Spared = Callable[[bytes], Awaitable[bool]]
"""Whether a lockout of this phone, which strangers can bring about, does not hold for the caller."""


class OneTimeCodes:
    """Sends codes and takes them back."""

    def __init__(
        self, *, people: People, lockout: Lockout, outbox: Outbox, vault: Vault, clock: Clock, settings: AuthSettings
    ) -> None:
        self._people = people
        self._lockout = lockout
        self._outbox = outbox
        self._vault = vault
        self._clock = clock
        self._settings = settings
        window = settings.otp_window_seconds
        self._phone_limit = Limit(kind="otp_phone", most=settings.otp_phone_limit, window_seconds=window)
        self._address_limit = Limit(kind="otp_address", most=settings.otp_address_limit, window_seconds=window)

    async def send(
        self,
        connection: Connection,
        phone: str,
        *,
        purpose: CodePurpose,
        address: str,
        session_id: UUID | None = None,
    ) -> ChallengeView | RateLimited:
        """A challenge whose code is on its way, or the refusal, which is remembered. Raises `PhoneInvalid`."""
        normalized = normalize_phone(phone)
        if normalized is None:
            raise PhoneInvalid
        index = self._people.phone_index(normalized)
        wait = await self._spend(connection, index, self._vault.blind_index("address", address))
        if wait is not None:
            return RateLimited(retry_after=wait)
        now, challenge_id = self._clock.now(), new_id()
        code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"
        challenge = Challenge(
            id=challenge_id,
            purpose=purpose,
            session_id=session_id,
            phone_index=index,
            phone_sealed=self._vault.seal(PHONE_PURPOSE, normalized.encode(), context=challenge_id.bytes),
            code_mac=self._mac(challenge_id, code),
            created_at=now,
            expires_at=now + timedelta(seconds=self._settings.otp_seconds),
        )
        await repository.insert_challenge(connection, challenge)
        payload = {
            "id": str(challenge_id),
            "phone": normalized,
            "text": self._text(code, purpose),
            "expires_at": challenge.expires_at,
        }
        await self._outbox.enqueue(connection, topic=TOPIC, payload=payload, now=now)
        return ChallengeView(challenge_id=challenge_id, expires_in_seconds=self._settings.otp_seconds)

    async def check(
        self,
        connection: Connection,
        challenge_id: UUID,
        code: str,
        *,
        purpose: CodePurpose,
        address: str,
        session_id: UUID | None = None,
        spared: Spared | None = None,
    ) -> ShownCode | CodeRefused | RateLimited:
        """Which phone the right code was sent to, or the refusal, which is remembered.

        Calls for one phone take turns, and the challenge stays locked: the caller uses it up (`use_up`) or leaves it.
        """
        challenge = await repository.mark_tried(
            connection,
            challenge_id,
            purpose=purpose,
            session_id=session_id,
            most=self._settings.otp_tries,
            now=self._clock.now(),
        )
        if challenge is None:
            return CodeRefused()
        await lock_key(connection, challenge.phone_index)
        wait = await self._lockout.find_wait(connection, address, target=challenge.phone_index)
        if wait is not None and not (spared and await spared(challenge.phone_index)):
            return RateLimited(retry_after=wait)
        if not hmac.compare_digest(challenge.code_mac, self._mac(challenge.id, code)):
            return await self._refuse_wrong(connection, challenge, address)
        phone = self._vault.open(PHONE_PURPOSE, challenge.phone_sealed, context=challenge.id.bytes).decode()
        return ShownCode(challenge_id=challenge.id, phone_index=challenge.phone_index, phone=phone)

    async def use_up(self, connection: Connection, shown: ShownCode) -> None:
        """It opens nothing any more. Of simultaneous calls with the right code exactly one came as far as this."""
        await repository.mark_redeemed(connection, shown.challenge_id, self._clock.now())

    async def _spend(self, connection: Connection, phone_index: bytes, address_index: bytes) -> int | None:
        # The address first: who is refused for theirs uses up nothing of the phones that they name.
        now = self._clock.now()
        wait = await spend_attempt(connection, self._address_limit, address_index, now)
        return wait or await spend_attempt(connection, self._phone_limit, phone_index, now)

    async def _refuse_wrong(self, connection: Connection, challenge: Challenge, address: str) -> CodeRefused:
        await self._lockout.count_wrong(connection, address, target=challenge.phone_index)
        await audit.record(
            connection,
            clock_now=self._clock.now(),
            actor="anonymous",
            action="login.otp_refused",
            subject=f"otp:{challenge.id}",
            detail={"tries": challenge.tries, "purpose": challenge.purpose},
        )
        return CodeRefused()

    def _mac(self, challenge_id: UUID, code: str) -> bytes:
        return self._vault.blind_index(CODE_PURPOSE, f"{challenge_id}:{code}")

    def _text(self, code: str, purpose: CodePurpose) -> str:
        brand, minutes, deed = self._settings.brand, self._settings.otp_seconds // 60, WHAT_FOR[purpose]
        return (
            f"【{brand.zh}】{deed.zh}验证码 {code}，{minutes} 分钟内有效，请勿告诉他人。"
            f" [{brand.en}] {deed.en}Your code is {code}, valid for {minutes} minutes. Tell nobody."
        )
