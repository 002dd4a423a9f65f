"""The trust list and the root that it hangs from, for every verifier in and outside the city."""

from typing import Any

from litestar import Request, Response, Router, get
from litestar.di import Provide

from app.kit.database import Connection
from app.kit.etags import NOT_MODIFIED, is_current
from app.kit.http import Injected
from app.kit.keyring import public_jwk
from app.kit.structs import Model
from auth.guards import public
from codes.settings import CodesSettings
from codes.trust.models import TrustRoot
from codes.trust.reissue import Reissue, Reissues
from codes.trust.service import TrustLists

MEDIA_TYPE = 'application/cose; cose-type="cose-sign1"'
FRESH_FOR_SECONDS = 60


class ReissueList(Model):
    """Keys, never phones."""

    items: list[Reissue]
    next: str | None = None


@get(
    "/v1/trust-list",
    guards=[public],
    summary="The signed trust list",
    description="COSE_Sign1 by a list key that the root certified: version, times, keys by kind, scenario policy.",
    media_type=MEDIA_TYPE,
)
async def get_trust_list(
    request: Request[Any, Any, Any],
    connection: Injected[Connection],
    trust_lists: Injected[TrustLists],
) -> Response[bytes]:
    """The list in force; unchanged since the caller's copy: 304."""
    current = await trust_lists.current(connection)
    headers = {"ETag": current.etag, "Cache-Control": f"public, max-age={FRESH_FOR_SECONDS}"}
    if is_current(request.headers.get("if-none-match"), current.etag):
        return Response(b"", status_code=NOT_MODIFIED, headers=headers)
    return Response(current.body, headers=headers, media_type=MEDIA_TYPE)


@get(
    "/v1/trust-root",
    guards=[public],
    summary="The root keys of the trust list",
    description="Taken over once, checked by hand, and kept: a root fetched anew each time proves nothing.",
    sync_to_thread=False,
)
def get_trust_root(trust_lists: Injected[TrustLists], codes_settings: Injected[CodesSettings]) -> TrustRoot:
    """The public root keys as JSON Web Keys, with this city's environment, code prefix and host."""
    code_format = codes_settings.code_format
    return TrustRoot(
        environment=code_format.environment,
        prefix=code_format.prefix,
        host=code_format.host,
        keys=[public_jwk(root) for root in trust_lists.roots()],
    )


@get(
    "/v1/codes/reissues",
    guards=[public],
    summary="The keys whose grants phones should exchange",
    description=(
        "Empty on most days. A phone that holds a grant under one of these key ids fetches new grants at a moment that "
        "it draws from the `spread_seconds` after `announced_at`. Codes under a withdrawn key are refused already."
    ),
)
async def list_reissues(connection: Injected[Connection], reissues: Injected[Reissues]) -> Response[ReissueList]:
    """Every exchange of the last 24 hours, the oldest first."""
    found = ReissueList(items=await reissues.list_current(connection))
    return Response(found, headers={"Cache-Control": f"public, max-age={FRESH_FOR_SECONDS}"})


def trust_router(trust_lists: TrustLists, reissues: Reissues, settings: CodesSettings) -> Router:
    """The public routes over `trust_lists` and `reissues`."""
    return Router(
        path="/",
        route_handlers=[get_trust_list, get_trust_root, list_reissues],
        dependencies={
            "trust_lists": Provide(lambda: trust_lists, sync_to_thread=False),
            "reissues": Provide(lambda: reissues, sync_to_thread=False),
            "codes_settings": Provide(lambda: settings, sync_to_thread=False),
        },
        tags=["codes: trust and status"],
    )
