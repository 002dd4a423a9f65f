"""Sign-in by a code sent to a phone."""

from typing import Any

from litestar import Request, Response, Router, post
from litestar.params import JSONBody

from app.kit.database import Connection
from app.kit.errors import SuishenError
from app.kit.http import Injected, refuse
from auth.guards import public
from auth.login.citizens import LoginView
from auth.login.otp.models import ChallengeView, RedeemCode, RequestCode
from auth.login.otp.service import OtpLogin
from auth.sessions.middleware import Authenticator


@post("/v1/login/otp/challenges", summary="Send a one-time code to a phone", tags=["login"], status_code=202)
async def request_code(
    request: Request[Any, Any, Any],
    data: JSONBody[RequestCode],
    connection: Injected[Connection],
    otp: Injected[OtpLogin],
    address: Injected[str],
) -> Response[ChallengeView]:
    """The answer is the same whether the phone has an account or not."""
    answer = await otp.request_code(connection, data.phone, address=address)
    if isinstance(answer, SuishenError):
        return refuse(answer, request)
    return Response(answer, status_code=202)


@post("/v1/login/otp/tokens", summary="Sign in with the code", tags=["login"], status_code=200)
async def redeem_code(
    *,
    request: Request[Any, Any, Any],
    data: JSONBody[RedeemCode],
    connection: Injected[Connection],
    otp: Injected[OtpLogin],
    authenticator: Injected[Authenticator],
    address: Injected[str],
) -> Response[LoginView]:
    """With a DPoP header the session belongs to that key, and lost answers of the token endpoint can be repeated."""
    jkt = authenticator.find_proof_key(request.scope)
    answer = await otp.redeem_code(connection, data, jkt=jkt, address=address)
    if isinstance(answer, SuishenError):
        return refuse(answer, request)
    return Response(answer, headers={"Cache-Control": "no-store"})


router = Router(path="/", route_handlers=[request_code, redeem_code], guards=[public])
