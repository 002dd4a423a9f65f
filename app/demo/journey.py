"""The main journey, played from outside against a server of its own: every step is a real request, and must hold."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import msgspec

from app.boot import ground, with_data_directory
from app.demo.chapters import (
    care,
    citizen,
    codes,
    department,
    edge,
    enterprise,
    family,
    home,
    inspection,
    ladder,
    mandates,
    messages,
    offices,
    onboarding,
    people,
    places,
    privacy,
    records,
    releases,
    signon,
    trust,
    upstream,
    venues,
    waysin,
)
from app.demo.city import City, plan_city, running_city
from app.demo.phone import Phone
from app.demo.staff import StaffRoom, appoint_staff
from app.demo.stage import Stage
from app.demo.story import Story
from app.kit.processes import ChildProcesses, free_port
from app.settings import Settings, SettingsInvalid, to_environ

READY_SECONDS = 30


@dataclass(frozen=True, kw_only=True)
class RunningHouse:
    """A server that runs, and everything around it. `pid` is its main process."""

    settings: Settings
    city: City
    staff: StaffRoom
    pid: int


def play(settings: Settings, *, pictures: Path, workers: int, tell: Callable[[str], None]) -> int:
    """The exit status: 0 only if every step held. Data stay between runs, beside those of `make run`."""
    if settings.production:
        raise SettingsInvalid(["The demo is made of stand-ins; production refuses it."])
    begin = time.monotonic()
    story = Story(tell)
    with running_house(settings, pictures=pictures, workers=workers, tell=tell) as house:
        try:
            asyncio.run(_play(house, pictures, story))
        except Exception as error:  # noqa: BLE001 - whatever broke the story, a person reads which step it was
            tell(f"\nThe journey ended here: {error}")
            return 1
    tell(f"\n{story.steps} steps held in {time.monotonic() - begin:.1f} s. Pictures: {pictures.resolve()}")
    return 0


@contextlib.contextmanager
def running_house(
    settings: Settings, *, pictures: Path, workers: int, tell: Callable[[str], None], city: City | None = None
) -> Iterator[RunningHouse]:
    """A whole server on a free port with staff and a city (by default the demo's own), stopped with the block."""
    settings = with_data_directory(settings)
    port = free_port()
    settings = msgspec.structs.replace(
        settings,
        data_directory=settings.data_directory / "demo",
        port=port,
        public_origin=f"http://127.0.0.1:{port}",
        apps_host=f"apps.localhost:{port}",
        workers=workers,
        pictures_directory=str(pictures.resolve()),
        notices_a_day=10_000,  # the story is played many times a day to the same people
    )
    with (
        ground(settings, tell=tell) as grounded,
        running_city(grounded, city or plan_city(), tell=tell) as (complete, running),
        ChildProcesses(logs=complete.data_directory / "logs") as server,
    ):
        staff = asyncio.run(appoint_staff(complete))
        pid = server.start(
            "server",
            "app.demo.worker_main",
            ready=f"{complete.public_origin}/health/ready",
            environment=to_environ(complete),
            timeout_seconds=READY_SECONDS,
        )
        yield RunningHouse(settings=complete, city=running, staff=staff, pid=pid)


async def _play(house: RunningHouse, pictures: Path, story: Story) -> None:
    async with httpx.AsyncClient(base_url=house.settings.public_origin, timeout=20) as http:
        stage = Stage(
            story=story,
            settings=house.settings,
            city=house.city,
            staff=house.staff,
            http=http,
            pictures=pictures,
            citizen=Phone(http),
        )
        await citizen.play(stage)
        await codes.play(stage)
        await messages.play(stage)
        await ladder.play(stage)
        await enterprise.play(stage)
        await inspection.play(stage)
        await onboarding.play(stage)
        await department.play(stage)
        await releases.play(stage)
        await home.play(stage)
        await edge.play(stage)
        await offices.play(stage)
        await care.play(stage)
        await signon.play(stage)
        await waysin.play(stage)
        await upstream.play(stage)
        await mandates.play(stage)
        await privacy.play(stage)
        await people.play(stage)
        await family.play(stage)
        await places.play(stage)
        await trust.play(stage)
        await venues.play(stage)
        await messages.look_at_alerts(stage)
        await records.play(stage)
        await codes.revoke_device(stage)
