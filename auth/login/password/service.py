"""Sign-in of staff: username, password and a second factor, all or nothing, and never told which was wrong.

The second factor is a passkey or a time-based code. No transaction is open while the password is hashed. Tries are
counted before, so that guesses in parallel do not pass; wrong ones count against their address too, over every way in.
Strangers who guess lock nobody out: while an account's tries are used up, who shows its second factor is heard. A code
can be guessed, so those are counted then, by address and by account; a passkey cannot, and is always heard.
"""

from typing import Annotated, Final

from msgspec import Meta

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection, Database
from app.kit.errors import RateLimited, SuishenError, Unauthenticated
from app.kit.structs import Model, Request, Text
from app.kit.vault import Vault
from auth.assurance import KEY, VERIFIED_KEY
from auth.attempts import Limit, Lockout, delete_attempts, refund_attempt, spend_attempt
from auth.login.passkeys.models import Assertion
from auth.login.passkeys.service import Passkeys, ProvedPasskey
from auth.officials.models import Official
from auth.officials.passwords import Passwords
from auth.officials.service import Officials
from auth.sessions.models import StartSession, TokenPair
from auth.sessions.service import Sessions
from auth.settings import DAY_SECONDS, AuthSettings

CLIENT: Final = "staff-console"
SCOPES: Final = frozenset({"staff"})
STAFF_IAL: Final = 2
CODES_HERE_A_DAY: Final = 10
CODES_A_DAY: Final = 200
"""At an account whose tries are used up: three codes in a million are good at any time."""


class SignInWithPassword(Request):
    """What a member of staff types in."""

    username: Annotated[str, Meta(max_length=64)]
    password: Annotated[str, Meta(max_length=256)]
    totp: Annotated[str, Meta(max_length=16)] = ""
    """The code of the authenticator program, or nothing beside a passkey."""
    passkey: Assertion | None = None
    """The answer of an enrolled passkey to a challenge of `POST /v1/login/passkey/challenges`."""


class PasswordRefused(Unauthenticated):
    """No such account, a wrong password or a wrong code: the caller is not told which."""

    slug = "password-refused"
    title = Text(zh="用户名、密码或第二验证不正确", en="Username, password or second factor is wrong")
    remedy = Text(
        zh="请核对后重试；动态码和通行密钥挑战每个只能用一次。",
        en="Check all three; each code of the authenticator and each challenge of a passkey works once.",
    )


class Heard(Model):
    """An account whose password is to be checked. `aal` is what its second factor gave, where that was asked first."""

    official: Official | None
    locked_for: int | None = None
    aal: int | None = None


class PasswordLogin:
    """Lets staff in."""

    def __init__(
        self,
        *,
        database: Database,
        officials: Officials,
        sessions: Sessions,
        passwords: Passwords,
        passkeys: Passkeys,
        lockout: Lockout,
        vault: Vault,
        clock: Clock,
        settings: AuthSettings,
    ) -> None:
        self._database = database
        self._officials = officials
        self._sessions = sessions
        self._passwords = passwords
        self._passkeys = passkeys
        self._lockout = lockout
        self._vault = vault
        self._clock = clock
        self._settings = settings
        self._limit = Limit(
            kind="password", most=settings.password_limit, window_seconds=settings.password_window_seconds
        )
        self._codes_here = Limit(kind="password_code_here", most=CODES_HERE_A_DAY, window_seconds=DAY_SECONDS)
        self._codes = Limit(kind="password_code", most=CODES_A_DAY, window_seconds=DAY_SECONDS)

    async def sign_in(self, shown: SignInWithPassword, *, jkt: str | None, address: str) -> TokenPair | SuishenError:
        """Tokens, or the refusal, which is remembered. Opens its own transactions.

        Raises `TemporarilyUnavailable` when too many passwords are being checked; that costs no try.
        """
        key = self._vault.blind_index("username", shown.username)
        heard = await self._hear(key, shown, address)
        if isinstance(heard, RateLimited):
            return heard
        right = await self._verify(key, heard.official, shown.password)
        async with self._database.transaction() as connection:
            aal = heard.aal
            if heard.locked_for is None:
                aal = await self._second_factor(connection, heard.official, shown, address)
            wrong = _what_is_wrong(heard.official, right=right, aal=aal)
            if wrong is None and heard.official is not None and aal is not None:
                await delete_attempts(connection, self._limit, key)
                await delete_attempts(connection, self._codes_here, self._here(shown, address))
                return await self._open(connection, heard.official, aal, jkt)
            await self._remember(connection, heard.official, wrong or "account", aal, address)
        # While it is locked nobody learns whether the second factor was right.
        return PasswordRefused() if heard.locked_for is None else RateLimited(retry_after=heard.locked_for)

    async def _hear(self, key: bytes, shown: SignInWithPassword, address: str) -> Heard | RateLimited:
        """Whose password is to be checked, or for how long none is."""
        async with self._database.transaction() as connection:
            official = await self._officials.find_by_username(connection, shown.username)
            target = key if official is None else official.id.bytes  # the same work for every name
            wait = await self._lockout.find_wait(connection, address, target=target)
            if wait is not None:
                return RateLimited(retry_after=wait)
            locked_for = await spend_attempt(connection, self._limit, key, self._clock.now())
            if locked_for is None:
                return Heard(official=official)
            aal = None
            if shown.passkey is not None or await self._may_show_code(connection, key, shown, address):
                aal = await self._second_factor(connection, official, shown, address)
            if aal is None:
                return RateLimited(retry_after=locked_for)
            return Heard(official=official, locked_for=locked_for, aal=aal)

    async def _may_show_code(self, connection: Connection, key: bytes, shown: SignInWithPassword, address: str) -> bool:
        """Whether a code may still be shown at an account whose tries are used up; this one counts."""
        now = self._clock.now()
        if await spend_attempt(connection, self._codes_here, self._here(shown, address), now) is not None:
            return False
        return await spend_attempt(connection, self._codes, key, now) is None

    def _here(self, shown: SignInWithPassword, address: str) -> bytes:
        return self._vault.blind_index("username-address", f"{shown.username}\n{address}")

    async def _verify(self, key: bytes, official: Official | None, password: str) -> bool:
        try:
            return await self._passwords.verify(official.password_hash if official else None, password)
        except SuishenError:
            async with self._database.transaction() as connection:
                await refund_attempt(connection, self._limit, key)
            raise

    async def _second_factor(
        self, connection: Connection, official: Official | None, shown: SignInWithPassword, address: str
    ) -> int | None:
        """The `aal` that it gives, or None. Looked at whatever the password was, so that it is used up either way."""
        if shown.passkey is not None:
            proved = await self._passkeys.prove(
                connection, shown.passkey, purpose="sign_in", session_id=None, address=address
            )
            if not isinstance(proved, ProvedPasskey) or official is None:
                return None
            return VERIFIED_KEY if (proved.holder_type, proved.holder_id) == ("official", official.id) else None
        step = None if official is None else self._officials.find_totp_step(official, shown.totp, self._clock.now())
        if official is None or step is None or not await self._officials.use_step(connection, official, step):
            return None
        return KEY

    async def _remember(
        self, connection: Connection, official: Official | None, wrong: str, aal: int | None, address: str
    ) -> None:
        """Of an account only who holds its second factor uses up tries of a day: strangers cannot."""
        target = official.id.bytes if official is not None and aal is not None else None
        await self._lockout.count_wrong(connection, address, target=target)
        await audit.record(
            connection,
            clock_now=self._clock.now(),
            actor="anonymous",
            action="login.password_refused",
            subject=f"official:{official.id}" if official else "official:unknown",
            detail={"wrong": wrong},
        )

    async def _open(self, connection: Connection, official: Official, aal: int, jkt: str | None) -> TokenPair:
        start = StartSession(
            subject_type="official",
            subject_id=official.id,
            holder_id=official.id,
            organization_id=official.organization_id,
            roles=official.roles,
            client_id=CLIENT,
            scopes=SCOPES,
            ial=STAFF_IAL,
            aal=aal,
            method="password",
            authenticated_at=self._clock.now(),
            idle_seconds=self._settings.staff_idle_seconds,
            absolute_seconds=self._settings.staff_session_seconds,
            jkt=jkt,
        )
        return await self._sessions.start_session(connection, start)


def _what_is_wrong(official: Official | None, *, right: bool, aal: int | None) -> str | None:
    """For the audit log alone; None when nothing is."""
    if official is None:
        return "account"
    if official.status != "active":
        return "closed"
    if not right:
        return "password"
    return "second_factor" if aal is None else None
