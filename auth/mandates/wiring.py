"""Puts mandates together: the engine, the log of acts, and the rooms around them."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from litestar import Router

from app.kit.floor import Floor
from app.kit.jobs import Job
from auth.acts import routes as acts_routes
from auth.acts.readers import ActReaders
from auth.acts.service import Acts
from auth.mandates import routes as mandates_routes
from auth.mandates.confirmations import routes as confirmations_routes
from auth.mandates.confirmations.service import Confirmations
from auth.mandates.counter import routes as counter_routes
from auth.mandates.counter.service import CounterMandates
from auth.mandates.engine import MandateEngine
from auth.mandates.guardians import Guardians
from auth.mandates.helpers import routes as helpers_routes
from auth.mandates.helpers.service import Helpers
from auth.mandates.holdings import Holdings
from auth.mandates.offers import routes as offers_routes
from auth.mandates.offers.agents import Agents
from auth.mandates.offers.service import Offers
from auth.mandates.parties import Parties
from auth.mandates.service import Mandates
from auth.messages.service import Messages
from auth.organizations.service import Organizations
from auth.people.service import People
from auth.registries.ports import GuardianshipRegistry
from auth.sessions.service import Sessions
from auth.settings import AuthSettings
from auth.subject_keys.service import SubjectVault

WRITE_ENDS_EVERY_SECONDS: Final = 15
FORGET_EVERY_SECONDS: Final = 3600


@dataclass(frozen=True, kw_only=True)
class MandateCore:
    """What stands before organizations do: they ask it."""

    mandates: Mandates
    engine: MandateEngine
    acts: Acts


@dataclass(frozen=True, kw_only=True)
class MandateRooms:
    """Everything about mandates."""

    core: MandateCore
    guardians: Guardians
    act_readers: ActReaders
    holdings: Holdings
    offers: Offers
    helpers: Helpers
    confirmations: Confirmations
    counter: CounterMandates

    @property
    def injected(self) -> dict[str, Any]:
        """What handlers ask for by name."""
        return {
            "guardians": self.guardians,
            "acts": self.core.acts,
            "act_readers": self.act_readers,
            "holdings": self.holdings,
            "offers": self.offers,
            "helpers": self.helpers,
            "confirmations": self.confirmations,
            "counter_mandates": self.counter,
        }


def build_core(floor: Floor, *, sessions: Sessions, messages: Messages, people: People) -> MandateCore:
    """The tree, the question and the log."""
    return MandateCore(
        mandates=Mandates(sessions=sessions, messages=messages, clock=floor.clock),
        engine=MandateEngine(),
        acts=Acts(people=people, messages=messages),
    )


def build_rooms(
    floor: Floor,
    settings: AuthSettings,
    core: MandateCore,
    *,
    people: People,
    organizations: Organizations,
    sessions: Sessions,
    messages: Messages,
    subject_vault: SubjectVault,
    registry: GuardianshipRegistry,
) -> MandateRooms:
    """The rooms around the core."""
    city_offset = timedelta(seconds=settings.city_utc_offset_seconds)
    parties = Parties(people=people, organizations=organizations, clock=floor.clock)
    agents = Agents(people=people, vault=floor.vault, clock=floor.clock, city_offset=city_offset)
    helpers = Helpers(people=people, mandates=core.mandates, parties=parties, clock=floor.clock)
    return MandateRooms(
        core=core,
        guardians=Guardians(
            database=floor.database,
            people=people,
            sessions=sessions,
            mandates=core.mandates,
            engine=core.engine,
            registry=registry,
            clock=floor.clock,
            settings=settings,
        ),
        act_readers=ActReaders(engine=core.engine, clock=floor.clock),
        holdings=Holdings(
            mandates=core.mandates,
            engine=core.engine,
            sessions=sessions,
            people=people,
            parties=parties,
            acts=core.acts,
            clock=floor.clock,
        ),
        offers=Offers(
            mandates=core.mandates,
            engine=core.engine,
            agents=agents,
            helpers=helpers,
            parties=parties,
            messages=messages,
            clock=floor.clock,
        ),
        helpers=helpers,
        confirmations=Confirmations(parties=parties, messages=messages, clock=floor.clock),
        counter=CounterMandates(
            mandates=core.mandates, agents=agents, parties=parties, subject_vault=subject_vault, clock=floor.clock
        ),
    )


def routers() -> list[Router]:
    """Every route about mandates."""
    return [
        mandates_routes.router,
        acts_routes.router,
        offers_routes.personal,
        offers_routes.of_organizations,
        confirmations_routes.router,
        helpers_routes.router,
        counter_routes.router,
    ]


def background(floor: Floor, rooms: MandateRooms) -> list[Job]:
    """Ends that came by themselves are written down, and what stood on them ends too."""

    async def end_what_is_over() -> None:
        async with floor.database.transaction() as connection:
            await rooms.core.mandates.end_what_is_over(connection)

    async def forget() -> None:
        async with floor.database.transaction() as connection:
            await rooms.offers.forget_expired(connection)
            await rooms.confirmations.forget_expired(connection)

    return [
        Job(name="auth.mandates.over", every_seconds=WRITE_ENDS_EVERY_SECONDS, run=end_what_is_over),
        Job(name="auth.mandates.forget", every_seconds=FORGET_EVERY_SECONDS, run=forget),
    ]
