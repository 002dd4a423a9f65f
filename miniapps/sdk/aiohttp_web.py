"""For departments that serve with aiohttp: a middleware before every handler, and the citizen beside the request."""

from collections.abc import Awaitable, Callable, Collection

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from .citizen import Citizen
from .errors import KeysUnavailable, Refused
from .message import is_among
from .signature import says_stream
from .verifier import Verifier

CITIZEN: web.RequestKey[Citizen] = web.RequestKey("citizen", Citizen)


def verified(
    verifier: Verifier, *, open_paths: Collection[str] = ("/health",), anonymous_paths: Collection[str] = ()
) -> Middleware:
    """Lets through what the gateway sent, with `request[CITIZEN]` set; answers everything else itself.

    `open_paths` need no proof at all; `anonymous_paths` need the gateway's proof but no citizen, and so does all below
    one that ends with a slash. A streamed body and a WebSocket are left to the handler.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path in open_paths:
            return await handler(request)
        verify = verifier.verify_caller if is_among(request.path, anonymous_paths) else verifier.verify
        try:
            citizen = await _verify(verify, request)
        except Refused as refusal:
            return problem(401, refusal.reason)
        except KeysUnavailable:
            return problem(503, "keys-unavailable")
        if citizen is not None:
            request[CITIZEN] = citizen
        return await handler(request)

    return middleware


def problem(status: int, reason: str) -> web.Response:
    """A problem document (RFC 9457) with a stable reason."""
    return web.json_response(
        {"type": f"urn:suishen:department:{reason}", "status": status, "title": reason},
        status=status,
        content_type="application/problem+json",
    )


async def _verify(verify: Callable[..., Awaitable[Citizen | None]], request: web.Request) -> Citizen | None:
    headers = list(request.headers.items())
    streamed = says_stream(headers)  # then the body is the handler's to read
    body = b"" if streamed else await request.read()
    return await verify(request.method, request.raw_path, headers, body, streamed=streamed)
