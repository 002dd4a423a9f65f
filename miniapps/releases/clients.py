"""Which clients the identity provider has: every published mini-app whose manifest says how it signs citizens in.

Read anew each time, so that a release or a suspension counts on every worker with its commit; only what is made of
an equal row is made once. Addresses that the operator's network policy does not allow are left out, whatever was
reviewed.
"""

import functools
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from app.kit.database import Connection
from app.kit.errors import SuishenError
from auth.consents.texts import Recipient, RegisteredPurpose
from auth.keys import PublicJwk
from auth.provider.clients.models import Client, ClientScope
from miniapps.manifest import Scope, consent_text, hosts_of, recipient_of
from miniapps.manifest.models import BackendKey, Login
from miniapps.ports import NetworkPolicy
from miniapps.releases.models import PublishedApp
from miniapps.releases.service import Releases

MOST_REMEMBERED: Final = 256


class PublishedClients:
    """The register of clients, for the provider's port of that name."""

    def __init__(self, releases: Releases, policy: NetworkPolicy) -> None:
        self._releases = releases
        self._policy = policy
        self._client = functools.lru_cache(maxsize=MOST_REMEMBERED)(self._make_client)

    async def find_client(self, connection: Connection, client_id: str) -> Client | None:
        """The client as it is published now; None for one that is unknown, suspended or does not sign anybody in."""
        published = await self._releases.find_published(connection, client_id)
        if published is None or published.state != "active" or published.manifest.login is None:
            return None
        return self._client(published, published.manifest.login)

    async def find_department(self, connection: Connection, app_id: str) -> UUID | None:
        """Whose mini-app it is, while it is published and not suspended."""
        published = await self._releases.find_published(connection, app_id)
        return published.organization_id if published is not None and published.state == "active" else None

    async def find_purpose(
        self, connection: Connection, department_id: UUID, purpose: str, text_version: str
    ) -> RegisteredPurpose | None:
        """What the department's mini-apps ask for under this name; None when none of them does.

        A release on trial may ask in other words than the published one: whoever read these finds these.
        """
        found = [
            RegisteredPurpose(basis=scope.basis, text=consent_text(scope, recipient_of(manifest)))
            for manifest in await self._releases.list_exposed_manifests_of(connection, department_id)
            for scope in manifest.scopes
            if scope.name == purpose
        ]
        read = (registered for registered in found if registered.text.version == text_version)
        return next(read, found[0] if found else None)

    def _make_client(self, published: PublishedApp, login: Login) -> Client:
        """The published client; while a release is on trial its reviewed addresses and keys are good as well.

        Who signs in is not known before they have, so it cannot hang on their bucket. What they read stays the
        published words.
        """
        logins = [login, *_trial_logins(published)]
        backchannel = self._allowed((login.backchannel_logout_uri,) if login.backchannel_logout_uri else ())
        published_keys = self._allowed((login.jwks_uri,) if login.jwks_uri else ())
        recipient = recipient_of(published.manifest)
        return Client(
            client_id=published.app_id,
            organization_id=published.organization_id,
            organization_name=published.organization_name,
            name=published.manifest.name.as_text(),
            text_version=f"manifest-{published.version_code}",
            keys={key.kid: _jwk(key) for each in reversed(logins) for key in each.keys},
            redirect_uris=self._allowed(_together(each.redirect_uris for each in logins)),
            post_logout_redirect_uris=self._allowed(_together(each.post_logout_redirect_uris for each in logins)),
            backchannel_logout_uri=backchannel[0] if backchannel else None,
            jwks_uri=published_keys[0] if published_keys else None,
            scopes=tuple(_scope(scope, recipient) for scope in published.manifest.scopes),
        )

    def _allowed(self, uris: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(uri for uri in uris if self._allows(uri))

    def _allows(self, uri: str) -> bool:
        try:
            self._policy.check(uri)
        except SuishenError:
            return False
        return True


def _trial_logins(published: PublishedApp) -> list[Login]:
    """While fields are told, only its pages on hosts that the published words name: citizens read where fields go."""
    trial = published.trial
    if trial is None or trial.login is None:
        return []
    named, uris = hosts_of(published.manifest), trial.login.redirect_uris
    if published.manifest.scopes:
        uris = tuple(uri for uri in uris if urlsplit(uri).hostname in named)
    return [msgspec.structs.replace(trial.login, redirect_uris=uris)]


def _together(lists: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """All of them in their order, each once."""
    return tuple(dict.fromkeys(uri for uris in lists for uri in uris))


def _jwk(key: BackendKey) -> PublicJwk:
    return PublicJwk(kty="EC", crv="P-256", x=key.x, y=key.y, kid=key.kid)


def _scope(scope: Scope, recipient: Recipient) -> ClientScope:
    return ClientScope(
        name=scope.name,
        fields=scope.fields,
        purpose=scope.purpose.as_text(),
        basis=scope.basis,
        legal_basis=scope.legal_basis,
        required=scope.required,
        sensitive=scope.sensitivity == "sensitive",
        retention_days=scope.retention_days,
        recipient=recipient,
    )
