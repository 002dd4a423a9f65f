"""A citizen's own cards, asked for in their name: only where there is a basis, each department with its own deadline.

When a department does not answer, the last copy is shown with its age. A copy belongs to one session, one subject and
one release; it is never anybody else's, and ends after a quarter of an hour.
"""

from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, TypeAlias
from uuid import UUID

from msgspec import structs

from app.kit.clock import Clock
from app.kit.structs import Model
from auth.principal import Principal
from gateway.home.cards import CardsMissing, CardSource
from gateway.home.models import Card, Degraded, Why
from gateway.ports import Consents
from gateway.snapshot import CompiledApp
from miniapps.manifest import Widget, consent_text

KEPT_FOR: Final = timedelta(minutes=15)
MOST_KEPT: Final = 5000

Key: TypeAlias = tuple[UUID, UUID, UUID | None, str]


class Copy(Model):
    """What a department last said of one citizen."""

    release_id: UUID
    zone: str
    cards: tuple[Card, ...]
    made_at: datetime


class PersonalCards:
    """Asks, and remembers for a while."""

    def __init__(self, *, source: CardSource, consents: Consents, clock: Clock) -> None:
        self._source = source
        self._consents = consents
        self._clock = clock
        self._copies: OrderedDict[Key, Copy] = OrderedDict()

    async def read(
        self,
        app: CompiledApp,
        widgets: Mapping[str, Widget],
        principal: Principal,
        *,
        zone: str,
        elder: bool,
        why: Why,
    ) -> tuple[list[Card], Degraded | None]:
        """The citizen's cards, and the trouble if there is one. Nobody is asked who has no basis to know of them."""
        if not await self._has_basis(app, principal):
            return [], None
        try:
            cards = await self._source.fetch(app, widgets, principal=principal, zone=zone, elder=elder, why=why)
        except CardsMissing as missing:
            kept = self._recall(app, principal, zone, widgets)
            return [structs.replace(card, stale=True, why=why) for card in kept], self._source.degraded(
                app, missing.trouble
            )
        self._keep(app, principal, zone, cards)
        return cards, None

    async def _has_basis(self, app: CompiledApp, principal: Principal) -> bool:
        """A law or a contract, or a consent that stands; a service that handles no data of citizens needs none."""
        asking = [scope for scope in app.scopes if scope.basis == "consent"]
        if len(asking) < len(app.scopes) or not app.scopes:
            return True
        words = {scope.name: consent_text(scope, app.recipient).version for scope in asking}
        return bool(await self._consents.find_consents(principal, app, words))

    def _keep(self, app: CompiledApp, principal: Principal, zone: str, cards: list[Card]) -> None:
        key = _key(app, principal)
        self._copies[key] = Copy(release_id=app.release_id, zone=zone, cards=tuple(cards), made_at=self._clock.now())
        self._copies.move_to_end(key)
        self._drop_old()

    def _recall(
        self, app: CompiledApp, principal: Principal, zone: str, widgets: Mapping[str, Widget]
    ) -> tuple[Card, ...]:
        self._drop_old()
        copy = self._copies.get(_key(app, principal))
        if copy is None or (copy.release_id, copy.zone) != (app.release_id, zone):
            return ()
        return tuple(card for card in copy.cards if card.widget in widgets)

    def _drop_old(self) -> None:
        oldest = self._clock.now() - KEPT_FOR
        while self._copies:
            key, copy = next(iter(self._copies.items()))
            if copy.made_at > oldest and len(self._copies) <= MOST_KEPT:
                return
            del self._copies[key]


def _key(app: CompiledApp, principal: Principal) -> Key:
    return principal.session_id, principal.subject_id, principal.agent_id, app.app_id
