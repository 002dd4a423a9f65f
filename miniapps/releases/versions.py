"""Declaring versions and handing them over: reads a manifest, refuses an unsound one, keeps a sound one for ever."""

import hashlib

import msgspec

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.errors import SuishenError
from app.kit.ids import new_id
from app.kit.outbox import Outbox
from app.kit.structs import Text
from auth.principal import Principal
from miniapps.errors import ManifestInvalid, ManifestRefused, VersionNotNewer
from miniapps.lifecycle.emergencies import Emergencies
from miniapps.manifest import (
    Finding,
    Manifest,
    ManifestUnreadable,
    canonical_bytes,
    decode_canonical,
    lint_manifest,
    parse_manifest,
    refusals,
)
from miniapps.manifest.lint import warning
from miniapps.ports import NetworkPolicy
from miniapps.registry import repository as apps
from miniapps.registry.models import App
from miniapps.registry.service import SEES_ALL, refuse_other_department
from miniapps.releases import repository
from miniapps.releases.models import Version, VersionDetail, VersionList, VersionView, version_detail, version_view
from miniapps.releases.widening import Widening, widened
from miniapps.states import VERSION
from miniapps.zones.models import ZoneTree

CHECK_TOPIC = "miniapps.check_version"
BEYOND_THE_NEWEST = 2**31 - 1


class Versions:
    """A department's versions, up to the moment when somebody else judges them."""

    def __init__(
        self, policy: NetworkPolicy, zones: ZoneTree, emergencies: Emergencies, outbox: Outbox, clock: Clock
    ) -> None:
        self._policy = policy
        self._zones = zones
        self._emergencies = emergencies
        self._outbox = outbox
        self._clock = clock

    async def create_version(
        self, connection: Connection, principal: Principal, app_id: str, document: bytes
    ) -> VersionView:
        """A draft out of a manifest document.

        Raises `AppUnknown`, `OtherDepartment`, `ManifestInvalid`, `ManifestRefused` (with every finding),
        `VersionNotNewer`, `EmergencyTooLong` and `EmergencyFixed`. Of two drafts with one code at once, one is kept.
        """
        app = await apps.get_app_locked(connection, app_id)
        refuse_other_department(principal, app.organization_id)
        manifest = _read(document)
        findings = [
            *lint_manifest(manifest),
            *_foreign(manifest, app),
            *_elsewhere(manifest, self._zones),
            *judge_spelling(manifest, self._policy),
        ]
        if refusals(findings):
            raise ManifestRefused(findings=msgspec.to_builtins(findings))
        highest = await repository.find_highest_code(connection, app_id)
        if highest is not None and manifest.version.code <= highest:
            raise VersionNotNewer(newest=highest)
        await self._emergencies.refuse_version(connection, manifest)
        version = self._draft(principal, manifest, canonical_bytes(document), findings)
        await repository.insert_version(connection, version)
        await self._record(connection, principal, "miniapp.version_created", version)
        return version_view(version)

    async def submit(self, connection: Connection, principal: Principal, app_id: str, code: int) -> VersionView:
        """Hands a draft over: it is checked after the commit, then waits for a reviewer. Raises `StateConflict`."""
        app = await apps.get_app_locked(connection, app_id)
        refuse_other_department(principal, app.organization_id)
        version = await repository.get_version(connection, app_id, code)
        VERSION.walk(version.state, "submitted")
        now = self._clock.now()
        await repository.mark_submitted(connection, version.id, principal.person_id, now)
        await self._outbox.enqueue(connection, topic=CHECK_TOPIC, payload={"app_id": app_id, "code": code}, now=now)
        await self._record(connection, principal, "miniapp.version_submitted", version)
        return version_view(msgspec.structs.replace(version, state="submitted", submitted_at=now))

    async def get_version(self, connection: Connection, principal: Principal, app_id: str, code: int) -> VersionDetail:
        """All that a reviewer reads; for the department itself, too."""
        await self._refuse_stranger(connection, principal, app_id)
        version = await repository.get_version(connection, app_id, code)
        reviews = await repository.list_reviews(connection, version.id)
        return version_detail(version, reviews, await self._widened(connection, version))

    async def list_versions(
        self, connection: Connection, principal: Principal, app_id: str, *, after: int | None, limit: int
    ) -> VersionList:
        """The mini-app's versions, newest first, from below code `after`."""
        await self._refuse_stranger(connection, principal, app_id)
        below = BEYOND_THE_NEWEST if after is None else after
        found = await repository.list_versions(connection, app_id, below, limit + 1)
        more = str(found[limit - 1].code) if len(found) > limit else None
        return VersionList(items=[version_view(version) for version in found[:limit]], next=more)

    async def _widened(self, connection: Connection, version: Version) -> tuple[Widening, ...]:
        published = await repository.find_published(connection, version.app_id)
        if published is None or published.version_code >= version.code:
            return ()
        return widened(decode_canonical(published.manifest), decode_canonical(version.manifest))

    async def _refuse_stranger(self, connection: Connection, principal: Principal, app_id: str) -> None:
        app = await apps.get_app(connection, app_id)
        if principal.roles.isdisjoint(SEES_ALL):
            refuse_other_department(principal, app.organization_id)

    def _draft(self, principal: Principal, manifest: Manifest, canonical: bytes, findings: list[Finding]) -> Version:
        return Version(
            id=new_id(),
            app_id=manifest.app_id,
            code=manifest.version.code,
            name=manifest.version.name,
            state="draft",
            manifest=canonical,
            manifest_hash=hashlib.sha256(canonical).digest(),
            findings=findings,
            author_id=principal.person_id,
            created_at=self._clock.now(),
        )

    async def _record(self, connection: Connection, principal: Principal, action: str, version: Version) -> None:
        await audit.record(
            connection,
            clock_now=self._clock.now(),
            actor=principal.actor,
            action=action,
            subject=f"miniapp:{version.app_id}",
            detail={"code": version.code, "manifest_hash": version.manifest_hash.hex()},
        )


def base_urls(manifest: Manifest) -> dict[str, str]:
    """The backend's addresses by where they stand in the document."""
    if manifest.backend is None:
        return {}
    named = {name: getattr(manifest.backend.base_url, name) for name in ("live", "gray", "sandbox")}
    return {f"/backend/base_url/{name}": url for name, url in named.items() if url is not None}


def judge_spelling(manifest: Manifest, policy: NetworkPolicy) -> list[Finding]:
    """What the operator's network policy says of the addresses as they are written."""
    findings = []
    for at, url in base_urls(manifest).items():
        try:
            policy.check(url)
        except SuishenError as refusal:
            findings.append(address_finding(at, refusal))
    return findings


def address_finding(at: str, refusal: SuishenError) -> Finding:
    """The policy's refusal as a finding."""
    return Finding(code="address-not-allowed", severity="error", at=at, message=refusal.detail or refusal.title)


def _read(document: bytes) -> Manifest:
    try:
        return parse_manifest(document)
    except ManifestUnreadable as error:
        raise ManifestInvalid(Text(zh=f"清单无法读取：{error.reason}", en=error.reason)) from None


def _foreign(manifest: Manifest, app: App) -> list[Finding]:
    findings = []
    if manifest.app_id != app.app_id:
        findings.append(_mismatch("/app_id", "清单的 app_id 与注册的不一致", "Not the app id that was registered"))
    if manifest.owner.org_code != app.organization_credit_code:
        findings.append(_mismatch("/owner/org_code", "信用代码与注册单位不一致", "Not the owning organization's code"))
    if manifest.owner.org_name != app.organization_name:
        registered = app.organization_name
        findings.append(
            warning(
                "owner-name-differs",
                "/owner/org_name",
                f"与登记的单位名称不同：{registered}",
                f"The registered name is another: {registered}",
            )
        )
    return findings


def _elsewhere(manifest: Manifest, zones: ZoneTree) -> list[Finding]:
    """Places that this city does not have: nobody who lives here would ever be offered the service there."""
    return [
        Finding(
            code="zone-unknown",
            severity="error",
            at=f"/zones/{number}",
            message=Text(
                zh=f"本市没有这个区域：{zone}，见 GET /v1/zones", en=f"No place of this city: {zone}; see GET /v1/zones"
            ),
        )
        for number, zone in enumerate(manifest.zones)
        if not zones.covers(zone)
    ]


def _mismatch(at: str, zh: str, en: str) -> Finding:
    return Finding(code="not-as-registered", severity="error", at=at, message=Text(zh=zh, en=en))
