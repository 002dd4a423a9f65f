"""Says who comes to an enterprise, why and on whose authority: to the enterprise itself, and on the page behind a code.

Officers are named as their accounts show them, masked. Reads only.
"""

from uuid import UUID

from app.kit.database import Connection
from app.kit.structs import Text
from codes.enterprise.arrivals import repository
from codes.enterprise.arrivals.models import Notice, NoticeOfficer
from codes.enterprise.inspections import repository as inspections
from codes.enterprise.inspections.models import Inspection, Part
from codes.enterprise.registers.catalogue import Registers
from codes.enterprise_ports import FindsOrganizations, NamesOfficials
from codes.scenarios.catalogue import Scenarios
from codes.scenarios.models import NO_LONGER_LISTED
from codes.stickers.models import Description, Fact, Section


class Notices:
    """Composes notices out of tasks."""

    def __init__(
        self,
        *,
        organizations: FindsOrganizations,
        officials: NamesOfficials | None,
        scenarios: Scenarios,
        registers: Registers,
    ) -> None:
        self._organizations = organizations
        self._officials = officials
        self._scenarios = scenarios
        self._registers = registers

    async def compose(self, connection: Connection, inspection: Inspection) -> Notice:
        """What the enterprise may know of a task, with every officer who has joined by now."""
        enterprise = await self._organizations.get_organization(connection, inspection.organization_id)
        parts = await inspections.list_parts(connection, inspection.id)
        asked = {source for part in parts for source in self._sources_of(part.scenario)}
        return Notice(
            inspection_id=inspection.id,
            organization_name=enterprise.name,
            purpose=inspection.purpose,
            joint=bool(inspection.invited),
            starts_at=inspection.starts_at,
            ends_at=inspection.ends_at,
            officers=[await self._officer_of(connection, part) for part in parts],
            fetched=self._registers.list_unasked(asked),
        )

    async def describe(self, connection: Connection, cti: bytes, /) -> Description | None:
        """The page behind an officer's code; None when there is no such code."""
        code = await repository.find_by_cti(connection, cti)
        inspection = None if code is None else await inspections.find_any_inspection(connection, code.inspection_id)
        return None if inspection is None else _description_of(await self.compose(connection, inspection))

    async def _officer_of(self, connection: Connection, part: Part) -> NoticeOfficer:
        scenario = self._scenarios.find(part.scenario)
        department = await self._organizations.get_organization(connection, part.department_id)
        return NoticeOfficer(
            department_id=part.department_id,
            department=department.name,
            officer=await self._name_of(connection, part.officer_id),
            scenario=part.scenario,
            scenario_names=scenario.names if scenario else NO_LONGER_LISTED,
            authority=part.authority,
            legal_basis=scenario.legal_basis if scenario else NO_LONGER_LISTED,
            checklist=[item.text for item in part.checklist],
        )

    async def _name_of(self, connection: Connection, officer_id: UUID) -> str:
        return "" if self._officials is None else await self._officials.display_name(connection, officer_id)

    def _sources_of(self, number: int) -> tuple[str, ...]:
        scenario = self._scenarios.find(number)
        return scenario.sources if scenario else ()


PURPOSE = Text(zh="检查事由", en="Why")
FOR_WHOM = Text(zh="检查对象", en="Whom they inspect")
UNTIL = Text(zh="有效至", en="Valid until")
SINGLE = Text(zh="入企检查码", en="Inspection code")
JOINT = Text(zh="联合检查码", en="Joint inspection code")
NOT_ASKED = Text(zh="检查人员不得索要下列材料，系统自动调取", en="No officer may ask you for these; the city has them")
ADVICE = Text(
    zh="请核对企业名称是否为本单位、人员证件与上列部门是否一致；不符请拒绝检查并拨打 12345。"
    "企业经办人可在应用内扫描此码确认到场，检查后匿名评价。",
    en="Check that this names your enterprise and that the officers' cards match; if not, refuse and call 12345. "
    "Your agent can scan this code in the app to confirm the arrival, and rate the check unnamed afterwards.",
)


def _description_of(notice: Notice) -> Description:
    return Description(
        name=notice.organization_name,
        facts=(
            Fact(label=JOINT if notice.joint else SINGLE, value="、".join(_departments(notice))),
            Fact(label=FOR_WHOM, value=notice.organization_name),
            Fact(label=PURPOSE, value=notice.purpose),
            Fact(label=UNTIL, value=notice.ends_at, to_the_minute=True),
        ),
        sections=(*(_section_of(officer) for officer in notice.officers), *_not_asked(notice)),
        view=notice,
        advice=ADVICE,
    )


def _departments(notice: Notice) -> list[str]:
    return list(dict.fromkeys(officer.department for officer in notice.officers))


def _section_of(officer: NoticeOfficer) -> Section:
    """A checklist stands in the language in which the officer wrote it."""
    who = f"{officer.department} {officer.officer}"
    lines = (
        officer.scenario_names,
        officer.legal_basis,
        Text(zh=f"依据：{officer.authority}", en=f"Authority: {officer.authority}"),
        *(Text(zh=f"检查项：{item}", en=f"To be checked: {item}") for item in officer.checklist),
    )
    return Section(title=Text(zh=who, en="Officer"), lines=lines)


def _not_asked(notice: Notice) -> tuple[Section, ...]:
    lines = tuple(evidence.names for evidence in notice.fetched)
    return (Section(title=NOT_ASKED, lines=lines),) if lines else ()
