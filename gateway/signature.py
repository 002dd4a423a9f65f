"""Signs what the gateway sends to departments (RFC 9421): small and precompiled, for the hot path.

A request whose body is known is signed with its digest, tag "ssb"; of a streamed one only the head, tag "ssb-stream".

Writes only; departments verify with the SDK, and the tests with `app.kit.http_signatures` and an independent library.
Every request gets its own nonce and at most 60 s of life.
"""

import functools
from binascii import b2a_base64
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from app.kit.http_signatures import content_digest, ecdsa_p256_signer
from app.kit.ids import new_nonce
from app.kit.keyring import Keyring, SigningKey
from app.kit.structs import Model

PURPOSE: Final = "gateway"
TAG: Final = "ssb"
STREAM_TAG: Final = "ssb-stream"
LABEL: Final = "ssb"
LIFE_SECONDS: Final = 30
NO_BODY: Final = content_digest(b"")

COVERED_FIELDS: Final = (
    "content-type",
    "content-digest",
    "x-request-id",
    "idempotency-key",
    "ssb-assertion",
    "ssb-app",
    "ssb-zone",
    "ssb-channel",
)
"""Covered when present, in this order, after the four derived components."""
DERIVED_LINES: Final = 4
_CONTROLS: Final = bytes({*range(0x20), 0x7F} - {0x0A})


class OutgoingRequest(Model):
    """A request to a department as it will stand on the wire.

    `path` and `query` (with its "?", or empty) are raw; `headers` has lower-case names and one value for each. A `body`
    of None is sent as it comes.
    """

    method: str
    authority: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes | None = b""


class RequestSigner:
    """Adds digest and signature with whichever key is active now; remembers each key's signing function."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._signers: dict[str, Callable[[bytes], bytes]] = {}

    def sign(self, request: OutgoingRequest, now: datetime) -> dict[str, str]:
        """The request's headers with `content-digest`, `signature-input` and `signature`. Values must be ASCII.

        A streamed request has no digest.
        """
        headers = dict(request.headers)
        if request.body is not None:
            headers["content-digest"] = content_digest(request.body) if request.body else NO_BODY
        key: SigningKey = self._keyring.active(PURPOSE)
        present = tuple([name for name in COVERED_FIELDS if name in headers])
        created = int(now.timestamp())
        tag = STREAM_TAG if request.body is None else TAG
        params = (
            f"{_component_list(present)};created={created};expires={created + LIFE_SECONDS}"
            f';nonce="{new_nonce()}";keyid="{key.kid}";tag="{tag}"'
        )
        fields = "".join([f'"{name}": {headers[name]}\n' for name in present])
        base = (
            f'"@method": {request.method}\n"@authority": {request.authority}\n'
            f'"@path": {request.path}\n"@query": {request.query or "?"}\n{fields}"@signature-params": {params}'
        )
        signed = base.encode()
        _refuse_forged(signed, lines=len(present) + DERIVED_LINES)
        signature = b2a_base64(self._signer(key)(signed), newline=False).decode()
        headers["signature-input"] = f"{LABEL}={params}"
        headers["signature"] = f"{LABEL}=:{signature}:"
        return headers

    def _signer(self, key: SigningKey) -> Callable[[bytes], bytes]:
        signer = self._signers.get(key.kid)
        if signer is None:
            signer = self._signers[key.kid] = ecdsa_p256_signer(key.private_key)
        return signer


def _refuse_forged(base: bytes, *, lines: int) -> None:
    """A line feed in a value would forge a line of the signature base; other control characters say nothing good."""
    plain = base.isascii() and len(base.translate(None, _CONTROLS)) == len(base)
    if not plain or base.count(b"\n") != lines:
        raise ValueError("Only printable ASCII can be signed.")


@functools.cache
def _component_list(present: tuple[str, ...]) -> str:
    names = ("@method", "@authority", "@path", "@query", *present)
    return "(" + " ".join(f'"{name}"' for name in names) + ")"
