"""Rules that every route keeps: it says who may call, what it is for, and its writes may be repeated."""

from collections.abc import Iterator
from typing import Any

import pytest
from litestar.handlers import HTTPRouteHandler

from app.main import House
from auth import guards as auth_guards
from codes.venues.scanners import guards as scanner_guards

FACTORIES = {"person", "official", "organization_agent_for"}
ON_THEIR_OWN = {
    "public",
    "signed_in",
    "oneself",
    "organization_agent",
    "citizen",
    "claimant",
    "scanner",
    "known_scanner",
}

# These have rules of their own against repetition (RFC 6749; one-time codes; the verification row; a password's count).
WITHOUT_IDEMPOTENCY_KEY = {
    "/oauth/authorize",
    "/oauth/introspect",
    "/oauth/logout",
    "/oauth/par",
    "/oauth/requests/{request_id}/assertion",
    "/oauth/requests/{request_id}/cancel",
    "/oauth/requests/{request_id}/code",
    "/oauth/requests/{request_id}/consent",
    "/oauth/requests/{request_id}/name",
    "/oauth/requests/{request_id}/network",
    "/oauth/requests/{request_id}/not-mine",
    "/oauth/requests/{request_id}/number",
    "/oauth/requests/{request_id}/passkey",
    "/oauth/requests/{request_id}/phone",
    "/oauth/requests/{request_id}/presented",
    "/oauth/requests/{request_id}/restart",
    "/oauth/requests/{request_id}/scan",
    "/oauth/revoke",
    "/oauth/token",
    "/oauth/userinfo",
    "/v1/apps/{app_id}/versions/{code}/sandbox-calls",  # what is repeated is the department's to know
    "/v1/login/otp/challenges",
    "/v1/login/otp/tokens",
    "/v1/login/otp/disownments",
    "/v1/login/otp/disownments/challenges",
    "/v1/login/passkey/challenges",
    "/v1/login/passkey/tokens",
    "/v1/login/password/tokens",
    "/v1/login/step-up/challenges",
    "/v1/login/step-up/device/tokens",
    "/v1/login/step-up/otp/challenges",
    "/v1/login/step-up/otp/tokens",
    "/v1/login/step-up/passkey/tokens",
    "/v1/login/step-up/totp/tokens",
    "/v1/login/network/challenges",
    "/v1/login/network/tokens",
    "/v1/login/upstream/challenges",
    "/v1/login/upstream/tokens",
    "/v1/me/links/network",  # another house's answer is good once
    "/v1/me/links/network/challenges",
    "/v1/me/links/upstream",
    "/v1/me/links/upstream/challenges",
    "/v1/me/phones",
    "/v1/me/phones/challenges",
    "/v1/staff/people/phones",
    "/v1/staff/people/phones/challenges",
    "/v1/me/real-name",
    "/v1/me/children",
    "/v1/me/documents",  # asks a registry between two transactions, and is harmless when repeated
    "/v1/me/face-check",  # a challenge is good once
    "/v1/unfreezing",
    "/v1/unfreezing/challenges",
    "/v1/staff/lookups",  # every look is one, and its answer is never kept
    "/v1/form-tickets/redemptions",  # signed, and a ticket is redeemed once
    "/v1/organizations",
    "/v1/organizations/{organization_id}/session",
    "/v1/me/mandates/{mandate_id}/session",
    "/v1/verifications",
    "/v1/verifications/batch",  # signed, and an entry counts once
    "/v1/verifications/documents",
    "/v1/enterprise-checks",
    "/v1/scanners/me/operator",  # signed; who signs on twice is on duty once
}


def handlers(house: House) -> Iterator[tuple[str, HTTPRouteHandler]]:
    for route in house.litestar.routes:
        for handler in getattr(route, "route_handlers", []):
            if isinstance(handler, HTTPRouteHandler) and "OPTIONS" not in handler.http_methods:
                yield route.path_format, handler


def guards_of(handler: HTTPRouteHandler) -> set[str]:
    functions = [getattr(guard, "func", guard) for guard in handler.resolve_guards()]
    return {guard.__qualname__.partition(".")[0] for guard in functions if is_ours(guard)}


def is_ours(guard: Any) -> bool:
    return guard.__module__ in {auth_guards.__name__, scanner_guards.__name__}


def test_every_route_says_who_may_call(house: House) -> None:
    silent = [
        f"{sorted(handler.http_methods)} {path}"
        for path, handler in handlers(house)
        if not guards_of(handler) & (FACTORIES | ON_THEIR_OWN)
    ]
    assert silent == []


def test_no_route_is_public_and_guarded_at_once(house: House) -> None:
    torn = [path for path, handler in handlers(house) if "public" in guards_of(handler) and len(guards_of(handler)) > 1]
    assert torn == []


def test_every_route_has_a_summary(house: House) -> None:
    assert [path for path, handler in handlers(house) if not handler.summary] == []


def test_every_write_takes_an_idempotency_key(house: House) -> None:
    careless = [
        f"{sorted(handler.http_methods)} {path}"
        for path, handler in handlers(house)
        if handler.http_methods - {"GET", "HEAD"}
        and "once" not in handler.parsed_fn_signature.parameters
        and path not in WITHOUT_IDEMPOTENCY_KEY
    ]
    assert careless == []


@pytest.mark.parametrize("name", sorted(FACTORIES | (ON_THEIR_OWN - {"scanner", "known_scanner"})))
def test_named_guards_exist(name: str) -> None:
    assert callable(getattr(auth_guards, name))
