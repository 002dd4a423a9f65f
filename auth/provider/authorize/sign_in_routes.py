"""The forms by which a citizen proves themself on the way to a client.

Each is heard only from a page of our own origin, in the browser that opened the request. A refusal is a page.
"""

import re
from typing import Final
from uuid import UUID

from litestar import Router, get, post
from litestar.params import FromPath

from app.kit.database import Connection
from app.kit.errors import SuishenError
from app.kit.http import Injected
from auth.browser.cookies import SCAN
from auth.guards import public
from auth.login.otp.errors import AccountNotChosen
from auth.login.scan.models import OpenScan
from auth.login.scan.service import PATH as SCAN_PATH
from auth.pages.frame import redirect
from auth.provider.authorize import pages
from auth.provider.authorize.desk import STOPPING, Anything, Desk, Page

ACCOUNT: Final = re.compile(r"[1-9][0-9]?", re.ASCII)


@post("/oauth/requests/{request_id:uuid}/phone", summary="Name a phone", tags=["provider"], include_in_schema=False)
async def name_phone(
    request: Anything,
    connection: Injected[Connection],
    desk: Injected[Desk],
    address: Injected[str],
    request_id: FromPath[UUID],
) -> Page:
    """The answer is the same whether the phone has an account or not."""
    visit, form = await desk.hear(request, connection, request_id)
    sending = desk.signing_in.ask_for_code(connection, visit, form.get("phone", ""), address=address)
    return await desk.after_sending(request, connection, visit, sending)


@post("/oauth/requests/{request_id:uuid}/code", summary="Show the code", tags=["provider"], include_in_schema=False)
async def show_code(
    request: Anything,
    connection: Injected[Connection],
    desk: Injected[Desk],
    address: Injected[str],
    request_id: FromPath[UUID],
) -> Page:
    """A success gives the browser a new session, whatever it held before."""
    visit, form = await desk.hear(request, connection, request_id)
    browser = await desk.browser(request, connection, address)
    code, account = form.get("code", ""), form.get("account", "")
    named = int(account) if ACCOUNT.fullmatch(account) else None
    session = await desk.signing_in.show_code(connection, visit, code, browser, account=named)
    if isinstance(session, AccountNotChosen):
        return desk.choose_account(visit, session, code)
    if isinstance(session, SuishenError):
        return await desk.show(request, connection, visit, refused=session)
    return desk.welcome(visit, session)


@post("/oauth/requests/{request_id:uuid}/scan", summary="Show a picture", tags=["provider"], include_in_schema=False)
async def begin_scan(
    request: Anything,
    connection: Injected[Connection],
    desk: Injected[Desk],
    address: Injected[str],
    request_id: FromPath[UUID],
) -> Page:
    """A new picture and a new cookie each time; those from before are worth nothing."""
    visit, _ = await desk.hear(request, connection, request_id)
    browser = await desk.browser(request, connection, address)
    opened = await desk.signing_in.begin_scan(connection, visit, browser)
    if not isinstance(opened, OpenScan):
        return await desk.show(request, connection, visit, refused=opened)
    return redirect(f"/oauth/requests/{request_id}", cookies=[desk.cookies.make(SCAN, opened.cookie)])


@post("/oauth/requests/{request_id:uuid}/number", summary="Type the number", tags=["provider"], include_in_schema=False)
async def show_number(
    request: Anything,
    connection: Injected[Connection],
    desk: Injected[Desk],
    address: Injected[str],
    request_id: FromPath[UUID],
) -> Page:
    """A success gives the browser a new session, whatever it held before."""
    visit, form = await desk.hear(request, connection, request_id)
    browser = await desk.browser(request, connection, address)
    session = await desk.signing_in.show_number(connection, visit, form.get("number", ""), browser)
    if isinstance(session, SuishenError):
        return await desk.show(request, connection, visit, refused=session)
    return desk.welcome(visit, session)


@post(
    "/oauth/requests/{request_id:uuid}/passkey", summary="Ask for a passkey", tags=["provider"], include_in_schema=False
)
async def ask_for_passkey(
    request: Anything,
    connection: Injected[Connection],
    desk: Injected[Desk],
    address: Injected[str],
    request_id: FromPath[UUID],
) -> Page:
    """A page with a challenge of its own; the only one with a script."""
    visit, _ = await desk.hear(request, connection, request_id)
    asked = await desk.signing_in.ask_for_passkey(connection, await desk.browser(request, connection, address))
    if isinstance(asked, SuishenError):
        return await desk.show(request, connection, visit, refused=asked)
    return pages.passkey_page(visit, asked, desk.brand)


@post("/oauth/requests/{request_id:uuid}/assertion", summary="Show it", tags=["provider"], include_in_schema=False)
async def show_passkey(
    request: Anything,
    connection: Injected[Connection],
    desk: Injected[Desk],
    address: Injected[str],
    request_id: FromPath[UUID],
) -> Page:
    """A success gives the browser a new session, whatever it held before."""
    visit, form = await desk.hear(request, connection, request_id)
    browser = await desk.browser(request, connection, address)
    session = await desk.signing_in.show_passkey(connection, visit, form.get("credential", ""), browser)
    if isinstance(session, SuishenError):
        return await desk.show(request, connection, visit, refused=session)
    return desk.welcome(visit, session)


@post("/oauth/requests/{request_id:uuid}/restart", summary="Another way", tags=["provider"], include_in_schema=False)
async def restart(
    request: Anything, connection: Injected[Connection], desk: Injected[Desk], request_id: FromPath[UUID]
) -> Page:
    visit, _ = await desk.hear(request, connection, request_id)
    await desk.signing_in.start_over(connection, visit)
    return redirect(f"/oauth/requests/{request_id}")


@get(SCAN_PATH, summary="What to do with a picture", tags=["provider"], include_in_schema=False)
async def explain_picture(desk: Injected[Desk]) -> Page:
    """Where a camera leads that knows nothing of us. The secret stands after `#` and is not sent here."""
    return pages.camera_page(desk.brand)


router = Router(
    path="/",
    route_handlers=[
        name_phone,
        show_code,
        begin_scan,
        show_number,
        ask_for_passkey,
        show_passkey,
        restart,
        explain_picture,
    ],
    guards=[public],
    exception_handlers=STOPPING,
)
