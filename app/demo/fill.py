"""`python -m app.demo.fill PORTS`: brings the demo city's departments live on a server that has just started.

PORTS is JSON, a port for each department. Everything goes over HTTP, as a department would do it.
"""

import asyncio
import contextlib
import os
import sys
import time
from pathlib import Path

import httpx
import msgspec

from app.demo.chapters.department import bring_live
from app.demo.city import City, department_program
from app.demo.phone import Phone
from app.demo.staff import StaffRoom
from app.demo.stage import Stage
from app.demo.story import Story
from app.settings import Settings, read_settings

PATIENCE_SECONDS = 30


async def fill(settings: Settings, ports: dict[str, int]) -> None:
    """Registers, reviews and publishes each department."""
    departments = {name: department_program(name, port) for name, port in ports.items()}
    async with httpx.AsyncClient(base_url=settings.public_origin, timeout=20) as http:
        await _until_ready(http)
        stage = Stage(
            story=Story(print),
            settings=settings,
            city=City(departments=departments),
            staff=StaffRoom(settings.data_directory),
            http=http,
            pictures=Path(),
            citizen=Phone(http),
        )
        reviewer = await stage.staff.sign_in(http, "demo-reviewer")
        for name in departments:
            await bring_live(stage, name, reviewer)


async def _until_ready(http: httpx.AsyncClient) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            if (await http.get("/health/ready")).is_success:
                return
        await asyncio.sleep(0.1)
    raise TimeoutError("The server did not become ready.")


if __name__ == "__main__":
    asyncio.run(fill(read_settings(os.environ), msgspec.json.decode(sys.argv[1], type=dict[str, int])))
