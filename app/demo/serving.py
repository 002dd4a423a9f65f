"""Starts the whole product in order: port free, database up, demo city beside it, then workers until told to stop."""

import asyncio
import contextlib
from collections.abc import Callable

import msgspec

from app.boot import ground
from app.demo.city import plan_city, running_city
from app.demo.staff import appoint_staff
from app.kit.processes import ChildProcesses
from app.metrics import directory_of, forget_earlier
from app.serve import refuse_if_port_taken, serve
from app.settings import Settings, SettingsInvalid, to_environ

TARGET = "app.main:create_app"


def serve_house(settings: Settings, *, demo_city: bool, tell: Callable[[str], None]) -> None:
    """Blocks until SIGTERM or SIGINT; whatever it started is gone when it returns."""
    if demo_city and settings.production:
        raise SettingsInvalid(["--demo-city is made of stand-ins; production refuses it."])
    refuse_if_port_taken(settings.host, settings.port)
    with contextlib.ExitStack() as stack:
        complete = stack.enter_context(ground(settings, tell=tell))
        if demo_city:
            complete = _with_demo_city(stack, complete, tell)
        _with_metrics(stack, complete, tell)
        tell_where_to_look(complete, tell)
        serve(
            host=complete.host,
            port=complete.port,
            workers=complete.workers,
            target=TARGET,
            environment=to_environ(complete),
        )


def _with_demo_city(stack: contextlib.ExitStack, settings: Settings, tell: Callable[[str], None]) -> Settings:
    """Starts the city's programs and staff; a child of its own publishes the departments once the server answers."""
    complete, city = stack.enter_context(running_city(settings, plan_city(), tell=tell))
    asyncio.run(appoint_staff(complete))
    ports = {name: program.port for name, program in city.departments.items()}
    children = stack.enter_context(ChildProcesses(logs=complete.data_directory / "logs"))
    arguments = [msgspec.json.encode(ports).decode()]
    children.start("fill", "app.demo.fill", arguments, environment=to_environ(complete))
    return complete


def _with_metrics(stack: contextlib.ExitStack, settings: Settings, tell: Callable[[str], None]) -> None:
    """The listener is a process of its own, so that no thread lives beside the workers' forks."""
    if not settings.metrics_listen:
        return
    host, _, port = settings.metrics_listen.rpartition(":")
    refuse_if_port_taken(host, int(port), setting="SUISHEN_METRICS_LISTEN")
    forget_earlier(directory_of(settings))
    children = stack.enter_context(ChildProcesses(logs=settings.data_directory / "logs"))
    children.start(
        "metrics",
        "app.metrics",
        ready=f"tcp://{settings.metrics_listen}",
        environment=to_environ(settings),
        kept=True,
    )
    tell(f"Metrics at http://{settings.metrics_listen}/metrics, for who shows the token.")


def tell_where_to_look(settings: Settings, tell: Callable[[str], None]) -> None:
    """The addresses a person opens next."""
    tell(f"\n  {settings.brand_zh} {settings.brand_en}: {settings.public_origin}")
    tell(f"  接口文档 API reference:  {settings.public_origin}/reference")
    if not settings.production:
        tell(f"  演示短信箱 demo inbox:   {settings.public_origin}/demo/inbox")
        tell(f"  演示图片 demo pictures:  {settings.public_origin}/demo/pictures   (make demo draws them)")
    tell(f"  {settings.workers} workers; Ctrl-C stops everything.\n")
