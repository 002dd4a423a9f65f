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
) -> Response[TokenPair]:
    """Username, password and the code of an authenticator program. A DPoP header binds the session to its key."""
    answer = await password_login.sign_in(data, jkt=authenticator.find_proof_key(request.scope))
    if isinstance(answer, SuishenError):
        return refuse(answer, request)
    return Response(answer, headers={"Cache-Control": "no-store"})


router = Router(path="/", route_handlers=[sign_in], guards=[public])
