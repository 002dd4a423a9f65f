"""The forms of whoever opened, by a number alone, an account that is known by more: tell its name, or disown it."""

from typing import Final
from uuid import UUID

from litestar import Router, post
from litestar.params import FromPath

from app.kit.database import Connection
from app.kit.http import Injected
from auth.guards import public
from auth.provider.authorize.desk import STOPPING, Anything, Desk, Page
from auth.provider.authorize.second_proof import NameDesk
from auth.provider.forms import read_form

PARTS: Final = ("name", "document_type", "document_number")


@post("/oauth/requests/{request_id:uuid}/name", summary="Tell a name", tags=["provider"], include_in_schema=False)
async def tell_name(request: Anything, name_desk: Injected[NameDesk], request_id: FromPath[UUID]) -> Page:
    """A success leaves the browser with the session that it has, which is believed more."""
    form = await read_form(request) or {}
    return await name_desk.tell(request, request_id, {part: form.get(part, "") for part in PARTS})


@post("/oauth/requests/{request_id:uuid}/not-mine", summary="Not mine", tags=["provider"], include_in_schema=False)
async def disown(
    request: Anything,
    connection: Injected[Connection],
    desk: Injected[Desk],
    address: Injected[str],
    request_id: FromPath[UUID],
) -> Page:
    """Sends a code of its own, whose message says what it is for."""
    visit, form = await desk.hear(request, connection, request_id)
    sending = desk.signing_in.ask_to_disown(connection, visit, form.get("phone", ""), address=address)
    return await desk.after_sending(request, connection, visit, sending)


router = Router(path="/", route_handlers=[tell_name, disown], guards=[public], exception_handlers=STOPPING)
