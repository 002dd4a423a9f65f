"""A browser that goes to another house on the way to a client, and comes back with what it says of the citizen.

No transaction is open while the other house is asked: each step before and after it is one of its own. What comes back
counts only in the browser that went, for the request that it went for.
"""

from uuid import UUID

from app.kit.database import Database
from app.kit.errors import RateLimited, SuishenError
from auth.browser.cookies import BROWSER
from auth.login.upstream.models import Arrival, Holder, Returned
from auth.login.upstream.network import NetworkLogin
from auth.login.upstream.service import NationalLogin
from auth.pages.frame import redirect
from auth.people.life.errors import AccountFrozen, AccountNotActive
from auth.provider.authorize import pages, repository
from auth.provider.authorize.desk import Anything, Desk, Page
from auth.sessions.models import Session


class UpstreamDesk:
    """Leads browsers there and back."""

    def __init__(self, *, database: Database, desk: Desk, national: NationalLogin, network: NetworkLogin) -> None:
        self._database = database
        self._desk = desk
        self._national = national
        self._network = network

    async def leave(self, request: Anything, request_id: UUID, *, address: str) -> Page:
        """To the national provider; or the page that says why not."""
        async with self._database.transaction() as connection:
            visit = await self._desk.posted_visit(request, connection, request_id)
        key = self._desk.cookies.read(request, BROWSER)
        if visit is None or key is None:
            return self._stopped()
        try:
            url = await self._national.begin(Holder(key=key, address=address, request_id=request_id))
        except SuishenError as refused:
            return await self._show(request, request_id, refused)
        return await self._show(request, request_id, url) if isinstance(url, RateLimited) else redirect(url)

    async def come_back(self, request: Anything, returned: Returned, *, address: str) -> Page:
        """What the provider sent along counts once, here alone."""
        key = self._desk.cookies.read(request, BROWSER)
        if key is None:
            return self._stopped()
        attempt = await self._national.take(returned, key, jkt=None, address=address)
        if isinstance(attempt, SuishenError) or attempt.request_id is None:
            return self._stopped()
        try:
            arrival = await self._national.hear(attempt, returned)
        except SuishenError as refused:
            return await self._show(request, attempt.request_id, refused)
        return await self._arrive(request, attempt.request_id, arrival, address)

    async def ask_for_number(self, request: Anything, request_id: UUID, *, address: str) -> Page:
        """A picture for the national app; a new one each time."""
        key = self._desk.cookies.read(request, BROWSER)
        async with self._database.transaction() as connection:
            visit = await self._desk.posted_visit(request, connection, request_id)
            if visit is None or key is None:
                return self._stopped()
            picture = await self._network.begin_picture(
                connection, Holder(key=key, address=address, request_id=request_id)
            )
            if isinstance(picture, RateLimited):
                return await self._desk.show(request, connection, visit, refused=picture)
            await repository.mark_asking_network(connection, request_id, picture.id)
        return redirect(f"/oauth/requests/{request_id}")

    async def show_number(self, request: Anything, request_id: UUID, number: str, *, address: str) -> Page:
        """Whoever scanned the picture is signed in, when this is the number that their app shows."""
        key = self._desk.cookies.read(request, BROWSER)
        async with self._database.transaction() as connection:
            visit = await self._desk.posted_visit(request, connection, request_id)
        if visit is None or key is None or visit.request.network_attempt_id is None:
            return self._stopped()
        try:
            arrival = await self._network.collect(visit.request.network_attempt_id, key, number, address=address)
        except SuishenError as refused:
            return await self._show(request, request_id, refused)
        return await self._arrive(request, request_id, arrival, address)

    async def _arrive(self, request: Anything, request_id: UUID, arrival: Arrival | SuishenError, address: str) -> Page:
        if isinstance(arrival, SuishenError):
            return await self._show(request, request_id, arrival)
        try:
            async with self._database.transaction() as connection:
                visit = await self._desk.visit(request, connection, request_id)
                if visit is None:
                    return self._stopped()
                browser = await self._desk.browser(request, connection, address)
                session = await self._desk.signing_in.show_arrival(connection, visit, arrival, browser)
                if isinstance(session, Session):
                    return self._desk.welcome(visit, session)
                return await self._desk.show(request, connection, visit, refused=session)
        except (AccountFrozen, AccountNotActive) as refused:  # nothing of that transaction stays
            return await self._show(request, request_id, refused)

    async def _show(self, request: Anything, request_id: UUID, refused: SuishenError) -> Page:
        async with self._database.transaction() as connection:
            visit = await self._desk.visit(request, connection, request_id)
            if visit is None:
                return self._stopped()
            return await self._desk.show(request, connection, visit, refused=refused)

    def _stopped(self) -> Page:
        return pages.stopped_page(self._desk.brand)
