"""Sign-in by the network identity (网号, 网证): the national app shows a credential, the national platform judges it.

Voluntary, and equal to the other ways. The number itself is never kept: it goes to the platform and becomes a keyed
index. A phone hands the credential over; a browser shows a picture, and the number that the national app shows is typed
into the same browser, so that a picture carried elsewhere opens nothing.
"""

from base64 import urlsafe_b64encode
from datetime import timedelta
from typing import Final
from uuid import UUID

from app.kit.clock import Clock
from app.kit.database import Connection, Database
from app.kit.errors import RateLimited, SuishenError
from app.kit.ids import new_id, new_token
from app.kit.vault import Vault
from auth.assurance import IN_PERSON, KEY, PHONE_ONLY
from auth.attempts import Limit, Lockout, spend_attempt
from auth.login.citizens import CitizenSessions, LoginView
from auth.login.proof import Proved
from auth.login.standing import Standing
from auth.login.upstream import repository
from auth.login.upstream.errors import UpstreamRefused, WayNotOffered
from auth.login.upstream.links import Links
from auth.login.upstream.models import (
    Arrival,
    Attempt,
    Holder,
    LinkView,
    NetworkBegun,
    NetworkPicture,
    ShowNetworkCredential,
)
from auth.login.upstream.oidc import identity_told
from auth.login.upstream.service import hash_of
from auth.people.models import NAME_CHECKED
from auth.principal import Principal
from auth.registries.ports import NetworkAnswer, NetworkIdentity
from auth.settings import AuthSettings

SECONDS: Final = 180
MOST_NUMBERS: Final = 3
NUMBER_PURPOSE: Final = "network-number"
CHALLENGE_PURPOSE: Final = "network-challenge"


class NetworkLogin:
    """Lets in whom the platform vouches for. Opens its own transactions, except where a connection is given."""

    def __init__(
        self,
        *,
        database: Database,
        platform: NetworkIdentity,
        links: Links,
        standing: Standing,
        citizens: CitizenSessions,
        lockout: Lockout,
        vault: Vault,
        clock: Clock,
        settings: AuthSettings,
    ) -> None:
        self._database = database
        self._platform = platform
        self._links = links
        self._standing = standing
        self._citizens = citizens
        self._lockout = lockout
        self._vault = vault
        self._clock = clock
        self._issuer = settings.issuer
        self.configured = bool(settings.network_identity_url)
        self._limit = Limit(
            kind="upstream_address", most=settings.otp_address_limit, window_seconds=settings.otp_window_seconds
        )

    async def begin_here(
        self, connection: Connection, *, jkt: str | None, address: str, principal: Principal | None = None
    ) -> NetworkBegun | RateLimited:
        """What the national app is to sign for a phone that signs in or, with a `principal`, that links.

        Raises `WayNotOffered` where the city asks no platform, and `StepUpRequired`.
        """
        if principal is not None:
            await self._standing.require(connection, principal)
        login = new_token()
        session_id = None if principal is None else principal.session_id
        attempt = await self._begin(connection, Holder(key=login, address=address, session_id=session_id, jkt=jkt))
        if isinstance(attempt, RateLimited):
            return attempt
        return NetworkBegun(
            login=login, challenge=self._challenge(attempt.id), audience=self._issuer, expires_in_seconds=SECONDS
        )

    async def sign_in(self, shown: ShowNetworkCredential, *, jkt: str | None, address: str) -> LoginView | SuishenError:
        """Tokens, or the refusal, which is remembered; raises `RegistryUnavailable`, and `AccountFrozen`."""
        arrival = await self._hear(shown, jkt=jkt, address=address, session_id=None)
        if isinstance(arrival, SuishenError):
            return arrival
        async with self._database.transaction() as connection:
            proved = await self._links.arrive(connection, arrival)
            if not isinstance(proved, Proved):
                await self._lockout.count_wrong(connection, address)
                return proved
            return await self._citizens.open(connection, proved, jkt=jkt)

    async def link(
        self, principal: Principal, shown: ShowNetworkCredential, *, address: str
    ) -> LinkView | SuishenError:
        """A link to the caller's account, by the session that began; or the refusal, which is remembered.

        Raises `RegistryUnavailable` and `StepUpRequired`.
        """
        arrival = await self._hear(shown, jkt=None, address=address, session_id=principal.session_id)
        if isinstance(arrival, SuishenError):
            return arrival
        async with self._database.transaction() as connection:
            return await self._links.link(connection, principal, arrival)

    async def begin_picture(self, connection: Connection, holder: Holder) -> NetworkPicture | RateLimited:
        """A picture for a browser on its way to a client; raises `WayNotOffered`."""
        attempt = await self._begin(connection, holder)
        if isinstance(attempt, RateLimited):
            return attempt
        return NetworkPicture(id=attempt.id, text=self._text(attempt.id))

    async def find_picture(self, connection: Connection, attempt_id: UUID, key: str) -> str | None:
        """What the picture says, for the browser that began and while a number may be typed."""
        found = await repository.find_living(connection, attempt_id, hash_of(key), self._clock.now())
        return None if found is None or found.tries >= MOST_NUMBERS else self._text(attempt_id)

    async def collect(self, attempt_id: UUID, key: str, number: str, *, address: str) -> Arrival | SuishenError:
        """Who scanned the picture and is shown this number, once; or the refusal, which is remembered."""
        async with self._database.transaction() as connection:
            wait = await self._lockout.find_wait(connection, address)
            if wait is not None:
                return RateLimited(retry_after=wait)
            attempt = await repository.mark_tried(
                connection, attempt_id, hash_of(key), most=MOST_NUMBERS, now=self._clock.now()
            )
        if attempt is None:
            return UpstreamRefused()
        answer = await self._platform.collect_credential(challenge=self._challenge(attempt.id), number=number)
        async with self._database.transaction() as connection:
            if not answer.match or not await repository.mark_used(connection, attempt.id, self._clock.now()):
                await self._lockout.count_wrong(connection, address)
                return UpstreamRefused()
        return self._arrival(answer)

    async def _begin(self, connection: Connection, holder: Holder) -> Attempt | RateLimited:
        if not self.configured:
            raise WayNotOffered
        now = self._clock.now()
        wait = await self._lockout.find_wait(connection, holder.address)
        index = self._vault.blind_index("address", holder.address)
        wait = wait or await spend_attempt(connection, self._limit, index, now)
        if wait is not None:
            return RateLimited(retry_after=wait)
        attempt = Attempt(
            id=new_id(),
            source="network",
            key_hash=hash_of(holder.key),
            request_id=holder.request_id,
            session_id=holder.session_id,
            jkt=holder.jkt,
            expires_at=now + timedelta(seconds=SECONDS),
        )
        await repository.insert_attempt(connection, attempt)
        return attempt

    async def _hear(
        self, shown: ShowNetworkCredential, *, jkt: str | None, address: str, session_id: UUID | None
    ) -> Arrival | SuishenError:
        async with self._database.transaction() as connection:
            wait = await self._lockout.find_wait(connection, address)
            if wait is not None:
                return RateLimited(retry_after=wait)
            attempt = await repository.mark_shown(connection, hash_of(shown.login), jkt=jkt, now=self._clock.now())
            if attempt is None or attempt.session_id != session_id or attempt.request_id is not None:
                await self._lockout.count_wrong(connection, address)
                return UpstreamRefused()
        answer = await self._platform.check_credential(
            network_number=shown.network_number,
            credential=shown.credential,
            challenge=self._challenge(attempt.id),
        )
        if not answer.match or answer.network_number != shown.network_number:
            async with self._database.transaction() as connection:
                await self._lockout.count_wrong(connection, address)
            return UpstreamRefused()
        return self._arrival(answer)

    def _arrival(self, answer: NetworkAnswer) -> Arrival | SuishenError:
        """A document that was told is believed whole or not at all; without one the number alone is known."""
        identity = None
        if (told := answer.holder) is not None:
            identity = identity_told(told.name, told.document_type, told.document_number)
            if identity is None:
                return UpstreamRefused()
        known = PHONE_ONLY if identity is None else NAME_CHECKED
        return Arrival(
            source="network",
            subject_index=self._vault.blind_index(NUMBER_PURPOSE, answer.network_number),
            ial=IN_PERSON if answer.verified_by == "face" and identity is not None else known,
            aal=KEY,
            identity=identity,
        )

    def _challenge(self, attempt_id: UUID) -> str:
        """Derived, so that the page can show it again and the database cannot."""
        return urlsafe_b64encode(self._vault.blind_index(CHALLENGE_PURPOSE, str(attempt_id))).rstrip(b"=").decode()

    def _text(self, attempt_id: UUID) -> str:
        return f"network-identity:?rp={self._issuer}&challenge={self._challenge(attempt_id)}"
