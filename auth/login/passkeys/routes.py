"""Passkeys over HTTP: signing in with one, and a holder's own."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, Router, delete, get, patch, post
from litestar.params import FromPath, JSONBody

from app.kit.database import Connection
from app.kit.errors import SuishenError
from app.kit.http import Injected, refuse
from app.kit.idempotency import Once
from app.kit.structs import Model
from auth.guards import oneself, public
from auth.login.citizens import LoginView
from auth.login.passkeys.models import (
    EnrolPasskey,
    PasskeyCreation,
    PasskeyRequest,
    PasskeyView,
    RenamePasskey,
    SignInWithPasskey,
)
from auth.login.passkeys.naming import AccountNames
from auth.login.passkeys.service import Passkeys
from auth.login.passkeys.sign_in import PasskeyLogin
from auth.principal import Principal
from auth.sessions.middleware import Authenticator


class PasskeyList(Model):
    """All of the caller's passkeys, oldest first; `next` is always null, since there are few."""

    items: list[PasskeyView]
    next: str | None = None


class PasskeyRemoved(Model):
    """Which one opens nothing any more."""

    id: UUID


@post("/v1/login/passkey/challenges", summary="What a passkey has to sign", tags=["login"])
async def ask_for_passkey(
    request: Request[Any, Any, Any],
    connection: Injected[Connection],
    passkeys: Injected[Passkeys],
    address: Injected[str],
) -> Response[PasskeyRequest]:
    """For `navigator.credentials.get()`. Names no account and no credential: the authenticator finds its own."""
    answer = await passkeys.ask(connection, address=address)
    if isinstance(answer, SuishenError):
        return refuse(answer, request)
    return Response(answer, status_code=201, headers={"Cache-Control": "no-store"})


@post("/v1/login/passkey/tokens", summary="Sign in with a passkey", tags=["login"], status_code=200)
async def sign_in_with_passkey(
    *,
    request: Request[Any, Any, Any],
    data: JSONBody[SignInWithPasskey],
    connection: Injected[Connection],
    passkey_login: Injected[PasskeyLogin],
    authenticator: Injected[Authenticator],
    address: Injected[str],
) -> Response[LoginView]:
    """Opens `aal` 3, which fades to 2 after five minutes. A DPoP header binds the session to its key."""
    jkt = authenticator.find_proof_key(request.scope)
    answer = await passkey_login.sign_in(connection, data.credential, jkt=jkt, address=address)
    if isinstance(answer, SuishenError):
        return refuse(answer, request)
    return Response(answer, headers={"Cache-Control": "no-store"})


@post("/v1/me/passkeys/challenges", summary="What a new passkey is made of", tags=["me"])
async def ask_for_new_passkey(
    connection: Injected[Connection],
    principal: Injected[Principal],
    passkeys: Injected[Passkeys],
    account_names: Injected[AccountNames],
    once: Injected[Once],
) -> PasskeyCreation:
    """For `navigator.credentials.create()`. Needs a proof of the last minutes, by device or passkey if there is one."""

    async def act() -> PasskeyCreation:
        name = await account_names.name_of(connection, principal)
        return await passkeys.ask_for_new(connection, principal, user_name=name)

    return await once(PasskeyCreation, act)


@post("/v1/me/passkeys", summary="Enrol a passkey", tags=["me"])
async def enrol_passkey(
    data: JSONBody[EnrolPasskey],
    connection: Injected[Connection],
    principal: Injected[Principal],
    passkeys: Injected[Passkeys],
    once: Injected[Once],
) -> PasskeyView:
    """Good at once; the holder is told."""
    return await once(PasskeyView, lambda: passkeys.enrol(connection, principal, data))


@get("/v1/me/passkeys", summary="My passkeys", tags=["me"])
async def list_my_passkeys(
    connection: Injected[Connection], principal: Injected[Principal], passkeys: Injected[Passkeys]
) -> PasskeyList:
    """Without names in a session that stands on a phone alone."""
    return PasskeyList(items=await passkeys.list_passkeys(connection, principal))


@patch("/v1/me/passkeys/{passkey_id:uuid}", summary="Rename a passkey", tags=["me"])
async def rename_passkey(
    *,
    data: JSONBody[RenamePasskey],
    connection: Injected[Connection],
    principal: Injected[Principal],
    passkeys: Injected[Passkeys],
    once: Injected[Once],
    passkey_id: FromPath[UUID],
) -> PasskeyView:
    return await once(PasskeyView, lambda: passkeys.rename(connection, principal, passkey_id, data.name))


@delete("/v1/me/passkeys/{passkey_id:uuid}", summary="Remove a passkey", tags=["me"], status_code=200)
async def remove_passkey(
    connection: Injected[Connection],
    principal: Injected[Principal],
    passkeys: Injected[Passkeys],
    once: Injected[Once],
    passkey_id: FromPath[UUID],
) -> PasskeyRemoved:
    """Any sign-in of the last minutes may, so that a lost key ends quickly. The holder is told."""

    async def act() -> PasskeyRemoved:
        await passkeys.remove(connection, principal, passkey_id)
        return PasskeyRemoved(id=passkey_id)

    return await once(PasskeyRemoved, act)


router = Router(
    path="/",
    route_handlers=[
        Router(path="/", route_handlers=[ask_for_passkey, sign_in_with_passkey], guards=[public]),
        Router(
            path="/",
            route_handlers=[ask_for_new_passkey, enrol_passkey, list_my_passkeys, rename_passkey, remove_passkey],
            guards=[oneself],
        ),
    ],
)
