"""The automatic checks between submission and review. They ask the network, so they run outside any transaction.

Called by the outbox, at least once; a version that was checked already is left alone.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection, Database
from app.kit.errors import SuishenError
from miniapps.manifest import Finding, Manifest, decode_canonical, refusals
from miniapps.ports import NetworkPolicy
from miniapps.registry import repository as apps
from miniapps.releases import repository
from miniapps.releases.models import Version
from miniapps.releases.versions import address_finding, base_urls
from miniapps.states import VERSION, VersionState


class JudgesReports(Protocol):
    """Where conformance reports are kept."""

    async def judge(self, connection: Connection, version: Version) -> list[Finding]:
        """What an author and a reviewer are told of the reports on a version; warnings only."""
        ...


class Checks:
    """Moves a submitted version to its reviewers, or back to its author with the findings."""

    def __init__(
        self,
        database: Database,
        policy: NetworkPolicy,
        clock: Clock,
        *,
        due_of: Callable[[Manifest, datetime], datetime],
        reports: JudgesReports,
    ) -> None:
        """`due_of` says until when a version that is handed over now has to be judged."""
        self._database = database
        self._policy = policy
        self._clock = clock
        self._due_of = due_of
        self._reports = reports

    async def check_version(self, payload: dict[str, Any]) -> None:
        """Checks the version that `payload` names ({"app_id", "code"})."""
        async with self._database.acquire() as connection:
            version = await repository.get_version(connection, payload["app_id"], payload["code"])
            reported = await self._reports.judge(connection, version)
        if version.state != "submitted":
            return
        await self._conclude(version, [*version.findings, *await self._reach(version), *reported])

    async def _reach(self, version: Version) -> list[Finding]:
        findings = []
        for at, url in base_urls(decode_canonical(version.manifest)).items():
            try:
                await self._policy.check_reachable(url)
            except SuishenError as refusal:
                findings.append(address_finding(at, refusal))
        return findings

    async def _conclude(self, version: Version, findings: list[Finding]) -> None:
        now = self._clock.now()
        target: VersionState = "changes_requested" if refusals(findings) else "reviewing"
        async with self._database.transaction() as connection:
            await apps.get_app_locked(connection, version.app_id)
            current = await repository.get_version(connection, version.app_id, version.code)
            if current.state != "submitted":
                return
            VERSION.walk(current.state, "checking", target)
            due = self._due_of(decode_canonical(version.manifest), now) if target == "reviewing" else None
            await repository.mark_checked(connection, version.id, target, findings, due)
            await audit.record(
                connection,
                clock_now=now,
                actor="system",
                action="miniapp.version_checked",
                subject=f"miniapp:{version.app_id}",
                detail={"code": version.code, "state": target, "findings": [finding.code for finding in findings]},
            )
