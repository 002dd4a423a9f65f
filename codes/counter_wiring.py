"""Puts the counter's rooms together: freezes."""

from collections.abc import Sequence
from dataclasses import dataclass

from litestar import Router

from app.kit.floor import Floor
from codes.enterprise_ports import FindsOrganizations
from codes.freezes.ports import FindsChildren, FindsNamedPeople, KnowsLevels, SuspendsCodes, TellsPeople
from codes.freezes.routes import freeze_router
from codes.freezes.service import Freezes


@dataclass(frozen=True, kw_only=True)
class CounterPorts:
    """What the counter's rooms need of identity."""

    people: FindsNamedPeople
    children: FindsChildren
    messages: TellsPeople


@dataclass(frozen=True, kw_only=True)
class CounterServices:
    """What the counter's rooms offer."""

    freezes: Freezes


def build_counter(
    floor: Floor,
    ports: CounterPorts,
    *,
    levels: KnowsLevels,
    organizations: FindsOrganizations,
    suspended: Sequence[SuspendsCodes],
) -> CounterServices:
    """The counter's rooms on this floor. `suspended` are the codes that a freeze takes out of the status lists."""
    return CounterServices(
        freezes=Freezes(
            people=ports.people,
            levels=levels,
            children=ports.children,
            messages=ports.messages,
            organizations=organizations,
            suspended=suspended,
            vault=floor.vault,
            clock=floor.clock,
        )
    )


def counter_routers(services: CounterServices | None) -> list[Router]:
    """The counter's routes."""
    return [] if services is None else [freeze_router(services.freezes)]
