"""Conformance reports over HTTP: handed in by a department, made by the city, read by whoever reviews."""

from litestar import Router, get, post
from litestar.params import JSONBody

from app.kit.database import Connection
from app.kit.http import After, Injected, Limit
from app.kit.idempotency import Once
from auth.guards import official
from auth.principal import Principal
from miniapps.conformance.models import ConformanceReport
from miniapps.conformance.records import ConformanceReportList, ConformanceReportView, ConformanceRunView
from miniapps.conformance.service import Conformance
from miniapps.errors import (
    AppUnknown,
    OtherDepartment,
    ReportInconsistent,
    ReportOnAnotherManifest,
    SandboxAddressMissing,
    VersionUnknown,
)
from miniapps.refusals import refuses
from miniapps.registry.routes import TAGS, AppIdPath
from miniapps.releases.routes import READERS, Code

LARGEST_REPORT = 256 * 1024


@post(
    "/v1/apps/{app_id:str}/versions/{code:int}/conformance",
    summary="Hand in the conformance report on a version",
    tags=TAGS,
    guards=[official("developer")],
    request_max_body_size=LARGEST_REPORT,
    responses=refuses(AppUnknown, VersionUnknown, OtherDepartment, ReportOnAnotherManifest, ReportInconsistent),
)
async def hand_in(
    *,
    app_id: AppIdPath,
    code: Code,
    data: JSONBody[ConformanceReport],
    connection: Injected[Connection],
    principal: Injected[Principal],
    conformance: Injected[Conformance],
    once: Injected[Once],
) -> ConformanceReportView:
    """What `suishen miniapp test --report report.json` wrote. It stays with the version, under its SHA-256."""
    return await once(ConformanceReportView, lambda: conformance.hand_in(connection, principal, app_id, code, data))


@get(
    "/v1/apps/{app_id:str}/versions/{code:int}/conformance",
    summary="The conformance reports on a version",
    tags=TAGS,
    guards=[READERS],
    responses=refuses(AppUnknown, VersionUnknown, OtherDepartment),
)
async def list_reports(
    *,
    app_id: AppIdPath,
    code: Code,
    connection: Injected[Connection],
    principal: Injected[Principal],
    conformance: Injected[Conformance],
    after: After = None,
    limit: Limit = 20,
) -> ConformanceReportList:
    """Newest first: what the department says itself, and what the city saw in the sandbox and every night on live."""
    return await conformance.list_reports(connection, principal, app_id, code, after=after, limit=limit)


@post(
    "/v1/apps/{app_id:str}/versions/{code:int}/conformance/runs",
    summary="Have the city try a version's test server",
    tags=TAGS,
    status_code=202,
    guards=[official("developer")],
    responses=refuses(AppUnknown, VersionUnknown, OtherDepartment, SandboxAddressMissing),
)
async def ask_for_run(
    *,
    app_id: AppIdPath,
    code: Code,
    connection: Injected[Connection],
    principal: Injected[Principal],
    conformance: Injected[Conformance],
    once: Injected[Once],
) -> ConformanceRunView:
    """By the sandbox's keys, at `base_url.sandbox`, within seconds: read the reports until it is there."""
    return await once(ConformanceRunView, lambda: conformance.ask_for_run(connection, principal, app_id, code))


router = Router(path="/", route_handlers=[hand_in, list_reports, ask_for_run])
