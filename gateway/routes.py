"""The gateway's public keys: what departments verify assertions and signatures with."""

from typing import Any, Final

from litestar import Response, Router, get

from app.kit.http import Injected
from app.kit.keyring import Keyring, public_jwk
from auth.guards import public
from gateway import assertion, signature

PURPOSES: Final = (assertion.PURPOSE, signature.PURPOSE)


@get(
    "/.well-known/ssb-jwks",
    summary="Public keys for departments (JSON Web Key Set)",
    tags=["well-known"],
    sync_to_thread=False,
)
def get_department_keys(keyring: Injected[Keyring]) -> Response[dict[str, Any]]:
    """Keys of assertions and of signatures, told apart by `ssb_purpose`; each is here before it signs."""
    keys = [public_jwk(key) | {"ssb_purpose": purpose} for purpose in PURPOSES for key in keyring.all(purpose)]
    return Response({"keys": keys}, headers={"Cache-Control": "public, max-age=60"})


router = Router(path="/", route_handlers=[get_department_keys], guards=[public])
