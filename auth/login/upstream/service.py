"""Sign-in by the national identity: the city is a client of the national provider (OpenID Connect, FAPI 2.0's ways).

An attempt belongs to whoever began it: the browser by its cookie, a program by a secret of its own and its DPoP key.
It is used up before the provider is asked anything, so that an answer counts once whatever follows. No transaction is
open while the provider is asked. What anybody could guess at is counted against their address.
"""

import hashlib
from base64 import urlsafe_b64encode
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from app.kit.clock import Clock
from app.kit.database import Connection, Database
from app.kit.errors import RateLimited, SuishenError
from app.kit.ids import new_id, new_token
from app.kit.vault import Vault
from auth.attempts import Limit, Lockout, spend_attempt
from auth.login.citizens import CitizenSessions, LoginView
from auth.login.proof import Proved
from auth.login.standing import Standing
from auth.login.upstream import repository
from auth.login.upstream.errors import UpstreamRefused, WayNotOffered
from auth.login.upstream.links import Links
from auth.login.upstream.models import Arrival, Attempt, Holder, LinkView, NationalBegun, Returned, ShowNationalAnswer
from auth.login.upstream.national import NationalProvider
from auth.login.upstream.oidc import NationalRequest, NotAsAsked, code_in
from auth.principal import Principal
from auth.settings import AuthSettings

SECONDS: Final = 300
BROWSER_CALLBACK: Final = "/oauth/upstream/callback"
PROGRAM_CALLBACK: Final = "/oauth/upstream/app"
"""The address that the city's app claims for itself; a browser that comes there is told to go back to the app."""
SUBJECT_PURPOSE: Final = "upstream-subject"
NONCE_PURPOSE: Final = "upstream-nonce"
VERIFIER_PURPOSE: Final = "upstream-verifier"

log = structlog.get_logger()


class NationalLogin:
    """Leads citizens to the national provider and back. Opens its own transactions."""

    def __init__(
        self,
        *,
        database: Database,
        provider: NationalProvider,
        links: Links,
        standing: Standing,
        citizens: CitizenSessions,
        lockout: Lockout,
        vault: Vault,
        clock: Clock,
        settings: AuthSettings,
    ) -> None:
        self._database = database
        self._provider = provider
        self._links = links
        self._standing = standing
        self._citizens = citizens
        self._lockout = lockout
        self._vault = vault
        self._clock = clock
        self._issuer = settings.issuer
        self._limit = Limit(
            kind="upstream_address", most=settings.otp_address_limit, window_seconds=settings.otp_window_seconds
        )

    @property
    def configured(self) -> bool:
        """Whether the city has a national provider."""
        return self._provider.configured

    async def begin(self, holder: Holder) -> str | RateLimited:
        """Where the citizen goes, or the refusal, which is remembered.

        Raises `WayNotOffered` and `RegistryUnavailable`.
        """
        if not self.configured:
            raise WayNotOffered
        async with self._database.transaction() as connection:
            wait = await self._wait(connection, holder.address)
        if wait is not None:
            return RateLimited(retry_after=wait)
        state = new_token()
        url = await self._provider.push(self._request(state, for_browser=holder.request_id is not None))
        now = self._clock.now()
        attempt = Attempt(
            id=new_id(),
            source="national",
            key_hash=hash_of(holder.key),
            state_hash=hash_of(state),
            request_id=holder.request_id,
            session_id=holder.session_id,
            jkt=holder.jkt,
            expires_at=now + timedelta(seconds=SECONDS),
        )
        async with self._database.transaction() as connection:
            await repository.insert_attempt(connection, attempt)
        return url

    async def begin_here(
        self, *, jkt: str | None, address: str, principal: Principal | None = None
    ) -> NationalBegun | RateLimited:
        """The same for a program: a phone that signs in, or with a `principal` one that links. Raises as `begin`."""
        if principal is not None:
            await self._require_standing(principal)
        login = new_token()
        session_id = None if principal is None else principal.session_id
        url = await self.begin(Holder(key=login, address=address, session_id=session_id, jkt=jkt))
        if isinstance(url, RateLimited):
            return url
        return NationalBegun(login=login, authorization_url=url, expires_in_seconds=SECONDS)

    async def sign_in(self, shown: ShowNationalAnswer, *, jkt: str | None, address: str) -> LoginView | SuishenError:
        """Tokens for whom the provider vouches for, or the refusal, which is remembered.

        Raises `RegistryUnavailable`, and `AccountFrozen` as every way in does.
        """
        arrival = await self._hear(shown, jkt=jkt, address=address, session_id=None)
        if isinstance(arrival, SuishenError):
            return arrival
        async with self._database.transaction() as connection:
            proved = await self._links.arrive(connection, arrival)
            if not isinstance(proved, Proved):
                await self._lockout.count_wrong(connection, address)
                return proved
            return await self._citizens.open(connection, proved, jkt=jkt)

    async def link(self, principal: Principal, shown: ShowNationalAnswer, *, address: str) -> LinkView | SuishenError:
        """A link to the caller's account, by the session that began; or the refusal, which is remembered.

        Raises `RegistryUnavailable` and `StepUpRequired`.
        """
        arrival = await self._hear(shown, jkt=None, address=address, session_id=principal.session_id)
        if isinstance(arrival, SuishenError):
            return arrival
        async with self._database.transaction() as connection:
            return await self._links.link(connection, principal, arrival)

    async def take(self, returned: Returned, key: str, *, jkt: str | None, address: str) -> Attempt | SuishenError:
        """The attempt that this answer belongs to, used up by it; else the refusal, which is remembered."""
        async with self._database.transaction() as connection:
            wait = await self._lockout.find_wait(connection, address)
            if wait is not None:
                return RateLimited(retry_after=wait)
            attempt = await repository.mark_answered(
                connection, hash_of(returned.state), hash_of(key), jkt=jkt, now=self._clock.now()
            )
            if attempt is None:
                await self._lockout.count_wrong(connection, address)
                return UpstreamRefused()
            return attempt

    async def hear(self, attempt: Attempt, returned: Returned) -> Arrival | SuishenError:
        """What the provider says of whoever came back; raises `RegistryUnavailable`."""
        request = self._request(returned.state, for_browser=attempt.request_id is not None)
        try:
            code = code_in(code=returned.code, iss=returned.iss, error=returned.error, issuer=self._provider.issuer)
            told = await self._provider.redeem(code, request)
        except NotAsAsked as fault:
            log.warning("national_identity.answer_refused", part=str(fault))
            return UpstreamRefused()
        index = self._vault.blind_index(SUBJECT_PURPOSE, f"{self._provider.issuer}\n{told.sub}")
        return Arrival(source="national", subject_index=index, ial=told.ial, aal=told.aal, identity=told.identity)

    async def _hear(
        self, shown: ShowNationalAnswer, *, jkt: str | None, address: str, session_id: UUID | None
    ) -> Arrival | SuishenError:
        attempt = await self.take(shown.returned, shown.login, jkt=jkt, address=address)
        if isinstance(attempt, SuishenError):
            return attempt
        if attempt.session_id != session_id or attempt.request_id is not None:  # begun for something else
            return UpstreamRefused()
        return await self.hear(attempt, shown.returned)

    async def _require_standing(self, principal: Principal) -> None:
        async with self._database.transaction() as connection:
            await self._standing.require(connection, principal)

    async def _wait(self, connection: Connection, address: str) -> int | None:
        wait = await self._lockout.find_wait(connection, address)
        index = self._vault.blind_index("address", address)
        return wait or await spend_attempt(connection, self._limit, index, self._clock.now())

    def _request(self, state: str, *, for_browser: bool) -> NationalRequest:
        """Nonce and verifier are derived from the state, so that none of them stands in the database."""
        return NationalRequest(
            redirect_uri=self._issuer + (BROWSER_CALLBACK if for_browser else PROGRAM_CALLBACK),
            state=state,
            nonce=self._derived(NONCE_PURPOSE, state),
            verifier=self._derived(VERIFIER_PURPOSE, state),
        )

    def _derived(self, purpose: str, state: str) -> str:
        return urlsafe_b64encode(self._vault.blind_index(purpose, state)).rstrip(b"=").decode()


def hash_of(secret: str) -> bytes:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode()).digest()
