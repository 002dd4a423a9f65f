"""What is wrong about me, and what became of saying so."""

from uuid import UUID

from litestar import Router, get, post
from litestar.params import JSONBody

from app.kit.database import Connection
from app.kit.http import After, Injected, Limit
from app.kit.idempotency import Once
from app.kit.structs import Model
from auth.guards import REAL_NAME, person
from auth.principal import Principal
from auth.privacy.corrections.models import AskCorrection, CorrectionView
from auth.privacy.corrections.service import Corrections


class CorrectionList(Model):
    """Corrections, newest first; `next` is the `after` of the following page."""

    items: list[CorrectionView]
    next: UUID | None


@post("/v1/me/corrections", summary="Ask for a correction", tags=["me"])
async def ask_correction(
    data: JSONBody[AskCorrection],
    connection: Injected[Connection],
    principal: Injected[Principal],
    corrections: Injected[Corrections],
    once: Injected[Once],
) -> CorrectionView:
    """Sent to the authority that keeps the record, whose decision you are told and read here."""
    return await once(CorrectionView, lambda: corrections.ask_correction(connection, principal, data))


@get("/v1/me/corrections", summary="My corrections", tags=["me"])
async def list_my_corrections(
    connection: Injected[Connection],
    principal: Injected[Principal],
    corrections: Injected[Corrections],
    after: After = None,
    limit: Limit = 20,
) -> CorrectionList:
    """`pending` until the authority has it, `sent` until it decided."""
    items, following = await corrections.list_corrections(connection, principal, after=after, limit=limit)
    return CorrectionList(items=items, next=following)


router = Router(path="/", route_handlers=[ask_correction, list_my_corrections], guards=[person(ial=REAL_NAME)])
