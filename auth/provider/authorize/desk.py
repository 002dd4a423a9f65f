"""One browser on its way through an authorization request: what it brought along, and the page that answers it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from uuid import UUID

from litestar import Request, Response

from app.kit.database import Connection
from app.kit.errors import RateLimited, SuishenError
from app.kit.ids import new_token
from app.kit.structs import Text
from auth.browser.agents import describe_agent
from auth.browser.cookies import BROWSER, SCAN, SESSION, Cookies
from auth.browser.service import BrowserSessions
from auth.login.otp.errors import AccountNotChosen
from auth.pages.frame import redirect
from auth.people.errors import PhoneInvalid
from auth.people.service import People
from auth.provider.authorize import consent_page, pages
from auth.provider.authorize.consent import Question
from auth.provider.authorize.models import Step
from auth.provider.authorize.service import ACCESS_DENIED, Authorizing, Next, Visit
from auth.provider.authorize.sign_in import Browser, SigningIn
from auth.provider.forms import read_form
from auth.sessions.models import Session
from auth.settings import AuthSettings

Anything = Request[Any, Any, Any]
Page = Response[Any]


class NotHeard(Exception):
    """A form from elsewhere, or for a request that is over or another browser's; `page` says so and leads nowhere."""

    def __init__(self, page: Page) -> None:
        super().__init__("not heard")
        self.page = page


def _stop(_request: Anything, stopped: NotHeard) -> Page:
    return stopped.page


STOPPING: Final[dict[int | type[Exception], Callable[[Anything, Any], Page]]] = {NotHeard: _stop}
"""For routers whose forms are read by `Desk.hear`."""


class Desk:
    """One browser before us: what it brought, and the pages that answer it."""

    def __init__(
        self,
        *,
        authorizing: Authorizing,
        signing_in: SigningIn,
        browser_sessions: BrowserSessions,
        people: People,
        cookies: Cookies,
        settings: AuthSettings,
    ) -> None:
        self.authorizing = authorizing
        self.signing_in = signing_in
        self.browser_sessions = browser_sessions
        self.cookies = cookies
        self.brand = settings.brand
        self.issuer = settings.issuer
        self._people = people

    async def open(self, request: Anything, connection: Connection, form: Mapping[str, str]) -> Page:
        """Gives the request to this browser, and shows the first step at once.

        Whoever was there before, or came by a form, is led to the page's own address; nobody is redirected for an
        unknown request.
        """
        browser = self.cookies.read(request, BROWSER) or new_token()
        client_id, request_uri = form.get("client_id", ""), form.get("request_uri", "")
        visit = await self.authorizing.open(connection, client_id, request_uri, browser)
        if visit is None:
            return pages.stopped_page(self.brand)
        cookie = self.cookies.make(BROWSER, browser)
        if request.method != "GET" or visit.begun:  # a form from elsewhere brings no cookies; the next request does
            return redirect(f"/oauth/requests/{visit.request.id}", cookies=[cookie])
        page = await self.show(request, connection, visit)
        page.cookies.append(cookie)
        return page

    async def visit(self, request: Anything, connection: Connection, request_id: UUID) -> Visit | None:
        """The request that this browser opened."""
        return await self.authorizing.find(connection, request_id, self.cookies.read(request, BROWSER))

    async def posted_visit(self, request: Anything, connection: Connection, request_id: UUID) -> Visit | None:
        """The same for a form, which must come from a page of ours (RFC 6749, section 10.12)."""
        return await self.visit(request, connection, request_id) if is_from_us(request, self.issuer) else None

    async def hear(self, request: Anything, connection: Connection, request_id: UUID) -> tuple[Visit, dict[str, str]]:
        """The same, with what was filled in. Raises `NotHeard`, and nothing of the transaction stays."""
        visit = await self.posted_visit(request, connection, request_id)
        if visit is None:
            raise NotHeard(pages.stopped_page(self.brand))
        return visit, await read_form(request) or {}

    async def after_sending(
        self, request: Anything, connection: Connection, visit: Visit, sending: Awaitable[RateLimited | None]
    ) -> Page:
        """To the page that takes the code which was sent, or what the citizen reads when none was."""
        try:
            refused: SuishenError | None = await sending
        except PhoneInvalid as invalid:
            refused = invalid
        if refused is not None:
            return await self.show(request, connection, visit, refused=refused)
        return redirect(f"/oauth/requests/{visit.request.id}")

    async def session(self, request: Anything, connection: Connection) -> Session | None:
        """Whoever is signed in in this browser."""
        return await self.browser_sessions.find(connection, self.cookies.read(request, SESSION))

    def past_session_id(self, request: Anything) -> UUID | None:
        """The session that this browser's cookie names, whether or not it still lives."""
        return self.browser_sessions.read_cookie(self.cookies.read(request, SESSION))

    async def browser(self, request: Anything, connection: Connection, address: str) -> Browser:
        """What came along with a form."""
        return Browser(
            session=await self.session(request, connection),
            agent=describe_agent(request.headers.get("user-agent")),
            address=address,
            scan_cookie=self.cookies.read(request, SCAN),
        )

    async def show(
        self, request: Anything, connection: Connection, visit: Visit, *, refused: SuishenError | None = None
    ) -> Page:
        """The page of the next step, or the way back to the client. `refused` is what the citizen has just read."""
        session = await self.session(request, connection)
        next_ = await self.authorizing.look(connection, visit, session)
        if session is not None:
            await self.browser_sessions.keep_alive(connection, session)
        if next_.step in {Step.SIGN_IN, Step.CONFIRM}:
            return await self._prove(request, connection, visit, next_, refused)
        if next_.step is Step.CONSENT:
            assert session is not None
            assert next_.question is not None
            who = await self._name(connection, session)
            if next_.question.guardian_decides:
                return consent_page.guardian_page(visit, who, self.brand)
            return consent_page.consent_page(visit, next_.question, who, self.brand)
        if next_.step is Step.GRANT:
            assert session is not None
            return redirect(await self.authorizing.finish(connection, visit, session))
        return redirect(await self.authorizing.refuse(connection, visit, next_.step.value))

    def welcome(self, visit: Visit, session: Session) -> Page:
        """Gives the browser its new session and leads on."""
        cookies = [self.cookies.make(SESSION, self.browser_sessions.cookie_of(session)), self.cookies.end(SCAN)]
        return redirect(f"/oauth/requests/{visit.request.id}", cookies=cookies)

    def choose_account(self, visit: Visit, asked: AccountNotChosen, code: str) -> Page:
        """Several people share the phone: asks which of them it is. The code that was typed is still good."""
        accounts = asked.extensions["accounts"]
        words = words_of(asked)
        return pages.code_page(visit, self.brand, refused=words, status=asked.status, code=code, accounts=accounts)

    async def _prove(
        self, request: Anything, connection: Connection, visit: Visit, next_: Next, refused: SuishenError | None
    ) -> Page:
        words, status = (None, 200) if refused is None else (words_of(refused), refused.status)
        picture = await self.signing_in.find_picture(connection, visit, self.cookies.read(request, SCAN))
        if picture is not None:
            return pages.scan_page(visit, picture, self.brand, refused=words, status=status)
        asked = await self.signing_in.find_network_picture(connection, visit, self.cookies.read(request, BROWSER))
        if asked is not None:
            return pages.network_page(visit, asked, self.brand, refused=words, status=status)
        if visit.request.otp_challenge_id is not None:
            return pages.code_page(visit, self.brand, refused=words, status=status)
        if next_.session is not None and next_.session.unproven and next_.step is Step.CONFIRM:
            return pages.unproven_page(visit, self.brand, next_.ways, refused=words, status=status)
        asks_again = next_.step is Step.CONFIRM and next_.session is not None
        who = await self._name(connection, next_.session) if asks_again and next_.session else None
        return pages.sign_in_page(visit, self.brand, next_.ways, who=who, refused=words, status=status)

    async def decide(
        self, connection: Connection, visit: Visit, session: Session, question: Question, sent: Mapping[str, str]
    ) -> Page:
        """What follows from the form of a consent page; a form of other words than `question` shows again."""
        here, decision = f"/oauth/requests/{visit.request.id}", sent.get("decision")
        if decision == "switch":
            await self.browser_sessions.end(connection, session)
            return redirect(here, cookies=[self.cookies.end(SESSION)])
        if question.guardian_decides:
            return await self._ask_guardians(connection, visit, session) if decision == "guardian" else redirect(here)
        answer = consent_page.read_answer(sent, visit.client, question)
        if answer is None:
            return redirect(here)
        if not answer.goes_on or question.needs_more_than(answer):
            return redirect(await self.authorizing.refuse(connection, visit, ACCESS_DENIED))
        if not await self.authorizing.consent(connection, visit, session, question, answer):
            return redirect(here)
        await self.browser_sessions.keep_alive(connection, session)
        return redirect(await self.authorizing.finish(connection, visit, session, consented=True))

    async def _ask_guardians(self, connection: Connection, visit: Visit, session: Session) -> Page:
        await self.authorizing.ask_guardians(connection, visit, session)
        return consent_page.guardian_page(visit, await self._name(connection, session), self.brand, asked=True)

    async def _name(self, connection: Connection, session: Session) -> str:
        view = await self._people.describe(connection, session.subject_id, ial=session.ial)
        return view.display_name or "、".join(view.phones) or "—"


def words_of(refused: SuishenError) -> Text:
    """What a page says of a refusal."""
    said = refused.detail or Text(zh="", en="")
    return Text(
        zh=f"{refused.title.zh}。{said.zh}{refused.remedy.zh}",
        en=" ".join(part for part in (f"{refused.title.en}.", said.en, refused.remedy.en) if part),
    )


def is_from_us(request: Anything, issuer: str) -> bool:
    """Whether a form comes from our own origin, as far as the browser says; every present browser does for a POST."""
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    if site is not None:  # the browser's own word, which no page can write
        return site == "same-origin" and origin in {None, issuer, "null"}
    return origin in {None, issuer}
