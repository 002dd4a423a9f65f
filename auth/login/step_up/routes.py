"""Step-up over HTTP: challenges, and the ways to answer them. Every answer is a token of its own, for five minutes."""

from typing import Any

from litestar import Request, Response, Router, post
from litestar.params import JSONBody

from app.kit.database import Connection
from app.kit.errors import SuishenError
from app.kit.http import Injected, refuse
from auth.guards import claimant, official, signed_in
from auth.login.otp.models import ChallengeView
from auth.login.step_up.models import (
    StepUpByCode,
    StepUpByDevice,
    StepUpByPasskey,
    StepUpByTotp,
    StepUpChallenge,
)
from auth.login.step_up.service import StepUps
from auth.principal import Principal
from auth.sessions.models import TokenPair

AnyRequest = Request[Any, Any, Any]


@post(
    "/v1/login/step-up/challenges", summary="What a passkey or device has to sign", tags=["login"], guards=[signed_in]
)
async def ask_for_step_up(
    connection: Injected[Connection], principal: Injected[Principal], step_ups: Injected[StepUps]
) -> Response[StepUpChallenge]:
    """Good once, and in this session."""
    challenge = await step_ups.ask(connection, principal)
    return Response(challenge, status_code=201, headers={"Cache-Control": "no-store"})


@post(
    "/v1/login/step-up/otp/challenges",
    summary="Send me a one-time code",
    tags=["login"],
    status_code=202,
    guards=[claimant],
)
async def ask_for_step_up_code(
    request: AnyRequest,
    connection: Injected[Connection],
    principal: Injected[Principal],
    step_ups: Injected[StepUps],
    address: Injected[str],
) -> Response[ChallengeView]:
    """To the caller's own phone; good in this session only, and not for signing in."""
    answer = await step_ups.send_code(connection, principal, address=address)
    if isinstance(answer, SuishenError):
        return refuse(answer, request)
    return Response(answer, status_code=202)


@post(
    "/v1/login/step-up/otp/tokens",
    summary="Confirm it is me by a one-time code",
    tags=["login"],
    status_code=200,
    guards=[claimant],
)
async def step_up_by_code(
    *,
    request: AnyRequest,
    data: JSONBody[StepUpByCode],
    connection: Injected[Connection],
    principal: Injected[Principal],
    step_ups: Injected[StepUps],
    address: Injected[str],
) -> Response[TokenPair]:
    """Fresh again, and no surer: `aal` 1, or 2 in a session that stands on an enrolled device."""
    return _answer(request, await step_ups.by_code(connection, principal, data, address=address))


@post(
    "/v1/login/step-up/device/tokens",
    summary="Confirm it is me by an enrolled device",
    tags=["login"],
    status_code=200,
    guards=[claimant],
)
async def step_up_by_device(
    *,
    request: AnyRequest,
    data: JSONBody[StepUpByDevice],
    connection: Injected[Connection],
    principal: Injected[Principal],
    step_ups: Injected[StepUps],
    address: Injected[str],
) -> Response[TokenPair]:
    """`aal` 2 at the identity level of the person."""
    return _answer(request, await step_ups.by_device(connection, principal, data.proof, address=address))


@post(
    "/v1/login/step-up/passkey/tokens",
    summary="Confirm it is me by a passkey",
    tags=["login"],
    status_code=200,
    guards=[signed_in],
)
async def step_up_by_passkey(
    *,
    request: AnyRequest,
    data: JSONBody[StepUpByPasskey],
    connection: Injected[Connection],
    principal: Injected[Principal],
    step_ups: Injected[StepUps],
    address: Injected[str],
) -> Response[TokenPair]:
    """`aal` 3 at the identity level of the person; staff too."""
    return _answer(request, await step_ups.by_passkey(connection, principal, data.credential, address=address))


@post(
    "/v1/login/step-up/totp/tokens",
    summary="Confirm it is me by my authenticator's code",
    tags=["login"],
    status_code=200,
    guards=[official()],
)
async def step_up_by_totp(
    *,
    request: AnyRequest,
    data: JSONBody[StepUpByTotp],
    connection: Injected[Connection],
    principal: Injected[Principal],
    step_ups: Injected[StepUps],
    address: Injected[str],
) -> Response[TokenPair]:
    """Of staff: fresh again at `aal` 2. Each code works once, here or at the sign-in."""
    return _answer(request, await step_ups.by_totp(connection, principal, data.totp, address=address))


def _answer(request: AnyRequest, answer: TokenPair | SuishenError) -> Response[Any]:
    if isinstance(answer, SuishenError):
        return refuse(answer, request)
    return Response(answer, headers={"Cache-Control": "no-store"})


router = Router(
    path="/",
    route_handlers=[
        ask_for_step_up,
        ask_for_step_up_code,
        step_up_by_code,
        step_up_by_device,
        step_up_by_passkey,
        step_up_by_totp,
    ],
)
