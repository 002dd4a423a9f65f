"""A person's phones over HTTP, and the way out for who holds a number that used to be another's."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, Router, delete, get, post
from litestar.params import FromPath, JSONBody

from app.kit.database import Connection
from app.kit.errors import SuishenError
from app.kit.http import Injected, refuse
from app.kit.idempotency import Once
from app.kit.structs import Model
from auth.guards import official, oneself, person, public
from auth.login.otp.models import ChallengeView, RequestCode
from auth.people.life.service import PersonLife
from auth.phones.counter import PhoneCounter
from auth.phones.models import (
    AskForNumber,
    AttachAtCounter,
    AttachedAtCounter,
    AttachPhone,
    DisownAccount,
    Disowned,
    PhoneChangeView,
    PhoneList,
)
from auth.phones.service import Phones
from auth.principal import Principal

AnyRequest = Request[Any, Any, Any]


class Gone(Model):
    """What is no more."""

    id: UUID


@get("/v1/me/phones", summary="My phones", tags=["me"])
async def list_my_phones(
    connection: Injected[Connection], principal: Injected[Principal], phones: Injected[Phones]
) -> PhoneList:
    """Empty in a session that stands on a phone alone: its holder may not be the person."""
    return await phones.list_phones(connection, principal)


@post("/v1/me/phones/challenges", summary="Send a code to a number I want to add", tags=["me"], status_code=202)
async def ask_for_number(
    *,
    request: AnyRequest,
    data: JSONBody[AskForNumber],
    connection: Injected[Connection],
    principal: Injected[Principal],
    phones: Injected[Phones],
    address: Injected[str],
) -> Response[ChallengeView]:
    """Needs a proof of the last minutes, by device or passkey if there is one."""
    answer = await phones.send_code(connection, principal, data.phone, address=address)
    if isinstance(answer, SuishenError):
        return refuse(answer, request)
    return Response(answer, status_code=202)


@post("/v1/me/phones", summary="Add a number, or change mine", tags=["me"])
async def attach_phone(
    *,
    request: AnyRequest,
    data: JSONBody[AttachPhone],
    connection: Injected[Connection],
    principal: Injected[Principal],
    phones: Injected[Phones],
    address: Injected[str],
) -> Response[PhoneChangeView]:
    """It waits, by default a day, and the person is told; until then it can be stopped."""
    answer = await phones.attach(connection, principal, data, address=address)
    if isinstance(answer, SuishenError):
        return refuse(answer, request)
    return Response(answer, status_code=201)


@delete("/v1/me/phones/changes/{change_id:uuid}", summary="Stop a change of phone", tags=["me"], status_code=200)
async def stop_phone_change(
    connection: Injected[Connection],
    principal: Injected[Principal],
    phones: Injected[Phones],
    once: Injected[Once],
    change_id: FromPath[UUID],
) -> Gone:
    async def act() -> Gone:
        await phones.stop_change(connection, principal, change_id)
        return Gone(id=change_id)

    return await once(Gone, act)


@delete("/v1/me/phones/{phone_id:uuid}", summary="Take a number away", tags=["me"], status_code=200)
async def detach_phone(
    connection: Injected[Connection],
    principal: Injected[Principal],
    phones: Injected[Phones],
    once: Injected[Once],
    phone_id: FromPath[UUID],
) -> Gone:
    """At once. The last way in stays."""

    async def act() -> Gone:
        await phones.detach(connection, principal, phone_id)
        return Gone(id=phone_id)

    return await once(Gone, act)


@post(
    "/v1/login/otp/disownments/challenges",
    summary="Send a code to my number, whose account is not mine",
    tags=["login"],
    status_code=202,
)
async def ask_to_disown(
    request: AnyRequest,
    data: JSONBody[RequestCode],
    connection: Injected[Connection],
    phones: Injected[Phones],
    address: Injected[str],
) -> Response[ChallengeView]:
    """The answer is the same whether the phone has an account or not."""
    answer = await phones.send_disowning_code(connection, data.phone, address=address)
    if isinstance(answer, SuishenError):
        return refuse(answer, request)
    return Response(answer, status_code=202)


@post(
    "/v1/login/otp/disownments",
    summary="Take my number from an account that is not mine",
    tags=["login"],
    status_code=200,
)
async def disown_account(
    request: AnyRequest,
    data: JSONBody[DisownAccount],
    connection: Injected[Connection],
    phones: Injected[Phones],
    address: Injected[str],
) -> Response[Disowned]:
    """For the new holder of a recycled number. The old account keeps everything but the address, and is told."""
    answer = await phones.disown(connection, data, address=address)
    if isinstance(answer, SuishenError):
        return refuse(answer, request)
    return Response(answer)


@post(
    "/v1/staff/people/phones/challenges",
    summary="Send a code to the number that somebody brought",
    tags=["staff"],
    status_code=202,
)
async def ask_at_counter(
    *,
    request: AnyRequest,
    data: JSONBody[AskForNumber],
    connection: Injected[Connection],
    principal: Injected[Principal],
    phone_counter: Injected[PhoneCounter],
    address: Injected[str],
) -> Response[ChallengeView]:
    """The person reads it out at the counter; it is good in the official's session alone."""
    answer = await phone_counter.send_code(connection, principal, data.phone, address=address)
    if isinstance(answer, SuishenError):
        return refuse(answer, request)
    return Response(answer, status_code=202)


@post("/v1/staff/people/phones", summary="Change somebody's number at a counter", tags=["staff"], status_code=200)
async def attach_at_counter(
    *,
    request: AnyRequest,
    data: JSONBody[AttachAtCounter],
    connection: Injected[Connection],
    principal: Injected[Principal],
    phone_counter: Injected[PhoneCounter],
    person_life: Injected[PersonLife],
    address: Injected[str],
) -> Response[AttachedAtCounter]:
    """Holds at once: the person stands there. They are told, also on what they had before."""
    answer = await phone_counter.attach(
        connection,
        principal,
        data,
        lambda: person_life.find_named(connection, principal, data.holder),
        address=address,
    )
    if isinstance(answer, SuishenError):
        return refuse(answer, request)
    return Response(answer)


router = Router(
    path="/",
    route_handlers=[
        Router(
            path="/",
            route_handlers=[list_my_phones, ask_for_number, attach_phone, stop_phone_change, detach_phone],
            guards=[person(unproven=True), oneself],
        ),
        Router(path="/", route_handlers=[ask_to_disown, disown_account], guards=[public]),
        Router(path="/", route_handlers=[ask_at_counter, attach_at_counter], guards=[official("counter")]),
    ],
)
