"""The sandbox over HTTP: its keys for whoever verifies, its citizens and calls for a department's developers."""

from typing import Any

from litestar import Response, Router, get, post
from litestar.params import JSONBody

from app.kit.http import Injected
from app.kit.keyring import Keyring
from auth.guards import official, public
from auth.principal import Principal
from miniapps.errors import (
    AppUnknown,
    OtherDepartment,
    RouteNotDeclared,
    SandboxAddressMissing,
    SandboxUnanswered,
    VersionUnknown,
)
from miniapps.refusals import refuses
from miniapps.registry.routes import TAGS, AppIdPath
from miniapps.releases.routes import Code
from miniapps.sandbox.keys import sandbox_jwks
from miniapps.sandbox.models import AnswerInSandbox, CallInSandbox, SandboxView
from miniapps.sandbox.service import Sandbox


@get(
    "/sandbox/.well-known/ssb-jwks",
    summary="The sandbox's public keys (JSON Web Key Set)",
    tags=["well-known"],
    guards=[public],
    sync_to_thread=False,
)
def get_sandbox_keys(sandbox_keyring: Injected[Keyring]) -> Response[dict[str, Any]]:
    """For test servers alone: what these keys sign speaks of citizens who do not exist."""
    return Response(sandbox_jwks(sandbox_keyring), headers={"Cache-Control": "public, max-age=60"})


@get(
    "/v1/sandbox",
    summary="The sandbox: its issuer, and the citizens who live there",
    tags=TAGS,
    guards=[official("developer", "reviewer", "system_admin")],
    sync_to_thread=False,
)
def show_sandbox(sandbox: Injected[Sandbox]) -> SandboxView:
    """Nobody in it exists."""
    return sandbox.describe()


@post(
    "/v1/apps/{app_id:str}/versions/{code:int}/sandbox-calls",
    summary="Call a version's test server as a synthetic citizen",
    tags=TAGS,
    status_code=200,
    guards=[official("developer")],
    responses=refuses(
        AppUnknown, VersionUnknown, OtherDepartment, SandboxAddressMissing, RouteNotDeclared, SandboxUnanswered
    ),
)
async def call_in_sandbox(
    app_id: AppIdPath,
    code: Code,
    data: JSONBody[CallInSandbox],
    principal: Injected[Principal],
    sandbox: Injected[Sandbox],
) -> AnswerInSandbox:
    """A draft will do: nothing was reviewed yet. Repeating is the department's affair, as with every call."""
    return await sandbox.call(principal, app_id, code, data)


router = Router(path="/", route_handlers=[get_sandbox_keys, show_sandbox, call_in_sandbox])
