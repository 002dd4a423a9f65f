"""Puts the codes together: services over the floor, their routers, their periodic jobs."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from litestar import Router

from app.kit.floor import Floor
from app.kit.jobs import Job
from app.kit.outbound import outbound_client
from codes.acting import ActLog, RecordsActs
from codes.counters.form_tickets.service import FormTickets
from codes.counters.wiring import (
    CounterPorts,
    CounterServices,
    build_counter,
    build_form_tickets,
    counter_routers,
    forget_counter,
)
from codes.enterprise.enterprises.reading import StickerReader
from codes.enterprise.enterprises.routes import enterprise_router
from codes.enterprise.enterprises.service import EnterpriseCodes
from codes.enterprise.wiring import EnterpriseServices, build_enterprise, enterprise_jobs, enterprise_routers
from codes.enterprise_ports import FindsOrganizations, NamesOfficials
from codes.envelope.claims import Kind
from codes.pictures.wiring import Posters, build_posters
from codes.places.routes import place_router
from codes.places.service import Places
from codes.records.wiring import RecordServices, build_record, forget_old_records, record_routers
from codes.scenarios.catalogue import Scenarios, load_scenarios
from codes.scenarios.editions import ScenarioEditions
from codes.scenarios.routes import scenario_router
from codes.settings import CodesSettings
from codes.showing.grants.mandates import MandateCheck
from codes.showing.grants.pointers import Pointers
from codes.showing.grants.ports import FindsDevices, FindsGuardians
from codes.showing.grants.routes import grants_router
from codes.showing.grants.service import Grants
from codes.showing.wiring import KnowsPeople, LadderServices, build_ladder, forget_ladder, ladder_routers
from codes.status.routes import status_router
from codes.status.service import Statuses
from codes.status.slots import Slots
from codes.status.steps import STEP_EVERY_SECONDS, StatusSteps
from codes.stickers.page import PageMaker
from codes.stickers.reading import CodeReader, PublicReader
from codes.stickers.routes import sticker_router
from codes.trust.reissue import Reissues
from codes.trust.routes import trust_router
from codes.trust.service import TrustLists
from codes.venues.documents.service import TypedDocuments
from codes.venues.scanners.narrowing import Registrations
from codes.venues.wiring import ScannerServices, build_scanners, scanner_routers
from codes.verification.answers import Answers
from codes.verification.disclosing import Disclosures
from codes.verification.holders import Holders
from codes.verification.lane.door import ASGIApp, LaneDoor
from codes.verification.lane.service import Lane
from codes.verification.models import policy_of
from codes.verification.receipts import Receipts
from codes.verification.retention import Forgetting
from codes.verification.routes import verification_router
from codes.verification.scans import ScanRecords
from codes.verification.service import Verifications
from codes.verification.standing import Standings
from codes.verification.static_codes import StaticCodes
from codes.verification.upkeep import Upkeep

SCENARIOS_EVERY_SECONDS = 2
TRUST_LIST_EVERY_SECONDS = 5
FORGET_EVERY_SECONDS = 300
UPKEEP_EVERY_SECONDS = 3600
HEAR_SECONDS = 3


@dataclass(frozen=True, kw_only=True)
class CodesPorts:
    """What codes need of identity. Without `guardians` no child's code is shown, without `counter` nobody freezes."""

    people: KnowsPeople
    devices: FindsDevices
    organizations: FindsOrganizations
    officials: NamesOfficials | None = None
    guardians: FindsGuardians | None = None
    counter: CounterPorts | None = None
    acts: RecordsActs | None = None


@dataclass(frozen=True, kw_only=True)
class CodesServices:
    """Everything the codes offer. `grants` is told by `auth.devices` when a device is revoked."""

    settings: CodesSettings
    scenarios: Scenarios
    trust_lists: TrustLists
    reissues: Reissues
    statuses: Statuses
    status_steps: StatusSteps
    grants: Grants
    counter: CounterServices
    form_tickets: FormTickets
    ladder: LadderServices
    typed_documents: TypedDocuments
    verifications: Verifications
    lane: Lane
    scan_records: ScanRecords
    scanning: ScannerServices
    scenario_editions: ScenarioEditions
    enterprise_codes: EnterpriseCodes
    stickers: StickerReader
    places: Places
    posters: Posters
    public_reader: PublicReader
    enterprise: EnterpriseServices
    record: RecordServices
    upkeep: Upkeep
    forgetting: Forgetting
    close: Callable[[], Awaitable[None]]


def build_codes(floor: Floor, settings: CodesSettings, ports: CodesPorts) -> CodesServices:
    """The codes on this floor, unopened. Raises `CatalogueInvalid` when the scenarios do not hold together."""
    scenarios, code_format = load_scenarios(), settings.code_format
    pointers = Pointers(floor.vault.derive("codes.pointer"))
    statuses = _build_statuses(floor, settings)
    trust_lists = _build_trust_lists(floor, settings, scenarios)
    reader = CodeReader(trust_lists=trust_lists, statuses=statuses, clock=floor.clock, code_format=code_format)
    stickers = StickerReader(reader, ports.organizations)
    acts = ActLog(ports.acts)
    enterprise_codes = EnterpriseCodes(
        acts=acts,
        organizations=ports.organizations,
        statuses=statuses,
        keyring=floor.keyring,
        clock=floor.clock,
        code_format=code_format,
    )
    places = Places(
        acts=acts,
        organizations=ports.organizations,
        scenarios=scenarios,
        statuses=statuses,
        keyring=floor.keyring,
        clock=floor.clock,
        code_format=code_format,
    )
    client = outbound_client(timeout_seconds=settings.source_deadline_seconds, connections=100)
    enterprise = build_enterprise(
        floor,
        settings,
        acts=acts,
        organizations=ports.organizations,
        officials=ports.officials,
        scenarios=scenarios,
        statuses=statuses,
        trust_lists=trust_lists,
        reader=reader,
        stickers=stickers,
        client=client,
    )
    scanning = build_scanners(floor, organizations=ports.organizations, scenarios=scenarios, origin=settings.origin)
    ladder = build_ladder(
        floor,
        settings,
        people=ports.people,
        devices=ports.devices,
        scenarios=scenarios,
        statuses=statuses,
        messages=None if ports.counter is None else ports.counter.messages,
    )
    grants = Grants(
        acts=acts,
        devices=ports.devices,
        people=ports.people,
        statuses=statuses,
        pointers=pointers,
        keyring=floor.keyring,
        clock=floor.clock,
        settings=settings,
        guardians=ports.guardians,
        other_codes=(ladder.online_codes, ladder.paper_codes),
    )
    standings = Standings(
        pointers=pointers, statuses=statuses, static_codes=StaticCodes(), paper_codes=ladder.paper_codes
    )
    scan_records = ScanRecords(scenarios, floor.clock)
    counter = build_counter(
        floor,
        ports.counter,
        levels=ports.people,
        organizations=ports.organizations,
        scenarios=scenarios,
        suspended=(grants, ladder.paper_codes),
        grants=grants,
    )
    holders = Holders(
        people=ports.people,
        organizations=ports.organizations,
        vault=floor.vault,
        entitlements=counter.entitlements,
        freezes=counter.freezes,
        mandates=None if ports.guardians is None else MandateCheck(ports.guardians),
    )
    form_tickets = build_form_tickets(floor, ports.counter, holders=holders, levels=ports.people, scenarios=scenarios)
    disclosures = Disclosures(holders, Registrations())
    answers = Answers(Receipts(floor.keyring, code_format.environment), floor.vault)
    verifications = Verifications(
        trust_lists=trust_lists,
        scenarios=scenarios,
        holders=holders,
        disclosures=disclosures,
        tickets=form_tickets,
        standings=standings,
        answers=answers,
        readers=(ladder.online_reader, enterprise.gate_reader),
        clock=floor.clock,
        code_format=code_format,
        admission=scanning.admissions,
    )
    return CodesServices(
        settings=settings,
        scenarios=scenarios,
        trust_lists=trust_lists,
        reissues=Reissues(floor.clock),
        statuses=statuses,
        status_steps=StatusSteps(
            database=floor.database,
            keyring=floor.keyring,
            clock=floor.clock,
            statuses=statuses,
            code_format=code_format,
        ),
        grants=grants,
        counter=counter,
        form_tickets=form_tickets,
        ladder=ladder,
        typed_documents=TypedDocuments(verifications, ports.people),
        verifications=verifications,
        lane=Lane(
            database=floor.database,
            clock=floor.clock,
            trust_lists=trust_lists,
            scenarios=scenarios,
            pointers=pointers,
            holders=holders,
            disclosures=disclosures,
            answers=answers,
            admission=scanning.admissions,
            code_format=code_format,
        ),
        scan_records=scan_records,
        scanning=scanning,
        scenario_editions=ScenarioEditions(
            scenarios,
            Path(settings.scenarios_file) if settings.scenarios_file else None,
            floor.database,
            floor.clock,
        ),
        enterprise_codes=enterprise_codes,
        stickers=stickers,
        places=places,
        posters=build_posters(
            floor,
            settings,
            enterprise_codes=enterprise_codes,
            paper_codes=ladder.paper_codes,
            places=places,
            organizations=ports.organizations,
        ),
        public_reader=PublicReader(reader, {Kind.E: stickers, Kind.I: enterprise.notices, Kind.V: places}),
        enterprise=enterprise,
        record=build_record(
            floor,
            settings,
            scenarios=scenarios,
            trust_lists=trust_lists,
            standings=standings,
            scans=scan_records,
            limits=scanning.admissions,
            client=client,
        ),
        upkeep=Upkeep(floor.database, floor.clock, keep_days=settings.receipt_days),
        forgetting=Forgetting(floor.database, floor.clock, scenarios),
        close=client.aclose,
    )


def routers(services: CodesServices) -> list[Router]:
    """Every route of the codes."""
    code_format = services.settings.code_format
    pages = PageMaker(services.settings.brand, services.settings.city_offset)
    return [
        scenario_router(services.scenarios),
        trust_router(services.trust_lists, services.reissues, services.settings),
        status_router(services.statuses, services.status_steps),
        grants_router(services.grants),
        *counter_routers(services.counter, services.form_tickets, services.scanning.gate),
        *ladder_routers(services.ladder, services.typed_documents, services.posters.papers, services.scanning.gate),
        verification_router(services.verifications, services.scan_records, services.scanning.gate),
        *scanner_routers(services.scanning),
        enterprise_router(services.enterprise_codes, services.posters.enterprises),
        place_router(services.places, services.posters.places),
        sticker_router(services.public_reader, pages, code_format),
        *enterprise_routers(services.enterprise),
        *record_routers(services.record, services.scanning.gate),
    ]


def asgi(services: CodesServices, inner: ASGIApp) -> ASGIApp:
    """`inner` with the fast lane before it."""
    return LaneDoor(services.lane, services.scanning.gate, inner)


def background(floor: Floor, services: CodesServices) -> list[Job]:
    """Periodic jobs; each may run in every worker at once."""

    async def forget() -> None:
        await services.statuses.forget_expired()
        async with floor.database.transaction() as connection:
            await services.grants.forget_expired(connection)
            await forget_counter(connection, services.counter, services.form_tickets)
            await services.verifications.forget_spent(connection)
            await forget_ladder(connection, floor, services.ladder)
            await services.scanning.limiter.forget(connection, floor.clock.now())

    return [
        Job(
            name="codes.scenarios",
            every_seconds=SCENARIOS_EVERY_SECONDS,
            run=services.scenario_editions.refresh,
        ),
        Job(
            name="codes.trust_list",
            every_seconds=TRUST_LIST_EVERY_SECONDS,
            run=services.trust_lists.publish_when_due,
        ),
        Job(
            name="codes.status_steps",
            every_seconds=STEP_EVERY_SECONDS,
            run=services.status_steps.take_when_due,
        ),
        Job(name="codes.forget", every_seconds=FORGET_EVERY_SECONDS, run=forget),
        Job(name="codes.upkeep", every_seconds=UPKEEP_EVERY_SECONDS, run=services.upkeep.run),
        Job(name="codes.forget_holders", every_seconds=UPKEEP_EVERY_SECONDS, run=services.forgetting.run),
        Job(name="codes.hear_hotline", every_seconds=HEAR_SECONDS, run=services.record.complaints.hear),
        Job(
            name="codes.forget_records",
            every_seconds=UPKEEP_EVERY_SECONDS,
            run=lambda: forget_old_records(floor, services.record),
        ),
        *enterprise_jobs(services.enterprise),
    ]


def _build_statuses(floor: Floor, settings: CodesSettings) -> Statuses:
    statuses = Statuses(
        database=floor.database,
        keyring=floor.keyring,
        clock=floor.clock,
        slots=Slots(floor.vault.derive("codes.slots")),
        code_format=settings.code_format,
    )
    statuses.listen(floor.notifications)
    return statuses


def _build_trust_lists(floor: Floor, settings: CodesSettings, scenarios: Scenarios) -> TrustLists:
    trust_lists = TrustLists(
        database=floor.database,
        keyring=floor.keyring,
        clock=floor.clock,
        policies=lambda: [policy_of(scenario) for scenario in scenarios],
        settings=settings,
    )
    trust_lists.listen(floor.notifications)
    return trust_lists
