"""The whole house: a wider version asks anew, and what citizens allowed a service ends with it; everybody is told."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from msgspec import structs

from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.main import House
from app.staffing import appoint
from auth.consents.models import GrantConsent
from auth.principal import Principal
from gateway.consents import ConsentLookup
from gateway.policy import consent_scopes
from gateway.routing import Match, Target, find_route
from miniapps.lifecycle.models import AnnounceSunset
from miniapps.manifest import LocalText
from miniapps.registry.models import RegisterApp
from miniapps.rollouts.ladder import STEPS
from tests.miniapps.city import official, person
from tests.miniapps.conftest import APP_ID, Steps
from tests.miniapps.documents import ORG_CODE, sound_document

NUMBER = "19900000061"
SCOPE: dict[str, Any] = {
    "name": "library.loans",
    "fields": ["display_name"],
    "purpose": {"zh": "显示借阅", "en": "Show loans"},
    "basis": "consent",
    "retention_days": 30,
}


class Town:
    """A department with a service, and a citizen."""

    def __init__(self, house: House, connection: Connection, steps: Steps, citizen: Principal) -> None:
        self.house, self.connection, self.steps, self.citizen = house, connection, steps, citizen

    async def declare(self, code: int, scope: dict[str, Any], **changes: Any) -> None:
        """A version that its reviewers approved."""
        data = {"scopes": [SCOPE | scope]}
        await self.steps.draft(code, data=data, **changes)
        await self.connection.execute("update miniapps.version set state = 'approved' where code = $1", code)

    async def consent(self) -> None:
        department = self.steps.author.organization_id
        assert department
        purpose = await self.house.packages.miniapps.clients.find_purpose(
            self.connection, department, SCOPE["name"], ""
        )
        assert purpose
        grant = GrantConsent(
            department_id=department,
            purpose=SCOPE["name"],
            fields=list(purpose.text.fields),
            text_version=purpose.text.version,
        )
        await self.house.packages.auth.consents.grant_consent(self.connection, self.citizen, grant)

    async def allowed(self) -> bool:
        """Whether a call of the citizen would go out with the scope now."""
        door = self.house.packages.gateway
        await door.table.refresh()
        match = find_route(door.table.snapshot, "GET", Target(app_id=APP_ID, path="/loans"))
        assert isinstance(match, Match)
        lookup = ConsentLookup(self.house.floor.database, self.house.packages.auth.consents)
        return SCOPE["name"] in await lookup.find_consents(self.citizen, match.app, consent_scopes(match))


@pytest.fixture
async def town(house: House, connection: Connection) -> Town:
    made = await appoint(
        connection,
        house.packages.auth,
        username="library-developer",
        name="演示人员",
        roles=["developer"],
        department="演示图书馆",
        credit_code=ORG_CODE,
    )
    department = made.account.organization_id
    author = official("developer", organization_id=department)
    services = house.packages.miniapps
    await services.registry.register_app(connection, author, department, RegisterApp(app_id=APP_ID))
    steps = Steps(
        services=services,
        floor=house.floor,
        connection=connection,
        author=author,
        reviewer=official("reviewer", organization_id=UUID(int=9)),
    )
    known = await house.packages.auth.people.find_or_register(connection, NUMBER)
    town = Town(house, connection, steps, structs.replace(person(), subject_id=known.id))
    await town.declare(1, {})
    await steps.release(1, to="everybody")
    await town.consent()
    return town


async def publish(town: Town, clock: ManualClock, code: int) -> None:
    """From testers over growing shares to everybody."""
    release = await town.steps.release(code, to="testers")
    for percent in STEPS:
        clock.advance(601)
        await town.steps.grow(release.id, percent)
    clock.advance(601)
    await town.steps.services.rollouts.publish(town.connection, town.steps.author, APP_ID, release.id)


BACKEND = sound_document()["backend"]


WIDER: tuple[tuple[dict[str, Any], dict[str, Any]], ...] = (
    ({"retention_days": 31}, {}),
    ({"retention_days": 31, "fields": ["display_name", "phone_tail"]}, {}),
    ({}, {"audience": ["person", "staff"]}),
    ({}, {"backend": BACKEND | {"base_url": {"live": "https://vendor.example.cn/suishen"}}}),
)


async def test_each_wider_version_makes_the_old_consent_void_until_it_is_given_anew(
    town: Town, clock: ManualClock
) -> None:
    assert await town.allowed()
    await town.declare(2, {}, name={"zh": "市图书馆", "en": "The library"})
    await publish(town, clock, 2)
    assert await town.allowed()  # another name asks for no more
    for code, (scope, changes) in enumerate(WIDER, start=3):
        await town.declare(code, scope, **changes)
        await publish(town, clock, code)
        assert not await town.allowed(), (scope, changes)
        await town.consent()
        assert await town.allowed()


async def test_the_end_of_a_service_ends_the_consent_and_is_told(
    town: Town, house: House, connection: Connection, clock: ManualClock
) -> None:
    request = AnnounceSunset(
        at=clock.now() + timedelta(days=31), reason=LocalText(zh="并入新平台", en="Merged"), successor=None
    )
    sunsets = house.packages.miniapps.stewardship.sunsets
    await sunsets.announce(connection, town.steps.author, APP_ID, request)
    assert await town.allowed()
    clock.advance(31 * 86_400)
    await sunsets.retire_due()
    await sunsets.end_consents()

    identity, person_id = house.packages.auth, town.citizen.subject_id
    (consent,), _ = await identity.consents.list_consents(connection, person_id, after=None, limit=9)
    assert consent.withdrawn_at is not None
    written = await connection.fetch("select kind from auth.message where person_id = $1", person_id)
    assert [row["kind"] for row in written] == ["service_ended"]
    told = await connection.fetch("select kind, organization_id from auth.alert order by id")
    assert [(row["kind"], row["organization_id"]) for row in told] == [
        ("miniapp_retiring", town.steps.author.organization_id),
        ("miniapp_retired", town.steps.author.organization_id),
    ]
    actions = {row["action"] for row in await connection.fetch("select action from kit.audit_entry")}
    assert {"consent.withdrawn", "miniapp.retiring", "miniapp.retired", "miniapp.consents_ended"} <= actions
    assert await house.packages.miniapps.releases.list_exposed(connection) == []
