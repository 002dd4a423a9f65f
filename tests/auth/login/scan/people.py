"""A phone whose session is bound to its key, and what both sides of a scan do."""

import html
import re
from typing import Any

import httpx
import zxingcpp
from PIL import Image

from app.kit.clock import ManualClock
from tests.auth.phones import Key, Phone
from tests.auth.provider.city import Browser

PIXELS = 6


class BoundPhone:
    """A citizen's phone: every call proves the key that its session is bound to."""

    def __init__(self, phone: Phone, clock: ManualClock) -> None:
        self.phone = phone
        self.clock = clock
        self.key = Key()

    async def sign_in(self) -> None:
        path = "/v1/login/otp/tokens"
        await self.phone.sign_in(dpop=self.key.dpop("POST", path, self.clock.now()))

    async def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        token = self.phone.tokens["access_token"]
        proof = self.key.dpop(method, path, self.clock.now(), token=token)
        headers = {"Authorization": f"DPoP {token}", "DPoP": proof}
        return await self.phone.client.request(method, path, headers=headers, **options)

    async def scan(self, secret: str) -> httpx.Response:
        return await self.call("POST", "/v1/login/scan", json={"secret": secret})

    async def approve(self, scan_id: str) -> httpx.Response:
        return await self.call("POST", f"/v1/login/scan/{scan_id}/approval")

    async def deny(self, scan_id: str) -> httpx.Response:
        return await self.call("POST", f"/v1/login/scan/{scan_id}/denial")

    async def let_in(self, browser: Browser) -> str:
        """Scans the picture before it and says yes: the number."""
        seen = await self.scan(secret_of(browser))
        assert seen.status_code == 200, seen.text
        approved = await self.approve(seen.json()["id"])
        assert approved.status_code == 200, approved.text
        return str(approved.json()["number"])


def read_picture(page: str) -> str:
    """What a camera reads off the page, by an independent reader."""
    size = int(re.findall(r'viewBox="0 0 (\d+)', page)[0])
    image = Image.new("L", (size * PIXELS, size * PIXELS), 255)
    for x, y, length in re.findall(r"M(\d+) (\d+)h(\d+)v1", html.unescape(page)):
        left, top = int(x) * PIXELS, int(y) * PIXELS
        image.paste(0, (left, top, left + int(length) * PIXELS, top + PIXELS))
    (found,) = zxingcpp.read_barcodes(image, zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode))
    return str(found.text)


def secret_of(browser: Browser) -> str:
    return read_picture(browser.page.text).partition("#")[2]
