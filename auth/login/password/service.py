"""Sign-in of staff: username, password and a time-based code, all three or nothing, and never told which was wrong.

No transaction is open while the password is hashed. Tries are counted before, so that guesses in parallel do not pass.
"""

from typing import Annotated, Final

from msgspec import Meta

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection, Database
from app.kit.errors import RateLimited, SuishenError, Unauthenticated
from app.kit.structs import Request, Text
from app.kit.vault import Vault
from auth.attempts import Limit, delete_attempts, refund_attempt, spend_attempt
from auth.officials.models import Official
from auth.officials.passwords import Passwords
from auth.officials.service import Officials
from auth.sessions.models import StartSession, TokenPair
from auth.sessions.service import Sessions
from auth.settings import AuthSettings

CLIENT: Final = "staff-console"
SCOPES: Final = frozenset({"staff"})
STAFF_IAL: Final = 2
STAFF_AAL: Final = 2


class SignInWithPassword(Request):
    """What a member of staff types in."""

    username: Annotated[str, Meta(max_length=64)]
    password: Annotated[str, Meta(max_length=256)]
    totp: Annotated[str, Meta(max_length=16)]


class PasswordRefused(Unauthenticated):
    """No such account, a wrong password or a wrong code: the caller is not told which."""

    slug = "password-refused"
    title = Text(zh="用户名、密码或动态码不正确", en="Username, password or code is wrong")
    remedy = Text(
        zh="请核对后重试；动态码每个只能用一次。", en="Check all three; each code of the authenticator works once."
    )


class PasswordLogin:
    """Lets staff in."""

    def __init__(
        self,
        *,
        database: Database,
        officials: Officials,
        sessions: Sessions,
        passwords: Passwords,
        vault: Vault,
        clock: Clock,
        settings: AuthSettings,
    ) -> None:
        self._database = database
        self._officials = officials
        self._sessions = sessions
        self._passwords = passwords
        self._vault = vault
        self._clock = clock
        self._settings = settings
        self._limit = Limit(
            kind="password", most=settings.password_limit, window_seconds=settings.password_window_seconds
        )

    async def sign_in(self, shown: SignInWithPassword, *, jkt: str | None) -> TokenPair | SuishenError:
        """Tokens, or the refusal, which is remembered. Opens its own transactions.

        Raises `TemporarilyUnavailable` when too many passwords are being checked; that costs no try.
        """
        key = self._vault.blind_index("username", shown.username)
        async with self._database.transaction() as connection:
            locked_for = await spend_attempt(connection, self._limit, key, self._clock.now())
            official = None if locked_for else await self._officials.find_by_username(connection, shown.username)
        if locked_for is not None:
            return RateLimited(retry_after=locked_for)
        right = await self._verify(key, official, shown.password)
        async with self._database.transaction() as connection:
            return await self._conclude(connection, key, official if right else None, shown, jkt)

    async def _verify(self, key: bytes, official: Official | None, password: str) -> bool:
        try:
            return await self._passwords.verify(official.password_hash if official else None, password)
        except SuishenError:
            async with self._database.transaction() as connection:
                await refund_attempt(connection, self._limit, key)
            raise

    async def _conclude(
        self,
        connection: Connection,
        key: bytes,
        official: Official | None,
        shown: SignInWithPassword,
        jkt: str | None,
    ) -> TokenPair | SuishenError:
        now = self._clock.now()
        step = None if official is None else self._officials.find_totp_step(official, shown.totp, now)
        if official is None or step is None or not await self._officials.use_step(connection, official, step):
            await audit.record(
                connection,
                clock_now=now,
                actor="anonymous",
                action="login.password_refused",
                subject=f"official:{official.id}" if official else "official:unknown",
                detail={},
            )
            return PasswordRefused()
        await delete_attempts(connection, self._limit, key)
        start = StartSession(
            subject_type="official",
            subject_id=official.id,
            holder_id=official.id,
            organization_id=official.organization_id,
            roles=official.roles,
            client_id=CLIENT,
            scopes=SCOPES,
            ial=STAFF_IAL,
            aal=STAFF_AAL,
            method="password",
            authenticated_at=now,
            idle_seconds=self._settings.staff_idle_seconds,
            absolute_seconds=self._settings.staff_session_seconds,
            jkt=jkt,
        )
        return await self._sessions.start_session(connection, start)
