"""The demo city: stand-ins for registries, sources and vendors, and four departments, each a program of its own.

Everything in it is synthetic, and all of it stops with the server.
"""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from app.demo.national import CLIENT_ID, LEVELS
from app.kit.processes import ChildProcesses, free_port
from app.kit.structs import Model
from app.settings import Settings
from miniapps.departments.desks import DeskClient, DeskSigner

PICTURES = Path("demo-output")
DEPARTMENTS = ("library", "hotline", "appointments", "chaos")
HOTLINE_APP = "cn.example.hotline"
DESKS = {"hotline": ("lead@lead", "lamps@street-lamps"), "appointments": ("door@city-hall",), "chaos": ("lab@lab",)}


class Program(Model):
    """A child process of the city: what runs it, and where it listens."""

    name: str
    module: str
    port: int

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class City(Model):
    """Where everything of the running city is."""

    departments: dict[str, Program]
    registries: Program = msgspec.field(default_factory=lambda: _stand_in("registries"))
    sources: Program = msgspec.field(default_factory=lambda: _stand_in("sources"))
    vendors: Program = msgspec.field(default_factory=lambda: _stand_in("vendors"))
    national: Program = msgspec.field(default_factory=lambda: _stand_in("national"))

    @property
    def programs(self) -> list[Program]:
        """All of them."""
        return [self.registries, self.sources, self.vendors, self.national, *self.departments.values()]


def plan_city() -> City:
    """A city on free ports."""
    return City(departments={name: department_program(name, free_port()) for name in DEPARTMENTS})


def department_program(name: str, port: int) -> Program:
    """A reference department, as a program on `port`."""
    return Program(name=name, module=f"miniapps.departments.{name}", port=port)


def _stand_in(name: str) -> Program:
    return Program(name=name, module=f"app.demo.{name}", port=free_port())


def with_city(settings: Settings, city: City) -> Settings:
    """The settings that let the server find the city. One source of enterprise checks leads nowhere, on purpose."""
    sources = {
        "emergency": f"{city.sources.address}/emergency",
        "work_safety": f"http://127.0.0.1:{free_port()}/work_safety",
        "fire": f"{city.sources.address}/fire",
    }
    return msgspec.structs.replace(
        settings,
        population_registry_url=city.registries.address,
        enterprise_registry_url=city.registries.address,
        face_service_url=city.registries.address,
        national_identity_issuer=city.national.address,
        national_identity_client_id=CLIENT_ID,
        national_identity_levels=LEVELS,
        network_identity_url=city.national.address,
        enterprise_sources=sources,
        sms_url=f"{city.vendors.address}/sms-1/messages",
        sms_second_url=f"{city.vendors.address}/sms-2/messages",
        voice_url=f"{city.vendors.address}/voice/messages",
        staff_channel_url=f"{city.vendors.address}/staff/messages",
        hotline_app=HOTLINE_APP,
        demo_inbox_url=f"{city.vendors.address}/inbox",
        allowed_upstreams=(
            *settings.allowed_upstreams,
            *(f"127.0.0.1:{program.port}" for program in city.departments.values()),
        ),
        further_device_wait_seconds=0,
        gray_step_seconds=0,
        pictures_directory=settings.pictures_directory or str(PICTURES.resolve()),
    )


@contextlib.contextmanager
def running_city(settings: Settings, city: City, *, tell: Callable[[str], None]) -> Iterator[tuple[Settings, City]]:
    """The city's programs, started side by side and stopped with the block; and the settings that know them."""
    complete = with_city(settings, city)
    with ChildProcesses(logs=settings.data_directory / "logs") as children:
        for program in city.programs:
            children.start(program.name, program.module, _arguments(program, complete))
        for program in city.programs:
            children.wait_until_ready(program.name, f"{program.address}/health")
        tell(f"Demo city: {len(city.programs)} stand-in programs are up; logs in {settings.data_directory}/logs")
        yield complete, city


def _arguments(program: Program, settings: Settings) -> list[str]:
    port = ["--port", str(program.port)]
    if program.name == "national":
        return [*port, "--city", settings.public_origin]
    if program.name not in DEPARTMENTS:
        return port
    store = settings.data_directory / "departments" / program.name
    store.mkdir(parents=True, exist_ok=True)
    desks = [argument for desk in DESKS.get(program.name, ()) for argument in ("--desk", desk)]
    return [*port, "--issuer", settings.public_origin, "--data", str(store), *desks]


def desk_of(settings: Settings, city: City, department: str, desk: str) -> DeskClient:
    """A desk of a reference department, with the key that the department made for it."""
    key = settings.data_directory / "departments" / department / "desks" / f"{desk}.json"
    return DeskClient(origin=city.departments[department].address, signer=DeskSigner.open(key))
