"""Inspection tasks, for officers."""

from uuid import UUID

from litestar import Router, delete, get, post
from litestar.di import Provide
from litestar.params import FromPath, JSONBody

from app.kit.database import Connection
from app.kit.http import After, Injected, Limit
from app.kit.idempotency import Once
from auth.guards import official
from auth.principal import Principal
from codes.enterprise.inspections.joining import JointInspections
from codes.enterprise.inspections.models import (
    CreateInspection,
    InspectionList,
    InspectionView,
    InvitationList,
    JoinInspection,
)
from codes.enterprise.inspections.service import Inspections

inspector = official("inspector")


@post(
    "/v1/inspections",
    guards=[inspector],
    summary="Open an inspection task",
    description="`departments` makes it a joint one: officers of theirs join by themselves. A checklist that asks for "
    "what a connected register holds is refused by name: the task fetches that (`fetched`).",
)
async def open_inspection(
    data: JSONBody[CreateInspection],
    connection: Injected[Connection],
    once: Injected[Once],
    principal: Injected[Principal],
    inspections: Injected[Inspections],
) -> InspectionView:
    """At most 8 hours, for one enterprise. The enterprise reads purpose, authority and checklist."""
    return await once(InspectionView, lambda: inspections.open(connection, principal, data))


@get("/v1/inspections", guards=[inspector], summary="My inspection tasks")
async def list_inspections(
    connection: Injected[Connection],
    principal: Injected[Principal],
    inspections: Injected[Inspections],
    after: After = None,
    limit: Limit = 50,
) -> InspectionList:
    """A page, newest first."""
    return await inspections.list_page(connection, principal, after=after, limit=limit)


@get("/v1/inspections/invitations", guards=[inspector], summary="Joint inspections that wait for my department")
async def list_invitations(
    connection: Injected[Connection],
    principal: Injected[Principal],
    joint_inspections: Injected[JointInspections],
) -> InvitationList:
    """Those of this moment that I have not joined."""
    return await joint_inspections.list_invitations(connection, principal)


@get("/v1/inspections/{inspection_id:uuid}", guards=[inspector], summary="One of my inspection tasks")
async def get_inspection(
    inspection_id: FromPath[UUID],
    connection: Injected[Connection],
    principal: Injected[Principal],
    inspections: Injected[Inspections],
) -> InspectionView:
    """With my own scenario and authority, and whether the enterprise has met us."""
    return await inspections.get(connection, principal, inspection_id)


@post("/v1/inspections/{inspection_id:uuid}/partners", guards=[inspector], summary="Join a joint inspection")
async def join_inspection(
    *,
    inspection_id: FromPath[UUID],
    data: JSONBody[JoinInspection],
    connection: Injected[Connection],
    once: Injected[Once],
    principal: Injected[Principal],
    joint_inspections: Injected[JointInspections],
) -> InspectionView:
    """As an officer of an invited department, on an authority of its own."""
    return await once(InspectionView, lambda: joint_inspections.join(connection, principal, inspection_id, data))


@delete("/v1/inspections/{inspection_id:uuid}", guards=[inspector], status_code=200, summary="Close an inspection task")
async def close_inspection(
    inspection_id: FromPath[UUID],
    connection: Injected[Connection],
    once: Injected[Once],
    principal: Injected[Principal],
    inspections: Injected[Inspections],
) -> InspectionView:
    """No check rests on it any more, and its code counts nowhere."""
    return await once(InspectionView, lambda: inspections.close(connection, principal, inspection_id))


def inspection_router(inspections: Inspections, joint_inspections: JointInspections) -> Router:
    """The routes over tasks, led and joined."""
    return Router(
        path="/",
        route_handlers=[
            open_inspection,
            list_inspections,
            list_invitations,
            get_inspection,
            join_inspection,
            close_inspection,
        ],
        dependencies={
            "inspections": Provide(lambda: inspections, sync_to_thread=False),
            "joint_inspections": Provide(lambda: joint_inspections, sync_to_thread=False),
        },
        tags=["codes: inspections"],
    )
