"""The demo inbox in a browser and for programs. These routes exist only with the development stand-in for SMS."""

from html import escape
from typing import Annotated, Any, Final

from litestar import MediaType, Request, Response, Router, get
from litestar.params import QueryParameter

from app.kit.database import Connection
from app.kit.http import Injected, language_of
from app.kit.structs import Model, Text
from auth.documents import normalize_phone
from auth.guards import public
from auth.people.errors import PhoneInvalid
from auth.sms.demo_inbox import DemoInbox, InboxView

TITLE: Final = Text(zh="演示收件箱", en="Demo inbox")
NOTE: Final = Text(
    zh="开发环境的短信都显示在这里，不会发往真实手机。每 3 秒自动刷新。",
    en="Text messages of the development environment appear here; no real phone gets one. Refreshes every 3 seconds.",
)
EMPTY: Final = Text(zh="还没有短信。", en="No messages yet.")
PAGE: Final = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><meta http-equiv="refresh" content="3">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title><style>
:root {{ color-scheme: light dark; --line: #8884; --soft: #8889; --accent: #0b7a75; }}
body {{ font: 16px/1.6 system-ui, "PingFang SC", "Noto Sans CJK SC", sans-serif; max-width: 44rem;
  margin: 3rem auto; padding: 0 1rem; }}
h1 {{ font-size: 1.5rem; margin: 0; }} p.note {{ color: GrayText; margin: .25rem 0 2rem; }}
ol {{ list-style: none; padding: 0; margin: 0; }}
li {{ border: 1px solid var(--line); border-left: 4px solid var(--accent); border-radius: .5rem;
  padding: .75rem 1rem; margin: 0 0 .75rem; }}
header {{ display: flex; justify-content: space-between; color: GrayText; font-size: .875rem;
  font-variant-numeric: tabular-nums; }}
</style></head><body><h1>{title}</h1><p class="note">{note}</p>{messages}</body></html>
"""


class Inbox(Model):
    """The latest messages, newest first."""

    items: list[InboxView]
    next: str | None = None


@get("/demo/inbox", summary="Demo inbox, a page", media_type=MediaType.HTML, tags=["demo"])
async def show_inbox(
    request: Request[Any, Any, Any], connection: Injected[Connection], demo_inbox: Injected[DemoInbox]
) -> Response[str]:
    language = language_of(request.headers.get("accept-language"))
    page = render_inbox(await demo_inbox.list_messages(connection, None), language)
    return Response(page, media_type=MediaType.HTML, headers={"Cache-Control": "no-store", "Vary": "Accept-Language"})


@get("/demo/inbox.json", summary="Demo inbox, for programs", tags=["demo"])
async def list_inbox(
    connection: Injected[Connection],
    demo_inbox: Injected[DemoInbox],
    phone: Annotated[str | None, QueryParameter(max_length=32)] = None,
) -> Response[Inbox]:
    """With `phone`, the messages of that phone; without, the latest of all with masked numbers."""
    normalized = None if phone is None else normalize_phone(phone)
    if phone is not None and normalized is None:
        raise PhoneInvalid
    items = await demo_inbox.list_messages(connection, normalized)
    return Response(Inbox(items=items), headers={"Cache-Control": "no-store"})


def render_inbox(messages: list[InboxView], language: str) -> str:
    """The page; everything that came from outside is escaped."""
    items = "".join(
        f"<li><header><span>{escape(message.phone)}</span>"
        f"<time>{message.sent_at:%Y-%m-%d %H:%M:%S} UTC</time></header>{escape(message.text)}</li>"
        for message in messages
    )
    return PAGE.format(
        language="en" if language == "en" else "zh-CN",
        title=TITLE.in_language(language),
        note=NOTE.in_language(language),
        messages=f"<ol>{items}</ol>" if items else f"<p>{EMPTY.in_language(language)}</p>",
    )


router = Router(path="/", route_handlers=[show_inbox, list_inbox], guards=[public])
