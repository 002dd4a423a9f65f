"""A citizen with a phone, a device key and passkeys, and the requests around them."""

from collections.abc import Callable
from typing import Any

import httpx
import jwt

from tests.auth.authenticator import Liar, Lies
from tests.auth.phones import ISSUER, Key, Phone

NewPhone = Callable[[str], Phone]


class Wallet:
    """One human being's ways in, over HTTP alone."""

    def __init__(self, phone: Phone) -> None:
        self.phone = phone
        self.client = phone.client
        self.authenticator = Liar()

    async def post(self, path: str, body: Any = None, *, token: str | None = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else self.phone.headers
        return await self.client.post(path, json=body, headers=headers)

    async def enrol(self, lies: Lies | None = None, *, name: str = "钥匙", token: str | None = None) -> httpx.Response:
        asked = await self.post("/v1/me/passkeys/challenges", token=token)
        if asked.status_code != 201:
            return asked
        credential = self.authenticator.tell(lies).create(asked.json()["public_key"])
        return await self.post("/v1/me/passkeys", {"name": name, "credential": credential}, token=token)

    async def ask(self) -> dict[str, Any]:
        asked = await self.client.post("/v1/login/passkey/challenges")
        assert asked.status_code == 201, asked.text
        options: dict[str, Any] = asked.json()["public_key"]
        return options

    async def show(self, credential: dict[str, Any], **headers: str) -> httpx.Response:
        return await self.client.post("/v1/login/passkey/tokens", json={"credential": credential}, headers=headers)

    async def sign_in(self, lies: Lies | None = None) -> httpx.Response:
        return await self.show(self.authenticator.tell(lies).get(await self.ask()))

    async def signed_in(self) -> "Wallet":
        answer = await self.sign_in()
        assert answer.status_code == 200, answer.text
        self.phone.tokens = answer.json()
        return self

    async def step_up_by_passkey(self, lies: Lies | None = None, *, token: str | None = None) -> httpx.Response:
        asked = await self.post("/v1/login/step-up/challenges", token=token)
        assert asked.status_code == 201, asked.text
        credential = self.authenticator.tell(lies).get(asked.json()["public_key"])
        return await self.post("/v1/login/step-up/passkey/tokens", {"credential": credential}, token=token)

    async def step_up_by_device(self, key: Key, *, token: str | None = None, **changes: str) -> httpx.Response:
        asked = await self.post("/v1/login/step-up/challenges", token=token)
        claims = {"nonce": asked.json()["public_key"]["challenge"], "aud": ISSUER} | changes
        proof = step_up_proof(key, claims)
        return await self.post("/v1/login/step-up/device/tokens", {"proof": proof}, token=token)

    async def step_up_by_code(self, *, token: str | None = None, code: str | None = None) -> httpx.Response:
        asked = await self.post("/v1/login/step-up/otp/challenges", token=token)
        if asked.status_code != 202:
            return asked
        body = {"challenge_id": asked.json()["challenge_id"], "code": code or await self.phone.read_code()}
        return await self.post("/v1/login/step-up/otp/tokens", body, token=token)

    async def raised(self, answer: httpx.Response) -> dict[str, Any]:
        """What the server sees in a raised token."""
        assert answer.status_code == 200, answer.text
        headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        me: dict[str, Any] = (await self.client.get("/v1/me", headers=headers)).json()
        return me


def step_up_proof(key: Key, claims: dict[str, str], *, typ: str = "step-up-proof+jwt") -> str:
    return jwt.encode(claims, key.private, algorithm="ES256", headers={"typ": typ, "jwk": key.jwk})
