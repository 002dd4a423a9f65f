"""Showing one's face: to be known at identity level 3, or to wake one's own account."""

from typing import Any

from litestar import Request, Response, Router, post
from litestar.params import JSONBody
from litestar.status_codes import HTTP_200_OK, HTTP_201_CREATED

from app.kit.database import Connection
from app.kit.errors import SuishenError
from app.kit.http import Injected, refuse
from app.kit.idempotency import Once
from auth.guards import person, public
from auth.people.faces.models import FaceChallenge, FaceConfirmed, ShowFace, UnfreezeByFace, Unfrozen
from auth.people.faces.service import FaceChecks
from auth.principal import Principal

with_a_phone_alone = person(unproven=True)
"""A face is what is asked of somebody on an unseen device; the service refuses whose name nobody has checked."""


@post(
    "/v1/me/face-check/challenges",
    guards=[with_a_phone_alone],
    status_code=HTTP_201_CREATED,
    summary="Begin a face check",
    tags=["me"],
)
async def open_face_challenge(
    connection: Injected[Connection],
    principal: Injected[Principal],
    face_checks: Injected[FaceChecks],
    once: Injected[Once],
) -> Response[FaceChallenge]:
    """A challenge for the face service's program on your phone; no picture is sent to the city."""
    session_id = principal.session_id
    challenge = await once(
        FaceChallenge, lambda: face_checks.open_challenge(connection, "raise", session_id=session_id)
    )
    return _unstored(challenge, HTTP_201_CREATED)


@post(
    "/v1/me/face-check",
    guards=[with_a_phone_alone],
    status_code=HTTP_200_OK,
    summary="Show my face to be known better",
    tags=["me"],
)
async def confirm_face(
    request: Request[Any, Any, Any],
    data: JSONBody[ShowFace],
    principal: Injected[Principal],
    face_checks: Injected[FaceChecks],
) -> Response[FaceConfirmed]:
    """Takes you to identity level 3; refresh your token to carry it. Each challenge is good once.

    Also after a code alone on an unseen device, once your name was checked: it is the second proof.
    """
    answer = await face_checks.confirm_face(principal, data)
    return refuse(answer, request) if isinstance(answer, SuishenError) else Response(answer)


@post(
    "/v1/unfreezing/challenges",
    guards=[public],
    status_code=HTTP_201_CREATED,
    summary="Begin to unfreeze my account",
    tags=["sign-in"],
)
async def open_unfreezing(
    connection: Injected[Connection], face_checks: Injected[FaceChecks]
) -> Response[FaceChallenge]:
    """A challenge for the face service's program; it says nothing of whether an account exists."""
    return _unstored(await face_checks.open_challenge(connection, "unfreeze"), HTTP_201_CREATED)


@post(
    "/v1/unfreezing",
    guards=[public],
    status_code=HTTP_200_OK,
    summary="Unfreeze my account by my face",
    tags=["sign-in"],
)
async def unfreeze_by_face(
    request: Request[Any, Any, Any],
    data: JSONBody[UnfreezeByFace],
    address: Injected[str],
    face_checks: Injected[FaceChecks],
) -> Response[Unfrozen]:
    """For an account that was frozen at your own wish or for a phone that is gone; others wake at a counter.

    The devices of a phone that was lost or stolen end with it: sign in and enrol a new one.
    """
    answer = await face_checks.unfreeze(data, address=address)
    return refuse(answer, request) if isinstance(answer, SuishenError) else Response(answer)


def _unstored(challenge: FaceChallenge, status: int) -> Response[FaceChallenge]:
    return Response(challenge, status_code=status, headers={"Cache-Control": "no-store"})


router = Router(path="/", route_handlers=[open_face_challenge, confirm_face, open_unfreezing, unfreeze_by_face])
