"""Puts together what happens between officials and enterprises: tasks, codes at the door, checks, ratings, pushes."""

from dataclasses import dataclass
from datetime import timedelta

import httpx
from litestar import Router

from app.kit.floor import Floor
from app.kit.jobs import Job
from codes.arrivals.codes import InspectionCodes
from codes.arrivals.gate import GateReader
from codes.arrivals.notices import Notices
from codes.arrivals.routes import arrival_router
from codes.arrivals.service import Arrivals
from codes.enterprise_checks.http_source import HttpSource
from codes.enterprise_checks.records import CheckHistory
from codes.enterprise_checks.routes import enterprise_check_router
from codes.enterprise_checks.service import EnterpriseChecks
from codes.enterprise_checks.sources import SourceDesk
from codes.enterprise_ports import FindsOrganizations, NamesOfficials
from codes.enterprise_upkeep import EnterpriseUpkeep
from codes.enterprises.reading import StickerReader
from codes.inspections.joining import JointInspections
from codes.inspections.routes import inspection_router
from codes.inspections.service import Inspections
from codes.inspections.views import InspectionViews
from codes.pushes.delivery import Delivery
from codes.pushes.inbox import PushInbox
from codes.pushes.models import PushLimits
from codes.pushes.routes import push_router
from codes.pushes.service import Pushes
from codes.pushes.subjects import Subjects
from codes.pushes.templates import Templates, load_templates
from codes.ratings.routes import rating_router
from codes.ratings.service import Ratings
from codes.registers.catalogue import Registers, load_registers
from codes.registers.routes import register_router
from codes.scenarios.catalogue import Scenarios
from codes.settings import CodesSettings
from codes.status.service import Statuses
from codes.stickers.reading import CodeReader
from codes.trust.service import TrustLists

DELIVER_EVERY_SECONDS = 2
REGISTER_EVERY_SECONDS = 600
UPKEEP_EVERY_SECONDS = 3600


@dataclass(frozen=True, kw_only=True)
class EnterpriseServices:
    """The rooms between officers and enterprises. `notices` describes an officer's code to any camera."""

    registers: Registers
    inspections: Inspections
    joint_inspections: JointInspections
    inspection_codes: InspectionCodes
    notices: Notices
    arrivals: Arrivals
    gate_reader: GateReader
    checks: EnterpriseChecks
    check_history: CheckHistory
    ratings: Ratings
    push_templates: Templates
    push_subjects: Subjects
    pushes: Pushes
    push_inbox: PushInbox
    push_delivery: Delivery
    upkeep: EnterpriseUpkeep


def build_enterprise(
    floor: Floor,
    settings: CodesSettings,
    *,
    organizations: FindsOrganizations,
    officials: NamesOfficials | None,
    scenarios: Scenarios,
    statuses: Statuses,
    trust_lists: TrustLists,
    reader: CodeReader,
    stickers: StickerReader,
    client: httpx.AsyncClient,
) -> EnterpriseServices:
    """These rooms on this floor. Raises `RegistersInvalid`, `TemplatesInvalid` when a file contradicts itself."""
    registers = load_registers(settings.enterprise_sources)
    inspection_codes = InspectionCodes(
        statuses=statuses, keyring=floor.keyring, clock=floor.clock, code_format=settings.code_format
    )
    notices = Notices(organizations=organizations, officials=officials, scenarios=scenarios, registers=registers)
    desk = SourceDesk(
        {name: HttpSource(url, client) for name, url in settings.enterprise_sources.items()},
        registers,
        deadline_seconds=settings.source_deadline_seconds,
        stale_after=timedelta(seconds=settings.source_stale_seconds),
    )
    views = InspectionViews(organizations=organizations, scenarios=scenarios, registers=registers, clock=floor.clock)
    templates = load_templates()
    subjects = Subjects(database=floor.database, organizations=organizations, clock=floor.clock)
    return EnterpriseServices(
        registers=registers,
        inspections=Inspections(
            organizations=organizations,
            scenarios=scenarios,
            registers=registers,
            views=views,
            codes=inspection_codes,
            clock=floor.clock,
        ),
        joint_inspections=JointInspections(
            organizations=organizations, scenarios=scenarios, registers=registers, views=views, clock=floor.clock
        ),
        inspection_codes=inspection_codes,
        notices=notices,
        arrivals=Arrivals(codes=reader, notices=notices, scenarios=scenarios, clock=floor.clock),
        gate_reader=GateReader(trust_lists=trust_lists, statuses=statuses, code_format=settings.code_format),
        checks=EnterpriseChecks(
            database=floor.database, stickers=stickers, scenarios=scenarios, desk=desk, clock=floor.clock
        ),
        check_history=CheckHistory(organizations, scenarios, officials),
        ratings=Ratings(organizations=organizations, vault=floor.vault, clock=floor.clock),
        push_templates=templates,
        push_subjects=subjects,
        pushes=Pushes(
            organizations=organizations,
            subjects=subjects,
            templates=templates,
            limits=PushLimits(),
            clock=floor.clock,
        ),
        push_inbox=PushInbox(organizations, floor.clock),
        push_delivery=Delivery(floor.database, floor.clock),
        upkeep=EnterpriseUpkeep(floor.database, floor.clock, scenarios),
    )


def enterprise_routers(services: EnterpriseServices) -> list[Router]:
    """Every route between officers and enterprises."""
    return [
        register_router(services.registers),
        inspection_router(services.inspections, services.joint_inspections),
        arrival_router(services.inspection_codes, services.arrivals),
        enterprise_check_router(services.checks, services.check_history),
        rating_router(services.ratings),
        push_router(services.pushes, services.push_inbox, services.push_subjects, services.push_templates),
    ]


def enterprise_jobs(services: EnterpriseServices) -> list[Job]:
    """Periodic jobs; each may run in every worker at once."""
    return [
        Job(name="codes.pushes", every_seconds=DELIVER_EVERY_SECONDS, run=services.push_delivery.deliver_due),
        Job(
            name="codes.push_subjects",
            every_seconds=REGISTER_EVERY_SECONDS,
            run=services.push_subjects.register_missing,
        ),
        Job(name="codes.enterprise_upkeep", every_seconds=UPKEEP_EVERY_SECONDS, run=services.upkeep.run),
    ]
