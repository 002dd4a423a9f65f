"""Puts the steps below the personal code together: online codes, paper codes, typed documents."""

from dataclasses import dataclass
from typing import Protocol

from litestar import Router

from app.kit.database import Connection
from app.kit.floor import Floor
from codes.attempts import forget_old_attempts
from codes.scenarios.catalogue import Scenarios
from codes.settings import CodesSettings
from codes.showing.grants.ports import FindsDevices
from codes.showing.online.reader import OnlineReader
from codes.showing.online.routes import online_router
from codes.showing.online.service import OnlineCodes
from codes.showing.paper.cards import PaperCards
from codes.showing.paper.ports import NamesPeople, TellsPeople
from codes.showing.paper.routes import paper_router
from codes.showing.paper.service import PaperCodes
from codes.status.service import Statuses
from codes.venues.documents.ports import FindsOwners
from codes.venues.documents.routes import document_router
from codes.venues.documents.service import DocumentEntries, TypedDocuments
from codes.venues.scanners.guards import ScannerGate
from codes.verification.ports import FindsPeople


class KnowsPeople(FindsPeople, NamesPeople, FindsOwners, Protocol):
    """All that the codes ask of people."""


@dataclass(frozen=True, kw_only=True)
class LadderServices:
    """What exists before verifications do: they read with it. `online_codes` and `paper_codes` end with all else."""

    online_codes: OnlineCodes
    online_reader: OnlineReader
    paper_codes: PaperCodes
    document_entries: DocumentEntries


def build_ladder(
    floor: Floor,
    settings: CodesSettings,
    *,
    people: KnowsPeople,
    devices: FindsDevices,
    scenarios: Scenarios,
    statuses: Statuses,
    messages: TellsPeople | None,
) -> LadderServices:
    """These rooms on this floor. Without `messages` nobody is told what a counter does for them."""
    return LadderServices(
        online_codes=OnlineCodes(
            devices=devices, people=people, vault=floor.vault, clock=floor.clock, settings=settings
        ),
        online_reader=OnlineReader(vault=floor.vault, scenarios=scenarios, code_format=settings.code_format),
        paper_codes=PaperCodes(
            people=people,
            statuses=statuses,
            keyring=floor.keyring,
            vault=floor.vault,
            clock=floor.clock,
            code_format=settings.code_format,
            messages=messages,
        ),
        document_entries=DocumentEntries(scenarios, floor.clock),
    )


def ladder_routers(
    ladder: LadderServices, typed_documents: TypedDocuments, cards: PaperCards, gate: ScannerGate
) -> list[Router]:
    """The routes of these rooms."""
    return [
        online_router(ladder.online_codes),
        paper_router(ladder.paper_codes, cards),
        document_router(typed_documents, ladder.document_entries, gate),
    ]


async def forget_ladder(connection: Connection, floor: Floor, ladder: LadderServices) -> None:
    """Forgets what ended; a periodic job."""
    await ladder.online_codes.forget_expired(connection)
    await ladder.paper_codes.forget_expired(connection)
    await forget_old_attempts(connection, floor.clock.now())
