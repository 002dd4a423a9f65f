"""Who scans: a request signed by an enrolled device (RFC 9421). The body is read only after the signature held.

A signature that cannot be checked is a 401: nobody knows whom to give a verdict to. Remembers no nonce: a
request can be sent again for a minute. The row of a verification guards against that; a sign-on, and a typed document,
can be repeated.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

import structlog
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from app.kit import http_signatures
from app.kit.clock import Clock
from app.kit.http_signatures import ParsedSignature, RequestParts, SignatureInvalid
from codes.venues.scanners.directory import ScannerDirectory
from codes.venues.scanners.errors import ScannerNotRegistered, ScannerSignatureInvalid
from codes.venues.scanners.models import KnownScanner, Scanner

AnyConnection = ASGIConnection[Any, Any, Any, Any]

TAG: Final = "suishen-scanner"
COVERED: Final = ("@method", "@authority", "@path", "@query", "content-digest")
OLDEST_SECONDS: Final = 60
NONCE_LENGTHS: Final = range(16, 65)
GATE: Final = "scanner_gate"
DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}

log = structlog.get_logger()


class ScannerGate:
    """Checks the signature of a request against the enrolled keys. Guarded routers have `opt=carry(gate)`."""

    def __init__(self, directory: ScannerDirectory, clock: Clock, origin: str) -> None:
        self._directory = directory
        self._clock = clock
        self._authority = authority_of(origin)

    async def admit(self, request: Request[Any, Any, Any]) -> Scanner:
        """The scanner that signed this request, in whatever state; raises `ScannerSignatureInvalid`."""
        try:
            return await self.check(request.scope, request.body)
        except SignatureInvalid as invalid:
            log.info("scanner.signature_refused", cause=str(invalid))
            raise ScannerSignatureInvalid from None

    async def check(self, scope: Any, read_body: Callable[[], Awaitable[bytes]]) -> Scanner:
        """The same for the scope of any HTTP request; raises `SignatureInvalid`, which says why, for the log alone.

        The authority is the one this city publishes, not the one the request names.
        """
        parts = parts_of(scope, self._authority)
        parsed = http_signatures.parse(parts.headers)
        known = await self._find_claimed(parsed)
        http_signatures.check(
            parsed,
            parts,
            verify_bytes=http_signatures.ecdsa_p256_verifier(known.public_key),
            required=COVERED,
            tag=TAG,
            now=int(self._clock.now().timestamp()),
            max_age_seconds=OLDEST_SECONDS,
        )
        if len(parsed.params.nonce or "") not in NONCE_LENGTHS:
            raise SignatureInvalid("nonce")
        if not http_signatures.digest_matches(parts.headers["content-digest"], await read_body()):
            raise SignatureInvalid("content-digest")
        return known.scanner

    async def _find_claimed(self, unverified: ParsedSignature) -> KnownScanner:
        try:
            scanner_id = UUID(unverified.params.keyid)
        except ValueError:
            raise SignatureInvalid("keyid") from None
        known = await self._directory.find(scanner_id)
        if known is None:
            raise SignatureInvalid("unknown scanner")
        return known


def authority_of(origin: str) -> str:
    """Host and port as RFC 9421, section 2.2.3 wants them: lower case, no default port."""
    parts = urlsplit(origin)
    return parts.netloc.lower().removesuffix(DEFAULT_PORTS[parts.scheme])


def parts_of(scope: Any, authority: str) -> RequestParts:
    """The request as it was sent: undecoded path and query."""
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        field, content = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[field] = f"{headers[field]}, {content}" if field in headers else content
    query = scope["query_string"].decode("latin-1")
    return RequestParts(
        method=scope["method"],
        authority=authority,
        path=scope["raw_path"].partition(b"?")[0].decode("latin-1"),
        query=f"?{query}" if query else "",
        headers=headers,
    )


def carry(gate: ScannerGate) -> dict[str, Any]:
    """The `opt` of a router whose handlers are guarded by this module."""
    # Litestar deep-copies routers, and would copy the gate with all it stands on; functions stay what they are.
    return {GATE: lambda: gate}


async def known_scanner(connection: AnyConnection, handler: BaseRouteHandler) -> None:
    """A device that is or was enrolled; the handler must look at its `state`, and answers by verdict."""
    assert isinstance(connection, Request)
    gate: ScannerGate = handler.opt[GATE]()
    connection.state.scanner = await gate.admit(connection)


async def scanner(connection: AnyConnection, handler: BaseRouteHandler) -> None:
    """An enrolled device."""
    await known_scanner(connection, handler)
    if calling_scanner(connection).state != "active":
        raise ScannerNotRegistered


def calling_scanner(request: AnyConnection) -> Scanner:
    """The scanner that a guard of this module admitted."""
    admitted: Scanner = request.state.scanner
    return admitted


def provide_scanner(request: Request[Any, Any, Any]) -> Scanner:
    """The dependency `scanner` of guarded handlers."""
    return calling_scanner(request)
