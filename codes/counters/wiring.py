"""Puts together what counters and officials do: entitlements, form tickets, and freezes (`codes.showing.freezes`)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

from litestar import Router

from app.kit.database import Connection
from app.kit.floor import Floor
from codes.counters.entitlements.issuers import IssuerDirectory
from codes.counters.entitlements.routes import entitlement_router
from codes.counters.entitlements.service import Entitlements
from codes.counters.form_tickets.ports import StandsBehind
from codes.counters.form_tickets.routes import form_ticket_router
from codes.counters.form_tickets.service import FormTickets
from codes.enterprise_ports import FindsOrganizations
from codes.scenarios.catalogue import Scenarios
from codes.showing.freezes.accounts import AccountFreezes
from codes.showing.freezes.ports import FindsFamilies, FindsNamedPeople, SuspendsCodes, VoidsCodes
from codes.showing.freezes.ports import Notice as FreezeNotice
from codes.showing.freezes.routes import freeze_router
from codes.showing.freezes.service import Freezes
from codes.showing.paper.ports import Notice as PaperNotice
from codes.venues.scanners.guards import ScannerGate
from codes.worth import KnowsLevels


class TellsPeople(Protocol):
    """All that these rooms tell people."""

    async def write(
        self,
        connection: Connection,
        person_id: UUID,
        kind: FreezeNotice | PaperNotice | Literal["form_prefilled"],
        now: datetime,
        /,
    ) -> None:
        """Tells the person, if and only if the caller's transaction commits."""
        ...


@dataclass(frozen=True, kw_only=True)
class CounterPorts:
    """What the counter's rooms need of identity."""

    people: FindsNamedPeople
    families: FindsFamilies
    messages: TellsPeople


@dataclass(frozen=True, kw_only=True)
class CounterServices:
    """What exists before verifications do: they ask both. Without `CounterPorts` nobody is frozen."""

    freezes: Freezes | None
    account_freezes: AccountFreezes
    entitlements: Entitlements


def build_counter(
    floor: Floor,
    ports: CounterPorts | None,
    *,
    levels: KnowsLevels,
    organizations: FindsOrganizations,
    scenarios: Scenarios,
    suspended: Sequence[SuspendsCodes],
    grants: VoidsCodes,
) -> CounterServices:
    """These rooms on this floor. `suspended` are the codes that a freeze takes out of the status lists.

    `grants` ends everything of a person's, when their account ends.
    """
    freezes = None
    if ports is not None:
        freezes = Freezes(
            people=ports.people,
            levels=levels,
            families=ports.families,
            messages=ports.messages,
            organizations=organizations,
            suspended=suspended,
            vault=floor.vault,
            clock=floor.clock,
        )
    entitlements = Entitlements(
        issuers=IssuerDirectory(floor.notifications, floor.clock),
        organizations=organizations,
        levels=levels,
        scenarios=scenarios,
        vault=floor.vault,
        clock=floor.clock,
    )
    return CounterServices(
        freezes=freezes,
        account_freezes=AccountFreezes(suspended=suspended, grants=grants),
        entitlements=entitlements,
    )


def build_form_tickets(
    floor: Floor,
    ports: CounterPorts | None,
    *,
    holders: StandsBehind,
    levels: KnowsLevels,
    scenarios: Scenarios,
) -> FormTickets:
    """Form tickets, over the same `holders` that verifications ask."""
    return FormTickets(
        holders=holders,
        levels=levels,
        scenarios=scenarios,
        clock=floor.clock,
        messages=None if ports is None else ports.messages,
    )


def counter_routers(counter: CounterServices, form_tickets: FormTickets, gate: ScannerGate) -> list[Router]:
    """The routes of these rooms."""
    freezes = [] if counter.freezes is None else [freeze_router(counter.freezes)]
    return [*freezes, entitlement_router(counter.entitlements), form_ticket_router(form_tickets, gate)]


async def forget_counter(connection: Connection, counter: CounterServices, form_tickets: FormTickets) -> None:
    """Forgets what ended; a periodic job."""
    await counter.entitlements.forget(connection)
    await form_tickets.forget(connection)
