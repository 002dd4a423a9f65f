"""STAND-IN. A national identity platform over invented people: an OpenID provider and network numbers, in one program.

It answers on loopback only, says of itself that it is a stand-in (production refuses such a one), and checks the city
as a real one would: pushed requests, the city's own key, PKCE, each thing once.
Run it with `python -m app.demo.national --port 8104 --city http://127.0.0.1:8000`.
"""

import argparse
import base64
import hashlib
import html
import secrets
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

import aiohttp
import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec

from app.demo.caller import public_jwk_of
from app.demo.network_numbers import NetworkNumbers
from app.demo.registries import CHILDREN, RESIDENTS, Resident
from app.kit.structs import Model

STAND_IN: Final = "stand-in national platform, synthetic data only"
FACE: Final = "urn:stand-in:face"
NAME: Final = "urn:stand-in:name"
LEVELS: Final = {FACE: "ial3.aal2", NAME: "ial2.aal1"}
CLIENT_ID: Final = "demo-city"
TOKEN_SECONDS: Final = 300
LAST_PORT: Final = 65_535
NOBODY: Final = Resident(name="", document_number="")

Keys = Callable[[], Awaitable[dict[str, Any]]]


class Granted(Model):
    """A code, and what it stands for."""

    request: dict[str, str]
    who: Resident
    acr: str
    at: int
    tells: bool


class NationalProvider:
    """One OpenID provider with one client: the city, whose keys `find_keys` fetches."""

    def __init__(self, issuer: str, find_keys: Keys, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.issuer = issuer
        self.now = now
        self.key = ec.generate_private_key(ec.SECP256R1())
        self._find_keys = find_keys
        self._assertions: set[str] = set()
        self._pushed: dict[str, dict[str, str]] = {}
        self._granted: dict[str, Granted] = {}

    def describe(self) -> dict[str, Any]:
        """OpenID Connect Discovery 1.0, section 3."""
        return {
            "served_by": STAND_IN,
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "pushed_authorization_request_endpoint": f"{self.issuer}/par",
            "response_types_supported": ["code"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["ES256"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": ["ES256"],
            "acr_values_supported": list(LEVELS),
            "scopes_supported": ["openid", "identity"],
            "authorization_response_iss_parameter_supported": True,
        }

    def jwks(self) -> dict[str, Any]:
        """The public key of its ID tokens."""
        return {"keys": [public_jwk_of(self.key) | {"kid": "national-1", "alg": "ES256", "use": "sig"}]}

    async def push(self, request: web.Request) -> web.Response:
        """RFC 9126; only the city, and only with PKCE."""
        form = await self._authenticated(request)
        if form.get("code_challenge_method") != "S256" or not form.get("code_challenge"):
            raise _refusal("invalid_request")
        request_uri = f"urn:ietf:params:oauth:request_uri:{secrets.token_urlsafe(24)}"
        self._pushed[request_uri] = form
        return web.json_response({"request_uri": request_uri, "expires_in": 60}, status=201)

    async def show(self, request: web.Request) -> web.Response:
        """The page on which somebody says who they are: there is nobody to be protected here."""
        asked = self._pushed.get(request.query.get("request_uri", ""))
        if asked is None or request.query.get("client_id") != CLIENT_ID:
            raise _refusal("invalid_request")
        uri = html.escape(request.query["request_uri"])
        people = "".join(
            f'<option value="{person.document_number}">{html.escape(person.name)}</option>'
            for person in (*RESIDENTS, *CHILDREN)
        )
        body = (
            f'<!doctype html><meta charset="utf-8"><title>{STAND_IN}</title><h1>{STAND_IN}</h1>'
            f'<form method="post" action="/authorize"><input type="hidden" name="request_uri" value="{uri}">'
            f'<select name="document_number">{people}</select>'
            f'<select name="acr"><option>{FACE}</option><option>{NAME}</option></select>'
            '<button name="decision" value="allow">OK</button><button name="decision" value="deny">No</button></form>'
        )
        return web.Response(text=body, content_type="text/html")

    async def decide(self, request: web.Request) -> web.Response:
        """Sends the citizen back, with a code or with their no."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        asked = self._pushed.pop(form.get("request_uri", ""), None)
        if asked is None:
            raise _refusal("invalid_request")
        answer = {"state": asked["state"], "iss": self.issuer}
        if form.get("decision", "allow") != "allow":
            raise web.HTTPSeeOther(f"{asked['redirect_uri']}?{urlencode(answer | {'error': 'access_denied'})}")
        code = self.grant(asked, form["document_number"], acr=form.get("acr", FACE), tells=form.get("tells") != "no")
        raise web.HTTPSeeOther(f"{asked['redirect_uri']}?{urlencode(answer | {'code': code})}")

    def grant(self, asked: dict[str, str], document_number: str, *, acr: str, tells: bool = True) -> str:
        """A code for one resident."""
        who = next((person for person in (*RESIDENTS, *CHILDREN) if person.document_number == document_number), NOBODY)
        code = secrets.token_urlsafe(24)
        self._granted[code] = Granted(request=asked, who=who, acr=acr, at=int(self.now().timestamp()), tells=tells)
        return code

    async def redeem(self, request: web.Request) -> web.Response:
        """RFC 6749, section 4.1.3; each code once."""
        form = await self._authenticated(request)
        granted = self._granted.pop(form.get("code", ""), None)
        if granted is None or form.get("redirect_uri") != granted.request["redirect_uri"]:
            raise _refusal("invalid_grant")
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != granted.request["code_challenge"]:
            raise _refusal("invalid_grant")
        token = self.id_token(granted)
        answer = {"access_token": secrets.token_urlsafe(24), "token_type": "Bearer", "expires_in": 60}
        return web.json_response(answer | {"id_token": token})

    def id_token(self, granted: Granted) -> str:
        """Who it is, to this one client."""
        who, now = granted.who, int(self.now().timestamp())
        claims = {
            "iss": self.issuer,
            "sub": hashlib.sha256(f"{CLIENT_ID}:{who.document_number}".encode()).hexdigest()[:32],
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + TOKEN_SECONDS,
            "auth_time": granted.at,
            "nonce": granted.request["nonce"],
            "acr": granted.acr,
        }
        if granted.tells:
            claims |= {
                "name": who.name,
                "document_type": who.document_type,
                "document_number": who.document_number,
            }
        return jwt.encode(claims, self.key, algorithm="ES256", headers={"kid": "national-1", "typ": "JWT"})

    async def _authenticated(self, request: web.Request) -> dict[str, str]:
        """The form, when the city's own key signed for it (RFC 7523), once."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        try:
            assertion = form.pop("client_assertion", "")
            keys = jwt.PyJWKSet.from_dict(await self._find_keys())
            claims = jwt.decode(
                assertion,
                keys[jwt.get_unverified_header(assertion)["kid"]],
                algorithms=["ES256"],
                audience=self.issuer,
                issuer=CLIENT_ID,
                options={"verify_exp": False, "verify_iat": False, "require": ["exp", "jti", "sub"]},
            )
        except (jwt.PyJWTError, KeyError):
            raise _refusal("invalid_client", status=401) from None
        if claims["jti"] in self._assertions or not 0 <= claims["exp"] - self.now().timestamp() <= TOKEN_SECONDS:
            raise _refusal("invalid_client", status=401)
        self._assertions.add(claims["jti"])
        return form


def _refusal(error: str, *, status: int = 400) -> web.HTTPException:
    kind: type[web.HTTPException] = (
        web.HTTPUnauthorized if status == web.HTTPUnauthorized.status_code else (web.HTTPBadRequest)
    )
    return kind(text=f'{{"error": "{error}"}}', content_type="application/json")


def build_application(provider: NationalProvider, numbers: NetworkNumbers) -> web.Application:
    """Both in one server. Below `/stand-in/` is what phones do with it, not the city."""

    async def describe(_request: web.Request) -> web.Response:
        return web.json_response(provider.describe())

    async def jwks(_request: web.Request) -> web.Response:
        return web.json_response(provider.jwks())

    async def health(_request: web.Request) -> web.Response:
        return web.json_response({"status": "up", "served_by": STAND_IN})

    application = web.Application(client_max_size=32_768)
    application.router.add_get("/health", health)
    application.router.add_get("/.well-known/openid-configuration", describe)
    application.router.add_get("/jwks", jwks)
    application.router.add_post("/par", provider.push)
    application.router.add_get("/authorize", provider.show)
    application.router.add_post("/authorize", provider.decide)
    application.router.add_post("/token", provider.redeem)
    numbers.join(application)
    return application


def keys_at(city: str) -> Keys:
    """The city's keys, read where it publishes them."""

    async def find() -> dict[str, Any]:
        async with aiohttp.ClientSession() as client, client.get(f"{city}/oauth/upstream/jwks") as answer:
            keys: dict[str, Any] = await answer.json()
            return keys

    return find


def main() -> None:
    """Serves until it is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="loopback port to listen on")
    parser.add_argument("--city", required=True, help="the public origin of the city")
    arguments = parser.parse_args()
    if not 0 < arguments.port <= LAST_PORT:
        parser.error("the port must be from 1 to 65535")
    issuer = f"http://127.0.0.1:{arguments.port}"
    print(f"{STAND_IN}: {issuer}", flush=True)
    application = build_application(NationalProvider(issuer, keys_at(arguments.city)), NetworkNumbers())
    web.run_app(application, host="127.0.0.1", port=arguments.port, print=None, access_log=None)


if __name__ == "__main__":
    main()
