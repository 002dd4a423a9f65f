"""Endings and emergencies over HTTP."""

from litestar import Router, get, post
from litestar.params import JSONBody

from app.kit.database import Connection
from app.kit.http import Injected
from app.kit.idempotency import Once
from auth.guards import official
from auth.principal import Principal
from miniapps.errors import (
    AppUnknown,
    DeletionNotDue,
    EmergencyTooLong,
    EmergencyUnknown,
    ExtensionUnknown,
    ExtensionWaits,
    OtherDepartment,
    ReceiptInvalid,
    SelfDecision,
    StateConflict,
    SuccessorUnknown,
    SunsetTooSoon,
)
from miniapps.lifecycle.emergencies import Emergencies
from miniapps.lifecycle.models import (
    AnnounceSunset,
    DecideExtension,
    DeletionView,
    EmergencyView,
    ExtensionView,
    ProposeExtension,
    ProveDeletion,
    SunsetView,
)
from miniapps.lifecycle.sunsets import Sunsets
from miniapps.refusals import refuses
from miniapps.registry.routes import TAGS, AppIdPath

READERS = official("developer", "reviewer", "system_admin", "audit_admin")


@post(
    "/v1/apps/{app_id:str}/sunset",
    summary="Announce that a mini-app ends",
    tags=TAGS,
    guards=[official("developer", "reviewer", "system_admin")],
    responses=refuses(AppUnknown, OtherDepartment, StateConflict, SunsetTooSoon, SuccessorUnknown),
)
async def announce_sunset(
    *,
    app_id: AppIdPath,
    data: JSONBody[AnnounceSunset],
    connection: Injected[Connection],
    principal: Injected[Principal],
    sunsets: Injected[Sunsets],
    once: Injected[Once],
) -> SunsetView:
    """Citizens read the notice and the successor until then; afterwards routes, sign-in and consents are gone.

    Cannot be taken back. A department tells 30 days before, unless the city chose otherwise; a reviewer may end at once
    what harms.
    """
    return await once(SunsetView, lambda: sunsets.announce(connection, principal, app_id, data))


@get(
    "/v1/apps/{app_id:str}/sunset",
    summary="How a mini-app ends",
    tags=TAGS,
    guards=[READERS],
    responses=refuses(AppUnknown, OtherDepartment, StateConflict),
)
async def get_sunset(
    app_id: AppIdPath, connection: Injected[Connection], principal: Injected[Principal], sunsets: Injected[Sunsets]
) -> SunsetView:
    """When, why, what follows, and how far it has come. Refused while nothing is announced."""
    return await sunsets.get_sunset(connection, principal, app_id)


@get(
    "/v1/apps/{app_id:str}/emergency",
    summary="Where an emergency registration stands",
    tags=TAGS,
    guards=[READERS],
    responses=refuses(AppUnknown, OtherDepartment, EmergencyUnknown),
)
async def get_emergency(
    app_id: AppIdPath,
    connection: Injected[Connection],
    principal: Injected[Principal],
    emergencies: Injected[Emergencies],
) -> EmergencyView:
    """Its law, its date, what two people said about going on, and whether the deletion is proven."""
    return await emergencies.get_emergency(connection, principal, app_id)


@post(
    "/v1/apps/{app_id:str}/emergency/extensions",
    summary="Propose to extend an emergency registration",
    tags=TAGS,
    guards=[official("reviewer")],
    responses=refuses(AppUnknown, EmergencyUnknown, EmergencyTooLong, ExtensionWaits),
)
async def propose_extension(
    *,
    app_id: AppIdPath,
    data: JSONBody[ProposeExtension],
    connection: Injected[Connection],
    principal: Injected[Principal],
    emergencies: Injected[Emergencies],
    once: Injected[Once],
) -> ExtensionView:
    """At most 180 days from now. Nothing changes until another reviewer agrees."""
    return await once(ExtensionView, lambda: emergencies.propose_extension(connection, principal, app_id, data))


@post(
    "/v1/apps/{app_id:str}/emergency/extensions/decision",
    summary="Decide on the extension that waits",
    tags=TAGS,
    status_code=200,
    guards=[official("reviewer")],
    responses=refuses(AppUnknown, EmergencyUnknown, EmergencyTooLong, ExtensionUnknown, SelfDecision),
)
async def decide_extension(
    *,
    app_id: AppIdPath,
    data: JSONBody[DecideExtension],
    connection: Injected[Connection],
    principal: Injected[Principal],
    emergencies: Injected[Emergencies],
    once: Injected[Once],
) -> ExtensionView:
    """By somebody else than who proposed it."""
    return await once(ExtensionView, lambda: emergencies.decide_extension(connection, principal, app_id, data))


@post(
    "/v1/apps/{app_id:str}/emergency/deletion",
    summary="Prove that an emergency's data is deleted",
    tags=TAGS,
    guards=[official("developer")],
    responses=refuses(AppUnknown, OtherDepartment, EmergencyUnknown, DeletionNotDue, ReceiptInvalid),
)
async def prove_deletion(
    *,
    app_id: AppIdPath,
    data: JSONBody[ProveDeletion],
    connection: Injected[Connection],
    principal: Injected[Principal],
    emergencies: Injected[Emergencies],
    once: Injected[Once],
) -> DeletionView:
    """Once, after the end: a JWS (`typ` ssb-deletion+jwt, ES256, `iss` the app id) by a key of `backend.keys`.

    It says `app_id`, `deleted_at` (Unix seconds, not before the end) and `counts`: how many of what.
    """
    return await once(DeletionView, lambda: emergencies.prove_deletion(connection, principal, app_id, data))


router = Router(
    path="/",
    route_handlers=[
        announce_sunset,
        get_sunset,
        get_emergency,
        propose_extension,
        decide_extension,
        prove_deletion,
    ],
)
