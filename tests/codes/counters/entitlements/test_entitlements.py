"""What departments say of holders: only in their own names for them, only where it matters, only while it lasts."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.floor import Floor
from auth.pairwise import pairwise_id
from auth.principal import Principal
from codes.counters.entitlements.issuers import CHANNEL, IssuerDirectory
from codes.verification.models import VerifyCode
from tests.codes.counters.form_tickets.desk import Desk, slug
from tests.codes.enterprise_city import FIRE_RESCUE, LIBRARY, a_principal, an_official
from tests.codes.family_city import FamilyCity, fetch_for
from tests.codes.personal_city import Person, Phone, a_scanner

ADMIN = an_official("system_admin", organization_id=None)
LIBRARIAN = an_official("entitlement_admin", organization_id=LIBRARY)
FIREMAN = an_official("entitlement_admin", organization_id=FIRE_RESCUE)
LIBRARY_ENTRY, BOOK_LENDING = 301, 302


class Office:
    """Administrators and issuers, each calling as themself."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.city = desk.city

    async def send(self, who: Principal | None, method: str, path: str, **options: Any) -> httpx.Response:
        self.desk.caller.principal = who
        return await self.desk.http.request(method, path, **options)

    async def register(self, namespace: str = "library", *scenarios: int, organization_id: Any = LIBRARY) -> str:
        """The issuer's id."""
        body = {"organization_id": str(organization_id), "namespace": namespace}
        body |= {"scenarios": list(scenarios) or [LIBRARY_ENTRY]}  # type: ignore[dict-item]
        answer = await self.send(ADMIN, "POST", "/v1/entitlement-issuers", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def assign(self, person: Person, who: Principal = LIBRARIAN, **changes: Any) -> httpx.Response:
        body = {"openid": self.openid(person, who), "name": "library.reader", "valid_days": 30} | changes
        return await self.send(who, "POST", "/v1/entitlements", json=body)

    def openid(self, person: Person, who: Principal = LIBRARIAN) -> str:
        return pairwise_id(self.city.vault, str(who.organization_id), person.id)


@pytest.fixture
def office(desk: Desk) -> Office:
    return Office(desk)


async def told(city: FamilyCity, connection: Connection, phone: Phone, *, grant: int = 0, **scan: Any) -> list[str]:
    """What a scan says the holder is entitled to."""
    scenario = scan.pop("scenario", LIBRARY_ENTRY)
    scanner = a_scanner(scenario, **scan)
    request = VerifyCode(code=phone.show(scenario, grant=grant), scenario=scenario)
    result = await city.codes.verifications.verify(connection, scanner, request)
    assert result.verdict == "ACCEPT"
    names: list[str] = result.disclosed["entitlements"]
    return names


async def test_assigned_entitlement_is_told_at_the_scan(
    office: Office, city: FamilyCity, connection: Connection
) -> None:
    phone, other = await city.a_phone(connection), await city.a_phone(connection)
    await office.register()
    answer = await office.assign(phone.person)
    assert (answer.status_code, answer.json()["state"]) == (201, "valid")
    assert await told(city, connection, phone) == ["library.reader"]
    assert await told(city, connection, other) == []


async def test_openid_that_a_scan_told_is_the_one_that_is_entitled(
    office: Office, city: FamilyCity, connection: Connection
) -> None:
    """The issuer needs nothing but what it saw."""
    phone = await city.a_phone(connection)
    await office.register()
    request = VerifyCode(code=phone.show(), scenario=LIBRARY_ENTRY)
    seen = (await city.codes.verifications.verify(connection, a_scanner(), request)).disclosed["openid"]
    await office.assign(phone.person, openid=seen)
    assert await told(city, connection, phone, grant=1) == ["library.reader"]


async def test_other_organizations_scanners_are_told_too_and_learn_no_foreign_openid(
    office: Office, city: FamilyCity, connection: Connection
) -> None:
    phone = await city.a_phone(connection)
    await office.register()
    await office.assign(phone.person)
    assert await told(city, connection, phone, organization_id=FIRE_RESCUE) == ["library.reader"]
    row = await connection.fetchrow("select answer_sealed, disclosed::text from codes.verification")
    assert row is not None
    assert office.openid(phone.person) not in row["disclosed"]


async def test_entitlement_is_told_only_in_its_scenarios(
    office: Office, city: FamilyCity, connection: Connection
) -> None:
    phone = await city.a_phone(connection)
    await office.register("library", LIBRARY_ENTRY, BOOK_LENDING)
    await office.assign(phone.person, scenarios=[BOOK_LENDING])
    await office.assign(phone.person, name="library.member")
    assert await told(city, connection, phone) == ["library.member"]
    assert await told(city, connection, phone, grant=1, scenario=BOOK_LENDING) == ["library.member", "library.reader"]


async def test_openids_of_one_issuer_mean_nothing_to_another(
    office: Office, city: FamilyCity, connection: Connection
) -> None:
    phone = await city.a_phone(connection)
    await office.register()
    await office.register("fire", LIBRARY_ENTRY, organization_id=FIRE_RESCUE)
    foreign = await office.assign(phone.person, FIREMAN, name="fire.volunteer", openid=office.openid(phone.person))
    assert foreign.status_code == 201
    assert await told(city, connection, phone) == []
    await office.assign(phone.person, FIREMAN, name="fire.volunteer")
    assert await told(city, connection, phone, grant=1) == ["fire.volunteer"]


async def test_no_person_s_id_stands_beside_an_entitlement(
    office: Office, city: FamilyCity, connection: Connection
) -> None:
    phone = await city.a_phone(connection)
    await office.register()
    await office.assign(phone.person)
    for table in ("codes.entitlement", "codes.entitlement_issuer", "kit.audit_entry"):
        rows = await connection.fetch(f"select t::text as text from {table} t")
        assert not any(str(phone.person.id) in row["text"] for row in rows)


async def test_child_s_entitlement_is_the_child_s(office: Office, city: FamilyCity, connection: Connection) -> None:
    phone, child = city.a_family()
    await office.register()
    await office.assign(child)
    await fetch_for(phone, child, connection)
    assert await told(city, connection, phone) == ["library.reader"]
    await phone.fetch(connection)
    assert await told(city, connection, phone, grant=8) == []


async def test_withdrawn_ended_and_orphaned_entitlements_are_told_no_more(
    office: Office, city: FamilyCity, connection: Connection, clock: ManualClock
) -> None:
    phone = await city.a_phone(connection)
    issuer = await office.register()
    first = (await office.assign(phone.person)).json()["id"]
    withdrawn = await office.send(LIBRARIAN, "DELETE", f"/v1/entitlements/{first}")
    assert withdrawn.json()["state"] == "withdrawn"
    assert await told(city, connection, phone) == []
    again = await office.send(LIBRARIAN, "DELETE", f"/v1/entitlements/{first}")
    assert slug(again) == "entitlement-unknown"
    await office.assign(phone.person)
    assert await told(city, connection, phone, grant=1) == ["library.reader"]
    await office.send(ADMIN, "DELETE", f"/v1/entitlement-issuers/{issuer}")
    assert await told(city, connection, phone, grant=2) == []
    await office.register(organization_id=FIRE_RESCUE)
    assert await told(city, connection, phone, grant=3) == []


async def test_entitlement_ends_by_itself_and_is_renewed_by_assigning_again(
    office: Office, city: FamilyCity, connection: Connection, clock: ManualClock
) -> None:
    phone = await city.a_phone(connection)
    await office.register()
    first = (await office.assign(phone.person, valid_days=1)).json()
    clock.advance(86_400 - 3600)
    await phone.fetch(connection)
    assert await told(city, connection, phone, grant=8) == ["library.reader"]
    clock.advance(3600)
    assert await told(city, connection, phone, grant=9) == []
    renewed = (await office.assign(phone.person)).json()
    assert (renewed["id"], renewed["state"]) == (first["id"], "valid")
    assert await told(city, connection, phone, grant=10) == ["library.reader"]


@pytest.mark.parametrize(
    ("who", "name"),
    [
        (LIBRARIAN, "fire.volunteer"),
        (LIBRARIAN, "nobody.knows"),
        (FIREMAN, "library.reader"),
        (an_official("entitlement_admin", organization_id=uuid4()), "library.reader"),
    ],
)
async def test_nobody_names_entitlements_of_another_s_namespace(
    office: Office, city: FamilyCity, who: Principal, name: str
) -> None:
    await office.register()
    await office.register("fire", LIBRARY_ENTRY, organization_id=FIRE_RESCUE)
    assert slug(await office.assign(city.people.add(), who, name=name)) == "not-your-namespace"


@pytest.mark.parametrize(
    "bent",
    [
        {"openid": "short"},
        {"openid": "A" * 44},
        {"openid": "A" * 42 + "="},
        {"name": "reader"},
        {"name": "Library.reader"},
        {"name": "library."},
        {"name": "library.reader\n"},
        {"name": "library." + "r" * 60},
        {"valid_days": 0},
        {"valid_days": 2000},
        {"scenarios": []},
        {"person_id": str(uuid4())},
    ],
)
async def test_entitlements_out_of_form_are_refused(office: Office, city: FamilyCity, bent: dict[str, Any]) -> None:
    await office.register()
    assert slug(await office.assign(city.people.add(), **bent)) == "fields-invalid"


@pytest.mark.parametrize("scenarios", [[BOOK_LENDING], [LIBRARY_ENTRY, LIBRARY_ENTRY], [999]])
async def test_entitlements_count_only_where_their_issuer_does(
    office: Office, city: FamilyCity, scenarios: list[int]
) -> None:
    await office.register()
    assert slug(await office.assign(city.people.add(), scenarios=scenarios)) == "scenarios-not-entitling"


@pytest.mark.parametrize("scenarios", [[501], [804], [999], [LIBRARY_ENTRY, LIBRARY_ENTRY]])
async def test_issuers_are_registered_for_scenarios_that_tell_entitlements(
    office: Office, scenarios: list[int]
) -> None:
    body = {"organization_id": str(LIBRARY), "namespace": "library", "scenarios": scenarios}
    assert slug(await office.send(ADMIN, "POST", "/v1/entitlement-issuers", json=body)) == "scenarios-not-entitling"


async def test_namespace_has_one_owner(office: Office) -> None:
    issuer = await office.register()
    body = {"organization_id": str(FIRE_RESCUE), "namespace": "library", "scenarios": [LIBRARY_ENTRY]}
    taken = await office.send(ADMIN, "POST", "/v1/entitlement-issuers", json=body)
    assert slug(taken) == "entitlement-namespace-taken"
    listed = (await office.send(ADMIN, "GET", "/v1/entitlement-issuers")).json()["items"]
    assert [(one["namespace"], one["organization_name"]) for one in listed] == [("library", "演示图书馆")]
    assert (await office.send(ADMIN, "DELETE", f"/v1/entitlement-issuers/{issuer}")).status_code == 200
    assert slug(await office.send(ADMIN, "DELETE", f"/v1/entitlement-issuers/{issuer}")) == (
        "entitlement-issuer-unknown"
    )
    assert (await office.send(ADMIN, "POST", "/v1/entitlement-issuers", json=body)).status_code == 201


async def test_issuers_read_and_withdraw_their_own_only(office: Office, city: FamilyCity) -> None:
    people = [city.people.add() for _ in range(3)]
    await office.register()
    made = [(await office.assign(person)).json()["id"] for person in people]
    assert (await office.send(FIREMAN, "GET", "/v1/entitlements")).json()["items"] == []
    foreign = await office.send(FIREMAN, "DELETE", f"/v1/entitlements/{made[0]}")
    assert slug(foreign) == "entitlement-unknown"
    first = (await office.send(LIBRARIAN, "GET", "/v1/entitlements?limit=2")).json()
    rest = (await office.send(LIBRARIAN, "GET", f"/v1/entitlements?after={first['next']}")).json()
    assert [item["id"] for item in first["items"] + rest["items"]] == made
    one = (await office.send(LIBRARIAN, "GET", f"/v1/entitlements?openid={office.openid(people[1])}")).json()
    assert [item["id"] for item in one["items"]] == [made[1]]


async def test_holder_reads_what_scans_may_say(office: Office, city: FamilyCity) -> None:
    person = city.people.add()
    await office.register()
    await office.assign(person)
    holder, path = a_principal("person", subject_id=person.id), "/v1/codes/entitlements"
    (held,) = (await office.send(holder, "GET", path)).json()["items"]
    assert (held["name"], held["organization_name"], held["scenarios"]) == ("library.reader", "演示图书馆", [301])
    stranger = a_principal("person", subject_id=city.people.add().id)
    assert (await office.send(stranger, "GET", path)).json()["items"] == []
    unsure = a_principal("person", subject_id=person.id, ial=1)
    assert slug(await office.send(unsure, "GET", path)) == "identity-level-too-low"


@pytest.mark.parametrize("who", [None, a_principal("person"), an_official("reviewer"), LIBRARIAN])
async def test_only_administrators_register_issuers(office: Office, who: Principal | None) -> None:
    body = {"organization_id": str(LIBRARY), "namespace": "library", "scenarios": [LIBRARY_ENTRY]}
    for method, path in (
        ("POST", "/v1/entitlement-issuers"),
        ("GET", "/v1/entitlement-issuers"),
        ("DELETE", f"/v1/entitlement-issuers/{uuid4()}"),
    ):
        answer = await office.send(who, method, path, json=body if method == "POST" else None)
        assert answer.status_code == (401 if who is None else 403)


@pytest.mark.parametrize("who", [None, a_principal("person"), an_official("scanner_admin"), ADMIN])
async def test_only_issuers_assign(office: Office, who: Principal | None) -> None:
    for method, path in (("POST", "/v1/entitlements"), ("GET", "/v1/entitlements")):
        body = {"openid": "A" * 43, "name": "library.reader", "valid_days": 1}
        answer = await office.send(who, method, path, json=body if method == "POST" else None)
        assert answer.status_code == (401 if who is None else 403)


async def test_what_is_over_is_forgotten(
    office: Office, city: FamilyCity, connection: Connection, clock: ManualClock
) -> None:
    await office.register()
    await office.assign(city.people.add(), valid_days=1)
    await office.assign(city.people.add(), valid_days=1000)
    clock.advance(181 * 86_400 + 1)
    await city.codes.counter.entitlements.forget(connection)
    assert await connection.fetchval("select count(*) from codes.entitlement") == 1


async def test_deaf_worker_reads_issuers_anew_and_a_hearing_one_until_told(
    floor: Floor, office: Office, connection: Connection
) -> None:
    directory = IssuerDirectory(floor.notifications, floor.clock)
    await office.register()
    assert len(await directory.list_issuers(connection)) == 1
    await office.register("museum", 303)
    assert len(await directory.list_issuers(connection)) == 2
    floor.notifications._last_heartbeat = float("inf")
    await office.register("archive", 306)
    assert len(await directory.list_issuers(connection)) == 2
    floor.notifications._deliver(None, 0, CHANNEL, "")
    assert len(await directory.list_issuers(connection)) == 3
