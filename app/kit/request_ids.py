"""A number for every request, in the log and in the answer, so that a person can quote it. Never taken from outside."""

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from app.kit.ids import new_id


def with_request_id(app: ASGIApp) -> ASGIApp:
    """Wraps `app`: binds `request_id` to the log lines of the request and answers it as `X-Request-Id`."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        request_id = str(new_id())

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await app(scope, receive, send_with_id)

    return wrapped
