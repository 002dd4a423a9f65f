"""A person's notices."""

from typing import Annotated
from uuid import UUID

from litestar import Router, get
from litestar.params import QueryParameter

from app.kit.database import Connection
from app.kit.http import Injected
from app.kit.structs import Model
from auth.guards import person
from auth.messages.models import MessageView
from auth.messages.service import Messages
from auth.principal import Principal


class MessageList(Model):
    """Notices, newest first; `next` is the `after` of the following page."""

    items: list[MessageView]
    next: UUID | None


@get("/v1/me/messages", summary="Notices to me", tags=["me"])
async def list_my_messages(
    connection: Injected[Connection],
    principal: Injected[Principal],
    messages: Injected[Messages],
    after: Annotated[UUID | None, QueryParameter()] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=100)] = 20,
) -> MessageList:
    items = await messages.list_messages(connection, principal.subject_id, after=after, limit=limit)
    return MessageList(items=items, next=items[-1].id if len(items) == limit else None)


router = Router(path="/", route_handlers=[list_my_messages], guards=[person()])
