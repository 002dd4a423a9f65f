"""Keeping reports with the version that they are about, and saying what is missing before somebody reviews it.

A department's own report is its own word, and told as such; what the city saw itself is another. Refuses a report on
another manifest, and one whose verdict is not that of its cases.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.ids import new_id
from app.kit.listing import cut
from app.kit.structs import Text
from auth.principal import Principal
from miniapps.conformance import repository
from miniapps.conformance.models import KIT, ConformanceReport, outcome_of, report_hash
from miniapps.conformance.records import (
    ConformanceReportList,
    ConformanceReportView,
    ConformanceRunView,
    KeptReport,
    MadeBy,
    Run,
    report_view,
    run_view,
)
from miniapps.errors import ReportInconsistent, ReportOnAnotherManifest, SandboxAddressMissing
from miniapps.manifest import Finding, decode_canonical
from miniapps.registry import repository as apps
from miniapps.registry.service import SEES_ALL, refuse_other_department
from miniapps.releases import repository as versions
from miniapps.releases.models import Version

CLOCKS_DIFFER: Final = timedelta(minutes=5)
OLD_AFTER: Final = timedelta(days=30)


class Conformance:
    """The reports on versions, for their departments and for reviewers."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def hand_in(
        self, connection: Connection, principal: Principal, app_id: str, code: int, report: ConformanceReport
    ) -> ConformanceReportView:
        """Keeps a department's own report; the same one twice is kept once.

        Raises `AppUnknown`, `VersionUnknown`, `OtherDepartment`, `ReportOnAnotherManifest`, `ReportInconsistent`.
        """
        app = await apps.get_app_locked(connection, app_id)
        refuse_other_department(principal, app.organization_id)
        version = await versions.get_version(connection, app_id, code)
        self._refuse(version, report)
        kept = await self.keep(connection, version, report, made_by="department", recorded_by=principal.person_id)
        await self._record(
            connection,
            principal,
            "miniapp.conformance_reported",
            version,
            outcome=report.outcome,
            report_hash=kept.report_hash.hex(),
        )
        return report_view(kept)

    async def ask_for_run(
        self, connection: Connection, principal: Principal, app_id: str, code: int
    ) -> ConformanceRunView:
        """Asks the city to try the version's test server itself; while one run waits there is no second.

        Raises `AppUnknown`, `VersionUnknown`, `OtherDepartment`, `SandboxAddressMissing`.
        """
        app = await apps.get_app_locked(connection, app_id)
        refuse_other_department(principal, app.organization_id)
        version = await versions.get_version(connection, app_id, code)
        if sandbox_url(version) is None:
            raise SandboxAddressMissing
        waiting = await repository.find_waiting_run(connection, version.id, "sandbox")
        if waiting is not None:
            return run_view(waiting)
        run = Run(
            id=new_id(),
            version_id=version.id,
            app_id=app_id,
            version_code=code,
            environment="sandbox",
            night=None,
            asked_at=self._clock.now(),
            asked_by=principal.person_id,
        )
        await repository.insert_run(connection, run)
        await self._record(connection, principal, "miniapp.conformance_asked", version)
        return run_view(run)

    async def list_reports(
        self, connection: Connection, principal: Principal, app_id: str, code: int, *, after: UUID | None, limit: int
    ) -> ConformanceReportList:
        """Every report on a version, newest first: for its department and for the city's staff."""
        app = await apps.get_app(connection, app_id)
        if principal.roles.isdisjoint(SEES_ALL):
            refuse_other_department(principal, app.organization_id)
        version = await versions.get_version(connection, app_id, code)
        rows = await repository.list_reports(connection, version.id, after, limit + 1)
        page, following = cut(rows, limit)
        return ConformanceReportList(items=[report_view(kept) for kept in page], next=following)

    async def judge(self, connection: Connection, version: Version) -> list[Finding]:
        """What an author and a reviewer are told of the reports on a version; warnings only.

        A department's own word, however new, neither hides nor mends what the city saw itself.
        """
        if decode_canonical(version.manifest).backend is None:
            return []
        reports = await repository.list_reports(connection, version.id, None, 1)
        if not reports:
            return [_finding("conformance-missing")]
        newest, citys = reports[0], await repository.find_citys_report(connection, version.id)
        wrong = {
            "conformance-failed": "failed" in {newest.outcome, citys.outcome if citys else None},
            "conformance-outdated": newest.report.kit != KIT or self._clock.now() - newest.made_at > OLD_AFTER,
            "conformance-by-department-alone": citys is None,
        }
        return [_finding(code) for code, holds in wrong.items() if holds]

    async def keep(
        self,
        connection: Connection,
        version: Version,
        report: ConformanceReport,
        *,
        made_by: MadeBy,
        recorded_by: UUID | None,
    ) -> KeptReport:
        """Keeps a report, or finds it kept."""
        kept = KeptReport(
            id=new_id(),
            version_id=version.id,
            app_id=version.app_id,
            version_code=version.code,
            made_by=made_by,
            environment=report.environment,
            outcome=report.outcome,
            report=report,
            report_hash=report_hash(report),
            made_at=report.made_at,
            recorded_at=self._clock.now(),
            recorded_by=recorded_by,
        )
        if await repository.insert_report(connection, kept):
            return kept
        return await repository.get_report(connection, version.id, kept.report_hash)

    def _refuse(self, version: Version, report: ConformanceReport) -> None:
        about = (report.app_id, report.version_code, report.manifest_hash)
        if about != (version.app_id, version.code, version.manifest_hash.hex()):
            raise ReportOnAnotherManifest
        names = [case.id for case in report.cases]
        sound = (
            report.environment == "local"
            and report.outcome == outcome_of(report.cases)
            and len(set(names)) == len(names)
            and report.made_at <= self._clock.now() + CLOCKS_DIFFER
        )
        if not sound:
            raise ReportInconsistent

    async def _record(
        self, connection: Connection, principal: Principal, action: str, version: Version, **detail: Any
    ) -> None:
        await audit.record(
            connection,
            clock_now=self._clock.now(),
            actor=principal.actor,
            action=action,
            subject=f"miniapp:{version.app_id}",
            detail={"code": version.code, **detail},
        )


def sandbox_url(version: Version) -> str | None:
    """Where the version's test server is, if the manifest names one."""
    backend = decode_canonical(version.manifest).backend
    return backend.base_url.sandbox if backend else None


_MESSAGES: Final[Mapping[str, Text]] = {
    "conformance-missing": Text(
        zh="没有符合性报告：请运行 suishen miniapp test 后随版本提交",
        en="No conformance report: run `suishen miniapp test` and hand its report in",
    ),
    "conformance-failed": Text(zh="最近一次符合性报告未通过", en="The newest conformance report says failed"),
    "conformance-outdated": Text(
        zh="符合性报告由旧版用例生成或已超过 30 天", en="The conformance report is of an older kit, or over 30 days old"
    ),
    "conformance-by-department-alone": Text(
        zh="符合性报告由部门自行生成，本市未复测",
        en="The conformance report is the department's own; the city saw nothing itself",
    ),
}


def _finding(code: str) -> Finding:
    return Finding(code=code, severity="warning", at="/backend", message=_MESSAGES[code])
