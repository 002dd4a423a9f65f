"""`{label}.apps.HOST`: a mini-app's public pages, read from its department's backend below the prefix of its manifest.

GET and HEAD alone. Takes no token and no cookie, and hands none on: whoever looks is a visitor, and sees what is
published, or the release on trial whose address they were told. What concerns a person is called for over the bridge,
not from here.
"""

import hmac
import math
import time
from typing import Final

from app.kit.clock import Clock
from app.kit.errors import InternalError, RateLimited, SuishenError
from app.kit.metrics import REFUSALS
from app.kit.structs import Text
from gateway import errors
from gateway.access import write_row
from gateway.asgi import BY_GATEWAY, Headers, Receive, Scope, Send, find_header, send_bytes
from gateway.calls import Call, Departments
from gateway.exchange import Answer
from gateway.headers import headers_to_department, with_sunset
from gateway.limits.ports import Limits
from gateway.pages.addresses import mark_of, read_label
from gateway.pages.answers import STATUSES, headers_of_pages, our_page, passed_on
from gateway.replies import has_body
from gateway.routing import RouteTable, fallback, suspended
from gateway.settings import GatewaySettings
from gateway.snapshot import CompiledApp
from gateway.trace import Trace
from gateway.visitors import Visitors

METHODS: Final = frozenset({"GET", "HEAD"})
ASKED: Final = frozenset(
    {"accept", "accept-encoding", "accept-language", "if-modified-since", "if-none-match", "if-range", "range"}
)
SECONDS: Final = 5.0
VISITOR: Final = "visitor"
ROUTE: Final = "(pages)"


class Site:
    """A raw ASGI application for the pages of all mini-apps."""

    def __init__(
        self,
        *,
        settings: GatewaySettings,
        table: RouteTable,
        departments: Departments,
        limits: Limits,
        visitors: Visitors,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._table = table
        self._departments = departments
        self._limits = limits
        self._visitors = visitors
        self._headers = headers_of_pages(settings.issuer)
        self._suffix = "." + settings.apps_host

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """The page, or a page that says why there is none and what to do instead."""
        trace = Trace()
        try:
            app = await self._find(scope)
            trace.app_id, trace.route = app.app_id, ROUTE
            answer = await self._ask(scope, app, trace)
        except Exception as error:  # noqa: BLE001 - whoever looks reads what happened, whatever it was
            await self._refuse(scope, send, trace, trace.refusal_of(error))
        else:
            await self._pass_on(scope, send, trace, app, answer)
        write_row(trace.row(scope["method"], self._clock.now()))

    async def _find(self, scope: Scope) -> CompiledApp:
        """The release that the host names; raises the reason why nothing of it is shown."""
        await self._table.ready()
        host = (find_header(scope["headers"], b"host") or b"").decode("ascii").lower()
        app = self._named(host.removesuffix(self._suffix))
        if app.pages is None:
            raise errors.NoPages(app_id=app.app_id, fallback=fallback(app))
        if scope["method"] not in METHODS:
            raise errors.MethodRefused(allow="GET, HEAD")
        return app

    def _named(self, label: str) -> CompiledApp:
        named = read_label(label)
        app_id, mark = named or ("", None)
        entry = self._table.snapshot.entries.get(app_id)
        if entry is None or (mark is None and entry.published is None):
            raise errors.UnknownService
        if entry.suspension is not None:
            raise suspended(entry)
        if mark is None:
            assert entry.published is not None
            return entry.published
        gray = entry.gray
        if gray is None or not hmac.compare_digest(mark, mark_of(gray.app.release_id)):
            raise errors.TrialOver
        return gray.app

    async def _ask(self, scope: Scope, app: CompiledApp, trace: Trace) -> Answer:
        visitor = self._visitors.name_of(scope)
        limits = [(f"pages:{app.app_id}", self._settings.per_app), (f"address:{visitor}", self._settings.per_address)]
        wait = await self._limits.admit(limits)
        if wait > 0:
            raise RateLimited(retry_after=math.ceil(wait))
        query = scope["query_string"].decode("ascii")
        headers = headers_to_department(scope["headers"])
        started = time.perf_counter()
        try:
            answer = await self._departments.call(
                Call(
                    app=app,
                    method=scope["method"],
                    path=f"{app.pages}{scope['raw_path'].decode('ascii')}",
                    query="?" + query if query else "",
                    request_id=trace.request_id,
                    headers={name: value for name, value in headers.items() if name in ASKED},
                    body=b"",
                    timeout_seconds=SECONDS,
                    assertion=None,
                    zone=self._settings.region,
                    channel=VISITOR,
                    retry_safe=True,
                    caller=visitor,
                )
            )
        finally:
            trace.department_seconds = time.perf_counter() - started
        if answer.status not in STATUSES:
            raise errors.DepartmentMisbehaved(app_id=app.app_id, fallback=fallback(app))
        return answer

    async def _pass_on(self, scope: Scope, send: Send, trace: Trace, app: CompiledApp, answer: Answer) -> None:
        headers, body = [*passed_on(answer.headers), *self._headers], b""
        if app.ending is not None:
            headers = with_sunset(headers, app.ending.at)
        if has_body(answer.status, scope["method"]):
            body = answer.body
            headers.append((b"content-length", str(len(body)).encode()))
        trace.status, trace.size = answer.status, len(body)
        await send_bytes(send, answer.status, [*headers, *trace.marks()], body)

    async def _refuse(self, scope: Scope, send: Send, trace: Trace, refusal: SuishenError) -> None:
        trace.status, trace.by_gateway = refusal.status, True
        REFUSALS.add(refusal.slug)
        headers, body = our_page(
            title=refusal.title,
            reason=refusal.detail or refusal.remedy,
            more=_other_ways(refusal),
            city_origin=self._settings.issuer,
            brand=self._settings.brand,
        )
        headers = [*headers, *_marks(refusal), *trace.marks()]
        await send_bytes(send, refusal.status, headers, b"" if scope["method"] == "HEAD" else body)


def _other_ways(refusal: SuishenError) -> tuple[Text, ...]:
    instead = refusal.extensions.get("fallback")
    ways = (instead,) if isinstance(instead, Text) else ()
    return ways if isinstance(refusal, InternalError) or refusal.detail is None else (*ways, refusal.remedy)


def _marks(refusal: SuishenError) -> Headers:
    marks = [BY_GATEWAY, (b"ssb-problem", refusal.slug.encode())]
    if refusal.retry_after is not None:
        marks.append((b"retry-after", str(refusal.retry_after).encode()))
    if isinstance(allow := refusal.extensions.get("allow"), str):
        marks.append((b"allow", allow.encode()))
    return marks
