"""A department's program before some provider, which it knows by discovery alone. Every default may be changed."""

import base64
import hashlib
import secrets
import time
from dataclasses import dataclass
from typing import Any, Protocol, Self
from urllib.parse import urlencode
from uuid import uuid4

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from app.demo.caller import public_jwk_of
from tests.interop.city import CERTIFICATES, query_of

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
USUAL = ""
"""A proof as it should be."""


class VisitsPages(Protocol):
    """Somebody with a browser."""

    def visit(self, address: str) -> str:
        """Where the way leads in the end."""
        ...


@dataclass(frozen=True, kw_only=True)
class Registration:
    """What the provider knows of the client."""

    client_id: str
    key: ec.EllipticCurvePrivateKey
    redirect_uri: str
    bye_uri: str


class Party:
    """One client of one provider, with its key for assertions and another for DPoP."""

    def __init__(self, issuer: str, registration: Registration, browser: VisitsPages) -> None:
        self.issuer = issuer
        self.browser = browser
        self.client_id, self.key = registration.client_id, registration.key
        self.redirect_uri, self.bye_uri = registration.redirect_uri, registration.bye_uri
        self.proof_key = ec.generate_private_key(ec.SECP256R1())
        self.verifier = secrets.token_urlsafe(48)
        self.http = httpx.Client(timeout=20, verify=CERTIFICATES)
        self.metadata: dict[str, Any] = {}

    def __enter__(self) -> Self:
        self.metadata = self.http.get(f"{self.issuer}/.well-known/openid-configuration").json()
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    @property
    def challenge(self) -> str:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    def assertion(self, *, key: Any = None, algorithm: str = "ES256", header: Any = None, **claims: Any) -> str:
        now = int(time.time())
        usual = {"iss": self.client_id, "sub": self.client_id, "aud": self.issuer, "iat": now, "exp": now + 50}
        body = {name: value for name, value in (usual | {"jti": uuid4().hex} | claims).items() if value is not None}
        signing = self.key if key is None else key
        return jwt.encode(body, signing, algorithm=algorithm, headers={"kid": "k1"} | (header or {}))

    def proof(self, method: str, url: str, *, token: str | None = None, header: Any = None, **claims: Any) -> str:
        body = {"htm": method, "htu": url, "iat": int(time.time()), "jti": uuid4().hex} | claims
        if token is not None:
            body["ath"] = base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()
        headers = {"typ": "dpop+jwt", "jwk": public_jwk_of(self.proof_key)} | (header or {})
        return jwt.encode(body, self.proof_key, algorithm="ES256", headers=headers)

    def post(self, endpoint: str, *, dpop: str | None = None, headers: Any = None, **form: Any) -> httpx.Response:
        """Authenticated, unless the form says otherwise; a value of None leaves the usual one out."""
        url = self.metadata[endpoint]
        usual = {"client_assertion_type": ASSERTION_TYPE}
        usual |= {} if "client_assertion" in form else {"client_assertion": self.assertion()}
        sent = {name: value for name, value in (usual | form).items() if value is not None}
        proof = self.proof("POST", url) if dpop == USUAL else dpop
        return self.http.post(url, data=sent, headers=(headers or {}) | ({"DPoP": proof} if proof else {}))

    def push(self, **form: Any) -> httpx.Response:
        usual = {
            "client_id": self.client_id,
            "response_type": "code",
            "redirect_uri": self.redirect_uri,
            "scope": "openid",
            "state": "state-1",
            "nonce": "nonce-1",
            "code_challenge": self.challenge,
            "code_challenge_method": "S256",
        }
        return self.post("pushed_authorization_request_endpoint", **(usual | form))

    def address_of(self, request_uri: str) -> str:
        query = urlencode({"client_id": self.client_id, "request_uri": request_uri})
        return f"{self.metadata['authorization_endpoint']}?{query}"

    def authorize(self, **form: Any) -> dict[str, str]:
        """The parameters with which the citizen comes back."""
        pushed = self.push(**form)
        assert pushed.status_code == 201, pushed.text
        return query_of(self.browser.visit(self.address_of(pushed.json()["request_uri"])))

    def redeem(self, code: str | None, **form: Any) -> httpx.Response:
        usual = {"grant_type": "authorization_code", "code": code, "code_verifier": self.verifier}
        return self.post("token_endpoint", **({"dpop": USUAL, "redirect_uri": self.redirect_uri} | usual | form))

    def sign_in(self, **form: Any) -> dict[str, Any]:
        """Tokens of a new authorization."""
        answer = self.redeem(self.authorize(**form)["code"])
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens

    def refresh(self, token: str, **form: Any) -> httpx.Response:
        usual = {"dpop": USUAL, "grant_type": "refresh_token", "refresh_token": token}
        return self.post("token_endpoint", **(usual | form))

    def introspect(self, token: str, **form: Any) -> httpx.Response:
        return self.post("introspection_endpoint", token=token, **form)

    def revoke(self, token: str, **form: Any) -> httpx.Response:
        return self.post("revocation_endpoint", token=token, **form)

    def userinfo(
        self, token: str, *, method: str = "GET", scheme: str = "DPoP", dpop: str | None = USUAL
    ) -> httpx.Response:
        url = self.metadata["userinfo_endpoint"]
        proof = self.proof(method, url, token=token) if dpop == USUAL else dpop
        headers = {"Authorization": f"{scheme} {token}"} | ({"DPoP": proof} if proof else {})
        return self.http.request(method, url, headers=headers)
