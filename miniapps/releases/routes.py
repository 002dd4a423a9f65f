"""Versions, reviews and releases over HTTP."""

from dataclasses import dataclass
from typing import Annotated, Any

from litestar import Request, Router, get, post
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType
from litestar.params import JSONBody, PathParameter, QueryParameter

from app.kit.bodies import require_json
from app.kit.database import Connection
from app.kit.http import Injected
from app.kit.idempotency import Once
from auth.guards import official
from auth.principal import Principal
from miniapps.errors import (
    AppUnknown,
    ManifestHashMismatch,
    ManifestInvalid,
    ManifestRefused,
    OtherDepartment,
    ReleaseNotNewer,
    SelfReview,
    StateConflict,
    TrialNeeded,
    TrialRunning,
    VersionNotApproved,
    VersionNotNewer,
    VersionUnknown,
)
from miniapps.manifest import LONGEST_MANIFEST
from miniapps.refusals import refuses
from miniapps.registry.routes import TAGS, AppIdPath
from miniapps.releases.models import (
    PublishVersion,
    ReleaseView,
    ReviewView,
    VersionDetail,
    VersionList,
    VersionView,
    WriteReview,
)
from miniapps.releases.reviews import Reviews
from miniapps.releases.service import Releases
from miniapps.releases.versions import Versions

READERS = official("developer", "reviewer", "system_admin", "audit_admin")
HIGHEST_CODE = 2_147_483_647
Code = Annotated[int, PathParameter(ge=1, le=HIGHEST_CODE, description="The version's code")]
After = Annotated[int | None, QueryParameter(ge=1, le=HIGHEST_CODE, description="The last code already read")]
Limit = Annotated[int, QueryParameter(ge=1, le=100)]


@dataclass
class TakesManifest(Operation):
    """Says in OpenAPI that the body is a manifest: the handler reads it byte for byte, because its hash counts."""

    def __post_init__(self) -> None:
        """Describes the body."""
        manifest = Schema(type=OpenAPIType.OBJECT, description="ssb-manifest/1, see GET /v1/manifest-schema")
        self.request_body = RequestBody(
            content={"application/json": OpenAPIMediaType(schema=manifest)},
            description="A manifest, at most 256 KiB",
            required=True,
        )


@post(
    "/v1/apps/{app_id:str}/versions",
    summary="Declare a version by its manifest",
    tags=TAGS,
    guards=[official("developer")],
    operation_class=TakesManifest,
    request_max_body_size=LONGEST_MANIFEST,
    responses=refuses(AppUnknown, OtherDepartment, ManifestInvalid, ManifestRefused, VersionNotNewer),
)
async def create_version(
    *,
    app_id: AppIdPath,
    request: Request[Any, Any, Any],
    connection: Injected[Connection],
    principal: Injected[Principal],
    versions: Injected[Versions],
    once: Injected[Once],
) -> VersionView:
    """A version never changes: to mend one, declare another with a higher code."""
    require_json(request)
    document = await request.body()
    return await once(VersionView, lambda: versions.create_version(connection, principal, app_id, document))


@get(
    "/v1/apps/{app_id:str}/versions",
    summary="A mini-app's versions",
    tags=TAGS,
    guards=[READERS],
    responses=refuses(AppUnknown, OtherDepartment),
)
async def list_versions(
    *,
    app_id: AppIdPath,
    connection: Injected[Connection],
    principal: Injected[Principal],
    versions: Injected[Versions],
    after: After = None,
    limit: Limit = 20,
) -> VersionList:
    """Newest first."""
    return await versions.list_versions(connection, principal, app_id, after=after, limit=limit)


@get(
    "/v1/apps/{app_id:str}/versions/{code:int}",
    summary="A version with its manifest and reviews",
    tags=TAGS,
    guards=[READERS],
    responses=refuses(AppUnknown, VersionUnknown, OtherDepartment),
)
async def get_version(
    app_id: AppIdPath,
    code: Code,
    connection: Injected[Connection],
    principal: Injected[Principal],
    versions: Injected[Versions],
) -> VersionDetail:
    """What a reviewer reads before judging."""
    return await versions.get_version(connection, principal, app_id, code)


@post(
    "/v1/apps/{app_id:str}/versions/{code:int}/submit",
    summary="Hand a version over for review",
    tags=TAGS,
    status_code=202,
    guards=[official("developer")],
    responses=refuses(AppUnknown, VersionUnknown, OtherDepartment, StateConflict),
)
async def submit(
    *,
    app_id: AppIdPath,
    code: Code,
    connection: Injected[Connection],
    principal: Injected[Principal],
    versions: Injected[Versions],
    once: Injected[Once],
) -> VersionView:
    """Automatic checks follow at once, outside this request: read the version until it is `reviewing`."""
    return await once(VersionView, lambda: versions.submit(connection, principal, app_id, code))


@post(
    "/v1/apps/{app_id:str}/versions/{code:int}/reviews",
    summary="Judge a version",
    tags=TAGS,
    guards=[official("reviewer")],
    responses=refuses(AppUnknown, VersionUnknown, SelfReview, StateConflict, ManifestHashMismatch),
)
async def review(
    *,
    app_id: AppIdPath,
    code: Code,
    data: JSONBody[WriteReview],
    connection: Injected[Connection],
    principal: Injected[Principal],
    reviews: Injected[Reviews],
    once: Injected[Once],
) -> ReviewView:
    """Signs the hash of the manifest that was read. Nobody judges what they wrote or submitted."""
    return await once(ReviewView, lambda: reviews.review(connection, principal, app_id, code, data))


@post(
    "/v1/apps/{app_id:str}/releases",
    summary="Release an approved version: a first one to everybody, a later one to testers",
    tags=TAGS,
    guards=[official("developer")],
    responses=refuses(
        AppUnknown,
        VersionUnknown,
        OtherDepartment,
        VersionNotApproved,
        ReleaseNotNewer,
        TrialNeeded,
        TrialRunning,
        StateConflict,
    ),
)
async def publish(
    *,
    app_id: AppIdPath,
    data: JSONBody[PublishVersion],
    connection: Injected[Connection],
    principal: Injected[Principal],
    releases: Injected[Releases],
    once: Injected[Once],
) -> ReleaseView:
    """Live on every node within two seconds, with no restart. From testers on it grows by `…/releases/{id}/steps`."""
    return await once(ReleaseView, lambda: releases.publish(connection, principal, app_id, data))


router = Router(path="/", route_handlers=[create_version, list_versions, get_version, submit, review, publish])
