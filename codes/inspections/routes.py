"""Inspection tasks, for officers."""

from typing import Annotated
from uuid import UUID

from litestar import Router, delete, get, post
from litestar.di import Provide
from litestar.params import FromPath, JSONBody, QueryParameter

from app.kit.database import Connection
from app.kit.http import Injected
from app.kit.idempotency import Once
from auth.guards import official
from auth.principal import Principal
from codes.inspections.models import CreateInspection, InspectionList, InspectionView
from codes.inspections.service import Inspections

inspector = official("inspector")


@post("/v1/inspections", guards=[inspector], summary="Open an inspection task")
async def open_inspection(
    data: JSONBody[CreateInspection],
    connection: Injected[Connection],
    once: Injected[Once],
    principal: Injected[Principal],
    inspections: Injected[Inspections],
) -> InspectionView:
    """At most 8 hours, for one enterprise and one scenario. The enterprise reads purpose and authority."""
    return await once(InspectionView, lambda: inspections.open(connection, principal, data))


@get("/v1/inspections", guards=[inspector], summary="My inspection tasks")
async def list_inspections(
    connection: Injected[Connection],
    principal: Injected[Principal],
    inspections: Injected[Inspections],
    after: Annotated[UUID | None, QueryParameter()] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=100)] = 50,
) -> InspectionList:
    """A page, newest first."""
    return await inspections.list_page(connection, principal, after=after, limit=limit)


@delete("/v1/inspections/{inspection_id:uuid}", guards=[inspector], status_code=200, summary="Close an inspection task")
async def close_inspection(
    inspection_id: FromPath[UUID],
    connection: Injected[Connection],
    once: Injected[Once],
    principal: Injected[Principal],
    inspections: Injected[Inspections],
) -> InspectionView:
    """No check rests on it any more."""
    return await once(InspectionView, lambda: inspections.close(connection, principal, inspection_id))


def inspection_router(inspections: Inspections) -> Router:
    """The routes over `inspections`."""
    return Router(
        path="/",
        route_handlers=[open_inspection, list_inspections, close_inspection],
        dependencies={"inspections": Provide(lambda: inspections, sync_to_thread=False)},
        tags=["codes: inspections"],
    )
