"""A guardian shows a child's code: what it says, who is told, who gets none, and the many ways in which it ends."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.errors import SuishenError
from app.kit.floor import Floor
from app.kit.ids import new_id
from codes.envelope.claims import Kind
from codes.errors import DeviceNotReady, GrantRequestInvalid, GrantsExhausted, NotTheGuardian
from codes.showing.grants.models import JITTER, LONGEST_LIFE, RevokeCodes, expiry_of
from codes.verdict import VerificationResult
from codes.verification.models import ScanView, VerifyCode
from tests.codes.enterprise_city import a_principal
from tests.codes.family_city import FamilyCity, fetch_for, request_for
from tests.codes.personal_city import City, Phone, a_scanner
from tests.codes.showing.grants.test_service import claims_of

LIBRARY_ENTRY, KIOSK_LOGIN = 301, 502


@pytest.fixture
def city(floor: Floor) -> FamilyCity:
    return FamilyCity(floor)


async def scan(city: City, connection: Connection, text: str, scenario: int = LIBRARY_ENTRY) -> VerificationResult:
    return await city.codes.verifications.verify(
        connection, a_scanner(LIBRARY_ENTRY, KIOSK_LOGIN), VerifyCode(code=text, scenario=scenario)
    )


async def reason_of(city: City, connection: Connection, phone: Phone, *, grant: int = 0) -> str:
    return str((await scan(city, connection, phone.show(grant=grant))).reason)


async def records(city: City, connection: Connection, who: Any) -> list[ScanView]:
    return (await city.codes.scan_records.list_scans(connection, who, after=None, limit=10)).items


async def refusal(city: City, connection: Connection, phone: Phone, request: Any) -> type[SuishenError]:
    with pytest.raises(SuishenError) as refused:
        await city.codes.grants.issue(connection, phone.principal, request)
    return type(refused.value)


async def test_code_of_a_child_speaks_of_the_child(city: FamilyCity, connection: Connection) -> None:
    phone, child = city.a_family()
    view = await fetch_for(phone, child, connection)
    assert {claims.kind for claims in claims_of(view)} == {Kind.F}
    result = await scan(city, connection, phone.show())
    own = Phone(city, phone.person)
    await own.fetch(connection)
    of_guardian = await scan(city, connection, own.show())
    assert (result.verdict, result.kind) == ("ACCEPT", "F")
    assert (of_guardian.verdict, of_guardian.kind) == ("ACCEPT", "P")
    assert result.disclosed["openid"] != of_guardian.disclosed["openid"]
    row = await connection.fetchrow("select * from codes.verification where kind = 'F'")
    assert row is not None
    assert (row["subject_id"], row["guardian_id"]) == (child.id, phone.person.id)


async def test_child_and_guardian_both_read_the_record(city: FamilyCity, connection: Connection) -> None:
    phone, child = city.a_family()
    await fetch_for(phone, child, connection)
    told = await scan(city, connection, phone.show())
    seen = [
        await records(city, connection, who) for who in (phone.principal, a_principal("person", subject_id=child.id))
    ]
    assert [[str(view.verification_id) for view in views] for views in seen] == [[told.verification_id]] * 2
    assert {view.on_behalf_of for views in seen for view in views} == {child.id}
    assert await records(city, connection, a_principal("person")) == []


async def test_own_scans_of_one_are_not_the_other_s(city: FamilyCity, connection: Connection) -> None:
    """A guardian does not read what a child showed on a phone of the child's own, nor the reverse."""
    phone, child = city.a_family()
    of_child = Phone(city, child)
    for one in (phone, of_child):
        await one.fetch(connection)
        await scan(city, connection, one.show())
    for one in (phone, of_child):
        (only,) = await records(city, connection, one.principal)
        assert only.on_behalf_of is None


async def test_other_people_s_children_are_refused(city: FamilyCity, connection: Connection) -> None:
    phone, child = city.a_family()
    stranger, other_child = city.a_family()
    for asked in (other_child.id, stranger.person.id, phone.person.id, new_id()):
        assert await refusal(city, connection, phone, request_for(phone, asked)) is NotTheGuardian
    assert await refusal(city, connection, stranger, request_for(stranger, child.id)) is NotTheGuardian
    assert await connection.fetchval("select count(*) from codes.grant_batch") == 0


async def test_city_without_guardians_gives_no_family_codes(floor: Floor, connection: Connection) -> None:
    city = City(floor)
    phone = Phone(city, city.people.add())
    assert await refusal(city, connection, phone, request_for(phone, new_id())) is NotTheGuardian


async def test_device_signs_whom_the_grants_are_for(city: FamilyCity, connection: Connection) -> None:
    """A request for oneself cannot be turned into one for a child, nor the reverse, nor into one for a sibling."""
    phone, child = city.a_family()
    sibling = city.people.add()
    city.guardians.add(phone.person, sibling)
    bent = [
        request_for(phone, child.id, sub=None),
        request_for(phone, child.id, sub=str(sibling.id)),
        request_for(phone, child.id, sub="me"),
        phone.request(sub=str(child.id)),
    ]
    for request in bent:
        assert await refusal(city, connection, phone, request) is GrantRequestInvalid


@pytest.mark.parametrize("state", ["waiting", "revoked"])
async def test_device_must_be_the_guardian_s_own_and_active(
    city: FamilyCity, connection: Connection, state: Any
) -> None:
    phone, child = city.a_family()
    of_child = Phone(city, child)
    foreign = request_for(of_child, child.id)
    assert await refusal(city, connection, phone, foreign) is GrantRequestInvalid
    city.devices.change(phone.id, state)
    assert await refusal(city, connection, phone, request_for(phone, child.id)) is DeviceNotReady


async def test_each_child_has_a_day_of_its_own(city: FamilyCity, connection: Connection) -> None:
    phone, child = city.a_family()
    sibling = city.people.add()
    city.guardians.add(phone.person, sibling)
    for _ in range(4):
        await fetch_for(phone, child, connection)
    assert await refusal(city, connection, phone, request_for(phone, child.id)) is GrantsExhausted
    await fetch_for(phone, sibling, connection)
    await phone.fetch(connection)


async def test_code_ends_with_the_mandate_at_once(city: FamilyCity, connection: Connection) -> None:
    phone, child = city.a_family()
    mandate = city.guardians.by_pair[phone.person.id, child.id]
    await fetch_for(phone, child, connection)
    assert await reason_of(city, connection, phone) == "OK"
    await city.codes.grants.mandate_ended(connection, mandate.id, city.clock.now())
    assert await reason_of(city, connection, phone, grant=1) == "REVOKED"


async def test_end_of_one_mandate_leaves_other_codes_alone(city: FamilyCity, connection: Connection) -> None:
    phone, child = city.a_family()
    other, other_child = city.a_family()
    await fetch_for(other, other_child, connection)
    await city.codes.grants.mandate_ended(
        connection, city.guardians.by_pair[phone.person.id, child.id].id, city.clock.now()
    )
    assert await reason_of(city, connection, other) == "OK"


async def test_guardianship_that_ended_by_itself_ends_the_code(city: FamilyCity, connection: Connection) -> None:
    """Nobody told us: at the scan identity knows of no mandate any more."""
    phone, child = city.a_family()
    await fetch_for(phone, child, connection)
    city.guardians.by_pair.clear()
    assert await reason_of(city, connection, phone) == "REVOKED"


async def test_no_grant_outlives_the_eighteenth_birthday(
    city: FamilyCity, connection: Connection, clock: ManualClock
) -> None:
    birthday = clock.now() + timedelta(hours=3)
    phone, child = city.a_family(until=birthday)
    view = await fetch_for(phone, child, connection)
    assert all(clock.now() < given.expires_at <= birthday for given in view.grants)
    assert await connection.fetchval("select expires_at from codes.grant_batch") == birthday
    clock.advance(3 * 3600)
    assert await reason_of(city, connection, phone) == "GRANT_EXPIRED"


async def test_code_ends_with_the_guardian_s_device(city: FamilyCity, connection: Connection) -> None:
    phone, child = city.a_family()
    await fetch_for(phone, child, connection)
    await city.codes.grants.device_revoked(connection, phone.id, city.clock.now())
    assert await reason_of(city, connection, phone) == "REVOKED"


@pytest.mark.parametrize("who", ["guardian", "child"])
async def test_revoking_everything_ends_it_from_either_side(city: FamilyCity, connection: Connection, who: str) -> None:
    phone, child = city.a_family()
    await fetch_for(phone, child, connection)
    caller = phone.principal if who == "guardian" else a_principal("person", subject_id=child.id)
    assert (await city.codes.grants.revoke(connection, caller, RevokeCodes())).grants == 8
    assert await reason_of(city, connection, phone) == "REVOKED"


async def test_child_s_account_that_is_closed_ends_it(city: FamilyCity, connection: Connection) -> None:
    phone, child = city.a_family()
    await fetch_for(phone, child, connection)
    city.people.by_id[child.id] = type(child)(id=child.id, status="closed")
    assert await reason_of(city, connection, phone) == "REVOKED"


async def test_scenario_for_adults_takes_no_family_code(city: FamilyCity, connection: Connection) -> None:
    phone, child = city.a_family()
    await fetch_for(phone, child, connection)
    result = await scan(city, connection, phone.show(KIOSK_LOGIN), KIOSK_LOGIN)
    assert result.verdict == "REJECT"
    assert result.disclosed == {}


class OtherCodes:
    """Paper and online codes, as another room would keep them; says what it was told to end."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []

    async def end_codes(self, _connection: Connection, person_id: Any, _now: datetime, /) -> int:
        self.told.append(("person", person_id))
        return 2

    async def end_codes_of_device(self, _connection: Connection, device_id: Any, _now: datetime, /) -> int:
        self.told.append(("device", device_id))
        return 1


async def test_losing_a_device_and_revoking_all_reach_every_kind_of_code(
    city: FamilyCity, connection: Connection
) -> None:
    others = OtherCodes()
    city.codes.grants._other_codes = (others,)
    phone = await city.a_phone(connection)
    one = await city.codes.grants.revoke(connection, phone.principal, RevokeCodes(device_id=phone.id))
    everything = await city.codes.grants.revoke(connection, phone.principal, RevokeCodes())
    await city.codes.grants.device_revoked(connection, phone.id, city.clock.now())
    assert [(one.grants, one.other_codes), (everything.grants, everything.other_codes)] == [(8, 1), (0, 2)]
    assert others.told == [("device", phone.id), ("person", phone.person.id), ("device", phone.id)]


@given(
    jitter=st.integers(0, int(JITTER.total_seconds())),
    life=st.timedeltas(timedelta(minutes=1), LONGEST_LIFE),
    start=st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - bounds are naive by contract
)
def test_no_life_is_ever_exceeded_and_a_whole_one_keeps_20_hours(jitter: int, life: timedelta, start: datetime) -> None:
    end = expiry_of(start, jitter, life)
    assert start - timedelta(minutes=10) < end <= start + life
    assert end >= start + life * (5 / 6) - timedelta(minutes=10, seconds=1)
    assert end.timestamp() % 600 == 0
