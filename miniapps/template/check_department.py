"""What must hold of this department before it is handed in: run it with `python check_department.py`."""

import asyncio
import json
from pathlib import Path

import aiohttp
from aiohttp import web

from miniapps.sdk import Jwks, Verifier
from miniapps.sdk.testing import TestCity
from miniapps.template.department import application

MANIFEST = Path(__file__).with_name("manifest.json")
HOST = "127.0.0.1"


async def check() -> None:
    """Starts the department, calls it as the gateway would, and as nobody should."""
    city = TestCity(app_id=json.loads(MANIFEST.read_text(encoding="utf-8"))["app_id"])
    verifier = Verifier(app_id=city.app_id, issuer=city.issuer, keys=Jwks(city.jwks()))
    runner = web.AppRunner(application(city.app_id, verifier))
    await runner.setup()
    await web.TCPSite(runner, HOST, 0).start()
    city.authority = f"{HOST}:{runner.addresses[0][1]}"
    genuine = city.sign("GET", "/hello")
    try:
        await expect("the gateway's request", city, genuine, 200)
        await expect("the same once more", city, genuine, 401)
        await expect("no proof at all", city, {}, 401)
        await expect("a request for another path", city, city.sign("GET", "/other"), 401)
        await expect("a request for nobody", city, city.sign("GET", "/hello", assertion=None), 401)
    finally:
        await runner.cleanup()


async def expect(what: str, city: TestCity, headers: dict[str, str], status: int) -> None:
    """Calls /hello; stops with a clear word when the answer is not the one expected."""
    url = f"http://{city.authority}/hello"
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
        if answer.status != status:
            raise SystemExit(f"{what}: {answer.status} instead of {status}")


if __name__ == "__main__":
    asyncio.run(check())
