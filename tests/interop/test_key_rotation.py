"""Signing keys rotate beside the running server, one after the other, while a client works: nothing is refused."""

import asyncio
import subprocess
import sys

import httpx
import jwt
import pytest

from app.demo.caller import Caller
from tests.interop.city import City
from tests.interop.test_mini_app import ASSERTION_TYPE, assertion

ROTATIONS = 3
BETWEEN_SECONDS = 2.0


def rotate(city: City) -> int:
    command = [sys.executable, "-m", "app.cli", "keys", "rotate", "token", "--force"]
    return subprocess.run(command, env=city.server.environment, capture_output=True, timeout=60, check=False).returncode


async def fetch_and_introspect(city: City) -> tuple[str, bool]:
    """A fresh token and what any worker says of it; each request over a connection of its own."""
    async with httpx.AsyncClient(base_url=city.issuer, timeout=20) as http:
        proof = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion(city)}
        given = await Caller(http).call(
            "POST", "/oauth/token", proven=True, data=proof | {"grant_type": "client_credentials"}
        )
    async with httpx.AsyncClient(base_url=city.issuer, timeout=20) as http:
        form = proof | {"client_assertion": assertion(city), "token": given["access_token"]}
        told = (await http.post("/oauth/introspect", data=form)).json()
    return str(jwt.get_unverified_header(given["access_token"])["kid"]), bool(told.get("active"))


@pytest.mark.timeout(180)
async def test_keys_rotate_under_load_and_nothing_is_refused(city: City) -> None:
    kids: set[str] = set()
    answers: list[bool] = []

    async def work() -> None:
        while True:
            kid, active = await fetch_and_introspect(city)
            kids.add(kid)
            answers.append(active)

    working = [asyncio.create_task(work()) for _ in range(3)]
    for _ in range(ROTATIONS):
        assert await asyncio.to_thread(rotate, city) == 0
        await asyncio.sleep(BETWEEN_SECONDS)
    for task in working:
        assert not task.done(), task.exception()
        task.cancel()
    assert all(answers)
    assert len(kids) == ROTATIONS + 1
