"""The frame of the pages where citizens sign in, decide and sign out: bilingual, large, without asset.

One page has a script, because a passkey cannot be asked without; all others have none, and the policy allows none.

The policy lets a form go to us and, where the way leads back to a client, to that client's origin: browsers hold
`form-action` against the redirect that answers a form as well (CSP level 3, section 6.1.2).
"""

import functools
import hashlib
from base64 import b64encode
from collections.abc import Iterable
from html import escape
from importlib import resources
from typing import Final
from urllib.parse import urlsplit

from litestar import MediaType, Response
from litestar.datastructures import Cookie

from app.kit.structs import Text

STYLE: Final = resources.files("auth.pages").joinpath("style.css").read_text(encoding="utf-8")
PASSKEY_SCRIPT: Final = resources.files("auth.pages").joinpath("passkey.js").read_text(encoding="utf-8")


def page(
    title: Text,
    body: str,
    *,
    brand: Text,
    status: int = 200,
    leads_to: str | None = None,
    script: str | None = None,
    cookies: Iterable[Cookie] = (),
) -> Response[str]:
    """A whole page. `title` and `brand` are escaped here; `body` is HTML that the caller made safe.

    `leads_to` is the address of a client to which a form of the page may finally lead. `script` is one of ours.
    """
    html = (
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">'
        f"<title>{escape(title.zh)} · {escape(title.en)}</title>"
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{STYLE}</style></head>'
        f"<body><header>{escape(brand.zh)} {escape(brand.en)}</header>"
        f"<main><h1>{both(title)}</h1>{body}</main>"
        + (f"<script>{script}</script>" if script else "")
        + "</body></html>"
    )
    return Response(
        html,
        media_type=MediaType.HTML,
        status_code=status,
        headers=security_headers(leads_to, script=script),
        cookies=list(cookies),
    )


def security_headers(leads_to: str | None = None, *, script: str | None = None) -> dict[str, str]:
    """What every page and every redirect of ours says to the browser (RFC 9700, sections 4.16 and 4.2.4)."""
    targets = "'self'" if leads_to is None else f"'self' {origin_of(leads_to)}"
    scripts = "" if script is None else f"script-src {_source_of(script)}; "
    passkeys = "()" if script is None else "(self)"
    return {
        "Content-Security-Policy": (
            f"default-src 'none'; style-src {_source_of(STYLE)}; {scripts}base-uri 'none'; form-action {targets}; "
            "frame-ancestors 'none'"
        ),
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
        # Under "no-referrer" browsers send `Origin: null` with our own forms, which is what strangers' look like.
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
        "Permissions-Policy": f"publickey-credentials-get={passkeys}, camera=(), microphone=(), geolocation=()",
    }


@functools.cache
def _source_of(content: str) -> str:
    """Exactly this style or script, by its hash (CSP level 3, section 6.7.3.3)."""
    return f"'sha256-{b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def origin_of(url: str) -> str:
    """Scheme, host and port of a registered address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def redirect(url: str, *, cookies: Iterable[Cookie] = ()) -> Response[None]:
    """Sends the browser on with GET (RFC 9700, section 4.12: never 307)."""
    headers = security_headers() | {"Location": url}
    return Response(None, status_code=303, headers=headers, cookies=list(cookies))


def both(text: Text) -> str:
    """A text in both languages, Chinese first."""
    return f'{escape(text.zh)} <span class="en" lang="en">{escape(text.en)}</span>'


def paragraph(text: Text, *, kind: str = "") -> str:
    """The same as a paragraph; `kind` is a class of the style sheet."""
    return f'<p class="{kind}">{both(text)}</p>' if kind else f"<p>{both(text)}</p>"


def alert(text: Text) -> str:
    """Something went wrong; read out at once by a screen reader."""
    return f'<p class="bad" role="alert">{both(text)}</p>'


def form(action: str, body: str) -> str:
    """A form that posts to us."""
    return f'<form method="post" action="{escape(action)}">{body}</form>'


def link(url: str, text: Text) -> str:
    """A link that looks like a quiet button: for what leads away, which no form of ours may."""
    return f'<a class="quiet" href="{escape(url)}">{both(text)}</a>'


def button(text: Text, *, name: str = "", value: str = "", quiet: bool = False) -> str:
    """A button that sends the form."""
    named = f' name="{name}" value="{escape(value)}"' if name else ""
    style = ' class="quiet"' if quiet else ""
    return f'<button type="submit"{named}{style}>{both(text)}</button>'
