"""A person's documents: what they show themself, and what a counter records for them."""

from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.params import JSONBody
from litestar.status_codes import HTTP_200_OK

from app.kit.database import Connection
from app.kit.errors import SuishenError
from app.kit.http import Injected, refuse
from app.kit.idempotency import Once
from app.kit.structs import Model
from auth.guards import REAL_NAME, official, person, stepped_up
from auth.people.documents.models import (
    ConfirmPerson,
    DocumentChanged,
    DocumentView,
    RecordDocument,
    ShowDocument,
)
from auth.people.documents.service import Documents
from auth.people.life.models import AccountState
from auth.principal import Principal

AnyRequest = Request[Any, Any, Any]
counter = official("counter")
known = person(ial=REAL_NAME)


class DocumentList(Model):
    """All documents, the main one first; `next` is always null, since there are few."""

    items: list[DocumentView]
    next: str | None = None


@get("/v1/me/documents", guards=[known], summary="My documents", tags=["me"])
async def list_my_documents(
    connection: Injected[Connection], principal: Injected[Principal], person_documents: Injected[Documents]
) -> DocumentList:
    """Masked. A replaced one stays yours: nobody else can open an account with it."""
    return DocumentList(items=await person_documents.list_views(connection, principal.subject_id))


@post(
    "/v1/me/documents",
    guards=[known, stepped_up(aal=1)],
    status_code=HTTP_200_OK,
    summary="Show one more document of mine",
    tags=["me"],
)
async def show_document(
    request: AnyRequest,
    data: JSONBody[ShowDocument],
    principal: Injected[Principal],
    person_documents: Injected[Documents],
) -> Response[DocumentChanged]:
    """A further one, a renewed one, or the same number under a changed name: you stay the same person.

    The population registry confirms that it is yours. Needs a sign-in of the last minutes. Repeating it is harmless.
    """
    answer = await person_documents.show_document(principal, data)
    return refuse(answer, request) if isinstance(answer, SuishenError) else Response(answer)


@post(
    "/v1/staff/people/documents",
    guards=[counter],
    status_code=HTTP_200_OK,
    summary="Record somebody's further document",
    tags=["staff"],
)
async def record_document(
    *,
    request: AnyRequest,
    data: JSONBody[RecordDocument],
    connection: Injected[Connection],
    principal: Injected[Principal],
    person_documents: Injected[Documents],
    once: Injected[Once],
) -> Response[DocumentChanged]:
    """With the person and both documents at the counter; for what no registry confirms, and for a changed ID number."""
    answer: DocumentChanged | SuishenError
    answer = await once(DocumentChanged, lambda: person_documents.record_document(connection, principal, data))
    return refuse(answer, request) if isinstance(answer, SuishenError) else Response(answer)


@post(
    "/v1/staff/people/confirmations",
    guards=[counter],
    status_code=HTTP_200_OK,
    summary="Confirm somebody at the counter",
    tags=["staff"],
)
async def confirm_person(
    *,
    request: AnyRequest,
    data: JSONBody[ConfirmPerson],
    connection: Injected[Connection],
    principal: Injected[Principal],
    person_documents: Injected[Documents],
    once: Injected[Once],
) -> Response[AccountState]:
    """Face and document were compared: identity level 3 from the person's next sign-in on a device of theirs."""
    answer: AccountState | SuishenError
    answer = await once(AccountState, lambda: person_documents.confirm_person(connection, principal, data))
    return refuse(answer, request) if isinstance(answer, SuishenError) else Response(answer)


router = Router(path="/", route_handlers=[list_my_documents, show_document, record_document, confirm_person])
