"""The national provider over HTTP: its description and keys, requests pushed, codes redeemed.

The city proves itself by a key of its own (`private_key_jwt`, RFC 7523). Tokens of the provider are read and dropped;
none is kept. Redirects are not followed, and every question has one deadline, for all who wait for its answer.
"""

import asyncio
from datetime import datetime, timedelta
from typing import Final, TypeVar

import httpx
import msgspec
import structlog

from app.kit.clock import Clock
from app.kit.ids import new_token
from app.kit.jwt import sign_jwt
from app.kit.keyring import Keyring
from app.kit.outbound import AnswerTooLong, outbound_client, send_bounded
from app.kit.structs import Model
from auth.login.upstream.keys import ProviderKey, read_provider_keys
from auth.login.upstream.oidc import (
    Asked,
    Metadata,
    NationalRequest,
    NotAsAsked,
    Told,
    address_of_metadata,
    kid_of_token,
    leading_to,
    pushed_form,
    read_id_token,
    read_metadata,
)
from auth.provider.clients.published_keys.models import KeysUnreadable
from auth.registries.errors import RegistryUnavailable

KEY_PURPOSE: Final = "upstream_client"
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_SECONDS: Final = 50
FRESH: Final = timedelta(minutes=5)
ASK_AT_MOST_EVERY: Final = timedelta(seconds=10)
LONGEST_ANSWER: Final = 65_536
REFUSED: Final = frozenset({400, 401, 403})
HEADERS: Final = {"Accept": "application/json"}

T = TypeVar("T")

log = structlog.get_logger()


class _Pushed(Model):
    request_uri: str


class _Tokens(Model):
    id_token: str


class _Seen(Model):
    """What was read at the provider, and when."""

    metadata: Metadata
    keys: dict[str, ProviderKey]
    at: datetime


class NationalProvider:
    """Speaks to one provider. What it published is believed for minutes, in each worker by itself; `close` ends it."""

    def __init__(
        self,
        *,
        issuer: str,
        client_id: str,
        levels: dict[str, str],
        keyring: Keyring,
        clock: Clock,
        timeout_seconds: float,
        production: bool,
    ) -> None:
        self.issuer = issuer
        self._client_id = client_id
        self._levels = levels
        self._keyring = keyring
        self._clock = clock
        self._timeout_seconds = timeout_seconds
        self._production = production
        self._client = outbound_client(timeout_seconds=timeout_seconds, connections=50)
        self._seen: _Seen | None = None
        self._failed: RegistryUnavailable | None = None
        self._asking = asyncio.Lock()

    @property
    def configured(self) -> bool:
        """Whether there is one at all."""
        return bool(self.issuer)

    async def close(self) -> None:
        """Ends the client; nothing can be asked afterwards."""
        await self._client.aclose()

    async def push(self, request: NationalRequest) -> str:
        """The address at which the citizen proves themself; raises `RegistryUnavailable`."""
        metadata = (await self._published()).metadata
        form = pushed_form(request, self._client_id, self._levels)
        answer = await self._post(metadata.pushed_authorization_request_endpoint, form, _Pushed)
        if answer is None:
            raise RegistryUnavailable("national_identity", "refused")
        return leading_to(metadata.authorization_endpoint, client_id=self._client_id, request_uri=answer.request_uri)

    async def redeem(self, code: str, request: NationalRequest) -> Told:
        """What the provider says of whoever brought this code; raises `NotAsAsked` and `RegistryUnavailable`."""
        metadata = (await self._published()).metadata
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": request.redirect_uri,
            "code_verifier": request.verifier,
        }
        answer = await self._post(metadata.token_endpoint, form, _Tokens)
        if answer is None:
            raise NotAsAsked("code")
        keys = await self._keys_for(answer.id_token)
        asked = Asked(issuer=self.issuer, client_id=self._client_id, nonce=request.nonce)
        return read_id_token(answer.id_token, keys, asked, self._levels, self._clock.now())

    async def _keys_for(self, token: str) -> dict[str, ProviderKey]:
        """The provider's keys, asked for anew when a token names one that nobody knows."""
        seen = await self._published()
        if kid_of_token(token) not in seen.keys and self._clock.now() - seen.at > ASK_AT_MOST_EVERY:
            seen = await self._published(anew=True)
        return seen.keys

    async def _published(self, *, anew: bool = False) -> _Seen:
        if not self.configured:
            raise RegistryUnavailable("national_identity", "not_configured")
        before, failed, now = self._seen, self._failed, self._clock.now()
        if before is not None and now - before.at <= FRESH and not anew:
            return before
        async with self._asking:
            if self._seen is not None and self._seen is not before:  # somebody asked while this one waited
                return self._seen
            if self._failed is not None and self._failed is not failed:  # in vain: nobody waits for two deadlines
                raise RegistryUnavailable("national_identity", self._failed.extensions["state"])
            try:
                self._seen = await self._ask_what_it_publishes(now)
            except RegistryUnavailable as fault:
                self._failed = RegistryUnavailable("national_identity", fault.extensions["state"])
                raise
            return self._seen

    async def _ask_what_it_publishes(self, now: datetime) -> _Seen:
        try:
            described = await self._get(address_of_metadata(self.issuer))
            metadata = read_metadata(described, self.issuer, production=self._production)
            keys = read_provider_keys(await self._get(metadata.jwks_uri))
        except (NotAsAsked, KeysUnreadable) as fault:
            log.warning("national_identity.unsuitable", part=str(fault))
            raise RegistryUnavailable("national_identity", "malformed") from None
        return _Seen(metadata=metadata, keys=keys, at=now)

    async def _get(self, url: str) -> bytes:
        response = await self._send(httpx.Request("GET", url, headers=HEADERS))
        if response.status_code != httpx.codes.OK:
            raise RegistryUnavailable("national_identity", "refused")
        return response.content

    async def _post(self, url: str, form: dict[str, str], answer: type[T]) -> T | None:
        """The decoded answer; None when the provider says no to what was sent."""
        body = form | {"client_id": self._client_id, "client_assertion_type": ASSERTION_TYPE}
        request = httpx.Request("POST", url, data=body | {"client_assertion": self._assertion()}, headers=HEADERS)
        response = await self._send(request)
        if response.status_code in REFUSED:
            log.warning("national_identity.refused", status=response.status_code)
            return None
        if not response.is_success:
            raise RegistryUnavailable("national_identity", "refused")
        try:
            return msgspec.json.decode(response.content, type=answer)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            raise RegistryUnavailable("national_identity", "malformed") from None

    async def _send(self, request: httpx.Request) -> httpx.Response:
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await send_bounded(self._client, request, longest=LONGEST_ANSWER)
        except (httpx.TimeoutException, TimeoutError):
            raise RegistryUnavailable("national_identity", "too_slow") from None
        except AnswerTooLong:
            raise RegistryUnavailable("national_identity", "malformed") from None
        except (httpx.HTTPError, httpx.InvalidURL):
            raise RegistryUnavailable("national_identity", "unreachable") from None

    def _assertion(self) -> str:
        issued_at = int(self._clock.now().timestamp())
        claims = {
            "iss": self._client_id,
            "sub": self._client_id,
            "aud": self.issuer,
            "jti": new_token(16),
            "iat": issued_at,
            "exp": issued_at + ASSERTION_SECONDS,
        }
        return sign_jwt(self._keyring.active(KEY_PURPOSE), typ="JWT", claims=claims)
