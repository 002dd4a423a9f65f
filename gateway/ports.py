"""What the gateway needs from the packages below, in its own words. The front door joins them."""

from collections.abc import Mapping
from typing import Any, Protocol

from auth.principal import Principal
from gateway.policy import ConsentGiven, GrantedScope
from gateway.snapshot import CompiledApp


class Authenticator(Protocol):
    """Reads who is calling from an ASGI scope, in memory."""

    def authenticate(self, scope: Any, *, origin: str | None = None, app_id: str | None = None) -> Principal | None:
        """The verified caller of the mini-app `app_id`, None for nobody; raises `Unauthenticated`."""
        ...


class Consents(Protocol):
    """What a citizen allowed."""

    async def find_consents(
        self, principal: Principal, app: CompiledApp, scopes: frozenset[str]
    ) -> Mapping[str, ConsentGiven]:
        """The active consents among `scopes`, by scope name. Holds no connection afterwards."""
        ...


class Citizens(Protocol):
    """What is known of a citizen, and the record of who was told."""

    async def disclose(
        self, principal: Principal, app: CompiledApp, granted: tuple[GrantedScope, ...]
    ) -> Mapping[str, Any]:
        """The granted fields, written into the list that the citizen reads. Holds no connection afterwards."""
        ...
