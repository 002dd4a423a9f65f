"""The department's own staff: every desk signs its requests with a key of its own (RFC 9421), made at this machine.

The server keeps public halves only. Refuses what no desk signed, twice, late, or for another address. `python -m
miniapps.departments.desks --key FILE URL [JSON]` asks as a desk does: GET without JSON, POST with it.
"""

import asyncio
import json
import os
import secrets
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import aiohttp
import click
import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from http_message_signatures import ContentDigest, HTTPMessageSigner, algorithms
from http_message_signatures.resolvers import HTTPSignatureKeyResolver
from yarl import URL

from miniapps.departments.answers import problem
from miniapps.sdk import MemoryReplay, Message, Refused
from miniapps.sdk.signature import (
    ALWAYS_COVERED,
    COVERED_WHEN_PRESENT,
    SKEW_SECONDS,
    TAG,
    RawTarget,
    Signed,
    verify_digest,
    verify_signature,
)

PREFIX = "/desk/"
LIFE_SECONDS = 30


class DeskKey(msgspec.Struct, frozen=True, kw_only=True):
    """A desk: its name, the office it belongs to, and the public half of its key (SubjectPublicKeyInfo, PEM)."""

    name: str
    office: str
    public_key: str


DESK: web.RequestKey[DeskKey] = web.RequestKey("desk", DeskKey)


class Desks:
    """The desks that may ask, in one file of the department's folder."""

    def __init__(self, data: Path, app_id: str) -> None:
        self._path = data / "desks.json"
        self._folder = data / "desks"
        self.app_id = app_id
        self._known = self._read()

    def find(self, name: str) -> ec.EllipticCurvePublicKey | None:
        """The public key of a desk."""
        desk = self._known.get(name)
        if desk is None:
            return None
        key = serialization.load_pem_public_key(desk.public_key.encode())
        assert isinstance(key, ec.EllipticCurvePublicKey)
        return key

    def desk(self, name: str) -> DeskKey:
        """A desk whose key was found."""
        return self._known[name]

    def enrol(self, name: str, office: str) -> Path:
        """Where the new desk's private key lies, to be carried to the desk; a desk that is known keeps its key."""
        path = self._folder / f"{name}.json"
        if name not in self._known:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            key = ec.generate_private_key(ec.SECP256R1())
            _write_private(path, DeskSigner(name, key, self.app_id).to_bytes())
            public = key.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            self._known[name] = DeskKey(name=name, office=office, public_key=public.decode())
            self._path.write_bytes(msgspec.json.encode(list(self._known.values())))
        return path

    def _read(self) -> dict[str, DeskKey]:
        if not self._path.exists():
            return {}
        return {desk.name: desk for desk in msgspec.json.decode(self._path.read_bytes(), type=list[DeskKey])}


def desk_door(desks: Desks, *, now: Callable[[], float] = time.time) -> Middleware:
    """Lets desks through below `/desk/`, with `request[DESK]` set; what lies elsewhere is not its business."""
    replay = MemoryReplay(now=now)

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.startswith(PREFIX):
            return await handler(request)
        try:
            request[DESK] = await _verify(request, desks, replay, now())
        except Refused as refusal:
            return problem(
                401, refusal.reason, "只接受本部门工作台的签名请求", "Only a desk of this department asks here."
            )
        return await handler(request)

    return middleware


async def _verify(request: web.Request, desks: Desks, replay: MemoryReplay, now: float) -> DeskKey:
    message = Message.of(request.method, request.raw_path, list(request.headers.items()), await request.read())
    authority = message.headers.get("host", "")
    proof = verify_signature(message, find_key=desks.find, authority=authority, streamed=False, now=now)
    if message.headers["ssb-app"] != desks.app_id:
        raise Refused("app-mismatch")
    verify_digest(message)
    if not replay.first_time(f"{proof.keyid}:{proof.nonce}", proof.expires + SKEW_SECONDS):
        raise Refused("replayed")
    return desks.desk(proof.keyid)


class DeskSigner(HTTPSignatureKeyResolver):
    """A desk's private key, as it is carried in a file."""

    def __init__(self, name: str, key: ec.EllipticCurvePrivateKey, app_id: str) -> None:
        self._name = name
        self._key = key
        self._app_id = app_id

    @classmethod
    def open(cls, path: Path) -> Self:
        """The key in a file that `Desks.enrol` wrote."""
        document = json.loads(path.read_text())
        key = serialization.load_pem_private_key(document["private_key"].encode(), password=None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return cls(document["name"], key, document["app_id"])

    def to_bytes(self) -> bytes:
        """What is carried."""
        pem = self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return json.dumps({"name": self._name, "app_id": self._app_id, "private_key": pem.decode()}).encode()

    def resolve_private_key(self, key_id: str) -> ec.EllipticCurvePrivateKey:
        """For the library that signs; there is one key."""
        assert key_id == self._name
        return self._key

    def sign(self, method: str, target: str, authority: str, body: bytes) -> dict[str, str]:
        """All headers of one request of this desk, good once and for half a minute."""
        sent = {"host": authority, "x-request-id": secrets.token_hex(16), "ssb-app": self._app_id}
        if body:
            sent |= {"content-type": "application/json", "content-digest": ContentDigest.create(body)}
        covered = [*sorted(ALWAYS_COVERED), *(name for name in COVERED_WHEN_PRESENT if name in sent)]
        message = Signed(Message.of(method, target, sent, body), authority)
        signer = HTTPMessageSigner(
            signature_algorithm=algorithms.ECDSA_P256_SHA256, key_resolver=self, component_resolver_class=RawTarget
        )
        now = int(time.time())
        signer.sign(
            message,
            key_id=self._name,
            label="ssb",
            tag=TAG,
            nonce=secrets.token_urlsafe(12),
            created=datetime.fromtimestamp(now, tz=UTC),
            expires=datetime.fromtimestamp(now + LIFE_SECONDS, tz=UTC),
            covered_component_ids=covered,
            use_existing_digest="content-digest" in sent,
        )
        return {name.lower(): value for name, value in message.headers.items()}


@dataclass(frozen=True, kw_only=True)
class DeskClient:
    """Asks a department as one of its desks."""

    origin: str
    signer: DeskSigner

    async def get(self, target: str) -> tuple[int, Any]:
        """What stands there."""
        return await self._send("GET", target, b"")

    async def post(self, target: str, document: Any) -> tuple[int, Any]:
        """What came of it."""
        return await self._send("POST", target, json.dumps(document).encode())

    async def _send(self, method: str, target: str, body: bytes) -> tuple[int, Any]:
        url = URL(self.origin + target, encoded=True)
        headers = self.signer.sign(method, target, url.authority, body)
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, url, headers=headers, data=body or None, allow_redirects=False) as answer,
        ):
            return answer.status, await answer.json(content_type=None)


def _write_private(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


@click.command(help="Asks a reference department as one of its desks: GET without JSON, POST with it.")
@click.option("--key", type=click.Path(path_type=Path, dir_okay=False, exists=True), required=True, help="Desk's key.")
@click.argument("url")
@click.argument("document", metavar="[JSON]", required=False)
def main(key: Path, url: str, document: str | None) -> None:
    """Prints the answer; the exit status is 1 when the department says no."""
    address = URL(url, encoded=True)
    client = DeskClient(origin=str(address.origin()), signer=DeskSigner.open(key))
    ask: Awaitable[tuple[int, Any]] = (
        client.get(address.raw_path_qs) if document is None else client.post(address.raw_path_qs, json.loads(document))
    )
    status, said = asyncio.run(_awaited(ask))
    click.echo(json.dumps(said, ensure_ascii=False, indent=2))
    sys.exit(0 if status < web.HTTPBadRequest.status_code else 1)


async def _awaited(ask: Awaitable[tuple[int, Any]]) -> tuple[int, Any]:
    return await ask


if __name__ == "__main__":
    main()
