"""Versions, reviews and releases: what was declared, who judged it, and what citizens are shown of it."""

from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias
from uuid import UUID

import msgspec
from msgspec import Meta

from app.kit.structs import Model, Request, Text
from miniapps.errors import ReleaseNotNewer, SelfReview, VersionNotApproved
from miniapps.manifest import Finding, Manifest
from miniapps.releases.widening import Widening, needs_consent
from miniapps.states import AppState, ReleaseState, VersionState

Verdict: TypeAlias = Literal["approved", "changes_requested", "rejected"]


class Version(Model):
    """An immutable manifest and where its judgement stands. `manifest` is canonical JSON."""

    id: UUID
    app_id: str
    code: int
    name: str
    state: VersionState
    manifest: bytes
    manifest_hash: bytes
    findings: list[Finding]
    author_id: UUID
    created_at: datetime
    submitted_by: UUID | None = None
    submitted_at: datetime | None = None
    review_due_at: datetime | None = None


class Review(Model):
    """One reviewer's judgement of one manifest, named by its hash."""

    id: UUID
    version_id: UUID
    verdict: Verdict
    reason: str
    manifest_hash: bytes
    author_id: UUID
    reviewer_id: UUID
    reviewed_at: datetime


class Release(Model):
    """A version's exposure to citizens. `percent` and `zones` are how far it has come; `stage_at` since when.

    `restores` is the earlier release whose version was taken up again; `reason` why it ended before its time.
    """

    id: UUID
    app_id: str
    version_id: UUID
    version_code: int
    state: ReleaseState
    percent: int
    created_by: UUID
    created_at: datetime
    stage_at: datetime
    zones: tuple[str, ...] = ()
    ended_at: datetime | None = None
    reason: Text | None = None
    restores: UUID | None = None


class Ending(Model):
    """What citizens read of a service that ends: when, why, and which one follows."""

    at: datetime
    reason: Text
    successor: str | None


class PublishedApp(Model):
    """A mini-app that citizens may see, for the gateway. While it is suspended they read `reason` and `fallback`.

    `trial` is the manifest on trial beside it, where one mini-app was looked for.
    """

    app_id: str
    organization_id: UUID
    organization_name: str
    state: Literal["active", "suspended"]
    reason: Text | None
    fallback: Text
    suspended_at: datetime | None
    version_code: int
    release_id: UUID
    manifest: Manifest
    ending: Ending | None = None
    trial: Manifest | None = None


class GrayApp(Model):
    """A release that only some see, for the gateway: what would be published, and whom it takes so far.

    `percent` 0 while it is internal: `testers` alone, who each accepted. No `zones`: citizens of the whole city.
    """

    app: PublishedApp
    percent: int
    zones: tuple[str, ...] = ()
    testers: frozenset[UUID] = frozenset()


class WriteReview(Request):
    """A judgement. `manifest_hash` is that of the manifest which the reviewer read: it is what they sign."""

    verdict: Verdict
    reason: Annotated[str, Meta(min_length=1, max_length=2000, pattern=r"\S")]
    manifest_hash: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]


class PublishVersion(Request):
    """Shows an approved version to citizens: a first one to everybody at once, or to testers and then step by step."""

    version_code: Annotated[int, Meta(ge=1, le=2_147_483_647)]
    to: Literal["everybody", "testers"] = "everybody"


class VersionView(Model):
    """A version as staff see it in lists and answers."""

    app_id: str
    code: int
    name: str
    state: VersionState
    manifest_hash: str
    findings: list[Finding]
    author_id: UUID
    created_at: datetime
    submitted_at: datetime | None
    review_due_at: datetime | None


class ReviewView(Model):
    """A judgement as staff see it."""

    verdict: Verdict
    reason: str
    manifest_hash: str
    reviewer_id: UUID
    reviewed_at: datetime


class VersionDetail(Model):
    """A version with the manifest to be judged, and every judgement so far.

    `widened` is all in which it asks for more than what is published now; with `needs_consent`, citizens who consented
    to that are asked anew.
    """

    version: VersionView
    manifest: dict[str, Any]
    reviews: list[ReviewView]
    widened: tuple[Widening, ...]
    needs_consent: bool


class VersionList(Model):
    """A mini-app's versions, newest first; `next` is the code to go on after."""

    items: list[VersionView]
    next: str | None


class ReleaseView(Model):
    """A release as staff see it: how far it has come, since when, and why it ended before its time."""

    id: UUID
    app_id: str
    version_code: int
    state: ReleaseState
    percent: int
    zones: tuple[str, ...]
    app_state: AppState
    created_at: datetime
    stage_at: datetime
    ended_at: datetime | None
    reason: Text | None
    restores: UUID | None


def release_view(release: Release, app_state: AppState) -> ReleaseView:
    """What staff see of `release`."""
    return ReleaseView(
        id=release.id,
        app_id=release.app_id,
        version_code=release.version_code,
        state=release.state,
        percent=release.percent,
        zones=release.zones,
        app_state=app_state,
        created_at=release.created_at,
        stage_at=release.stage_at,
        ended_at=release.ended_at,
        reason=release.reason,
        restores=release.restores,
    )


def version_view(version: Version) -> VersionView:
    """What staff see of `version`."""
    return VersionView(
        app_id=version.app_id,
        code=version.code,
        name=version.name,
        state=version.state,
        manifest_hash=version.manifest_hash.hex(),
        findings=version.findings,
        author_id=version.author_id,
        created_at=version.created_at,
        submitted_at=version.submitted_at,
        review_due_at=version.review_due_at,
    )


def review_view(review: Review) -> ReviewView:
    """What staff see of `review`."""
    return ReviewView(
        verdict=review.verdict,
        reason=review.reason,
        manifest_hash=review.manifest_hash.hex(),
        reviewer_id=review.reviewer_id,
        reviewed_at=review.reviewed_at,
    )


def version_detail(version: Version, reviews: list[Review], grown: tuple[Widening, ...]) -> VersionDetail:
    """All that a reviewer reads."""
    return VersionDetail(
        version=version_view(version),
        manifest=msgspec.json.decode(version.manifest),
        reviews=[review_view(review) for review in reviews],
        widened=grown,
        needs_consent=needs_consent(grown),
    )


def refuse_own_review(version: Version, reviewer_id: UUID) -> None:
    """Raises `SelfReview` when the reviewer wrote or submitted the version."""
    if reviewer_id in {version.author_id, version.submitted_by}:
        raise SelfReview


def refuse_release(version: Version, published_code: int | None) -> None:
    """Raises `VersionNotApproved` or `ReleaseNotNewer`; going back to an older version is another act."""
    if version.state != "approved":
        raise VersionNotApproved(state=version.state)
    if published_code is not None and version.code <= published_code:
        raise ReleaseNotNewer(published=published_code)
