"""Paper codes: the citizen asks for one, prints it again, voids it; an official does it for who stands before them."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, Router, delete, get, post
from litestar.di import Provide
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.status_codes import HTTP_200_OK, HTTP_201_CREATED

from app.kit.database import Connection
from app.kit.errors import SuishenError
from app.kit.http import After, Injected, Limit, refuse
from app.kit.idempotency import Once
from auth.guards import official, person
from auth.principal import Principal
from codes.pictures.answers import ShowsPicture, picture_response
from codes.pictures.studio import PictureForm
from codes.showing.paper.cards import PaperCards
from codes.showing.paper.models import (
    IssueAtCounter,
    IssuePaperCode,
    PaperCodeList,
    PaperCodeSummary,
    PaperCodeView,
    VoidAtCounter,
    VoidedView,
)
from codes.showing.paper.service import PaperCodes

REAL_NAME = 2
own = person(ial=REAL_NAME)
counter = official("counter")


@post(
    "/v1/codes/paper",
    guards=[own],
    status_code=HTTP_201_CREATED,
    summary="Get a code on paper",
    description="离线随申码: good for up to 180 days, readable with no network, accepted only after a photo check.",
)
async def issue_paper_code(
    data: JSONBody[IssuePaperCode],
    principal: Injected[Principal],
    connection: Injected[Connection],
    once: Injected[Once],
    paper_codes: Injected[PaperCodes],
) -> PaperCodeView:
    """The text of the picture, to print."""
    return await once(PaperCodeView, lambda: paper_codes.issue(connection, principal, data))


@get("/v1/codes/paper", guards=[own], summary="My codes on paper")
async def list_paper_codes(
    principal: Injected[Principal],
    connection: Injected[Connection],
    paper_codes: Injected[PaperCodes],
    after: After = None,
    limit: Limit = 20,
) -> PaperCodeList:
    """A page, latest first."""
    return await paper_codes.list_page(connection, principal, after=after, limit=limit)


@get("/v1/codes/paper/{code_id:uuid}", guards=[own], summary="A code on paper, to print it again")
async def read_paper_code(
    code_id: FromPath[UUID],
    principal: Injected[Principal],
    connection: Injected[Connection],
    paper_codes: Injected[PaperCodes],
) -> PaperCodeView:
    """Only while it counts."""
    return await paper_codes.read(connection, principal, code_id)


@get(
    "/v1/codes/paper/{code_id:uuid}/card",
    guards=[own],
    summary="The card of a code on paper",
    description="A6, with the note on the photo check. Whoever finds it learns a masked name and four characters.",
    operation_class=ShowsPicture,
)
async def draw_card(
    *,
    code_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    principal: Injected[Principal],
    cards: Injected[PaperCards],
    form: Annotated[PictureForm, QueryParameter()] = "pdf",
) -> Response[Any]:
    """For a printer."""
    return picture_response(await cards.draw(principal, code_id, form), f"paper-code-{code_id}", request)


@get(
    "/v1/codes/paper/at-counter/{code_id:uuid}/card",
    guards=[counter],
    summary="The card of a code that was just issued at the counter",
    operation_class=ShowsPicture,
)
async def draw_card_at_counter(
    *,
    code_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    principal: Injected[Principal],
    cards: Injected[PaperCards],
    form: Annotated[PictureForm, QueryParameter()] = "pdf",
) -> Response[Any]:
    """For the official who issued it, within half an hour."""
    return picture_response(await cards.draw(principal, code_id, form), f"paper-code-{code_id}", request)


@delete(
    "/v1/codes/paper/{code_id:uuid}",
    guards=[own],
    status_code=HTTP_200_OK,
    summary="Void a code on paper",
    description="On loss. Online scanners refuse it at once, offline ones when they next pull the status lists.",
)
async def void_paper_code(
    code_id: FromPath[UUID],
    principal: Injected[Principal],
    connection: Injected[Connection],
    once: Injected[Once],
    paper_codes: Injected[PaperCodes],
) -> PaperCodeSummary:
    """Voided stays voided."""
    return await once(PaperCodeSummary, lambda: paper_codes.void(connection, principal, code_id))


@post(
    "/v1/codes/paper/at-counter",
    guards=[counter],
    status_code=HTTP_201_CREATED,
    summary="Print a code on paper for who stands at the counter",
    description="The official compares face and document first. The person must be registered and real-named.",
)
async def issue_at_counter(
    *,
    request: Request[Any, Any, Any],
    data: JSONBody[IssueAtCounter],
    principal: Injected[Principal],
    connection: Injected[Connection],
    once: Injected[Once],
    paper_codes: Injected[PaperCodes],
) -> Response[PaperCodeView]:
    """The text of the picture, to print."""
    answer: PaperCodeView | SuishenError = await once(
        PaperCodeView, lambda: paper_codes.issue_at_counter(connection, principal, data)
    )
    return refuse(answer, request) if isinstance(answer, SuishenError) else Response(answer)


@post(
    "/v1/codes/paper/at-counter/voidings",
    guards=[counter],
    status_code=HTTP_201_CREATED,
    summary="Void the paper codes of who stands at the counter",
)
async def void_at_counter(
    *,
    request: Request[Any, Any, Any],
    data: JSONBody[VoidAtCounter],
    principal: Injected[Principal],
    connection: Injected[Connection],
    once: Injected[Once],
    paper_codes: Injected[PaperCodes],
) -> Response[VoidedView]:
    """All of them end."""
    answer: VoidedView | SuishenError = await once(
        VoidedView, lambda: paper_codes.void_at_counter(connection, principal, data)
    )
    return refuse(answer, request) if isinstance(answer, SuishenError) else Response(answer)


def paper_router(paper_codes: PaperCodes, cards: PaperCards) -> Router:
    """The citizen's and the counter's routes."""
    return Router(
        path="/",
        route_handlers=[
            issue_paper_code,
            list_paper_codes,
            read_paper_code,
            draw_card,
            void_paper_code,
            issue_at_counter,
            draw_card_at_counter,
            void_at_counter,
        ],
        dependencies={
            "paper_codes": Provide(lambda: paper_codes, sync_to_thread=False),
            "cards": Provide(lambda: cards, sync_to_thread=False),
        },
        tags=["codes: personal"],
    )
