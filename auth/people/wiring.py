"""Puts together what is done with people beside finding them: their accounts' life, and checks of their faces."""

from dataclasses import dataclass
from typing import Any

from litestar import Router

from app.kit.database import Connection
from app.kit.floor import Floor
from app.kit.jobs import Job
from auth.devices.service import Devices
from auth.messages.service import Messages
from auth.organizations.service import Organizations
from auth.people.faces import routes as faces_routes
from auth.people.faces.service import FaceChecks
from auth.people.life import routes as life_routes
from auth.people.life.service import PersonLife
from auth.people.service import People
from auth.registries.adapter import HttpRegistry
from auth.registries.development_face import DevelopmentFace
from auth.registries.ports import FaceService
from auth.sessions.service import Sessions
from auth.settings import AuthSettings


@dataclass(frozen=True, kw_only=True)
class PeopleRooms:
    """Whoever gave something to people asks `life` to be told when they end."""

    life: PersonLife
    face_checks: FaceChecks

    @property
    def injected(self) -> dict[str, Any]:
        """What the handlers of these rooms ask for by name."""
        return {"person_life": self.life, "face_checks": self.face_checks}

    def routers(self) -> list[Router]:
        """The routes of these rooms."""
        return [life_routes.router, faces_routes.router]

    def jobs(self) -> list[Job]:
        """What comes round again."""
        return []

    async def forget(self, connection: Connection) -> None:
        """Forgets what is over; a periodic job."""
        await self.face_checks.forget(connection)


def build_people_rooms(
    floor: Floor,
    settings: AuthSettings,
    *,
    people: People,
    organizations: Organizations,
    sessions: Sessions,
    devices: Devices,
    messages: Messages,
    registry: HttpRegistry,
) -> PeopleRooms:
    """These rooms on this floor."""
    life = PersonLife(
        people=people,
        organizations=organizations,
        sessions=sessions,
        devices=devices,
        messages=messages,
        clock=floor.clock,
    )
    return PeopleRooms(
        life=life,
        face_checks=FaceChecks(
            database=floor.database,
            people=people,
            life=life,
            sessions=sessions,
            faces=_faces(floor, settings, registry),
            vault=floor.vault,
            clock=floor.clock,
            settings=settings,
        ),
    )


def _faces(floor: Floor, settings: AuthSettings, registry: HttpRegistry) -> FaceService:
    """In production without an address the service is said to be not configured; nothing stands in for it."""
    if settings.face_service_url or floor.environment == "production":
        return registry
    return DevelopmentFace(environment=floor.environment)
