"""A person's notices, what they chose about them, and the door for vendors' receipts."""

from typing import Annotated
from uuid import UUID

from litestar import Router, get, post, put
from litestar.params import FromPath, JSONBody, QueryParameter

from app.kit.database import Connection
from app.kit.http import After, Injected, Limit
from app.kit.idempotency import Once
from app.kit.structs import Model
from auth.guards import person, public
from auth.messages.models import MessageReceipts, MessageView, Preferences, ReadUpTo, SetPreferences, Unread
from auth.messages.receipts import Receipts, ReceiptTaken, SendReceipt
from auth.messages.service import Messages
from auth.principal import Principal


class MessageList(Model):
    """Notices, newest first; `next` is the `after` of the following page."""

    items: list[MessageView]
    next: UUID | None


@get("/v1/me/messages", summary="Notices to me", tags=["me"])
async def list_my_messages(
    *,
    connection: Injected[Connection],
    principal: Injected[Principal],
    messages: Injected[Messages],
    after: After = None,
    limit: Limit = 20,
    unread: Annotated[bool, QueryParameter(description="Only those that nobody has read")] = False,
) -> MessageList:
    """With those that I get as somebody's trusted contact: `about` says whose they are."""
    items, following = await messages.list_messages(
        connection, principal.subject_id, after=after, limit=limit, unread=unread
    )
    return MessageList(items=items, next=following)


@get("/v1/me/messages/unread", summary="How many notices I have not read", tags=["me"])
async def count_unread(
    connection: Injected[Connection], principal: Injected[Principal], messages: Injected[Messages]
) -> Unread:
    """For the number on the bell."""
    return await messages.count_unread(connection, principal.subject_id)


@post("/v1/me/messages/reading", summary="I have read these notices", tags=["me"], status_code=200)
async def read_messages(
    data: JSONBody[ReadUpTo],
    connection: Injected[Connection],
    principal: Injected[Principal],
    messages: Injected[Messages],
    once: Injected[Once],
) -> Unread:
    """`newest` and every older one. What was read and is not urgent is not sent to the phone any more.

    Refusal: `message-unknown`.
    """
    return await once(Unread, lambda: messages.read_up_to(connection, principal.subject_id, data.newest))


@get("/v1/me/messages/{message_id:uuid}", summary="A notice and its receipts", tags=["me"])
async def get_message(
    connection: Injected[Connection],
    principal: Injected[Principal],
    messages: Injected[Messages],
    message_id: FromPath[UUID],
) -> MessageReceipts:
    """Whether it left the app, on which way, and what the vendor said became of it. Refusal: `message-unknown`."""
    return await messages.get_receipts(connection, principal.subject_id, message_id)


@get("/v1/me/messages/preferences", summary="How I am told of things", tags=["me"])
async def get_preferences(
    connection: Injected[Connection], principal: Injected[Principal], messages: Injected[Messages]
) -> Preferences:
    """Language, ways and quiet hours, in the city's clock."""
    return await messages.get_preferences(connection, principal.subject_id)


@put("/v1/me/messages/preferences", summary="Choose how I am told of things", tags=["me"])
async def set_preferences(
    data: JSONBody[SetPreferences],
    connection: Injected[Connection],
    principal: Injected[Principal],
    messages: Injected[Messages],
    once: Injected[Once],
) -> Preferences:
    """Urgent notices leave the app at any hour, by message or by a call that reads them out: nobody switches them off.

    Important ones wait for the end of quiet hours, or stay in the app. Refusal: `quiet-hours-invalid`.
    """
    return await once(Preferences, lambda: messages.set_preferences(connection, principal, data))


@post(
    "/v1/message-receipts",
    summary="A vendor says what became of a message",
    tags=["vendors"],
    status_code=200,
    guards=[public],
)
async def take_receipt(
    data: JSONBody[SendReceipt],
    connection: Injected[Connection],
    receipts: Injected[Receipts],
    once: Injected[Once],
) -> ReceiptTaken:
    """For SMS and voice vendors, with the token that came with the message. The same receipt again changes nothing.

    Refusals: `receipt-refused`, and `temporarily-unavailable` for a failure that is told before we know of the sending.
    """
    return await once(ReceiptTaken, lambda: receipts.take(connection, data))


my_router = Router(
    path="/",
    route_handlers=[list_my_messages, count_unread, read_messages, get_message, get_preferences, set_preferences],
    guards=[person()],
)
vendor_router = Router(path="/", route_handlers=[take_receipt])
