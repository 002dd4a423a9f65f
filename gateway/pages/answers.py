"""What a browser gets of a mini-app's pages: the department's content under our rules, or a page of ours.

Refuses whatever would let a page reach beyond its own origin: cookies, frames of others, the city's own origin, workers
that outlive a suspension, redirects.
"""

from html import escape
from typing import Final

from app.kit.pages import SECURITY_HEADERS, document
from app.kit.structs import Text
from gateway.asgi import Headers
from gateway.headers import PRINTABLE

PASSED: Final = frozenset(
    {
        b"accept-ranges",
        b"cache-control",
        b"content-encoding",
        b"content-language",
        b"content-range",
        b"content-type",
        b"etag",
        b"expires",
        b"last-modified",
        b"vary",
    }
)
STATUSES: Final = frozenset({200, 206, 304, 404, 410, 416})
"""What a static page may be answered with; a redirect would lead somewhere that nobody reviewed."""


def headers_of_pages(city_origin: str) -> tuple[tuple[bytes, bytes], ...]:
    """What stands on every answer, whatever the department says. The city's app may frame a page; nobody else may.

    `connect-src` is the page's own origin: what concerns a person goes over the bridge, by messages to the city's app.
    """
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "media-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; "
        f"frame-src 'none'; worker-src 'none'; object-src 'none'; frame-ancestors {city_origin}"
    )
    return (
        (b"content-security-policy", policy.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        (b"cross-origin-opener-policy", b"same-origin"),
        (b"cross-origin-resource-policy", b"same-origin"),
        (b"origin-agent-cluster", b"?1"),
        (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), payment=(), usb=(), bluetooth=()"),
    )


def passed_on(headers: Headers) -> list[tuple[bytes, bytes]]:
    """The department's headers that may be seen. A document is asked for anew each time: suspended means gone."""
    passed = [(name.lower(), value) for name, value in headers if name.lower() in PASSED and PRINTABLE.fullmatch(value)]
    kinds = [value.lower() for name, value in passed if name == b"content-type"]
    if not kinds:
        passed.append((b"content-type", b"application/octet-stream"))
    if not kinds or any(b"html" in kind or b"xml" in kind for kind in kinds):
        passed = [(name, value) for name, value in passed if name not in {b"cache-control", b"expires"}]
        passed.append((b"cache-control", b"no-cache"))
    return passed


def our_page(
    *, title: Text, reason: Text, more: tuple[Text, ...], city_origin: str, brand: str
) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """A page of the city's in the place of a department's: what happened, and the other ways."""
    body = f"<h1>{_both(title)}</h1><p>{_both(reason)}</p>" + "".join(f"<p>{_both(text)}</p>" for text in more)
    html = document(title=title.zh, brand=brand, body=body, home=city_origin).encode()
    # The city's app shows pages in a frame, and must be able to show why there is none.
    framed = {
        name: value.replace("frame-ancestors 'none'", f"frame-ancestors {city_origin}")
        for name, value in SECURITY_HEADERS.items()
    }
    return [
        *((name.lower().encode(), value.encode()) for name, value in framed.items()),
        (b"content-type", b"text/html; charset=utf-8"),
        (b"cache-control", b"no-store"),
        (b"content-length", str(len(html)).encode()),
    ], html


def _both(text: Text) -> str:
    return f"{escape(text.zh)} <small lang='en'>{escape(text.en)}</small>"
