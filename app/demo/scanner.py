"""A venue's scanner, as a program: reads the picture file of a code and asks, signed with its enrolled key, what it is.

It never looks into the code itself: what it has is what a camera gives.
"""

import secrets
import time
from base64 import urlsafe_b64encode
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx
import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from app.demo.caller import Caller, Refused, public_jwk_of
from app.kit.http_signatures import RequestParts, SignatureParams, content_digest, ecdsa_p256_signer, sign

COVERED = ("@method", "@authority", "@path", "@query", "content-digest")
TAG = "suishen-scanner"


class ScannerProgram:
    """One device at one site."""

    def __init__(self, http: httpx.AsyncClient, name: str) -> None:
        self.http = http
        self.name = name
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id: UUID | None = None

    async def enrol(self, official: Caller, organization_id: str, site: str, scenarios: list[int]) -> None:
        """Has an official enrol this device, with proof that it holds its key."""
        claims = {
            "aud": str(self.http.base_url).rstrip("/"),
            "organization_id": organization_id,
            "iat": int(time.time()),
        }
        proof = jwt.encode(claims, self.key, algorithm="ES256", headers={"typ": "suishen-scanner+jwt"})
        enrolled = await official.call(
            "POST",
            "/v1/scanners",
            json={
                "organization_id": organization_id,
                "site": {"name": site, "address": "演示路1号"},
                "device_name": self.name,
                "scenarios": scenarios,
                "public_key": public_jwk_of(self.key),
                "proof": proof,
            },
        )
        self.id = UUID(enrolled["id"])

    async def verify(
        self, code: str, scenario: int, *, request_id: str | None = None, cnonce: bytes | None = None
    ) -> dict[str, Any]:
        """The verdict on a code; raises `Refused` when the request itself is refused. `cnonce` is what it showed."""
        body = {"code": code, "scenario": scenario, "request_id": request_id or str(uuid4())}
        shown = {} if cnonce is None else {"cnonce": urlsafe_b64encode(cnonce).rstrip(b"=").decode()}
        return await self.post("/v1/verifications", body | shown)

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """A signed request (RFC 9421)."""
        content = msgspec.json.encode(body)
        headers = self.signed_headers("POST", path, content)
        answer = await self.http.post(path, content=content, headers=headers)
        if answer.is_error:
            raise Refused(answer)
        verdict: dict[str, Any] = answer.json()
        return verdict

    def signed_headers(self, method: str, path: str, content: bytes) -> dict[str, str]:
        """The headers of a request that this device signs now."""
        headers = {"content-type": "application/json", "content-digest": content_digest(content)}
        authority = urlsplit(str(self.http.base_url)).netloc
        parts = RequestParts(method=method, authority=authority, path=path, query="", headers=headers)
        params = SignatureParams(keyid=str(self.id), created=int(time.time()), nonce=secrets.token_urlsafe(18), tag=TAG)
        return headers | sign(
            parts, label="sig", covered=COVERED, params=params, sign_bytes=ecdsa_p256_signer(self.key)
        )
