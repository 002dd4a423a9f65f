"""A department's program that signs citizens in, and a citizen's browser: both speak HTTP alone."""

import base64
import hashlib
import html
import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import httpx
import jwt

from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.ids import new_token
from app.kit.structs import Text
from auth.keys import PublicJwk
from auth.provider.clients.models import Client, ClientScope
from tests.auth.phones import ISSUER, Key

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
CARD = ClientScope(
    name="library.card",
    fields=("display_name", "phone_tail"),
    purpose=Text(zh="办理读者证", en="Make a reader's card"),
    basis="consent",
    required=True,
)
NEWS = ClientScope(
    name="library.age",
    fields=("age_over_18",),
    purpose=Text(zh="推荐适龄读物", en="Suggest books"),
    basis="consent",
)
LEVEL = ClientScope(
    name="library.level",
    fields=("identity_level",),
    purpose=Text(zh="确认实名级别", en="Know the level"),
    basis="statute",
    legal_basis="《公共图书馆法》",
)


class Register:
    """The register of clients, as a test fills it."""

    def __init__(self) -> None:
        self.clients: dict[str, Client] = {}

    async def find_client(self, _connection: Connection, client_id: str) -> Client | None:
        return self.clients.get(client_id)

    async def find_department(self, _connection: Connection, app_id: str) -> UUID | None:
        client = self.clients.get(app_id)
        return client.organization_id if client else None


def client_of(client_id: str, organization_id: UUID, keys: dict[str, Key], **changes: Any) -> Client:
    base: dict[str, Any] = {
        "client_id": client_id,
        "organization_id": organization_id,
        "organization_name": "演示市图书馆",
        "name": Text(zh="图书馆", en="City library"),
        "text_version": "manifest-1",
        "keys": {kid: PublicJwk(**key.jwk) for kid, key in keys.items()},
        "redirect_uris": (f"https://{client_id}.example/cb", f"https://{client_id}.example/other"),
        "post_logout_redirect_uris": (f"https://{client_id}.example/bye",),
        "backchannel_logout_uri": f"https://{client_id}.example/backchannel",
        "scopes": (CARD, NEWS, LEVEL),
    }
    return Client(**(base | changes))


class Department:
    """A confidential client: one key for its assertions, one for DPoP. Every default may be changed, to be refused."""

    def __init__(self, http: httpx.AsyncClient, clock: ManualClock, client_id: str) -> None:
        self.http = http
        self.clock = clock
        self.client_id = client_id
        self.key = Key()
        self.dpop_key = Key()
        self.redirect_uri = f"https://{client_id}.example/cb"
        self.verifier = new_token(32)

    @property
    def now(self) -> datetime:
        return self.clock.now()

    @property
    def challenge(self) -> str:
        return base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()

    def assertion(self, *, key: Key | None = None, header: dict[str, Any] | None = None, **claims: Any) -> str:
        now = int(self.now.timestamp())
        body = {"iss": self.client_id, "sub": self.client_id, "aud": ISSUER, "iat": now, "exp": now + 50}
        body |= {"jti": new_token(12)} | claims
        body = {name: value for name, value in body.items() if value is not None}
        return jwt.encode(body, (key or self.key).private, algorithm="ES256", headers={"kid": "k1"} | (header or {}))

    def authenticated(self, form: dict[str, Any]) -> dict[str, str]:
        proof = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": self.assertion()}
        return {name: value for name, value in (proof | form).items() if value is not None}

    async def post(self, path: str, *, dpop: str | None = "", key: Key | None = None, **form: Any) -> httpx.Response:
        proof = (key or self.dpop_key).dpop("POST", path, self.now) if dpop == "" else dpop
        headers = {"DPoP": proof} if proof else {}
        return await self.http.post(path, data=self.authenticated(form), headers=headers)

    async def push(self, **form: Any) -> httpx.Response:
        usual = {
            "response_type": "code",
            "redirect_uri": self.redirect_uri,
            "scope": "openid library.card library.level",
            "state": "state-1",
            "nonce": "nonce-1",
            "code_challenge": self.challenge,
            "code_challenge_method": "S256",
        }
        return await self.post("/oauth/par", **({"dpop": None} | usual | form))

    async def begin(self, **form: Any) -> str:
        """The address to which the browser is sent."""
        pushed = await self.push(**form)
        assert pushed.status_code == 201, pushed.text
        return f"/oauth/authorize?client_id={self.client_id}&request_uri={pushed.json()['request_uri']}"

    async def redeem(self, code: str, **form: Any) -> httpx.Response:
        usual = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.verifier,
        }
        return await self.post("/oauth/token", **(usual | form))

    async def refresh(self, refresh_token: str, **form: Any) -> httpx.Response:
        return await self.post(
            "/oauth/token", **({"grant_type": "refresh_token", "refresh_token": refresh_token} | form)
        )

    async def introspect(self, token: str, **form: Any) -> httpx.Response:
        return await self.post("/oauth/introspect", **({"token": token, "dpop": None} | form))

    async def revoke(self, token: str, **form: Any) -> httpx.Response:
        return await self.post("/oauth/revoke", **({"token": token, "dpop": None} | form))

    async def userinfo(self, token: str, *, key: Key | None = None, method: str = "GET") -> httpx.Response:
        proof = (key or self.dpop_key).dpop(method, "/oauth/userinfo", self.now, token=token)
        return await self.http.request(
            method, "/oauth/userinfo", headers={"Authorization": f"DPoP {token}", "DPoP": proof}
        )


class Browser:
    """Keeps cookies, follows redirects within the city, fills in forms; it stops where the city sends it away."""

    def __init__(self, http: httpx.AsyncClient, deliver: Callable[[], Awaitable[int]], *, number: str) -> None:
        self.http = http
        self.number = number
        self._deliver = deliver
        self.page = httpx.Response(204)

    async def open(self, address: str) -> httpx.Response:
        return await self._follow(await self.http.get(address))

    async def submit(self, act: str, *, headers: Any = None, **fields: str) -> httpx.Response:
        """Posts the form of the page whose address ends with `act`, with its hidden fields, as a browser does."""
        action = next(found for found in self.actions() if found.endswith(act))
        sent = self.inputs() | fields
        return await self._follow(await self.http.post(action, data=sent, headers=headers or {"Origin": ISSUER}))

    def actions(self) -> list[str]:
        return [html.unescape(found) for found in re.findall(r'<form method="post" action="([^"]+)"', self.page.text)]

    def inputs(self) -> dict[str, str]:
        return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', self.page.text))

    async def sign_in(self) -> httpx.Response:
        """From the page that asks for a phone to the page after the code."""
        await self.submit("/phone", phone=self.number)
        return await self.submit("/code", code=await self.read_code())

    async def read_code(self) -> str:
        await self._deliver()
        inbox = await self.http.get("/demo/inbox.json", params={"phone": self.number})
        codes = (re.search(r"验证码 (\d{6})", message["text"]) for message in inbox.json()["items"])
        return next(found[1] for found in codes if found)

    async def agree(self, *scopes: str) -> httpx.Response:
        chosen = {f"scope:{scope}": "yes" for scope in scopes or ("library.card",)}
        return await self.submit("/consent", decision="allow", **chosen)

    async def arrive(self, address: str) -> dict[str, str]:
        """Signs in and agrees as far as it is asked to; what the client is told at its own address."""
        await self.open(address)
        if "/phone" in self.page.text:
            await self.sign_in()
        if "/consent" in self.page.text:
            await self.agree()
        return self.told()

    def told(self) -> dict[str, str]:
        """The parameters of the client's address to which the browser was sent."""
        assert self.page.status_code == 303, self.page.text
        return dict(parse_qsl(urlsplit(self.page.headers["location"]).query))

    @property
    def left_for(self) -> str:
        """The address of the client, without parameters."""
        return str(self.page.headers["location"]).partition("?")[0]

    async def _follow(self, response: httpx.Response) -> httpx.Response:
        while response.status_code == 303 and response.headers["location"].startswith("/"):
            response = await self.http.get(response.headers["location"])
        self.page = response
        return response


def read_claims(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims
