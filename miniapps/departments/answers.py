"""How reference departments read what they are sent and say what they mean: bodies, refusals, cards.

Refuses unknown fields and text that no screen can show.
"""

import json
from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from miniapps.sdk.aiohttp_web import CITIZEN

LONGEST_TEXT = 2000
Sent = TypeVar("Sent", bound=msgspec.Struct)


class Refusal(Exception):
    """The department says no: a status, a stable word, and what to do in both languages."""

    def __init__(self, status: int, slug: str, zh: str, en: str) -> None:
        super().__init__(slug)
        self.status = status
        self.slug = slug
        self.zh = zh
        self.en = en


def openid_of(request: web.Request) -> str:
    """The citizen's name at this department; the middleware has verified it."""
    return request[CITIZEN].openid


async def read_body(request: web.Request, kind: type[Sent]) -> Sent:
    """The body as a `kind`; raises `Refusal`."""
    try:
        return msgspec.json.decode(await request.read(), type=kind)
    except ValueError:  # what msgspec raises is one, and so is what the UTF-8 decoder raises
        raise Refusal(400, "body-invalid", "请求内容不符合约定", "The body is not what this route takes.") from None


def readable(text: str) -> str:
    """The text without its margins; raises `Refusal` when nothing is left, or when it cannot be shown."""
    shown = text.strip()
    if not 1 <= len(shown) <= LONGEST_TEXT or not all(one.isprintable() or one in "\n\t" for one in shown):
        raise Refusal(400, "text-invalid", "请填写 1 至 2000 个可显示的字", "Send 1 to 2000 printable characters.")
    return shown


def answer(document: Any, *, status: int = 200) -> web.Response:
    """JSON."""
    return web.Response(body=msgspec.json.encode(document), status=status, content_type="application/json")


def problem(status: int, slug: str, zh: str, en: str) -> web.Response:
    """A problem document (RFC 9457) of the department's own."""
    return web.json_response(
        {"type": f"urn:suishen:department:{slug}", "status": status, "title": zh, "detail": en},
        status=status,
        content_type="application/problem+json",
    )


def card(
    app_id: str, widget: str, title: tuple[str, str], path: str, *, lines: Iterable[tuple[str, str, str]] = ()
) -> dict[str, Any]:
    """A card: a title, a few lines (label in both languages, value), and where it leads inside this mini-app."""
    return {
        "widget": widget,
        "title": {"zh": title[0], "en": title[1]},
        "lines": [{"label": {"zh": zh, "en": en}, "value": value} for zh, en, value in lines],
        "action": f"ssb://miniapp/{app_id}{path}",
    }


async def widgets_asked(request: web.Request) -> set[str]:
    """Which cards the city asks for; none when it does not say so readably."""
    try:
        asked = json.loads(await request.read()).get("widgets", [])
    except (ValueError, AttributeError):
        return set()
    return {name for name in asked if isinstance(name, str)} if isinstance(asked, list) else set()
