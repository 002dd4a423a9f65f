"""The frame of every page of ours: one style sheet inside the page, no script, no external asset, a strict policy."""

import hashlib
from base64 import b64encode
from html import escape
from importlib import resources

from litestar import MediaType, Response

STYLE = resources.files("app.kit").joinpath("style.css").read_text(encoding="utf-8")

_STYLE_HASH = b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def page(*, title: str, brand: str, body: str, status: int = 200, refresh_seconds: int = 0) -> Response[str]:
    """A whole page. `title` and `brand` are escaped here; `body` is HTML that the caller made safe.

    With `refresh_seconds` the page reads itself anew that often.
    """
    html = document(title=title, brand=brand, body=body, refresh_seconds=refresh_seconds)
    return Response(html, media_type=MediaType.HTML, status_code=status, headers=SECURITY_HEADERS)


def document(*, title: str, brand: str, body: str, home: str = "/", refresh_seconds: int = 0) -> str:
    """The page's HTML alone; `home` is where the brand leads."""
    refresh = f'<meta http-equiv="refresh" content="{refresh_seconds}">' if refresh_seconds else ""
    return (
        f'<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>{escape(title)}</title>{refresh}'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{STYLE}</style></head>'
        f'<body><header><a class="brand" href="{escape(home)}">{escape(brand)}</a></header>'
        f"<main>{body}</main></body></html>"
    )
