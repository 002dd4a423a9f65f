"""A computer in the demo: a browser that keeps cookies and fills in forms, and the department's server behind a site.

Both know HTTP and OpenID Connect, and nothing of the city's inside.
"""

import base64
import hashlib
import html
import re
import secrets
import time
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from PIL import Image

from app.demo.caller import Caller, public_jwk_of

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
FORM = re.compile(r'<form method="post" action="([^"]+)"[^>]*>(.*?)</form>', re.DOTALL)
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')
RUN = re.compile(r"M(\d+) (\d+)h(\d+)v1")
SEE_OTHER = 303
PIXELS = 8


class Browser:
    """Follows redirects within the city and stops where it is sent away."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http
        self.page = httpx.Response(204)

    async def open(self, address: str) -> None:
        """Goes there."""
        await self._follow(await self.http.get(address))

    async def submit(self, act: str, **fields: str) -> None:
        """Sends the form whose address ends with `act`, with what is hidden in it."""
        forms = {html.unescape(action): content for action, content in FORM.findall(self.page.text)}
        action = next(action for action in forms if action.endswith(act))
        hidden = {name: html.unescape(value) for name, value in HIDDEN.findall(forms[action])}
        headers = {"Origin": str(self.http.base_url).rstrip("/")}
        await self._follow(await self.http.post(action, data=hidden | fields, headers=headers))

    @property
    def sent_back_with(self) -> dict[str, str]:
        """What the department is told in the address to which this browser was sent."""
        return dict(parse_qsl(urlsplit(self.page.headers.get("location", "")).query))

    def draw_picture(self) -> bytes:
        """The code on the page as a camera sees it, as a PNG."""
        size = int(re.findall(r'viewBox="0 0 (\d+)', self.page.text)[0]) * PIXELS
        image = Image.new("L", (size, size), 255)
        for x, y, length in (map(int, run) for run in RUN.findall(self.page.text)):
            image.paste(0, (x * PIXELS, y * PIXELS, (x + length) * PIXELS, (y + 1) * PIXELS))
        drawn = BytesIO()
        image.save(drawn, format="PNG")
        return drawn.getvalue()

    async def _follow(self, answer: httpx.Response) -> None:
        while answer.status_code == SEE_OTHER and answer.headers["location"].startswith("/"):
            answer = await self.http.get(answer.headers["location"])
        self.page = answer


class ClientProgram(Caller):
    """A department's server that signs citizens in: two keys of its own, and a verifier in the citizen's session."""

    def __init__(self, http: httpx.AsyncClient, client_id: str, redirect_uri: str) -> None:
        super().__init__(http)
        self.client_id = client_id
        self.redirect_uri = redirect_uri
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.verifier = secrets.token_urlsafe(32)

    @property
    def login(self) -> dict[str, Any]:
        """What the manifest says of it."""
        jwk = public_jwk_of(self.key)
        return {"redirect_uris": [self.redirect_uri], "keys": [{"kid": "demo-1", "x": jwk["x"], "y": jwk["y"]}]}

    @property
    def challenge(self) -> str:
        """Of the verifier (RFC 7636)."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    async def begin(self, *scopes: str, **parameters: str) -> str:
        """Pushes a request; where the citizen's browser goes."""
        usual = {
            "response_type": "code",
            "redirect_uri": self.redirect_uri,
            "scope": " ".join(["openid", *scopes]),
            "state": "demo",
            "code_challenge": self.challenge,
            "code_challenge_method": "S256",
        }
        pushed = await self._post("/oauth/par", usual | parameters)
        return f"/oauth/authorize?client_id={self.client_id}&request_uri={pushed['request_uri']}"

    async def redeem(self, code: str, *, posted: bool = True) -> dict[str, Any]:
        """Tokens for a code; one that a phone handed over names no address."""
        form = {"grant_type": "authorization_code", "code": code, "code_verifier": self.verifier}
        tokens = await self._post("/oauth/token", form | ({"redirect_uri": self.redirect_uri} if posted else {}))
        claims: dict[str, Any] = jwt.decode(tokens["id_token"], options={"verify_signature": False})
        return claims

    async def _post(self, path: str, form: dict[str, str]) -> Any:
        now = int(time.time())
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": str(self.http.base_url).rstrip("/"),
            "iat": now,
            "exp": now + 50,
            "jti": str(uuid4()),
        }
        assertion = jwt.encode(claims, self.key, algorithm="ES256", headers={"kid": "demo-1"})
        proof = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}
        return await self.call("POST", path, proven=True, data=form | proof)
