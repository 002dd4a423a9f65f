"""Puts together what happens between officials and enterprises: tasks, codes at the door, checks, ratings, pushes."""

from dataclasses import dataclass
from datetime import timedelta

import httpx
from litestar import Router

from app.kit.floor import Floor
from app.kit.jobs import Job
from codes.acting import ActLog
from codes.enterprise.arrivals.codes import InspectionCodes
from codes.enterprise.arrivals.gate import GateReader
from codes.enterprise.arrivals.notices import Notices
from codes.enterprise.arrivals.routes import arrival_router
from codes.enterprise.arrivals.service import Arrivals
from codes.enterprise.checks.http_source import HttpSource
from codes.enterprise.checks.records import CheckHistory
from codes.enterprise.checks.routes import enterprise_check_router
from codes.enterprise.checks.service import EnterpriseChecks
from codes.enterprise.checks.sources import SourceDesk
from codes.enterprise.enterprises.reading import StickerReader
from codes.enterprise.inspections.joining import JointInspections
from codes.enterprise.inspections.routes import inspection_router
from codes.enterprise.inspections.service import Inspections
from codes.enterprise.inspections.views import InspectionViews
from codes.enterprise.pushes.delivery import Delivery
from codes.enterprise.pushes.inbox import PushInbox
from codes.enterprise.pushes.models import PushLimits
from codes.enterprise.pushes.routes import push_router
from codes.enterprise.pushes.service import Pushes
from codes.enterprise.pushes.subjects import Subjects
from codes.enterprise.pushes.templates import Templates, load_templates
from codes.enterprise.ratings.routes import rating_router
from codes.enterprise.ratings.service import Ratings
from codes.enterprise.registers.catalogue import Registers, load_registers
from codes.enterprise.registers.routes import register_router
from codes.enterprise.upkeep import EnterpriseUpkeep
from codes.enterprise_ports import FindsOrganizations, NamesOfficials
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
    acts: ActLog,
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
        arrivals=Arrivals(codes=reader, notices=notices, scenarios=scenarios, clock=floor.clock, acts=acts),
        gate_reader=GateReader(trust_lists=trust_lists, statuses=statuses, code_format=settings.code_format),
        checks=EnterpriseChecks(
            database=floor.database, stickers=stickers, scenarios=scenarios, desk=desk, clock=floor.clock
        ),
        check_history=CheckHistory(organizations, scenarios, officials),
        ratings=Ratings(organizations=organizations, vault=floor.vault, clock=floor.clock, acts=acts),
        push_templates=templates,
        push_subjects=subjects,
        pushes=Pushes(
            organizations=organizations,
            subjects=subjects,
            templates=templates,
            limits=PushLimits(),
            clock=floor.clock,
        ),
        push_inbox=PushInbox(organizations, floor.clock, acts),
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
