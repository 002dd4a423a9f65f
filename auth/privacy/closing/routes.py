"""Closing my account, seeing what is in the way, and calling it off."""

from litestar import Router, delete, get, post

from app.kit.database import Connection
from app.kit.http import Injected
from app.kit.idempotency import Once
from auth.guards import person, stepped_up
from auth.principal import Principal
from auth.privacy.closing.models import ClosingView
from auth.privacy.closing.service import AccountClosing


@post(
    "/v1/me/closing",
    summary="Close my account",
    tags=["me"],
    status_code=202,
    guards=[stepped_up(aal=1)],
)
async def request_closing(
    connection: Injected[Connection],
    principal: Injected[Principal],
    closing: Injected[AccountClosing],
    once: Injected[Once],
) -> ClosingView:
    """After the days to think everything ends and nothing of you can be read any more. Needs a fresh sign-in.

    What is open comes first: a company needs another responsible person, an appeal its answer.
    """
    return await once(ClosingView, lambda: closing.request_closing(connection, principal))


@get("/v1/me/closing", summary="What is in the way of closing my account", tags=["me"])
async def show_closing(
    connection: Injected[Connection], principal: Injected[Principal], closing: Injected[AccountClosing]
) -> ClosingView:
    """Before it was asked for the state is `none`."""
    return await closing.describe(connection, principal)


@delete("/v1/me/closing", summary="Call the closing off", tags=["me"], status_code=200)
async def cancel_closing(
    connection: Injected[Connection],
    principal: Injected[Principal],
    closing: Injected[AccountClosing],
    once: Injected[Once],
) -> ClosingView:
    """Everything goes on as before; any session of yours may."""
    return await once(ClosingView, lambda: closing.cancel(connection, principal))


router = Router(path="/", route_handlers=[request_closing, show_closing, cancel_closing], guards=[person()])
