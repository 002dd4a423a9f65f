"""Which headers cross the gateway, each way: two allow-lists, so that no spelling of a forbidden name can slip by.

Refuses to repair: a header that would have to be guessed at is refused or dropped, never rewritten.
"""

import re
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final

from app.kit.structs import Text
from gateway import errors
from gateway.asgi import Headers

TO_DEPARTMENT: Final = frozenset(
    {
        b"accept",
        b"accept-encoding",
        b"accept-language",
        b"cache-control",
        b"content-encoding",
        b"content-language",
        b"content-type",
        b"idempotency-key",
        b"if-match",
        b"if-modified-since",
        b"if-none-match",
        b"if-range",
        b"if-unmodified-since",
        b"prefer",
        b"range",
    }
)
"""Cookies, credentials, SSB-*, X-User-*, X-Forwarded-*, hop-by-hop and method-override headers are simply not here."""

TO_CITIZEN: Final = frozenset(
    {
        b"accept-ranges",
        b"age",
        b"allow",
        b"cache-control",
        b"content-disposition",
        b"content-encoding",
        b"content-language",
        b"content-range",
        b"content-type",
        b"deprecation",
        b"etag",
        b"expires",
        b"last-modified",
        b"preference-applied",
        b"retry-after",
        b"sunset",
        b"vary",
    }
)
"""Set-Cookie, Clear-Site-Data, Access-Control-*, Strict-Transport-Security, Alt-Svc and SSB-* are simply not here."""

ALWAYS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; sandbox"),
    (b"referrer-policy", b"no-referrer"),
)
"""On every answer of the apps host: what a department sends is data, never a page of a shared origin."""


SUNSET: Final = b"sunset"
NOT_KEPT: Final = (b"cache-control", b"no-store")

PRINTABLE = re.compile(rb"[ -~]*")


def headers_to_department(headers: Headers) -> dict[str, str]:
    """What of a citizen's headers the department may see, by lower-case name; raises `BadHeader`.

    A name that the citizen listed in Connection is hop-by-hop (RFC 9110, section 7.6.1) and stays behind.
    """
    passed: dict[str, str] = {}
    hop_by_hop: list[str] = []
    for name, value in headers:
        if name in TO_DEPARTMENT:
            field, text = name.decode(), _ascii(value)
            known = passed.get(field)
            passed[field] = text if known is None else f"{known}, {text}"
        elif name == b"connection":
            hop_by_hop += [token.strip().lower() for token in value.decode("latin-1").split(",")]
    for field in hop_by_hop:
        passed.pop(field, None)
    return passed


def headers_to_citizen(headers: Headers, *, personal: bool = False) -> list[tuple[bytes, bytes]]:
    """What of a department's headers the citizen may see; anything that is not printable ASCII is dropped.

    What was made for one person (`personal`) is kept by nobody on the way, whatever the department says.
    """
    passed = [
        (lower, value)
        for name, value in headers
        if (lower := name.lower()) in TO_CITIZEN and PRINTABLE.fullmatch(value)
    ]
    return [field for field in passed if field[0] != NOT_KEPT[0]] + [NOT_KEPT] if personal else passed


def with_sunset(headers: list[tuple[bytes, bytes]], at: datetime) -> list[tuple[bytes, bytes]]:
    """The same, saying until when the service answers (RFC 8594): the city's word, not the department's."""
    date = format_datetime(at.astimezone(UTC), usegmt=True).encode()
    return [*(field for field in headers if field[0] != SUNSET), (SUNSET, date)]


def _ascii(value: bytes) -> str:
    try:
        return value.decode("ascii").strip(" \t")
    except UnicodeDecodeError:
        raise errors.BadHeader(Text(zh="请求头的值只能是 ASCII 字符。", en="Header values must be ASCII.")) from None
