"""Which application answers: departments on the apps host, their pages on names below it, the city's own elsewhere.

Refuses to mix them: a department's content never stands on the city's origin, nor the city's on a department's.
"""

from typing import Final

from gateway.asgi import ASGIApp, Headers, Receive, Scope, Send, find_header, refuse_websocket, send_problem
from gateway.errors import NotAWebSocket, WrongHost
from gateway.routing import PREFIX

APPS: Final = PREFIX.encode()


class Dispatcher:
    """Decides by the raw Host and raw path alone. Lifespan belongs to the city's own application."""

    def __init__(self, *, apps_host: str, proxy: ASGIApp, websockets: ASGIApp, pages: ASGIApp, inner: ASGIApp) -> None:
        self._apps_host = apps_host.encode()
        self._below = b"." + self._apps_host
        self._pages = pages
        self._proxy = proxy
        self._websockets = websockets
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hands the request to one of them, or says which host it belongs to."""
        if scope["type"] == "lifespan":
            await self._inner(scope, receive, send)
            return
        headers: Headers = scope["headers"]
        host = (find_header(headers, b"host") or b"").lower()
        is_call = scope["raw_path"].startswith(APPS)
        if scope["type"] == "websocket":
            if host == self._apps_host and is_call:
                await self._websockets(scope, receive, send)
            else:
                await refuse_websocket(send, NotAWebSocket(), headers)
        elif host == self._apps_host and is_call:
            await self._proxy(scope, receive, send)
        elif host.endswith(self._below):
            await self._pages(scope, receive, send)
        elif is_call or host == self._apps_host:
            await send_problem(send, WrongHost(), headers)
        else:
            await self._inner(scope, receive, send)
