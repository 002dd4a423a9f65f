"""Signing out: the page that asks, and the way back to the client."""

from html import escape
from typing import Final

from litestar import Router, get, post

from app.kit.database import Connection
from app.kit.http import Injected
from app.kit.structs import Text
from auth.browser.cookies import SESSION
from auth.guards import public
from auth.pages.frame import button, page, paragraph, redirect
from auth.provider.authorize.desk import Anything, Desk, Page, is_from_us
from auth.provider.authorize.pages import stopped_page
from auth.provider.forms import read_form, read_query
from auth.provider.logout.service import Logout, LogoutRequest

TITLE: Final = Text(zh="退出登录", en="Sign out")
DONE: Final = Text(zh="已退出登录", en="You are signed out")
WRONG: Final = Text(
    zh="退出请求有误，没有退出任何网站。您仍可在本页面退出：打开 /oauth/logout。",
    en="The sign-out request is not valid, and nothing was signed out. You can still sign out at /oauth/logout.",
)
CONFIRMED: Final = "confirmed"


async def _log_out(
    request: Anything, form: dict[str, str] | None, connection: Connection, logout: Logout, desk: Desk
) -> Page:
    asked = None if form is None else await logout.read(connection, form)
    if form is None or asked is None:
        return stopped_page(desk.brand, WRONG)
    session = await desk.session(request, connection)
    if session is None:
        await logout.end_hinted(connection, asked, browser_session_id=desk.past_session_id(request))
        return _after(asked, desk, ended=False)
    confirmed = request.method == "POST" and CONFIRMED in form and _is_ours(request, desk)
    if not confirmed and not await logout.is_of_this_session(connection, asked, session):
        return _ask(form, asked, desk)
    await logout.end(connection, session)
    await logout.end_hinted(connection, asked)
    return _after(asked, desk, ended=True)


@get("/oauth/logout", summary="Sign out", tags=["provider"], include_in_schema=False)
async def log_out(
    request: Anything, connection: Injected[Connection], logout: Injected[Logout], desk: Injected[Desk]
) -> Page:
    return await _log_out(request, read_query(request), connection, logout, desk)


@post("/oauth/logout", summary="Sign out by a form", tags=["provider"], status_code=200, include_in_schema=False)
async def log_out_by_form(
    request: Anything, connection: Injected[Connection], logout: Injected[Logout], desk: Injected[Desk]
) -> Page:
    """A client's own form brings no cookie of ours (SameSite): the citizen is asked on our page."""
    form = await read_form(request)
    if form is not None and not _is_ours(request, desk):
        asked = await logout.read(connection, form)
        return stopped_page(desk.brand, WRONG) if asked is None else _ask(form, asked, desk)
    return await _log_out(request, form, connection, logout, desk)


router = Router(path="/", route_handlers=[log_out, log_out_by_form], guards=[public])


def _is_ours(request: Anything, desk: Desk) -> bool:
    return is_from_us(request, desk.issuer)


def _ask(form: dict[str, str], asked: LogoutRequest, desk: Desk) -> Page:
    """Asks. What the client sent goes along, to be checked anew."""
    hidden = "".join(
        f'<input type="hidden" name="{name}" value="{escape(form[name])}">'
        for name in ("id_token_hint", "client_id", "post_logout_redirect_uri", "state")
        if name in form
    )
    told = Text(
        zh="将退出本网站，以及用它登录的所有网站。", en="You leave this site and every site you entered with it."
    )
    fields = hidden + button(TITLE, name=CONFIRMED, value="yes")
    body = paragraph(told) + f'<form method="post" action="/oauth/logout">{fields}</form>'
    return page(TITLE, body, brand=desk.brand, leads_to=asked.back_to)


def _after(asked: LogoutRequest, desk: Desk, *, ended: bool) -> Page:
    cookies = [desk.cookies.end(SESSION)] if ended else []
    if asked.back_to is not None:
        return redirect(asked.back_to, cookies=cookies)
    return page(
        DONE, paragraph(Text(zh="您可以关闭本页面。", en="You may close this page.")), brand=desk.brand, cookies=cookies
    )
