"""Who may call: one of these stands on every router or handler. They read the verified principal and write nothing.

Asynchronous although they await nothing: Litestar sends a plain function to a thread, which costs more than the check.
"""

from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard

from app.kit.errors import SuishenError, Unauthenticated
from app.kit.structs import Text
from auth.assurance import FRESH_SECONDS, KEY, acr_values, find_shortfall
from auth.errors import (
    IdentityLevelTooLow,
    MandateTooNarrow,
    NotYourself,
    PhoneAloneNotEnough,
    RoleMissing,
    WrongSubject,
)
from auth.mandates.scopes import may_do_item
from auth.principal import Principal, SubjectType

AnyConnection = ASGIConnection[Any, Any, Any, Any]

REAL_NAME = 2
ASKED_AT = "asked_at"
"""Where the middleware leaves, in `scope["state"]`, the time at which it looked at the token."""


async def public(_connection: AnyConnection, _handler: BaseRouteHandler) -> None:
    """Anyone may call."""


async def signed_in(connection: AnyConnection, _handler: BaseRouteHandler) -> None:
    """Anyone with a valid token: person, organization or official."""
    principal_of(connection)


def person(*, ial: int = 1, unproven: bool = False) -> Guard:
    """A natural person speaking for themself, known at least at identity level `ial`; nobody by a mandate.

    A session that stands on a phone alone, while its person is known by more, may be that of a number's new holder: it
    is let in only where `unproven` says so.
    """

    async def guard(connection: AnyConnection, _handler: BaseRouteHandler) -> None:
        principal = _subject(connection, "person")
        if principal.agent_id is not None:
            raise NotYourself
        if principal.ial < ial:
            raise IdentityLevelTooLow(required_ial=ial, ial=principal.ial)
        if not unproven:
            _refuse_phone_alone(principal)

    return guard


async def organization_agent(connection: AnyConnection, _handler: BaseRouteHandler) -> None:
    """A real-named person who has switched to an organization, in whatever part they act for it."""
    principal = _subject(connection, "organization")
    if principal.ial < REAL_NAME:
        raise IdentityLevelTooLow(required_ial=REAL_NAME, ial=principal.ial)


def organization_agent_for(item: str) -> Guard:
    """As `organization_agent`, whose mandate is for this item of business."""

    async def guard(connection: AnyConnection, handler: BaseRouteHandler) -> None:
        await organization_agent(connection, handler)
        if not may_do_item(principal_of(connection).scopes, item):
            raise MandateTooNarrow(item=item)

    return guard


async def citizen(connection: AnyConnection, handler: BaseRouteHandler) -> None:
    """A person, for themself or for an organization; not staff, and not on the strength of a phone alone."""
    await claimant(connection, handler)
    _refuse_phone_alone(principal_of(connection))


async def claimant(connection: AnyConnection, _handler: BaseRouteHandler) -> None:
    """As `citizen`, also one who has shown no more than a phone: for the ways to show more."""
    principal = principal_of(connection)
    if principal.subject_type == "official":
        raise WrongSubject
    if principal.subject_type == "person" and principal.agent_id is not None:
        raise NotYourself


async def oneself(connection: AnyConnection, _handler: BaseRouteHandler) -> None:
    """A person or a member of staff, and nobody's agent: for what opens an account."""
    principal = principal_of(connection)
    if principal.subject_type == "organization" or principal.agent_id is not None:
        raise WrongSubject(needed="oneself")


def official(*roles: str) -> Guard:
    """A member of staff who has at least one of `roles`; with no roles named, any member of staff."""

    async def guard(connection: AnyConnection, _handler: BaseRouteHandler) -> None:
        principal = _subject(connection, "official")
        if roles and principal.roles.isdisjoint(roles):
            raise RoleMissing(needed=sorted(roles))

    return guard


def stepped_up(*, aal: int = 2, within_seconds: int = FRESH_SECONDS, ial: int = 1) -> Guard:
    """Whoever proved themself this well and this lately; stands beside a guard that says who, never alone.

    Else `StepUpRequired` with `acr_values` and `max_age`: `POST /v1/login/step-up/…` gives a token that is enough.
    """

    async def guard(connection: AnyConnection, _handler: BaseRouteHandler) -> None:
        asked_at = connection.scope["state"][ASKED_AT]
        principal = principal_of(connection)
        shortfall = find_shortfall(principal, aal=aal, within_seconds=within_seconds, ial=ial, now=asked_at)
        if shortfall is not None:
            raise shortfall

    return guard


def principal_of(connection: AnyConnection) -> Principal:
    """The verified caller; raises `Unauthenticated`, with the reason the middleware found, when there is none."""
    caller = connection.scope.get("user")
    if isinstance(caller, Principal):
        return caller
    refusal = connection.scope.get("auth")
    raise refusal if isinstance(refusal, SuishenError) else Unauthenticated(_NO_TOKEN)


_NO_TOKEN = Text(
    zh="请求没有带访问令牌（Authorization 头）。", en="The request carries no access token (Authorization header)."
)


def _subject(connection: AnyConnection, subject_type: SubjectType) -> Principal:
    principal = principal_of(connection)
    if principal.subject_type != subject_type:
        raise WrongSubject(needed=subject_type)
    return principal


def _refuse_phone_alone(principal: Principal) -> None:
    if principal.unproven:
        raise PhoneAloneNotEnough(acr_values=acr_values(aal=KEY), max_age=FRESH_SECONDS)
