"""How a citizen arranges the home page: pins, their order, and what is hidden. Kept for the subject on every worker.

Two devices that arrange at once take turns; the later one stands. A service that the citizen is not served by at the
moment keeps its place, so that a release which was taken back for a day costs nobody their order.
"""

from collections.abc import Iterable
from typing import Final

from app.kit.clock import Clock
from app.kit.database import Connection
from auth.principal import Principal
from gateway.errors import UnknownService
from gateway.home import repository
from gateway.home.choices import Choices
from gateway.home.errors import ArrangedTwice, TooManyHidden, TooManyPins
from gateway.home.models import MOST_HIDDEN, MOST_PINS, ArrangeHome, HiddenView, LayoutView, Pin, PinView
from gateway.home.shelves import Seen, Shelves

NEW_POSITION: Final = 0


class Layouts:
    """Everybody's arrangement."""

    def __init__(self, *, clock: Clock, shelves: Shelves, choices: Choices) -> None:
        self._clock = clock
        self._shelves = shelves
        self._choices = choices

    async def read(self, connection: Connection, principal: Principal) -> LayoutView:
        """What the subject pinned and hid, of the services that there are for them."""
        seen = await self._see(connection, principal)
        pins = await repository.list_pins(connection, principal.subject_id)
        hidden = await repository.list_hidden(connection, principal.subject_id)
        return LayoutView(
            pinned=[PinView(app_id=pin.app_id, pinned_at=pin.pinned_at) for pin in pins if seen.find(pin.app_id)],
            hidden=[each for each in hidden if seen.find(each.app_id)],
        )

    async def pin(self, connection: Connection, principal: Principal, app_id: str) -> PinView:
        """Keeps a service at hand, before the others. Twice is once. Raises `UnknownService` and `TooManyPins`."""
        await self._must_see(connection, principal, app_id)
        await repository.lock_layout(connection, principal.subject_id)
        if await repository.count_other_pins(connection, principal.subject_id, app_id) >= MOST_PINS:
            raise TooManyPins(most=MOST_PINS)
        wanted = Pin(subject_id=principal.subject_id, app_id=app_id, pinned_at=self._clock.now(), position=NEW_POSITION)
        pin = await repository.insert_pin(connection, wanted)
        await repository.delete_hidden(connection, principal.subject_id, app_id)
        return PinView(app_id=pin.app_id, pinned_at=pin.pinned_at)

    async def unpin(self, connection: Connection, principal: Principal, app_id: str) -> None:
        """Puts a service back among the others, whether or not it was pinned."""
        await repository.delete_pin(connection, principal.subject_id, app_id)

    async def hide(self, connection: Connection, principal: Principal, app_id: str) -> HiddenView:
        """Takes a service off the page, and from among the pinned. Raises `UnknownService` and `TooManyHidden`."""
        await self._must_see(connection, principal, app_id)
        await repository.lock_layout(connection, principal.subject_id)
        if await repository.count_other_hidden(connection, principal.subject_id, app_id) >= MOST_HIDDEN:
            raise TooManyHidden(most=MOST_HIDDEN)
        await repository.delete_pin(connection, principal.subject_id, app_id)
        return await repository.insert_hidden(connection, principal.subject_id, app_id, self._clock.now())

    async def unhide(self, connection: Connection, principal: Principal, app_id: str) -> None:
        """Lets a service stand on the page again, whether or not it was hidden."""
        await repository.delete_hidden(connection, principal.subject_id, app_id)

    async def arrange(self, connection: Connection, principal: Principal, wanted: ArrangeHome) -> LayoutView:
        """Exactly this order and these hidden. Raises `UnknownService` and `ArrangedTwice`."""
        refuse_twice(wanted)
        seen = await self._must_see(connection, principal, *wanted.pinned, *wanted.hidden)
        subject_id, now = principal.subject_id, self._clock.now()
        await repository.lock_layout(connection, subject_id)
        pins = [pin.app_id for pin in await repository.list_pins(connection, subject_id)]
        hidden = [each.app_id for each in await repository.list_hidden(connection, subject_id)]
        pinned = _with_unseen(wanted.pinned, pins, seen)[:MOST_PINS]
        await repository.replace_pins(connection, subject_id, pinned, now)
        await repository.replace_hidden(connection, subject_id, _with_unseen(wanted.hidden, hidden, seen), now)
        return await self.read(connection, principal)

    async def _must_see(self, connection: Connection, principal: Principal, *app_ids: str) -> Seen:
        seen = await self._see(connection, principal)
        for app_id in app_ids:
            if seen.find(app_id) is None:
                raise UnknownService(app_id=app_id)
        return seen

    async def _see(self, connection: Connection, principal: Principal) -> Seen:
        choice = await self._choices.find_choice_in(connection, principal.subject_id)
        return self._shelves.current.see(principal.subject_id, choice.zone)


def refuse_twice(wanted: ArrangeHome) -> None:
    """Raises `ArrangedTwice` for a service that stands in both lists, or twice in one."""
    once: set[str] = set()
    for app_id in (*wanted.pinned, *wanted.hidden):
        if app_id in once:
            raise ArrangedTwice(app_id=app_id)
        once.add(app_id)


def _with_unseen(wanted: Iterable[str], kept: Iterable[str], seen: Seen) -> list[str]:
    """What is wanted, then what was kept of services that are not there for the subject at the moment."""
    return [*wanted, *(app_id for app_id in kept if seen.find(app_id) is None)]
