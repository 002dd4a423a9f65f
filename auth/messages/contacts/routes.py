"""A person's trusted contacts, and who trusts them."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, Router, delete, get, post
from litestar.params import FromPath, JSONBody

from app.kit.database import Connection
from app.kit.errors import SuishenError
from app.kit.http import Injected, refuse
from app.kit.idempotency import Once
from auth.guards import person, stepped_up
from auth.messages.contacts.models import (
    ContactList,
    ContactView,
    DecideInvitation,
    InviteContact,
    TrustEnded,
    TrustList,
    TrustView,
)
from auth.messages.contacts.service import Contacts
from auth.principal import Principal


@get("/v1/me/trusted-contacts", summary="Who is told beside me", tags=["me"], guards=[person()])
async def list_my_contacts(
    connection: Injected[Connection], principal: Injected[Principal], contacts: Injected[Contacts]
) -> ContactList:
    """Those who agreed and those who have not answered."""
    return await contacts.list_contacts(connection, principal.subject_id)


@post(
    "/v1/me/trusted-contacts",
    summary="Ask somebody to be told beside me",
    tags=["me"],
    guards=[person(ial=2), stepped_up(aal=1)],
)
async def invite_contact(
    *,
    request: Request[Any, Any, Any],
    data: JSONBody[InviteContact],
    connection: Injected[Connection],
    principal: Injected[Principal],
    contacts: Injected[Contacts],
    once: Injected[Once],
) -> Response[ContactView]:
    """By their phone; the answer is the same whether it has an account or not. They have seven days.

    Needs a sign-in of the last minutes. Whoever accepts reads your notices of this weight, and can do nothing for you.
    Refusals: `phone-invalid`, `trusted-contact-oneself`, `trusted-contact-invited`, `too-many-trusted-contacts`,
    `rate-limited`, `step-up-required`.
    """
    answer: ContactView | SuishenError = await once(ContactView, lambda: contacts.invite(connection, principal, data))
    return refuse(answer, request) if isinstance(answer, SuishenError) else Response(answer, status_code=201)


@delete(
    "/v1/me/trusted-contacts/{contact_id:uuid}",
    summary="End a trust, of mine or in me",
    tags=["me"],
    status_code=200,
    guards=[person()],
)
async def end_contact(
    *,
    connection: Injected[Connection],
    principal: Injected[Principal],
    contacts: Injected[Contacts],
    once: Injected[Once],
    contact_id: FromPath[UUID],
) -> TrustEnded:
    """Either may, at any time. Who is removed is not told; who leaves, the other hears of.

    Refusal: `trusted-contact-unknown`.
    """
    return await once(TrustEnded, lambda: contacts.end(connection, principal, contact_id))


@get("/v1/me/trusted-by", summary="Who trusts me, and who asks to", tags=["me"], guards=[person()])
async def list_trust(
    connection: Injected[Connection], principal: Injected[Principal], contacts: Injected[Contacts]
) -> TrustList:
    """By their masked names."""
    return await contacts.list_trust(connection, principal.subject_id)


@post(
    "/v1/me/trusted-by/{contact_id:uuid}/decision",
    summary="Agree to be somebody's trusted contact, or not",
    tags=["me"],
    status_code=200,
    guards=[person(ial=2)],
)
async def decide_invitation(
    *,
    data: JSONBody[DecideInvitation],
    connection: Injected[Connection],
    principal: Injected[Principal],
    contacts: Injected[Contacts],
    once: Injected[Once],
    contact_id: FromPath[UUID],
) -> TrustView:
    """Only who holds the invited phone and is known by name. The other hears the answer.

    Refusal: `trusted-contact-unknown`.
    """
    return await once(TrustView, lambda: contacts.decide(connection, principal, contact_id, data))


router = Router(path="/", route_handlers=[list_my_contacts, invite_contact, end_contact, list_trust, decide_invitation])
