"""A citizen's phone in tests: asks for codes, reads its inbox, keeps tokens, signs proofs with its own key."""

import base64
import hashlib
import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from app.demo.registries import CITIZEN, Resident
from app.kit.clock import ManualClock
from app.kit.ids import new_token
from auth.keys import point_of

ISSUER = "http://city.test"


class Key:
    """A P-256 key as a phone holds it."""

    def __init__(self) -> None:
        self.private = ec.generate_private_key(ec.SECP256R1())

    @property
    def jwk(self) -> dict[str, str]:
        point = point_of(self.private.public_key())
        return {"kty": "EC", "crv": "P-256", "x": encode(point[1:33]), "y": encode(point[33:])}

    def dpop(
        self, method: str, path: str, now: datetime, *, token: str | None = None, typ: str = "dpop+jwt", **claims: Any
    ) -> str:
        body: dict[str, Any] = {"htm": method, "htu": ISSUER + path, "iat": int(now.timestamp()), "jti": new_token(8)}
        if token is not None:
            body["ath"] = encode(hashlib.sha256(token.encode()).digest())
        return jwt.encode(body | claims, self.private, algorithm="ES256", headers={"typ": typ, "jwk": self.jwk})

    def device_proof(self, nonce: str, *, typ: str = "device-proof+jwt", aud: str = ISSUER) -> str:
        return jwt.encode({"nonce": nonce, "aud": aud}, self.private, algorithm="ES256", headers={"typ": typ})


class Phone:
    """Speaks to the city over HTTP alone. Where the answer is an error the caller looks at the response."""

    def __init__(self, client: httpx.AsyncClient, deliver: Callable[[], Awaitable[int]], *, number: str) -> None:
        self.client = client
        self.number = number
        self.tokens: dict[str, Any] = {}
        self._deliver = deliver

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens['access_token']}"}

    async def ask_for_code(self) -> str:
        response = await self.client.post("/v1/login/otp/challenges", json={"phone": self.number})
        assert response.status_code == 202, response.text
        return str(response.json()["challenge_id"])

    async def read_code(self) -> str:
        await self._deliver()
        inbox = await self.client.get("/demo/inbox.json", params={"phone": self.number})
        codes = (re.search(r"验证码 (\d{6})", message["text"]) for message in inbox.json()["items"])
        return next(found[1] for found in codes if found)

    async def show_code(self, challenge_id: str, code: str, *, dpop: str | None = None) -> httpx.Response:
        headers = {"DPoP": dpop} if dpop else {}
        body = {"challenge_id": challenge_id, "code": code}
        return await self.client.post("/v1/login/otp/tokens", json=body, headers=headers)

    async def sign_in(self, *, dpop: str | None = None) -> dict[str, Any]:
        challenge_id = await self.ask_for_code()
        response = await self.show_code(challenge_id, await self.read_code(), dpop=dpop)
        assert response.status_code == 200, response.text
        self.tokens = response.json()
        return self.tokens

    async def refresh(self, token: str | None = None, *, dpop: str | None = None, **form: str) -> httpx.Response:
        body = {"grant_type": "refresh_token", "refresh_token": token or self.tokens["refresh_token"]} | form
        return await self.client.post("/oauth/token", data=body, headers={"DPoP": dpop} if dpop else {})

    async def renew(self) -> None:
        response = await self.refresh()
        assert response.status_code == 200, response.text
        self.tokens |= response.json()

    async def tell_name(self, who: Resident = CITIZEN, /, **changes: str) -> httpx.Response:
        body = {"name": who.name, "document_number": who.document_number} | changes
        return await self.client.post("/v1/me/real-name", json=body, headers=self.headers)

    async def become_known(self, who: Resident = CITIZEN) -> None:
        await self.sign_in()
        response = await self.tell_name(who)
        assert response.status_code == 200, response.text
        await self.renew()

    async def come_back(self, clock: ManualClock, who: Resident = CITIZEN) -> None:
        """As whoever is known already and has nothing but the number, a name and a document: after the wait."""
        for wait in (86_400, 0):
            await self.sign_in()
            response = await self.tell_name(who)
            clock.advance(wait)
        assert response.status_code == 200, response.text
        await self.renew()

    async def enroll_challenge(self) -> httpx.Response:
        return await self.client.post("/v1/me/devices/challenges", headers=self.headers)

    async def enroll(self, key: Key, *, name: str = "手机", **changes: Any) -> httpx.Response:
        challenge = await self.enroll_challenge()
        assert challenge.status_code == 201, challenge.text
        proof = key.device_proof(challenge.json()["nonce"])
        body = {"name": name, "public_key": key.jwk, "proof": proof} | changes
        return await self.client.post("/v1/me/devices", json=body, headers=self.headers)

    async def revoke_device(self, device_id: str) -> httpx.Response:
        return await self.client.delete(f"/v1/me/devices/{device_id}", headers=self.headers)

    async def get(self, path: str) -> httpx.Response:
        return await self.client.get(path, headers=self.headers)


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def slug_of(response: httpx.Response) -> str:
    assert response.headers["content-type"] == "application/problem+json", response.text
    return str(response.json()["type"]).removeprefix("/problems/")
