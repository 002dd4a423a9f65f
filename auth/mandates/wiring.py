"""Puts mandates together: the engine, the log of acts, and the rooms around them."""

from dataclasses import dataclass
from typing import Any, Final

from litestar import Router

from app.kit.floor import Floor
from app.kit.jobs import Job
from auth.acts import routes as acts_routes
from auth.acts.readers import ActReaders
from auth.acts.service import Acts
from auth.mandates import routes as mandates_routes
from auth.mandates.engine import MandateEngine
from auth.mandates.guardians import Guardians
from auth.mandates.service import Mandates
from auth.messages.service import Messages
from auth.people.service import People
from auth.registries.ports import GuardianshipRegistry
from auth.sessions.service import Sessions
from auth.settings import AuthSettings

WRITE_ENDS_EVERY_SECONDS: Final = 15


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

    @property
    def injected(self) -> dict[str, Any]:
        """What handlers ask for by name."""
        return {"guardians": self.guardians, "acts": self.core.acts, "act_readers": self.act_readers}


def build_core(floor: Floor, *, sessions: Sessions, messages: Messages, people: People) -> MandateCore:
    """The tree, the question and the log."""
    return MandateCore(
        mandates=Mandates(sessions=sessions, messages=messages, clock=floor.clock),
        engine=MandateEngine(),
        acts=Acts(people=people, messages=messages),
    )


def build_rooms(
    floor: Floor, settings: AuthSettings, core: MandateCore, *, people: People, registry: GuardianshipRegistry
) -> MandateRooms:
    """The rooms around the core."""
    return MandateRooms(
        core=core,
        guardians=Guardians(
            database=floor.database,
            people=people,
            mandates=core.mandates,
            engine=core.engine,
            registry=registry,
            clock=floor.clock,
            settings=settings,
        ),
        act_readers=ActReaders(engine=core.engine, clock=floor.clock),
    )


def routers() -> list[Router]:
    """Every route about mandates."""
    return [mandates_routes.router, acts_routes.router]


def background(floor: Floor, rooms: MandateRooms) -> list[Job]:
    """Ends that came by themselves are written down, and what stood on them ends too."""

    async def end_what_is_over() -> None:
        async with floor.database.transaction() as connection:
            await rooms.core.mandates.end_what_is_over(connection)

    return [Job(name="auth.mandates.over", every_seconds=WRITE_ENDS_EVERY_SECONDS, run=end_what_is_over)]
