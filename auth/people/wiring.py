"""Puts together what is done with people beside finding them: their life, faces and documents, and looks at them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from litestar import Router

from app.kit.database import Connection
from app.kit.floor import Floor
from app.kit.jobs import Job
from auth.devices.service import Devices
from auth.messages.service import Messages
from auth.organizations.service import Organizations
from auth.people.documents import routes as documents_routes
from auth.people.documents.service import Documents
from auth.people.faces import routes as faces_routes
from auth.people.faces.service import FaceChecks
from auth.people.life import routes as life_routes
from auth.people.life.models import NamedPerson
from auth.people.life.service import PersonLife
from auth.people.lookups import routes as lookups_routes
from auth.people.lookups.service import Lookups
from auth.people.merging import routes as merging_routes
from auth.people.merging.service import Merging
from auth.people.ports import FollowsMerges, PersonListener, PersonReturnListener
from auth.people.recoveries import routes as recoveries_routes
from auth.people.recoveries.service import Recoveries
from auth.people.service import People
from auth.registries import routes as registries_routes
from auth.registries.adapter import HttpRegistry
from auth.registries.development_face import DevelopmentFace
from auth.registries.feeds import Feed
from auth.registries.ports import Death, EnterpriseChange, FaceService
from auth.sessions.service import Sessions
from auth.settings import AuthSettings
from auth.subject_keys.service import SubjectVault

LISTEN_EVERY_SECONDS = 5
"""A death ends codes, sessions and mandates within a minute of the register's word."""


@dataclass(frozen=True, kw_only=True)
class PeopleRooms:
    """Whoever gave something to people asks `life` to be told when they end."""

    life: PersonLife
    face_checks: FaceChecks
    documents: Documents
    lookups: Lookups
    merging: Merging
    recoveries: Recoveries
    deaths: Feed[Death]
    enterprise_changes: Feed[EnterpriseChange]

    @property
    def injected(self) -> dict[str, Any]:
        """What the handlers of these rooms ask for by name."""
        return {
            "person_life": self.life,
            "face_checks": self.face_checks,
            "person_documents": self.documents,
            "lookups": self.lookups,
            "merging": self.merging,
            "recoveries": self.recoveries,
        }

    def routers(self) -> list[Router]:
        """The routes of these rooms."""
        return [
            life_routes.router,
            faces_routes.router,
            documents_routes.router,
            lookups_routes.router,
            merging_routes.router,
            recoveries_routes.router,
            registries_routes.router,
        ]

    def jobs(self) -> list[Job]:
        """What comes round again."""
        return [
            Job(name="auth.deaths", every_seconds=LISTEN_EVERY_SECONDS, run=self.deaths.follow),
            Job(name="auth.enterprises", every_seconds=LISTEN_EVERY_SECONDS, run=self.enterprise_changes.follow),
        ]

    async def forget(self, connection: Connection) -> None:
        """Forgets what is over; a periodic job."""
        await self.face_checks.forget(connection)
        await self.lookups.forget(connection)
        await self.merging.forget(connection)
        await self.recoveries.forget(connection)


def build_people_rooms(
    floor: Floor,
    settings: AuthSettings,
    *,
    people: People,
    organizations: Organizations,
    sessions: Sessions,
    devices: Devices,
    messages: Messages,
    subject_vault: SubjectVault,
    registry: HttpRegistry,
    listeners: Sequence[PersonListener],
    return_listeners: Sequence[PersonReturnListener],
    followers: Sequence[FollowsMerges],
) -> PeopleRooms:
    """These rooms on this floor. The listeners are told of ends and returns in this order; `followers` before them."""
    life = PersonLife(
        people=people,
        organizations=organizations,
        sessions=sessions,
        devices=devices,
        messages=messages,
        clock=floor.clock,
    )
    recoveries = Recoveries(sessions=sessions, messages=messages, clock=floor.clock, settings=settings)
    for listener in (*listeners, recoveries):
        life.tell(listener)
    for returning in return_listeners:
        life.tell_returns(returning)
    return PeopleRooms(
        life=life,
        face_checks=FaceChecks(
            database=floor.database,
            people=people,
            life=life,
            sessions=sessions,
            recoveries=recoveries,
            faces=_faces(floor, settings, registry),
            vault=floor.vault,
            clock=floor.clock,
            settings=settings,
        ),
        documents=Documents(
            database=floor.database,
            people=people,
            life=life,
            sessions=sessions,
            devices=devices,
            recoveries=recoveries,
            messages=messages,
            registry=registry,
            clock=floor.clock,
            settings=settings,
        ),
        lookups=Lookups(
            people=people,
            organizations=organizations,
            messages=messages,
            subject_vault=subject_vault,
            clock=floor.clock,
            settings=settings,
        ),
        merging=Merging(people=people, life=life, messages=messages, followers=followers, clock=floor.clock),
        recoveries=recoveries,
        deaths=Feed(
            "deaths",
            database=floor.database,
            clock=floor.clock,
            ask=registry.list_deaths,
            heed=lambda connection, death: life.hear_of_death(connection, _holder_of(death)),
        ),
        enterprise_changes=Feed(
            "enterprises",
            database=floor.database,
            clock=floor.clock,
            ask=registry.list_changes,
            heed=lambda connection, change: organizations.hear_of_change(
                connection, code=change.credit_code, status=change.status
            ),
        ),
    )


def _holder_of(death: Death) -> NamedPerson:
    return NamedPerson(name=death.name, document_type=death.document_type, document_number=death.document_number)


def _faces(floor: Floor, settings: AuthSettings, registry: HttpRegistry) -> FaceService:
    """In production without an address the service is said to be not configured; nothing stands in for it."""
    if settings.face_service_url or floor.environment == "production":
        return registry
    return DevelopmentFace(environment=floor.environment)
