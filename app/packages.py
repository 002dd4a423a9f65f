"""Joins the packages: each gets its settings and what it needs of the others, through the ports it declared."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from litestar import Router
from litestar.di import Provide
from litestar.types import ASGIApp, Middleware

import auth.wiring
from app.kit.floor import Floor
from app.kit.jobs import Job
from app.kit.structs import Text
from app.settings import Settings
from auth.settings import AuthSettings
from auth.wiring import AuthServices


@dataclass(frozen=True, kw_only=True)
class Packages:
    """What the front door needs of all packages together."""

    auth: AuthServices
    routers: list[Router]
    jobs: list[Job]
    middleware: list[Middleware]
    dependencies: dict[str, Provide]
    closers: list[Callable[[], Awaitable[None]]]
    wrap: Callable[[ASGIApp], ASGIApp]


def build_packages(floor: Floor, settings: Settings) -> Packages:
    """All packages on one floor, unopened."""
    auth_services = auth.wiring.build_auth(floor, _auth_settings(settings))
    return Packages(
        auth=auth_services,
        routers=[*auth.wiring.routers(auth_services)],
        jobs=[*auth.wiring.background(floor, auth_services)],
        middleware=[auth_services.middleware],
        dependencies=auth.wiring.dependencies(),
        closers=[auth_services.close],
        wrap=lambda inner: inner,
    )


def _auth_settings(settings: Settings) -> AuthSettings:
    return AuthSettings(
        issuer=settings.public_origin,
        brand=Text(zh=settings.brand_zh, en=settings.brand_en),
        sms_url=settings.sms_url,
        population_registry_url=settings.population_registry_url,
        enterprise_registry_url=settings.enterprise_registry_url,
        further_device_wait_seconds=settings.further_device_wait_seconds,
    )
