"""The demo inbox in a browser and for programs. These routes exist only with the development stand-ins for vendors."""

from html import escape
from typing import Annotated, Final

from litestar import MediaType, Response, Router, get
from litestar.params import QueryParameter

from app.kit.http import Injected
from app.kit.pages import page
from app.kit.structs import Model, Text
from auth.documents import normalize_phone
from auth.guards import public
from auth.people.errors import PhoneInvalid
from auth.settings import AuthSettings
from auth.sms.demo_inbox import Inbox, InboxView

REFRESH_SECONDS: Final = 3
TITLE: Final = Text(zh="演示收件箱", en="Demo inbox")
NOTE: Final = Text(
    zh="开发环境的短信和语音电话都显示在这里，不会发往真实手机。每 3 秒自动刷新。",
    en="Messages and calls of the development environment appear here; no real phone gets one. Refreshes itself.",
)
CHANNELS: Final = {"sms": Text(zh="短信", en="Text message"), "voice": Text(zh="语音电话", en="Call")}
EMPTY: Final = Text(zh="还没有短信。", en="No messages yet.")


class InboxList(Model):
    """The latest messages, newest first."""

    items: list[InboxView]
    next: str | None = None


@get("/demo/inbox", summary="Demo inbox, a page", media_type=MediaType.HTML, tags=["demo"])
async def show_inbox(demo_inbox: Injected[Inbox], auth_settings: Injected[AuthSettings]) -> Response[str]:
    """The latest messages, newest first; reads itself anew."""
    body = render_inbox(await demo_inbox.list_messages(None))
    return page(title=TITLE.zh, brand=auth_settings.brand.zh, body=body, refresh_seconds=REFRESH_SECONDS)


@get("/demo/inbox.json", summary="Demo inbox, for programs", tags=["demo"])
async def list_inbox(
    demo_inbox: Injected[Inbox],
    phone: Annotated[str | None, QueryParameter(max_length=32)] = None,
) -> Response[InboxList]:
    """With `phone`, the messages of that phone; without, the latest of all with masked numbers."""
    normalized = None if phone is None else normalize_phone(phone)
    if phone is not None and normalized is None:
        raise PhoneInvalid
    items = await demo_inbox.list_messages(normalized)
    return Response(InboxList(items=items), headers={"Cache-Control": "no-store"})


def render_inbox(messages: list[InboxView]) -> str:
    """The body of the page; everything that came from outside is escaped."""
    items = "".join(
        f"<p class='card'><small>{CHANNELS[message.channel].zh} {escape(message.phone)} · "
        f"{message.sent_at:%Y-%m-%d %H:%M:%S} UTC</small><br>"
        f"{escape(message.text)}</p>"
        for message in messages
    )
    return (
        f"<h1>{TITLE.zh} <small lang='en'>{TITLE.en}</small></h1>"
        f"<p>{NOTE.zh}<br><span class='soft' lang='en'>{NOTE.en}</span></p>"
        f"{items or f'<p>{EMPTY.zh} <span lang=en>{EMPTY.en}</span></p>'}"
    )


router = Router(path="/", route_handlers=[show_inbox, list_inbox], guards=[public])
