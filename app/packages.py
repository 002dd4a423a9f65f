"""Joins the packages: each gets its settings and what it needs of the others, through the ports it declared."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from litestar import Router
from litestar.di import Provide
from litestar.types import ASGIApp, Middleware

import auth.wiring
import codes.wiring
import gateway.wiring
import miniapps.wiring
from app.kit.floor import Floor
from app.kit.jobs import Job
from app.kit.structs import Text
from app.settings import Settings, SettingsInvalid
from auth.settings import AuthSettings
from auth.wiring import AuthServices
from codes.counters.wiring import CounterPorts
from codes.privacy import CodesPrivacy
from codes.records.complaints.app_hotline import AppHotline
from codes.settings import CodesSettings
from codes.wiring import CodesPorts, CodesServices
from gateway.limits.models import Limit
from gateway.privacy import GatewayPrivacy
from gateway.probing import trial_network
from gateway.settings import GatewaySettings
from gateway.uses import ServiceUses
from gateway.wiring import GatewayServices
from miniapps.calendar import CalendarInvalid, WorkingCalendar, read_calendar
from miniapps.privacy import MiniappsPrivacy
from miniapps.settings import MiniappsSettings
from miniapps.wiring import MiniappsServices
from miniapps.zones.models import ZonesInvalid, ZoneTree
from miniapps.zones.source import load_zones


@dataclass(frozen=True, kw_only=True)
class Packages:
    """What the front door needs of all packages together."""

    auth: AuthServices
    codes: CodesServices
    miniapps: MiniappsServices
    gateway: GatewayServices
    routers: list[Router]
    jobs: list[Job]
    middleware: list[Middleware]
    dependencies: dict[str, Provide]
    openers: list[Callable[[], Awaitable[None]]]  # what a worker must know before it lets anybody in
    closers: list[Callable[[], Awaitable[None]]]
    before: Callable[[ASGIApp], ASGIApp]  # what may answer in the application's place
    wrap: Callable[[ASGIApp], ASGIApp]


def build_packages(floor: Floor, settings: Settings) -> Packages:
    """All packages on one floor, unopened."""
    identity = auth.wiring.build_auth(floor, _auth_settings(settings))
    code = codes.wiring.build_codes(
        floor,
        _codes_settings(settings),
        CodesPorts(
            people=identity.people,
            devices=identity.devices,
            organizations=identity.organizations,
            officials=identity.officials,
            guardians=identity.guardians,
            acts=identity.mandate_rooms.core.acts,
            counter=CounterPorts(people=identity.people, families=identity.guardians, messages=identity.messages),
        ),
    )
    identity.devices.tell(code.grants)
    code.scanning.limiter.alert_through(identity.message_centre.alerts)
    identity.privacy.exports.add(identity.message_centre.traces)
    identity.privacy.closing.erase_with(identity.message_centre.traces)
    identity.mandates.tell(code.grants)
    identity.people_rooms.life.tell(code.counter.account_freezes)
    identity.people_rooms.life.tell_returns(code.counter.account_freezes)
    door_settings = _gateway_settings(settings)
    zones = _zones(settings)
    registry = miniapps.wiring.build_miniapps(
        floor,
        MiniappsSettings(
            issuer=settings.public_origin,
            gray_step_seconds=settings.gray_step_seconds,
            calendar=_calendar(settings),
            zones=zones,
        ),
        organizations=identity.organizations,
        policy=gateway.wiring.network_policy(door_settings),
    )
    registry.registry.tell(identity.provider.clients)
    registry.releases.tell(identity.provider.clients)
    identity.provider.clients.find_in(registry.clients)
    identity.consents.find_purposes_in(registry.clients)
    door = gateway.wiring.build_gateway(
        floor,
        door_settings,
        authenticator=identity.authenticator,
        releases=registry.releases,
        consents=identity.consents,
        people=identity.people,
        organizations=identity.organizations,
        zones=zones,
        mandates=identity.mandate_rooms,
    )
    registry.evidence.count_calls_by(door.health)
    registry.watch.alert_through(identity.message_centre.alerts)
    registry.onboarding.way.lead_through(trial_network(gateway.wiring.network_policy(door_settings)))
    registry.stewardship.tellers.speak_through(identity.message_centre.alerts, identity.messages)
    registry.stewardship.sunsets.end_consents_in(identity.consents)
    uses = ServiceUses(door.table, door.home_rooms.choices)
    registry.stewardship.ratings.find_uses_in(uses)
    registry.stewardship.scorecards.count_by(uses, door.health)
    registry.evidence.count_ratings_by(registry.stewardship.ratings)
    identity.provider.backchannel.send_through(gateway.wiring.client_network(door))
    identity.provider.keys.fetch_through(gateway.wiring.client_network(door))
    door.leaks.tell(identity.message_centre.alerts)
    if settings.hotline_app:
        hotline = AppHotline(settings.hotline_app, door.errands)
        code.record.complaints.hand_to(hotline, hotline)
    identity.provider.token_desk.record_in(door.disclosures)
    identity.privacy.join(CodesPrivacy(floor.vault))
    identity.privacy.join(GatewayPrivacy())
    identity.privacy.join(MiniappsPrivacy(floor.vault))
    return Packages(
        auth=identity,
        codes=code,
        miniapps=registry,
        gateway=door,
        routers=[
            *auth.wiring.routers(identity),
            *codes.wiring.routers(code),
            *miniapps.wiring.routers(registry),
            *gateway.wiring.routers(door),
        ],
        jobs=[
            *auth.wiring.background(floor, identity),
            *codes.wiring.background(floor, code),
            *miniapps.wiring.background(registry),
            *gateway.wiring.background(door),
        ],
        middleware=[identity.middleware],
        dependencies=auth.wiring.dependencies(),
        openers=[identity.open, code.scenario_editions.open, door.table.refresh_when_due],
        closers=[door.close, code.close, identity.close],
        before=lambda inner: codes.wiring.asgi(code, inner),
        wrap=lambda inner: gateway.wiring.asgi(door, inner),
    )


def _brand(settings: Settings) -> Text:
    return Text(zh=settings.brand_zh, en=settings.brand_en)


def _zones(settings: Settings) -> ZoneTree:
    try:
        return load_zones(settings.zones_file, settings.region)
    except ZonesInvalid as invalid:
        raise SettingsInvalid([f"SUISHEN_ZONES_FILE: {mistake}" for mistake in invalid.mistakes]) from None


def _calendar(settings: Settings) -> WorkingCalendar:
    path = Path(settings.calendar_file) if settings.calendar_file else None
    try:
        return read_calendar(path, offset=timedelta(seconds=_auth_settings(settings).city_utc_offset_seconds))
    except CalendarInvalid as mistake:
        raise SettingsInvalid([f"SUISHEN_CALENDAR_FILE: {mistake}"]) from None


def _auth_settings(settings: Settings) -> AuthSettings:
    return AuthSettings(
        issuer=settings.public_origin,
        brand=_brand(settings),
        sms_url=settings.sms_url,
        sms_second_url=settings.sms_second_url,
        sms_parts_a_day=settings.sms_parts_a_day,
        notices_a_day=settings.notices_a_day,
        voice_url=settings.voice_url,
        staff_channel_url=settings.staff_channel_url,
        demo_inbox_url=settings.demo_inbox_url,
        population_registry_url=settings.population_registry_url,
        face_service_url=settings.face_service_url,
        enterprise_registry_url=settings.enterprise_registry_url,
        national_identity_issuer=settings.national_identity_issuer,
        national_identity_client_id=settings.national_identity_client_id,
        national_identity_levels=settings.national_identity_levels,
        network_identity_url=settings.network_identity_url,
        further_device_wait_seconds=settings.further_device_wait_seconds,
        passkey_app_origins=settings.passkey_app_origins,
        trusted_proxies=settings.trusted_proxies,
    )


def _codes_settings(settings: Settings) -> CodesSettings:
    return CodesSettings(
        environment=settings.environment,
        prefix=settings.code_prefix,
        origin=settings.public_origin,
        brand=_brand(settings),
        scenarios_file=settings.scenarios_file,
        enterprise_sources=settings.enterprise_sources,
        hotline_url=settings.hotline_url,
    )


def _gateway_settings(settings: Settings) -> GatewaySettings:
    return GatewaySettings(
        issuer=settings.public_origin,
        apps_host=settings.apps_host,
        region=settings.region,
        brand=settings.brand_zh,
        allowed_upstreams=frozenset(settings.allowed_upstreams),
        limits=settings.limits,
        per_person=_a_second(settings.calls_per_person),
        per_app=_a_second(settings.calls_per_app),
        per_department=_a_second(2 * settings.calls_per_app),
        per_address=_a_second(4 * settings.calls_per_person),
        per_app_of_visitors=_a_second(max(1, settings.calls_per_app // 2)),
        traces_url=settings.traces_url,
        traces_percent=settings.traces_percent,
        trusted_proxies=settings.trusted_proxies,
        places_per_caller=max(1, settings.calls_per_person // 3),
    )


def _a_second(calls: int) -> Limit:
    return Limit(requests=calls, per_seconds=1, burst=2 * calls)
