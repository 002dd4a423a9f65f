"""投诉: one tap on a record of a scan; and the desk of those who answer."""

from uuid import UUID

from litestar import Router, get, post
from litestar.di import Provide
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK

from app.kit.database import Connection
from app.kit.http import After, Injected, Limit
from app.kit.idempotency import Once
from auth.guards import citizen, official
from auth.principal import Principal
from codes.records.complaints.models import (
    AnswerComplaint,
    ComplaintCase,
    ComplaintCases,
    ComplaintList,
    ComplaintView,
    FileComplaint,
)
from codes.records.complaints.service import Complaints

# Whoever answers belongs to nobody who scans.
answering = official("audit_admin")


@post(
    "/v1/codes/complaints",
    guards=[citizen],
    summary="Complain about a scan",
    description="One tap on a record of GET /v1/codes/scans; `concern` and `text` may be left out. A second tap gives "
    "the first complaint again. It goes to the city's hotline, where there is one, without saying who filed it.",
)
async def file_complaint(
    data: JSONBody[FileComplaint],
    connection: Injected[Connection],
    once: Injected[Once],
    principal: Injected[Principal],
    complaints: Injected[Complaints],
) -> ComplaintView:
    """Raises `ScanUnknown` for a record that is not the caller's."""
    return await once(ComplaintView, lambda: complaints.file(connection, principal, data))


@get("/v1/codes/complaints", guards=[citizen], summary="My complaints")
async def list_complaints(
    connection: Injected[Connection],
    principal: Injected[Principal],
    complaints: Injected[Complaints],
    after: After = None,
    limit: Limit = 20,
) -> ComplaintList:
    """With their state and the answer; newest first."""
    return await complaints.list_own(connection, principal, after=after, limit=limit)


@get("/v1/staff/complaints", guards=[answering], summary="Complaints that wait for an answer")
async def list_open_complaints(
    connection: Injected[Connection], complaints: Injected[Complaints], after: After = None, limit: Limit = 20
) -> ComplaintCases:
    """The scan and the words, never who filed it; oldest first."""
    return await complaints.list_open(connection, after=after, limit=limit)


@post(
    "/v1/staff/complaints/{complaint_id:uuid}/answer",
    guards=[answering],
    status_code=HTTP_200_OK,
    summary="Answer a complaint",
)
async def answer_complaint(
    *,
    complaint_id: FromPath[UUID],
    data: JSONBody[AnswerComplaint],
    connection: Injected[Connection],
    once: Injected[Once],
    principal: Injected[Principal],
    complaints: Injected[Complaints],
) -> ComplaintCase:
    """Once; whoever filed it reads the answer."""
    return await once(ComplaintCase, lambda: complaints.answer(connection, principal, complaint_id, data))


def complaint_router(complaints: Complaints) -> Router:
    """The routes over `complaints`."""
    return Router(
        path="/",
        route_handlers=[file_complaint, list_complaints, list_open_complaints, answer_complaint],
        dependencies={"complaints": Provide(lambda: complaints, sync_to_thread=False)},
        tags=["codes: complaints"],
    )
