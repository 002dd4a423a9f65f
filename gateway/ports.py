"""What the gateway needs from the packages below, in its own words. The front door joins them."""

from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

from auth.mandates.engine import Authority
from auth.principal import Principal
from gateway.home.models import Choice
from gateway.policy import ConsentGiven, GrantedScope
from gateway.routing import Match
from gateway.snapshot import CompiledApp


class Authenticator(Protocol):
    """Reads who is calling from an ASGI scope, in memory."""

    def authenticate(self, scope: Any, *, origin: str | None = None, app_id: str | None = None) -> Principal | None:
        """The verified caller of the mini-app `app_id`, None for nobody; raises `Unauthenticated`."""
        ...

    def stands(self, principal: Principal) -> bool:
        """Whether the session of a caller who was let in has not ended since."""
        ...


class Consents(Protocol):
    """What a citizen allowed."""

    async def find_consents(
        self, principal: Principal, app: CompiledApp, scopes: Mapping[str, str]
    ) -> Mapping[str, ConsentGiven]:
        """The active consents among `scopes` (name and version of the words), by name. Holds no connection after."""
        ...


class KnowsChoices(Protocol):
    """Where citizens are at home and how they read, as they themselves chose on the home page."""

    async def find_choice(self, subject_id: UUID) -> Choice:
        """What the subject chose; without a zone when they never named one. Holds no connection afterwards."""
        ...


class AdmitsDelegates(Protocol):
    """The mandates by which somebody calls in another's name."""

    async def admit(self, principal: Principal, match: Match, *, target: str, body: bytes | None) -> Authority:
        """The authority for this very call, on the record from now on; raises `MandateRefused`."""
        ...


class Citizens(Protocol):
    """What is known of a citizen, and the record of who was told."""

    async def disclose(
        self, principal: Principal, app: CompiledApp, granted: tuple[GrantedScope, ...]
    ) -> Mapping[str, Any]:
        """The granted fields, written into the list that the citizen reads. Holds no connection afterwards."""
        ...
