"""Whoever came in by a code alone at an account known by more tells its name and document, where nothing else is left.

The real-name check's own rules hold, and its counts: it is refused while a device or a passkey could be asked instead.
No transaction is open while the register is asked.
"""

from uuid import UUID

import msgspec

from app.kit.database import Database
from app.kit.errors import SuishenError
from auth.browser.service import principal_in
from auth.pages.frame import redirect
from auth.people.errors import RealNameOutOfForm
from auth.people.models import VerifyRealName
from auth.people.real_name import RealName
from auth.principal import Principal
from auth.provider.authorize import pages
from auth.provider.authorize.desk import Anything, Desk, Page


class NameDesk:
    """Hears a name and a document in a browser."""

    def __init__(self, *, database: Database, desk: Desk, real_name: RealName) -> None:
        self._database = database
        self._desk = desk
        self._real_name = real_name

    async def tell(self, request: Anything, request_id: UUID, told: dict[str, str]) -> Page:
        """Goes on as the person when the register knows this name with this document and it is theirs."""
        async with self._database.transaction() as connection:
            visit = await self._desk.posted_visit(request, connection, request_id)
            session = await self._desk.session(request, connection)
        if visit is None:
            return pages.stopped_page(self._desk.brand)
        if session is None or not session.unproven:
            return redirect(f"/oauth/requests/{request_id}")
        refused = await self._refusal(principal_in(session), told)
        if refused is None:
            return redirect(f"/oauth/requests/{request_id}")
        async with self._database.transaction() as connection:
            again = await self._desk.visit(request, connection, request_id)
            if again is None:
                return pages.stopped_page(self._desk.brand)
            return await self._desk.show(request, connection, again, refused=refused)

    async def _refusal(self, principal: Principal, told: dict[str, str]) -> SuishenError | None:
        try:
            answer = await self._real_name.verify_real_name(principal, msgspec.convert(told, VerifyRealName))
        except msgspec.ValidationError:
            return RealNameOutOfForm()
        except SuishenError as refused:
            return refused
        return answer if isinstance(answer, SuishenError) else None
