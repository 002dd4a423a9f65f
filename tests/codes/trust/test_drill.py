"""The drill: keys turn, change their algorithm, and are withdrawn; phones exchange, doors follow."""

from datetime import datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.database import Connection
from app.kit.floor import Floor
from app.kit.keyring import ANNOUNCED_FOR, PROFILE_ED25519, PROFILE_ES256
from codes.envelope import cbor, cose
from codes.envelope.claims import kid_of
from codes.envelope.profiles import ED25519, ES256
from codes.errors import GrantsExhausted
from codes.offline_verifier import Refused, TrustListRefused
from codes.showing.grants.models import LONGEST_LIFE
from codes.showing.paper.models import LONGEST_DAYS, IssuePaperCode
from codes.trust.document import certify_list_key
from codes.trust.reissue import LISTED_FOR, Reissue, exchange_at
from codes.verdict import Reason
from tests.codes.enterprise_city import a_principal
from tests.codes.personal_city import City, Phone
from tests.codes.signed import ENVIRONMENT, NOW, ROOT_KEY, trusted
from tests.codes.venue import Venue

OK = (Reason.OK, Reason.OK)
GONE = (Reason.UNKNOWN_KEY, Reason.UNKNOWN_KEY)


@pytest.fixture
async def venue(city: City, floor: Floor, connection: Connection) -> Venue:
    """A door with fresh lists, some time after the city's keys were first announced."""
    venue = Venue(city, floor, connection)
    venue.wait_for(ANNOUNCED_FOR)
    await venue.pull()
    return venue


@pytest.fixture
async def phone(venue: Venue, city: City, connection: Connection) -> Phone:
    return await city.a_phone(connection)


async def turn(venue: Venue, purpose: str = "grant") -> None:
    """A rotation as the command does it, heard by this worker."""
    await venue.floor.keyring.rotate(venue.connection, purpose)
    await venue.floor.keyring.load(venue.connection)


async def withdraw(venue: Venue, kid: str, purpose: str = "grant") -> None:
    await venue.floor.keyring.withdraw(venue.connection, purpose, kid)
    await venue.floor.keyring.load(venue.connection)
    await venue.city.codes.trust_lists.publish_when_due()


def kid_under(phone: Phone, grant: int = 0) -> str:
    """What a phone reads out of its own grant."""
    return kid_of(cose.parse_sign1(cbor.TAG_COSE_SIGN1 + phone.grants[grant][0])).hex()


async def test_a_retired_key_s_grants_stay_good_until_they_end(venue: Venue, phone: Phone, city: City) -> None:
    await turn(venue)
    assert await venue.both(phone.show()) == OK
    venue.wait_for(timedelta(hours=19))
    await venue.pull()
    assert await venue.both(phone.show()) == OK
    venue.wait_for(timedelta(hours=5, minutes=1))
    await venue.pull()
    assert await venue.both(phone.show()) == (Reason.GRANT_EXPIRED, Reason.GRANT_EXPIRED)


@pytest.mark.parametrize("purpose", ["paper_code", "grant"])
async def test_paper_of_the_longest_life_outlives_every_rotation(
    venue: Venue, city: City, connection: Connection, purpose: str
) -> None:
    holder = city.people.add()
    city.people.by_document["190000199001010011"] = holder.id
    paper = await city.codes.ladder.paper_codes.issue(
        connection, a_principal("person", subject_id=holder.id), IssuePaperCode(days=LONGEST_DAYS)
    )
    await turn(venue, purpose)
    venue.wait_for(timedelta(days=LONGEST_DAYS, seconds=-60))
    await venue.floor.keyring.load(connection)
    await venue.pull()
    offline = venue.verifier.verify(paper.carrier, scenario=601, now=city.clock.now(), holder_checked=True)
    assert offline.reason is Reason.OK
    venue.wait(60)
    offline = venue.verifier.verify(paper.carrier, scenario=601, now=city.clock.now(), holder_checked=True)
    assert offline.reason is Reason.GRANT_EXPIRED


async def test_paper_survives_the_theft_of_the_grant_key(
    venue: Venue, phone: Phone, city: City, connection: Connection
) -> None:
    holder = city.people.add()
    city.people.by_document["190000199001010011"] = holder.id
    paper = await city.codes.ladder.paper_codes.issue(
        connection, a_principal("person", subject_id=holder.id), IssuePaperCode()
    )
    await withdraw(venue, kid_under(phone))
    await venue.pull()
    offline = venue.verifier.verify(paper.carrier, scenario=601, now=city.clock.now(), holder_checked=True)
    assert offline.reason is Reason.OK
    assert await venue.both(phone.show()) == GONE


async def test_a_retired_key_leaves_the_list_once_nothing_under_it_lives(venue: Venue, phone: Phone) -> None:
    await turn(venue)
    venue.wait_for(LONGEST_LIFE * 2 + timedelta(seconds=1))
    await venue.floor.keyring.load(venue.connection)
    await venue.city.codes.trust_lists.publish_when_due()
    await venue.pull()
    assert await venue.both(phone.show()) == GONE


async def test_a_door_that_pulled_before_the_rotation_knows_the_next_key(
    venue: Venue, city: City, connection: Connection
) -> None:
    await turn(venue)
    later = await city.a_phone(connection)
    assert await venue.both(later.show()) == OK, "it was announced two refresh periods before it signed"


async def test_a_withdrawn_key_s_codes_are_refused_online_at_once_and_at_doors_when_they_pull(
    venue: Venue, phone: Phone
) -> None:
    await withdraw(venue, kid_under(phone))
    offline, online = await venue.both(phone.show())
    assert (offline, online) == (Reason.OK, Reason.UNKNOWN_KEY)
    await venue.pull()
    assert await venue.both(phone.show()) == GONE


async def test_no_older_list_brings_a_withdrawn_key_back(venue: Venue, phone: Phone, connection: Connection) -> None:
    old = (await venue.city.codes.trust_lists.current(connection)).body
    await withdraw(venue, kid_under(phone))
    await venue.pull()
    with pytest.raises(TrustListRefused, match="rolled back"):
        venue.verifier.take_trust_list(old, venue.city.clock.now())
    assert await venue.both(phone.show()) == GONE


async def test_a_phone_is_asked_to_exchange_and_shows_again(venue: Venue, phone: Phone, connection: Connection) -> None:
    kid = kid_under(phone)
    await withdraw(venue, kid)
    await venue.city.codes.reissues.ask(connection, kid, spread=timedelta(minutes=10), withdrawn=True)
    asked = await venue.city.codes.reissues.list_current(connection)
    assert [(one.kid, one.withdrawn) for one in asked] == [(kid, True)]
    await phone.fetch(connection)
    assert kid_under(phone, 8) != kid
    await venue.pull()
    assert await venue.both(phone.show(grant=8)) == OK
    venue.wait_for(LISTED_FOR)
    assert await venue.city.codes.reissues.list_current(connection) == []


async def test_an_exchange_is_not_refused_to_a_phone_that_used_its_day_up(
    venue: Venue, phone: Phone, connection: Connection
) -> None:
    for _ in range(3):
        await phone.fetch(connection)
    with pytest.raises(GrantsExhausted):
        await phone.fetch(connection)
    kid = kid_under(phone)
    venue.wait(1)
    await venue.city.codes.reissues.ask(connection, kid, spread=timedelta(minutes=10), withdrawn=True)
    venue.wait(1)
    for _ in range(4):
        await phone.fetch(connection)
    with pytest.raises(GrantsExhausted):
        await phone.fetch(connection)


async def test_what_was_withdrawn_stays_so_when_a_drill_follows(venue: Venue, connection: Connection) -> None:
    reissues = venue.city.codes.reissues
    await reissues.ask(connection, "0badc0de", spread=timedelta(minutes=10), withdrawn=True)
    await reissues.ask(connection, "0badc0de", spread=timedelta(hours=4), withdrawn=False)
    (asked,) = await reissues.list_current(connection)
    assert (asked.withdrawn, asked.spread_seconds) == (True, 4 * 3600)


@given(spread=st.integers(0, 86400), chosen=st.floats(0, 1, exclude_max=True))
def test_every_phone_exchanges_within_the_span(spread: int, chosen: float) -> None:
    reissue = Reissue(kid="0badc0de", announced_at=NOW, spread_seconds=spread, withdrawn=False)
    assert NOW <= exchange_at(reissue, chosen) <= NOW + timedelta(seconds=spread)


async def change_algorithm(venue: Venue, purpose: str) -> None:
    """As by command: announce, wait until every door has it, turn."""
    await venue.floor.keyring.announce(venue.connection, purpose, PROFILE_ED25519)
    await venue.floor.keyring.load(venue.connection)
    await venue.pull()
    venue.wait_for(ANNOUNCED_FOR)
    await turn(venue, purpose)
    await venue.pull()


async def test_the_algorithm_of_grants_changes_while_the_old_ones_live_on(
    venue: Venue, phone: Phone, city: City, connection: Connection
) -> None:
    await change_algorithm(venue, "grant")
    assert venue.floor.keyring.active("grant").profile == PROFILE_ED25519
    later = await city.a_phone(connection)
    grant = cose.parse_sign1(cbor.TAG_COSE_SIGN1 + later.grants[0][0])
    assert (grant.protected[cose.ALGORITHM], len(grant.signature)) == (ED25519.algorithm, 64)
    assert await venue.both(later.show()) == OK
    assert await venue.both(phone.show()) == OK
    stored = await connection.fetch("select profile from codes.grant_batch order by number")
    assert [row["profile"] for row in stored] == [PROFILE_ES256, PROFILE_ED25519]


async def test_status_lists_and_changes_of_the_second_profile_are_believed(
    venue: Venue, phone: Phone, city: City, connection: Connection
) -> None:
    await change_algorithm(venue, "status_list")
    venue.wait(151)  # every list is signed anew
    await venue.pull()
    assert await venue.both(phone.show()) == OK
    await city.codes.grants.device_revoked(connection, phone.id, city.clock.now())
    await venue.pull_changes()
    assert await venue.both(phone.show(grant=1)) == (Reason.REVOKED, Reason.REVOKED)


@pytest.mark.parametrize("algorithm", [ES256.algorithm, ED25519.algorithm])
async def test_a_code_that_names_the_other_algorithm_than_its_key_s_is_refused(
    venue: Venue, phone: Phone, city: City, connection: Connection, algorithm: int
) -> None:
    """Both ways: the message's word never chooses how it is checked."""
    bearer = phone
    if algorithm == ES256.algorithm:
        await change_algorithm(venue, "grant")
        bearer = await city.a_phone(connection)
    true = cose.parse_sign1(cbor.TAG_COSE_SIGN1 + bearer.grants[0][0])
    headers = cbor.encode(true.protected | {cose.ALGORITHM: algorithm})
    bearer.grants[0] = (cose.assemble(headers, true.payload, true.signature), bearer.grants[0][1])
    assert await venue.both(bearer.show()) == (Reason.ALG_MISMATCH, Reason.ALG_MISMATCH)


async def test_a_stolen_status_key_s_lists_are_dropped_by_the_door_and_by_the_city(
    venue: Venue, phone: Phone, connection: Connection
) -> None:
    statuses, steps = venue.city.codes.statuses, venue.city.codes.status_steps
    old_list, old_changes = await statuses.publish(connection, 0), await steps.publish(connection, 0)
    assert await statuses.publish(connection, 0) is old_list
    await withdraw(venue, old_list.kid, "status_list")
    assert await status_as_of(venue, phone) is not None
    venue.verifier.take_trust_list(
        (await venue.city.codes.trust_lists.current(connection)).body, venue.city.clock.now()
    )
    assert await status_as_of(venue, phone) is None, "what the stolen key said is unknown until it is pulled anew"
    with pytest.raises(Refused):
        venue.verifier.take_status_list(0, old_list.body, venue.city.clock.now())
    with pytest.raises(Refused):
        venue.verifier.take_changes(old_changes.body, venue.city.clock.now())
    assert await statuses.publish(connection, 0) is not old_list
    assert await steps.publish(connection, 0) is not old_changes
    await venue.pull()
    assert await venue.both(phone.show()) == OK


async def status_as_of(venue: Venue, phone: Phone) -> datetime | None:
    now = venue.city.clock.now()
    return venue.verifier.verify(phone.show(), scenario=301, now=now).freshness.status_as_of


async def test_another_list_key_vouches_at_once_and_doors_go_on(
    venue: Venue, phone: Phone, connection: Connection
) -> None:
    before = venue.verifier.version
    await withdraw(venue, venue.floor.keyring.active("trust_list").kid, "trust_list")
    await venue.pull()
    assert venue.verifier.version == (before or 0) + 1
    assert await venue.both(phone.show()) == OK


async def test_doors_hold_the_next_root_too_and_are_given_another_by_hand_only_after_that(
    venue: Venue, phone: Phone, city: City, floor: Floor, connection: Connection
) -> None:
    await withdraw(venue, floor.keyring.active("trust_root").kid, "trust_root")
    await venue.pull()
    assert await venue.both(phone.show()) == OK
    await withdraw(venue, floor.keyring.active("trust_root").kid, "trust_root")
    with pytest.raises(TrustListRefused, match="unknown root"):
        await venue.pull()
    assert (await venue.ask(phone.show(age=4))).reason is Reason.OK, "in the city nothing stands still"
    given_anew = Venue(City(floor), floor, connection)
    await given_anew.pull()
    assert given_anew.verifier.verify(phone.show(age=3), scenario=301, now=city.clock.now()).reason is Reason.OK


def test_a_key_of_a_profile_that_nobody_here_speaks_spoils_no_list() -> None:
    """The day a third profile is announced, doors of today go on with the keys that they understand."""
    from codes.trust.document import TrustList, encode_trust_list, verify_trust_list
    from tests.codes.signed import KEYS, LIST_KEY, POLICIES

    class Future:
        number, algorithm = 99, -99

        def encode_key(self, _public_key: object) -> dict[int, object]:
            return {1: 9, -1: b"of the future"}

    strange = msgspec.structs.replace(
        KEYS[0],
        kid=b"\x09\x09\x09\x09",
        verifying_key=msgspec.structs.replace(KEYS[0].verifying_key, profile=Future()),
    )
    content = TrustList(
        version=1,
        issued_at=NOW,
        next_update_at=NOW + timedelta(days=1),
        keys=(*KEYS, strange),
        scenarios=POLICIES,
    )
    certificate = certify_list_key(
        trusted(LIST_KEY).verifying_key, ROOT_KEY, ENVIRONMENT, now=NOW, life=timedelta(days=1)
    )
    data = encode_trust_list(content, LIST_KEY, certificate, ENVIRONMENT)
    roots = {ROOT_KEY.kid or b"": trusted(ROOT_KEY).verifying_key}
    assert set(verify_trust_list(data, roots, ENVIRONMENT, now=NOW).keys) == {key.kid for key in KEYS}
