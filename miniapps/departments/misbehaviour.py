"""Everything a backend can do wrong on the wire and in what it says: one function for each way, by name.

Made to be pointed at the city's gateway and at nothing else. All people in it are synthetic (region 190000).
"""

import asyncio
import functools
import gzip
import json
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeAlias

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec

from miniapps.departments.answers import answer
from miniapps.departments.program import Office
from miniapps.departments.receipts import Receipts
from miniapps.sdk.aiohttp_web import CITIZEN

SLOW_SECONDS: Final = 1.5
FOREVER_SECONDS: Final = 60.0
MEBIBYTE: Final = 1024 * 1024
LARGE_ROWS: Final = 60_000
BOMB_BYTES: Final = 64 * MEBIBYTE
FLOOD_LINES: Final = 4000
HINTS: Final = 2000
FOREIGN: Final = "https://foreign.example.com/collect"
AWAY: Final = "http://169.254.169.254/latest/meta-data/"
OK_HEAD: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)

Good: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
Mode: TypeAlias = Callable[[web.Request, Office, Good], Awaitable[web.StreamResponse]]


class OnTheWire(web.StreamResponse):
    """Bytes as they are, in place of an answer; then the connection ends, or is reset, or goes on."""

    def __init__(self, content: bytes, *, end: str = "close") -> None:
        super().__init__()
        self._content = content
        self._end = end

    async def prepare(self, request: Any) -> None:
        """Writes them instead of a head."""
        transport = request.transport
        self._keep_alive = self._end == "keep"
        if transport is None:
            return
        transport.write(self._content)
        if self._end == "reset":
            linger = struct.pack("ii", 1, 0)
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            transport.abort()
        elif self._end == "close":
            transport.close()

    async def write_eof(self, _data: Any = b"") -> None:
        """There is no end to write."""


def id_number(sequence: int) -> str:
    """A synthetic ID number with a check digit that holds (GB 11643)."""
    body = f"19010119900307{sequence:03}"
    check = "10X98765432"[sum(int(digit) * weight for digit, weight in zip(body, WEIGHTS, strict=True)) % 11]
    return body + check


async def behave(request: web.Request, _office: Office, good: Good) -> web.StreamResponse:
    """As a department should."""
    return await good(request)


async def answer_late(request: web.Request, _office: Office, good: Good) -> web.StreamResponse:
    """In time for nobody who has more to do."""
    await asyncio.sleep(SLOW_SECONDS)
    return await good(request)


async def hang(request: web.Request, _office: Office, good: Good) -> web.StreamResponse:
    """Takes the request, and says nothing."""
    await asyncio.sleep(FOREVER_SECONDS)
    return await good(request)


async def drip(request: web.Request, _office: Office, _good: Good) -> web.StreamResponse:
    """One byte a second."""
    response = web.StreamResponse(headers={"content-type": "application/json", "content-length": "3600"})
    await response.prepare(request)
    for _ in range(3600):
        await response.write(b" ")
        await asyncio.sleep(1)
    return response


async def pour(request: web.Request, _office: Office, _good: Good) -> web.StreamResponse:
    """An answer without end."""
    response = web.StreamResponse(headers={"content-type": "application/json"})
    response.enable_chunked_encoding()
    await response.prepare(request)
    for _ in range(1024):
        await response.write(b" " * MEBIBYTE)
    return response


async def answer_large(_request: web.Request, _office: Office, _good: Good) -> web.StreamResponse:
    """Seven MiB, well formed: as much as the gateway takes."""
    return web.Response(body=_large(), content_type="application/json")


async def fail(_request: web.Request, _office: Office, _good: Good) -> web.StreamResponse:
    """503, with a trace of the inside."""
    return web.Response(status=503, text="Traceback: password=hunter2 at db-7.internal", content_type="text/plain")


async def reset(_request: web.Request, _office: Office, _good: Good) -> web.StreamResponse:
    """Nothing but a reset."""
    return OnTheWire(b"", end="reset")


async def truncate(_request: web.Request, _office: Office, _good: Good) -> web.StreamResponse:
    """Promises a thousand bytes and sends ten."""
    return OnTheWire(OK_HEAD + b'Content-Length: 1000\r\n\r\n{"items":[')


async def answer_twice(_request: web.Request, _office: Office, _good: Good) -> web.StreamResponse:
    """A second answer behind the first, for whoever asks next on this connection."""
    first = OK_HEAD + b"Content-Length: 2\r\n\r\n{}"
    return OnTheWire(first + OK_HEAD + b'Content-Length: 17\r\n\r\n{"stolen": "you"}', end="keep")


async def talk_nonsense(_request: web.Request, _office: Office, _good: Good) -> web.StreamResponse:
    """No HTTP at all."""
    return OnTheWire(b"\x16\x03\x01\x00\xa5\x00\r\n\r\nSSH-2.0-OpenSSH\r\n" * 8)


async def hint_forever(_request: web.Request, _office: Office, _good: Good) -> web.StreamResponse:
    """Interim answers, one behind the other."""
    hint = b"HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n"
    return OnTheWire(hint * HINTS + OK_HEAD + b"Content-Length: 2\r\n\r\n{}")


async def flood_headers(_request: web.Request, _office: Office, _good: Good) -> web.StreamResponse:
    """Thousands of header lines."""
    lines = b"".join(b"X-Flood-%d: %s\r\n" % (number, b"x" * 100) for number in range(FLOOD_LINES))
    return OnTheWire(OK_HEAD + lines + b"Content-Length: 2\r\n\r\n{}")


async def send_hostile_headers(_request: web.Request, _office: Office, _good: Good) -> web.StreamResponse:
    """Headers that would speak for the city, or take over the origin."""
    headers = {
        "Set-Cookie": "__Host-session=stolen; Path=/; Secure",
        "Clear-Site-Data": '"*"',
        "Service-Worker-Allowed": "/",
        "Access-Control-Allow-Origin": "*",
        "Strict-Transport-Security": "max-age=0",
        "Alt-Svc": 'h2="foreign.example.com:443"',
        "SSB-Assertion": "forged",
        "SSB-Error-Origin": "gateway",
        "Content-Security-Policy": "default-src *",
        "Link": f"<{FOREIGN}>; rel=preload",
        "Refresh": f"0; url={FOREIGN}",
    }
    return web.json_response({}, headers=headers)


async def redirect(_request: web.Request, _office: Office, _good: Good) -> web.StreamResponse:
    """To where the machine's own secrets are."""
    return web.Response(status=302, headers={"Location": AWAY})


async def break_json(_request: web.Request, _office: Office, _good: Good) -> web.StreamResponse:
    """JSON, it says."""
    return web.Response(body=b'{"cards": [{"title": NaN, ' + b"[" * 5000, content_type="application/json")


async def send_bomb(_request: web.Request, _office: Office, _good: Good) -> web.StreamResponse:
    """A few KB that become 64 MiB where they are unpacked."""
    headers = {"content-encoding": "gzip", "content-type": "application/json"}
    return web.Response(body=_bomb(), headers=headers)


async def link_away(request: web.Request, office: Office, _good: Good) -> web.StreamResponse:
    """Links and scripts of somebody else, as a card and as a page."""
    if request.method == "POST" and request.path.startswith("/.ssb/"):
        line = {"label": {"zh": "领取", "en": "Claim"}, "value": FOREIGN}
        title = {"zh": "<a href='https://foreign.example.com'>领奖</a>", "en": "<b>Win</b>"}
        return answer({"cards": [{"widget": "news", "title": title, "lines": [line], "action": FOREIGN}]})
    page = f"<script src='{FOREIGN}.js'></script><a href='{FOREIGN}?app={office.app_id}'>领奖</a>"
    return web.Response(text=page, content_type="text/html")


async def leak(_request: web.Request, _office: Office, _good: Good) -> web.StreamResponse:
    """ID numbers and telephones of other people, in the clear."""
    people = [{"name": f"测试{n}", "id_number": id_number(n), "phone": f"1990000{n:04}"} for n in range(200)]
    return answer({"items": people})


async def sign_wrongly(request: web.Request, office: Office, _good: Good) -> web.StreamResponse:
    """A receipt by a key that stands in nobody's manifest."""
    stranger = Receipts(ec.generate_private_key(ec.SECP256R1()), office.app_id)
    citizen = request.get(CITIZEN)
    openid = "nobody" if citizen is None else citizen.openid
    return answer({"receipt": stranger.sign(openid, {"act": "served"}, office.now()), "cards": []})


MODES: Final[Mapping[str, Mode]] = {
    "good": behave,
    "slow": answer_late,
    "hang": hang,
    "drip": drip,
    "huge": pour,
    "large": answer_large,
    "error": fail,
    "reset": reset,
    "truncated": truncate,
    "extra": answer_twice,
    "nonsense": talk_nonsense,
    "hints": hint_forever,
    "header-flood": flood_headers,
    "hostile-headers": send_hostile_headers,
    "redirect": redirect,
    "bad-json": break_json,
    "bomb": send_bomb,
    "foreign-links": link_away,
    "leaking": leak,
    "wrong-key": sign_wrongly,
    "replaying": behave,  # what it does besides, stands in `chaos`
}


@functools.cache
def _large() -> bytes:
    rows = [{"number": number, "words": "x" * 96} for number in range(LARGE_ROWS)]
    return json.dumps(rows).encode()


@functools.cache
def _bomb() -> bytes:
    return gzip.compress(bytes(BOMB_BYTES), compresslevel=9)
