"""A city as a developer's program knows it: signs in, calls its API with tokens bound to this run's key (RFC 9449).

Knows the HTTP API and nothing of the server's inside. Keeps neither password nor token.
"""

import hashlib
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Self
from uuid import uuid4

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec

TIMEOUT_SECONDS = 20.0
NOT_FOUND = 404


class CityRefused(Exception):
    """The city said no, in its own words."""

    def __init__(self, answer: httpx.Response) -> None:
        self.status = answer.status_code
        problem = _problem_of(answer)
        self.slug = str(problem.get("type", "")).removeprefix("/problems/")
        self.findings: list[dict[str, Any]] = problem.get("findings", [])
        words = (f"{self.status}", problem.get("title", ""), problem.get("detail", ""), problem.get("remedy", ""))
        super().__init__(" ".join(dict.fromkeys(word for word in words if word)))


class City:
    """One signed-in member of staff; used as a context manager, which signs out at the end."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._token: str | None = None
        self._session_id = ""
        self.organization_id = ""

    @classmethod
    @contextmanager
    def open(cls, origin: str, *, username: str, password: str, totp: str) -> Iterator[Self]:
        """Signs in, and out afterwards; raises `CityRefused` and what httpx raises when nothing answers."""
        with httpx.Client(base_url=origin, timeout=TIMEOUT_SECONDS, follow_redirects=False) as http:
            city = cls(http)
            city.sign_in(username, password, totp)
            try:
                yield city
            finally:
                city.sign_out()

    def sign_in(self, username: str, password: str, totp: str) -> None:
        """As staff, with a second factor."""
        body = {"username": username, "password": password, "totp": totp}
        self._token = str(self.post("/v1/login/password/tokens", body)["access_token"])
        me = self.get("/v1/me")
        self._session_id, self.organization_id = me["session_id"], me["organization_id"] or ""

    def sign_out(self) -> None:
        """Ends the session; a city that has gone meanwhile ends it by itself."""
        with suppress(CityRefused, httpx.HTTPError):
            self._call("DELETE", f"/v1/me/sessions/{self._session_id}")

    def get(self, path: str) -> Any:
        """The answer; raises `CityRefused`."""
        return self._call("GET", path)

    def find(self, path: str) -> Any | None:
        """The answer, or None when there is none; raises `CityRefused` for every other refusal."""
        try:
            return self._call("GET", path)
        except CityRefused as refused:
            if refused.status == NOT_FOUND:
                return None
            raise

    def list_all(self, path: str) -> Iterator[Any]:
        """Every item of a list, page by page; raises `CityRefused`."""
        after: str | None = ""
        while after is not None:
            page = self.get(f"{path}?limit=100" + (f"&after={after}" if after else ""))
            yield from page["items"]
            after = page["next"]

    def post(self, path: str, body: Any = None, *, content: bytes | None = None) -> Any:
        """Writes; raises `CityRefused`."""
        options: dict[str, Any] = {}
        if content is not None:
            options = {"content": content, "headers": {"Content-Type": "application/json"}}
        elif body is not None:
            options = {"json": body}
        return self._call("POST", path, **options)

    def _call(self, method: str, path: str, **options: Any) -> Any:
        headers = {"Accept-Language": "en", **options.pop("headers", {}), "DPoP": self._proof(method, path)}
        if self._token is not None:
            headers["Authorization"] = f"DPoP {self._token}"
        if method != "GET":
            headers["Idempotency-Key"] = str(uuid4())
        answer = self._http.request(method, path, headers=headers, **options)
        if not answer.is_success:
            raise CityRefused(answer)
        return answer.json() if answer.content else None

    def _proof(self, method: str, path: str) -> str:
        address = str(self._http.base_url.join(path)).partition("?")[0]
        claims: dict[str, Any] = {"htm": method, "htu": address, "iat": int(time.time()), "jti": str(uuid4())}
        if self._token is not None:
            claims["ath"] = _base64url(hashlib.sha256(self._token.encode()).digest())
        return jwt.encode(claims, self._key, algorithm="ES256", headers={"typ": "dpop+jwt", "jwk": _jwk(self._key)})


def _jwk(key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    point = {name: _base64url(value.to_bytes(32, "big")) for name, value in (("x", numbers.x), ("y", numbers.y))}
    return {"kty": "EC", "crv": "P-256", **point}


def _base64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _problem_of(answer: httpx.Response) -> dict[str, Any]:
    try:
        problem = answer.json()
    except ValueError:
        return {"title": answer.reason_phrase}
    return problem if isinstance(problem, dict) else {}
