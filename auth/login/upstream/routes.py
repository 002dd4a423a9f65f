"""The ways in by another house over HTTP, for programs; and what a person sees and ends of their links.

Handlers that ask another house open no transaction of their own. Browsers come in by `auth.provider.authorize`.
"""

from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, Router, delete, get, post
from litestar.params import FromPath, JSONBody

from app.kit.database import Connection
from app.kit.errors import SuishenError
from app.kit.http import Injected, refuse
from app.kit.idempotency import Once
from app.kit.keyring import Keyring, public_jwk
from app.kit.structs import Model, Text
from auth.guards import oneself, person, public
from auth.login.citizens import LoginView
from auth.login.upstream.links import Links
from auth.login.upstream.models import (
    LinkList,
    LinkView,
    NationalBegun,
    NetworkBegun,
    ShowNationalAnswer,
    ShowNetworkCredential,
)
from auth.login.upstream.national import KEY_PURPOSE
from auth.login.upstream.network import NetworkLogin
from auth.login.upstream.service import PROGRAM_CALLBACK, NationalLogin
from auth.pages.frame import page, paragraph
from auth.principal import Principal
from auth.sessions.middleware import Authenticator
from auth.settings import AuthSettings

AnyRequest = Request[Any, Any, Any]
NO_STORE: Final = {"Cache-Control": "no-store"}
KEYS_LIVE: Final = "public, max-age=300"
BACK_TO_THE_APP: Final = Text(zh="请回到应用", en="Go back to the app")
OPENED_HERE: Final = Text(
    zh="这个地址应由本城市应用打开。请回到手机应用，重新开始登录。",
    en="This address belongs to the city's app. Go back to it and begin again.",
)


class KeySet(Model):
    """A JSON Web Key Set (RFC 7517, section 5)."""

    keys: list[dict[str, str]]


class Ended(Model):
    """What is no more."""

    id: UUID


@post("/v1/login/upstream/challenges", summary="Begin at the national provider", tags=["login"])
async def begin_national(
    request: AnyRequest,
    national: Injected[NationalLogin],
    authenticator: Injected[Authenticator],
    address: Injected[str],
) -> Response[NationalBegun]:
    """Where to send the citizen. With a DPoP header only the same key can bring the answer back."""
    jkt = authenticator.find_proof_key(request.scope)
    return _begun(request, await national.begin_here(jkt=jkt, address=address))


@post("/v1/login/upstream/tokens", summary="Sign in by the national identity", tags=["login"], status_code=200)
async def sign_in_national(
    *,
    request: AnyRequest,
    data: JSONBody[ShowNationalAnswer],
    national: Injected[NationalLogin],
    authenticator: Injected[Authenticator],
    address: Injected[str],
) -> Response[LoginView]:
    """Takes what stands in the address to which the provider led: `state`, `code` and `iss`. It counts once."""
    jkt = authenticator.find_proof_key(request.scope)
    return _shown(request, await national.sign_in(data, jkt=jkt, address=address))


@post("/v1/login/network/challenges", summary="Ask for a network identity", tags=["login"])
async def begin_network(
    *,
    request: AnyRequest,
    connection: Injected[Connection],
    network: Injected[NetworkLogin],
    authenticator: Injected[Authenticator],
    address: Injected[str],
) -> Response[NetworkBegun]:
    """What the national app is to make a credential for. With a DPoP header only the same key can show it."""
    jkt = authenticator.find_proof_key(request.scope)
    return _begun(request, await network.begin_here(connection, jkt=jkt, address=address))


@post("/v1/login/network/tokens", summary="Sign in by a network identity", tags=["login"], status_code=200)
async def sign_in_network(
    *,
    request: AnyRequest,
    data: JSONBody[ShowNetworkCredential],
    network: Injected[NetworkLogin],
    authenticator: Injected[Authenticator],
    address: Injected[str],
) -> Response[LoginView]:
    """The national platform judges the credential. The number is not kept."""
    jkt = authenticator.find_proof_key(request.scope)
    return _shown(request, await network.sign_in(data, jkt=jkt, address=address))


@get("/v1/me/links", summary="Which other identities open my account", tags=["me"])
async def list_links(
    connection: Injected[Connection], principal: Injected[Principal], links: Injected[Links]
) -> LinkList:
    return await links.list_links(connection, principal)


@post("/v1/me/links/upstream/challenges", summary="Begin to link the national identity", tags=["me"])
async def begin_linking_national(
    *,
    request: AnyRequest,
    principal: Injected[Principal],
    national: Injected[NationalLogin],
    address: Injected[str],
) -> Response[NationalBegun]:
    """Needs a proof of the last minutes, by device or passkey if there is one."""
    return _begun(request, await national.begin_here(jkt=None, address=address, principal=principal))


@post("/v1/me/links/upstream", summary="Link the national identity", tags=["me"])
async def link_national(
    *,
    request: AnyRequest,
    data: JSONBody[ShowNationalAnswer],
    principal: Injected[Principal],
    national: Injected[NationalLogin],
    address: Injected[str],
) -> Response[LinkView]:
    """Only in the session that began. What opens another account is refused; nothing is merged."""
    return _shown(request, await national.link(principal, data, address=address), status=201)


@post("/v1/me/links/network/challenges", summary="Begin to link a network identity", tags=["me"])
async def begin_linking_network(
    *,
    request: AnyRequest,
    connection: Injected[Connection],
    principal: Injected[Principal],
    network: Injected[NetworkLogin],
    address: Injected[str],
) -> Response[NetworkBegun]:
    """Needs a proof of the last minutes, by device or passkey if there is one."""
    return _begun(request, await network.begin_here(connection, jkt=None, address=address, principal=principal))


@post("/v1/me/links/network", summary="Link a network identity", tags=["me"])
async def link_network(
    *,
    request: AnyRequest,
    data: JSONBody[ShowNetworkCredential],
    principal: Injected[Principal],
    network: Injected[NetworkLogin],
    address: Injected[str],
) -> Response[LinkView]:
    """Only in the session that began. What opens another account is refused; nothing is merged."""
    return _shown(request, await network.link(principal, data, address=address), status=201)


@delete("/v1/me/links/{link_id:uuid}", summary="End a link", tags=["me"], status_code=200)
async def end_link(
    connection: Injected[Connection],
    principal: Injected[Principal],
    links: Injected[Links],
    once: Injected[Once],
    link_id: FromPath[UUID],
) -> Ended:
    """It opens the account no more, and sessions that began by it end. Only the holder can make it anew."""

    async def act() -> Ended:
        await links.unlink(connection, principal, link_id)
        return Ended(id=link_id)

    return await once(Ended, act)


@get("/oauth/upstream/jwks", summary="The city's keys as a client of the national provider", tags=["provider"])
async def show_client_keys(keyring: Injected[Keyring]) -> Response[KeySet]:
    """Where the national provider finds them (`jwks_uri` of its registration of the city)."""
    keys = KeySet(keys=[public_jwk(key) for key in keyring.all(KEY_PURPOSE)])
    return Response(keys, headers={"Cache-Control": KEYS_LIVE})


@get(PROGRAM_CALLBACK, summary="Where the app takes the answer", tags=["provider"], include_in_schema=False)
async def lead_back(auth_settings: Injected[AuthSettings]) -> Response[str]:
    """A browser that comes here instead of the app is told so. What stands in the address is not looked at."""
    return page(BACK_TO_THE_APP, paragraph(OPENED_HERE), brand=auth_settings.brand)


def _begun(request: AnyRequest, answer: Any) -> Response[Any]:
    return _shown(request, answer, status=201)


def _shown(request: AnyRequest, answer: Any, *, status: int = 200) -> Response[Any]:
    if isinstance(answer, SuishenError):
        return refuse(answer, request)
    return Response(answer, status_code=status, headers=NO_STORE)


router = Router(
    path="/",
    route_handlers=[
        Router(
            path="/",
            route_handlers=[
                begin_national,
                sign_in_national,
                begin_network,
                sign_in_network,
                show_client_keys,
                lead_back,
            ],
            guards=[public],
        ),
        Router(
            path="/",
            route_handlers=[
                list_links,
                begin_linking_national,
                link_national,
                begin_linking_network,
                link_network,
                end_link,
            ],
            guards=[person(), oneself],
        ),
    ],
)
