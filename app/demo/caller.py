"""A program's side of a signed-in session: tokens bound to a key of its own, a proof with every request (RFC 9449).

Knows the HTTP API and nothing of the server's inside.
"""

import hashlib
import time
from base64 import urlsafe_b64encode
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec


class Refused(Exception):
    """The server said no; holds its problem document."""

    def __init__(self, answer: httpx.Response) -> None:
        self.status = answer.status_code
        self.problem = _problem_of(answer)
        super().__init__(f"{answer.request.method} {answer.request.url.path}: {self.status} {self.problem}")

    @property
    def slug(self) -> str:
        """The stable name of the refusal."""
        return str(self.problem.get("type", self.problem.get("error", ""))).removeprefix("/problems/")


class Caller:
    """Calls the API as somebody. Without `sign_in` it is anonymous."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http
        self.proof_key = ec.generate_private_key(ec.SECP256R1())
        self.tokens: dict[str, Any] = {}

    async def call(self, method: str, path: str, *, proven: bool = False, **options: Any) -> Any:
        """The JSON of a successful answer; raises `Refused`. `proven` sends a proof before there is a token."""
        answer = await self.send(method, path, proven=proven, **options)
        if answer.is_error:
            raise Refused(answer)
        return answer.json() if answer.content else None

    async def send(self, method: str, path: str, *, proven: bool = False, **options: Any) -> httpx.Response:
        """One request, whatever comes of it."""
        url = self.http.base_url.join(path)
        headers = dict(options.pop("headers", {}))
        token = self.tokens.get("access_token")
        if token or proven:
            headers["DPoP"] = self.proof(method, str(url), token)
        if token:
            headers["Authorization"] = f"{self.tokens['token_type']} {token}"
        if method != "GET":
            headers.setdefault("Idempotency-Key", str(uuid4()))
        return await self.http.request(method, path, headers=headers, **options)

    async def refresh(self) -> dict[str, Any]:
        """Exchanges the refresh token for new tokens, and keeps them."""
        token = self.tokens.pop("refresh_token")
        self.tokens.pop("access_token")
        form = {"grant_type": "refresh_token", "refresh_token": token}
        self.tokens = await self.call("POST", "/oauth/token", proven=True, data=form)
        return self.tokens

    def proof(self, method: str, url: str, token: str | None) -> str:
        """A proof for one request to `url` (RFC 9449), with the hash of `token` where there is one."""
        parts = urlsplit(url)
        claims = {
            "htm": method,
            "htu": f"{parts.scheme}://{parts.netloc}{parts.path}",
            "iat": int(time.time()),
            "jti": str(uuid4()),
        }
        if token:
            claims["ath"] = urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()
        headers = {"typ": "dpop+jwt", "jwk": public_jwk_of(self.proof_key)}
        return jwt.encode(claims, self.proof_key, algorithm="ES256", headers=headers)


def public_jwk_of(key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    """The public half as a JSON Web Key (RFC 7517), without optional members."""
    numbers = key.public_key().public_numbers()
    x, y = (urlsafe_b64encode(part.to_bytes(32, "big")).rstrip(b"=").decode() for part in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}


def _problem_of(answer: httpx.Response) -> dict[str, Any]:
    try:
        problem = answer.json()
    except ValueError:
        return {"title": answer.text[:200]}
    return problem if isinstance(problem, dict) else {"title": str(problem)}
