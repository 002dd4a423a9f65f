"""Tells each subject of the services that serve them: all in order, or those that a question finds.

From memory, built beside the requests when something changed, so that a thousand services cost a reader nothing. Keeps
and logs no question.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Final

from auth.principal import Principal
from gateway.directory.models import Catalogue, Filters, Listed
from gateway.home.arrangement import has_own_page
from gateway.home.choices import Choices
from gateway.home.models import UNCHOSEN, Choice
from gateway.home.shelves import Seen, Shelves
from gateway.routing import RouteTable
from miniapps.catalogue.models import FoundService, SearchView, ServiceList
from miniapps.catalogue.search import Hit
from miniapps.zones.codes import nearness
from miniapps.zones.errors import ZoneUnknown
from miniapps.zones.models import ZoneTree

DIRECTORY: Final = "directory"


class Directory:
    """The catalogue in force, as each subject sees it."""

    def __init__(
        self, *, table: RouteTable, shelves: Shelves, choices: Choices, zones: ZoneTree, apps_origin: str
    ) -> None:
        self._table = table
        self._shelves = shelves
        self._choices = choices
        self._zones = zones
        self._apps_origin = apps_origin
        self._built_from: object = None
        self._catalogue = Catalogue((), apps_origin)
        self._building = asyncio.Lock()
        self._searching = asyncio.Lock()

    async def refresh(self) -> None:
        """Builds the catalogue anew when something was published, suspended or taken back; a periodic job."""
        async with self._building:
            exposed = self._table.exposed
            if exposed is not self._built_from:
                self._catalogue = await asyncio.to_thread(Catalogue, exposed, self._apps_origin)
                self._built_from = exposed

    async def list_services(
        self, principal: Principal | None, filters: Filters, *, after: str, limit: int
    ) -> ServiceList:
        """A page in the order of app ids. A suspended service stays in it, with the reason; raises `ZoneUnknown`."""
        self._refuse_unknown(filters.zone)
        catalogue, sees = await self._look(principal)
        fitting = (
            each.view
            for number, each in enumerate(catalogue.listed)
            if each.view.app_id > after and _passes(each, filters) and sees(number)
        )
        found = list(islice(fitting, limit + 1))
        more = found[limit - 1].app_id if len(found) > limit else None
        return ServiceList(items=found[:limit], next=more)

    async def search(self, principal: Principal | None, query: str, *, zone: str | None, limit: int) -> SearchView:
        """The best answers first; of equally good ones the nearest, then by app id. Raises `ZoneUnknown`.

        `zone` leaves out what is not offered there. Without it everything is found, and what is offered where the
        subject is at home stands before what is not.
        """
        self._refuse_unknown(zone)
        catalogue, sees = await self._look(principal)
        choice = await self._choice_of(principal)
        async with self._searching:  # one thread of this worker: it holds the interpreter while it looks
            hits = await asyncio.to_thread(catalogue.index.search, query)
        offered = [
            hit for hit in hits if _passes(catalogue.listed[hit.number], Filters(zone=zone)) and sees(hit.number)
        ]
        here = zone or choice.zone or self._zones.root

        def rank(hit: Hit) -> tuple[int, bool, int, str]:
            view = catalogue.listed[hit.number].view
            return -hit.score, view.state == "suspended", -nearness(here, view.zones), view.app_id

        return SearchView(
            items=[
                FoundService(service=catalogue.listed[hit.number].view, why=list(hit.why))
                for hit in sorted(offered, key=rank)[:limit]
            ],
            total=len(offered),
        )

    async def _look(self, principal: Principal | None) -> tuple[Catalogue, Callable[[int], bool]]:
        """The catalogue, and which of its entries the subject sees."""
        await self._table.ready()
        if self._built_from is None:
            await self.refresh()
        own = principal if has_own_page(principal) else None
        choice = await self._choice_of(own)
        seen = self._shelves.current.see(None if own is None else own.subject_id, choice.zone)
        catalogue = self._catalogue
        chosen: dict[str, int | None] = {}

        def sees(number: int) -> bool:
            app_id = catalogue.listed[number].view.app_id
            if app_id not in chosen:
                chosen[app_id] = _chosen(catalogue, app_id, seen)
            return chosen[app_id] == number

        return catalogue, sees

    async def _choice_of(self, principal: Principal | None) -> Choice:
        if principal is None or not has_own_page(principal):
            return UNCHOSEN
        return await self._choices.find_choice(principal.subject_id)

    def _refuse_unknown(self, zone: str | None) -> None:
        if zone is not None and zone not in self._zones:
            raise ZoneUnknown(zone=zone)


def _chosen(catalogue: Catalogue, app_id: str, seen: Seen) -> int | None:
    """Which entry of an app tells of the release that serves the subject; a link serves nobody and is for all."""
    numbers = catalogue.numbers[app_id]
    app = seen.find(app_id)
    if app is None:
        links = (number for number in numbers if catalogue.listed[number].view.kind == DIRECTORY)
        return next((number for number in links if not catalogue.listed[number].gray), None)
    same = (number for number in numbers if catalogue.listed[number].release_id == app.release_id)
    return next(same, None) if app.gray else next(_published(catalogue, numbers), None)


def _published(catalogue: Catalogue, numbers: Sequence[int]) -> Iterator[int]:
    return (number for number in numbers if not catalogue.listed[number].gray)


def _passes(each: Listed, filters: Filters) -> bool:
    view = each.view
    return (
        (filters.zone is None or nearness(filters.zone, view.zones) > 0)
        and (filters.subject is None or filters.subject in view.subjects)
        and (filters.life_event is None or filters.life_event in view.life_events)
    )
