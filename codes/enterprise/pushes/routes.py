"""一码推送 over HTTP: departments write, approve and read receipts; enterprises read and acknowledge."""

from typing import Final
from uuid import UUID

from litestar import Router, delete, get, post, put
from litestar.di import Provide
from litestar.params import FromPath, JSONBody

from app.kit.database import Connection
from app.kit.http import After, Injected, Limit
from app.kit.idempotency import Once
from auth.guards import official, organization_agent_for, public
from auth.principal import Principal
from codes.enterprise.pushes.inbox import PushInbox
from codes.enterprise.pushes.models import (
    DescribeSubject,
    NoticeList,
    NoticeView,
    PushList,
    PushView,
    ReceiptList,
    Subject,
    TemplateList,
    TemplateView,
    WritePush,
)
from codes.enterprise.pushes.service import Pushes
from codes.enterprise.pushes.subjects import Subjects
from codes.enterprise.pushes.templates import Templates

inspector = official("inspector")
READS_NOTICES: Final = organization_agent_for("enterprise-notices")


@get("/v1/push-templates", guards=[public], summary="What departments may tell enterprises")
async def list_templates(push_templates: Injected[Templates]) -> TemplateList:
    """Every template, with the fields that a department fills in."""
    views = [
        TemplateView(slug=each.slug, names=each.names, title=each.title, body=each.body, fields=list(each.fields))
        for each in push_templates
    ]
    return TemplateList(items=views)


@post(
    "/v1/enterprise-pushes",
    guards=[inspector],
    summary="Tell enterprises something (一码推送)",
    description="A template, its fields, and an audience: named by credit codes, or described by area and trade. Its "
    "audience is fixed now; a large one waits for a second official of the department.",
)
async def write_push(
    data: JSONBody[WritePush],
    connection: Injected[Connection],
    once: Injected[Once],
    principal: Injected[Principal],
    pushes: Injected[Pushes],
) -> PushView:
    """Only enterprises that hold a code are reached. A department has so many a day."""
    return await once(PushView, lambda: pushes.write(connection, principal, data))


@get("/v1/enterprise-pushes", guards=[inspector], summary="My department's pushes")
async def list_pushes(
    connection: Injected[Connection],
    principal: Injected[Principal],
    pushes: Injected[Pushes],
    after: After = None,
    limit: Limit = 50,
) -> PushList:
    """A page, newest first; one push by itself counts its receipts."""
    return await pushes.list_page(connection, principal, after=after, limit=limit)


@get("/v1/enterprise-pushes/{push_id:uuid}", guards=[inspector], summary="One of my department's pushes")
async def get_push(
    push_id: FromPath[UUID],
    connection: Injected[Connection],
    principal: Injected[Principal],
    pushes: Injected[Pushes],
) -> PushView:
    """How many of its audience have it, and how many said that they read it."""
    return await pushes.get(connection, principal, push_id)


@post("/v1/enterprise-pushes/{push_id:uuid}/approval", guards=[inspector], summary="Approve a large push")
async def approve_push(
    push_id: FromPath[UUID],
    connection: Injected[Connection],
    once: Injected[Once],
    principal: Injected[Principal],
    pushes: Injected[Pushes],
) -> PushView:
    """By somebody of the department who did not write it."""
    return await once(PushView, lambda: pushes.approve(connection, principal, push_id))


@delete("/v1/enterprise-pushes/{push_id:uuid}", guards=[inspector], status_code=200, summary="Withdraw a push")
async def withdraw_push(
    push_id: FromPath[UUID],
    connection: Injected[Connection],
    once: Injected[Once],
    principal: Injected[Principal],
    pushes: Injected[Pushes],
) -> PushView:
    """Nobody gets it any more; who has it reads that it was withdrawn."""
    return await once(PushView, lambda: pushes.withdraw(connection, principal, push_id))


@get("/v1/enterprise-pushes/{push_id:uuid}/receipts", guards=[inspector], summary="Who has a push, and who read it")
async def list_receipts(
    *,
    push_id: FromPath[UUID],
    connection: Injected[Connection],
    principal: Injected[Principal],
    pushes: Injected[Pushes],
    after: After = None,
    limit: Limit = 50,
) -> ReceiptList:
    """A page of enterprises. Which of their people read it is not told."""
    return await pushes.list_receipts(connection, principal, push_id, after=after, limit=limit)


@get(
    "/v1/organizations/{organization_id:uuid}/pushes",
    guards=[READS_NOTICES],
    summary="What departments told this organization",
)
async def list_notices(
    *,
    organization_id: FromPath[UUID],
    connection: Injected[Connection],
    principal: Injected[Principal],
    push_inbox: Injected[PushInbox],
    after: After = None,
    limit: Limit = 50,
) -> NoticeList:
    """A page, newest first. Reading the list is no receipt."""
    return await push_inbox.list_page(connection, principal, organization_id, after=after, limit=limit)


@post(
    "/v1/organizations/{organization_id:uuid}/pushes/{push_id:uuid}/receipt",
    guards=[READS_NOTICES],
    summary="Say that a push was read",
)
async def acknowledge_push(
    *,
    organization_id: FromPath[UUID],
    push_id: FromPath[UUID],
    connection: Injected[Connection],
    once: Injected[Once],
    principal: Injected[Principal],
    push_inbox: Injected[PushInbox],
) -> NoticeView:
    """The department learns that the enterprise read it, and when; not who did."""
    return await once(NoticeView, lambda: push_inbox.acknowledge(connection, principal, organization_id, push_id))


@get(
    "/v1/organizations/{organization_id:uuid}/push-profile",
    guards=[READS_NOTICES],
    summary="As which this organization is addressed",
)
async def get_profile(
    organization_id: FromPath[UUID],
    connection: Injected[Connection],
    principal: Injected[Principal],
    push_subjects: Injected[Subjects],
) -> Subject:
    """The area of registration until the organization says better."""
    return await push_subjects.get(connection, principal, organization_id)


@put(
    "/v1/organizations/{organization_id:uuid}/push-profile",
    guards=[READS_NOTICES],
    summary="Say where this organization does business, and its trade",
)
async def describe_profile(
    *,
    organization_id: FromPath[UUID],
    data: JSONBody[DescribeSubject],
    connection: Injected[Connection],
    once: Injected[Once],
    principal: Injected[Principal],
    push_subjects: Injected[Subjects],
) -> Subject:
    """So that what departments tell others of the area and the trade reaches it too."""
    return await once(Subject, lambda: push_subjects.describe(connection, principal, organization_id, data))


def push_router(pushes: Pushes, inbox: PushInbox, subjects: Subjects, templates: Templates) -> Router:
    """The routes over pushes."""
    return Router(
        path="/",
        route_handlers=[
            list_templates,
            write_push,
            list_pushes,
            get_push,
            approve_push,
            withdraw_push,
            list_receipts,
            list_notices,
            acknowledge_push,
            get_profile,
            describe_profile,
        ],
        dependencies={
            "pushes": Provide(lambda: pushes, sync_to_thread=False),
            "push_inbox": Provide(lambda: inbox, sync_to_thread=False),
            "push_subjects": Provide(lambda: subjects, sync_to_thread=False),
            "push_templates": Provide(lambda: templates, sync_to_thread=False),
        },
        tags=["codes: pushes"],
    )
