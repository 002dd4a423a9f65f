"""The citizen's phone, as a program: a real client of the HTTP API that keeps its keys and signs its codes itself.

It shows a code without asking anyone.
"""

import asyncio
import base64
import re
import time
from datetime import datetime
from typing import Any
from uuid import uuid4

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from app.demo.caller import Caller, public_jwk_of
from app.demo.registries import Resident
from codes.envelope.cose import Environment
from codes.envelope.presentation import Presentation, encode_presentation
from codes.envelope.profiles import ES256, Signer

GRANTS = 8
CODE_IN_MESSAGE = re.compile(r"\d{6}")


class HeldGrant:
    """A grant, the key that it was made for, and the seconds at which it has signed."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, data: bytes, expires_at: datetime) -> None:
        self.key = key
        self.data = data
        self.expires_at = expires_at
        self.signed_at: set[int] = set()


class Phone(Caller):
    """One person's phone."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        super().__init__(http)
        self.number = ""
        self.device_key = ec.generate_private_key(ec.SECP256R1())
        self.device_id = ""
        self.prefix = ""
        self.environment = Environment.DEVELOPMENT
        self._last_message = ""

    async def sign_in(self, number: str) -> dict[str, Any]:
        """Asks for a code, reads it in the demo inbox, redeems it."""
        self.number = number
        challenge = await self.request_code()
        return await self.redeem_code(challenge, await self.read_code())

    async def request_code(self) -> str:
        """The challenge that a text message was sent for."""
        self.tokens = {}
        await self.expect_message()
        answer = await self.call("POST", "/v1/login/otp/challenges", json={"phone": self.number})
        return str(answer["challenge_id"])

    async def expect_message(self) -> None:
        """From now on `read_code` waits for a message that is newer than all in the inbox."""
        self._last_message = max((message["sent_at"] for message in await self._inbox()), default="")

    async def read_code(self, *, patience_seconds: float = 10) -> str:
        """The newest code in the demo inbox, once the message has come."""
        deadline = time.monotonic() + patience_seconds
        while time.monotonic() < deadline:
            codes = [(message["sent_at"], CODE_IN_MESSAGE.search(message["text"])) for message in await self._inbox()]
            fresh = [(sent_at, found.group()) for sent_at, found in codes if found and sent_at > self._last_message]
            if fresh:
                return max(fresh)[1]
            await asyncio.sleep(0.05)
        raise TimeoutError("No text message came.")

    async def _inbox(self) -> list[dict[str, str]]:
        answer = await self.http.get("/demo/inbox.json", params={"phone": self.number})
        messages: list[dict[str, str]] = answer.json()["items"]
        return messages

    async def redeem_code(self, challenge: str, code: str) -> dict[str, Any]:
        """Signs in; the session is bound to this phone's proof key."""
        body = {"challenge_id": challenge, "code": code}
        self.tokens = await self.call("POST", "/v1/login/otp/tokens", proven=True, json=body)
        return self.tokens

    async def prove_name(self, resident: Resident) -> dict[str, Any]:
        """Real name and document, checked by the population registry; then tokens that carry it."""
        body = {
            "name": resident.name,
            "document_type": resident.document_type,
            "document_number": resident.document_number,
        }
        person: dict[str, Any] = await self.call("POST", "/v1/me/real-name", json=body)
        await self.refresh()
        return person

    async def enrol(self, name: str = "演示手机") -> dict[str, Any]:
        """A new device key, with proof that this phone holds it."""
        self.device_key = ec.generate_private_key(ec.SECP256R1())
        challenge = await self.call("POST", "/v1/me/devices/challenges")
        claims = {"nonce": challenge["nonce"], "aud": challenge["audience"]}
        proof = jwt.encode(claims, self.device_key, algorithm="ES256", headers={"typ": "device-proof+jwt"})
        body = {"name": name, "public_key": public_jwk_of(self.device_key), "proof": proof}
        device: dict[str, Any] = await self.call("POST", "/v1/me/devices", json=body)
        self.device_id = device["id"]
        return device

    async def revoke_lost_devices(self) -> None:
        """Ends every device of earlier days, whose keys are gone."""
        for device in (await self.call("GET", "/v1/me/devices"))["items"]:
            if device["state"] != "revoked":
                await self.call("DELETE", f"/v1/me/devices/{device['id']}")

    async def add_child(self, child: Resident) -> dict[str, Any]:
        """A child of this person's, confirmed by the population registry."""
        body = {"name": child.name, "document_type": child.document_type, "document_number": child.document_number}
        added: dict[str, Any] = await self.call("POST", "/v1/me/children", json=body)
        return added

    async def fetch_grants(self, on_behalf_of: str | None = None) -> list[HeldGrant]:
        """Eight grants for eight fresh keys, in one call; for a child, the device signs whom they are for."""
        root = await self.call("GET", "/v1/trust-root")
        self.prefix, self.environment = root["prefix"], Environment(root["environment"])
        keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(GRANTS)]
        claims = {
            "iss": self.device_id,
            "aud": str(self.http.base_url).rstrip("/"),
            "iat": int(time.time()),
            "jti": uuid4().hex,
            "keys": [public_jwk_of(key) for key in keys],
        }
        whom = {} if on_behalf_of is None else {"sub": on_behalf_of}
        request = jwt.encode(claims | whom, self.device_key, algorithm="ES256", headers={"typ": "grant-request+jwt"})
        body = {"request": request, "device_id": self.device_id, "on_behalf_of": on_behalf_of}
        answer = await self.call("POST", "/v1/codes/grants", json=body)
        return [
            HeldGrant(key, _bytes_of(given["grant"]), datetime.fromisoformat(given["expires_at"]))
            for key, given in zip(keys, answer["grants"], strict=True)
        ]

    def present(
        self,
        grant: HeldGrant,
        scenario: int = 0,
        *,
        age_seconds: int = 0,
        aud: str | None = None,
        cnonce: bytes | None = None,
    ) -> str:
        """The text of a code, signed on this phone; asks nobody. A grant never signs the same second twice.

        `aud` and `cnonce` are the place that was scanned and the nonce that the scanner showed, where there were any.
        """
        iat = int(time.time()) - age_seconds
        while iat in grant.signed_at:
            iat -= 1
        grant.signed_at.add(iat)
        signer = Signer(profile=ES256, private_key=grant.key)
        presentation = Presentation(iat=iat, scenario=scenario, aud=aud, cnonce=cnonce)
        return encode_presentation(grant.data, presentation, signer, self.environment, self.prefix)


def _bytes_of(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
