"""Sign-in of staff."""

from typing import Any

from litestar import Request, Response, Router, post
from litestar.params import JSONBody

from app.kit.errors import SuishenError
from app.kit.http import Injected, refuse
from auth.guards import public
from auth.login.password.service import PasswordLogin, SignInWithPassword
from auth.sessions.middleware import Authenticator
from auth.sessions.models import TokenPair


@post("/v1/login/password/tokens", summary="Sign in as staff", tags=["login"], status_code=200)
async def sign_in(
    request: Request[Any, Any, Any],
    data: JSONBody[SignInWithPassword],
    password_login: Injected[PasswordLogin],
    authenticator: Injected[Authenticator],
    address: Injected[str],
) -> Response[TokenPair]:
    """Username, password, and a passkey (`aal` 3) or the code of an authenticator program (`aal` 2).

    A DPoP header binds the session to its key.
    """
    jkt = authenticator.find_proof_key(request.scope)
    answer = await password_login.sign_in(data, jkt=jkt, address=address)
    if isinstance(answer, SuishenError):
        return refuse(answer, request)
    return Response(answer, headers={"Cache-Control": "no-store"})


router = Router(path="/", route_handlers=[sign_in], guards=[public])
