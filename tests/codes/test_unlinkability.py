"""Two organizations put together everything they hold of one person, and find nothing in common but what was disclosed.

Held against a crowd: what strangers' codes carry too (key ids, lengths, kinds) tells nobody from anybody.
"""

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import cbor2
import msgspec

from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.ids import new_id
from codes.envelope import base45
from codes.records.offline_logs.models import OfflineEntry, UploadLog
from codes.verdict import Reason, Verdict
from codes.verification.models import VerifyCode
from tests.codes.enterprise_city import FIRE_RESCUE, LIBRARY
from tests.codes.personal_city import FULL_FACTS, SETTINGS, City, Phone, a_scanner

METRO, LIBRARY_ENTRY, OFFICE = 101, 301, 602
STRANGERS = 4
SHARED_RUN = 32  # what every code of one issuer begins with: heads, the issuer's key id, the expiry blanked below
WINDOW = SHARED_RUN + 5  # so that no two windows are alike by chance
EXPIRY, TEN_MINUTES = 4, 600


@dataclass
class Holdings:
    """All that one organization ever got about somebody: pictures, answers, receipts, answers to its offline logs."""

    values: set[Any] = field(default_factory=set)
    pieces: set[bytes] = field(default_factory=set)

    def keep_code(self, text: str) -> None:
        """Every value in the bytes, however deep, and every run of bytes."""
        data = base45.decode(text.removeprefix(SETTINGS.prefix))
        self.values |= {value for value in leaves(cbor2.loads(data)) if not is_rounded_time(value)}
        self.values.add(text)
        shown = without_expiry(data)
        self.pieces |= {shown[start : start + WINDOW] for start in range(len(shown) - WINDOW + 1)}

    def keep_answer(self, answer: Any) -> None:
        """Every value of the answer; a receipt is opened too."""
        content = msgspec.to_builtins(answer)
        self.values |= set(leaves(content))
        if receipt := content.get("receipt"):
            self.values |= set(leaves(cbor2.loads(base64.urlsafe_b64decode(receipt + "=" * (-len(receipt) % 4)))))

    def __and__(self, other: "Holdings") -> "Holdings":
        return Holdings(self.values & other.values, self.pieces & other.pieces)

    def __sub__(self, other: "Holdings") -> "Holdings":
        return Holdings(self.values - other.values, self.pieces - other.pieces)

    def __or__(self, other: "Holdings") -> "Holdings":
        return Holdings(self.values | other.values, self.pieces | other.pieces)


def leaves(value: Any) -> Iterator[Any]:
    """Every single value inside; bytes that hold CBOR are opened as well."""
    if isinstance(value, cbor2.CBORTag):
        yield from leaves(value.value)
    elif isinstance(value, dict):
        for key, part in value.items():
            yield key
            yield from leaves(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from leaves(part)
    else:
        yield value
        yield from inner_leaves(value)


def inner_leaves(value: Any) -> Iterator[Any]:
    if not isinstance(value, bytes):
        return
    try:
        inner = cbor2.loads(value)
    except (cbor2.CBORError, ValueError, OverflowError, MemoryError):
        return
    if isinstance(inner, dict | list):
        yield from leaves(inner)


def is_rounded_time(value: Any) -> bool:
    """The end of a grant: one of two dozen moments for everybody in the city, which `test_grants_end…` holds."""
    return type(value) is int and value > 10**9 and value % TEN_MINUTES == 0


def claims_of(text: str) -> dict[int, Any]:
    message = cbor2.loads(base45.decode(text.removeprefix(SETTINGS.prefix))).value
    claims: dict[int, Any] = cbor2.loads(cbor2.loads(message[0])[13][2])
    return claims


def without_expiry(data: bytes) -> bytes:
    message = cbor2.loads(data).value
    expiry: int = cbor2.loads(cbor2.loads(message[0])[13][2])[EXPIRY]
    return data.replace(expiry.to_bytes(4), bytes(4))


class Visits:
    """One person before the scanners of one organization."""

    def __init__(self, city: City, connection: Connection, organization_id: UUID) -> None:
        self.city = city
        self.connection = connection
        self.scanners = {
            scenario: a_scanner(scenario, organization_id=organization_id)
            for scenario in (METRO, LIBRARY_ENTRY, OFFICE)
        }

    async def visit(self, phone: Phone, grant: int, scenario: int, age: int, holdings: Holdings) -> dict[str, Any]:
        """An online scan; what it disclosed."""
        self.city.people.facts = facts_of(phone)
        code = phone.show(scenario, grant=grant, age=age)
        request = VerifyCode(code=code, scenario=scenario, request_id=f"request-{new_id().hex}")
        scanner = self.scanners[scenario]
        result = await self.city.codes.verifications.verify(self.connection, scanner, request)
        assert result.reason is Reason.OK, result
        holdings.keep_code(code)
        holdings.keep_answer(result)
        return dict(result.disclosed)

    async def log(self, phone: Phone, grant: int, age: int, holdings: Holdings) -> None:
        """A scan while the line was cut, and what the city answered to the log."""
        code, scanner = phone.show(LIBRARY_ENTRY, grant=grant, age=age), self.scanners[LIBRARY_ENTRY]
        entry = OfflineEntry(
            entry_id=f"entry-{new_id().hex}",
            code=code,
            scenario=LIBRARY_ENTRY,
            scanned_at=self.city.clock.now(),
            verdict=Verdict.ACCEPT,
            reason=Reason.OK,
        )
        log = UploadLog(entries=[entry])
        answer = await self.city.codes.record.offline_logs.upload(self.connection, scanner, log)
        assert answer.items[0].reason is Reason.OK
        holdings.keep_code(code)
        holdings.keep_answer(answer)


def facts_of(phone: Phone) -> dict[str, str | bool]:
    """Facts of this person's own: nobody else in the crowd has them."""
    mark = phone.person.id.hex
    return {**FULL_FACTS, "full_name": f"姓名{mark}", "phone_tail": mark[-4:], "display_name": f"姓*{mark[:6]}"}


async def everything(city: City, connection: Connection, phone: Phone) -> tuple[Holdings, Holdings, dict[str, Any]]:
    """Sixteen grants, half of them shown here and half there, in two situations each, online and offline."""
    await phone.fetch(connection)
    here, there = Visits(city, connection, LIBRARY), Visits(city, connection, FIRE_RESCUE)
    held_here, held_there = Holdings(), Holdings()
    disclosed: dict[str, Any] = {}
    for grant in range(0, 14, 2):
        scenario = (OFFICE, LIBRARY_ENTRY)[grant // 2 % 2]
        disclosed |= await here.visit(phone, grant, scenario, grant, held_here)
        disclosed |= await there.visit(phone, grant + 1, scenario, grant, held_there)
    await here.log(phone, 14, 14, held_here)
    await there.log(phone, 15, 14, held_there)
    return held_here, held_there, disclosed


async def the_crowd(city: City, connection: Connection) -> Holdings:
    crowd = Holdings()
    for _ in range(STRANGERS):
        here, there, _ = await everything(city, connection, await city.a_phone(connection))
        crowd |= here | there
    return crowd


async def test_strangers_share_no_run_as_long_as_the_window(city: City, connection: Connection) -> None:
    first, second = [(await everything(city, connection, await city.a_phone(connection)))[0] for _ in range(2)]
    assert (first & second).pieces == set()


async def test_two_organizations_have_nothing_in_common_but_what_both_were_told(
    city: City, connection: Connection
) -> None:
    crowd, phone = await the_crowd(city, connection), await city.a_phone(connection)
    here, there, disclosed = await everything(city, connection, phone)
    common = (here & there) - crowd
    assert common.values == {disclosed["full_name"], disclosed["phone_tail"]}
    assert common.pieces == set()


async def test_one_organization_cannot_tell_two_scans_that_disclosed_nothing(
    city: City, connection: Connection
) -> None:
    phone, first, second = await city.a_phone(connection), Holdings(), Holdings()
    crowd = await the_crowd(city, connection)
    gates = Visits(city, connection, LIBRARY)
    stranger = await city.a_phone(connection)
    await gates.visit(stranger, 0, METRO, 3, crowd)
    assert await gates.visit(phone, 0, METRO, 3, first) == {"entitlements": []}
    assert await gates.visit(phone, 1, METRO, 3, second) == {"entitlements": []}
    common = (first & second) - crowd
    assert (common.values, common.pieces) == (set(), set())


async def test_this_test_would_see_a_link(city: City, connection: Connection) -> None:
    """A grant shown to both is seen in its pointer, its key, its place in a list, and its signature."""
    crowd, phone = await the_crowd(city, connection), await city.a_phone(connection)
    here, there = Holdings(), Holdings()
    await Visits(city, connection, LIBRARY).visit(phone, 0, METRO, 3, here)
    await Visits(city, connection, FIRE_RESCUE).visit(phone, 0, METRO, 4, there)
    common = (here & there) - crowd
    claims = claims_of(phone.show())
    cti, key, (_shard, index) = claims[7], claims[8][1], claims[-70000]
    assert {cti, key[-2], index} <= common.values
    assert any(cti in piece for piece in common.pieces)


async def test_grants_end_at_few_and_round_moments(city: City, connection: Connection, clock: ManualClock) -> None:
    phone = await city.a_phone(connection)
    ends = [claims_of(phone.show(grant=grant))[EXPIRY] - int(clock.now().timestamp()) for grant in range(8)]
    assert all(end % TEN_MINUTES == 0 and 0 < end <= 24 * 3600 for end in ends)
    assert max(ends) - min(ends) <= 4 * 3600


async def test_nothing_in_the_bytes_names_the_holder_or_the_device(city: City, connection: Connection) -> None:
    phone = await city.a_phone(connection)
    device = phone.key.public_key().public_numbers()
    names = [phone.person.id.bytes, phone.id.bytes, device.x.to_bytes(32), str(phone.person.id).encode()]
    for grant in range(8):
        data = base45.decode(phone.show(grant=grant).removeprefix(SETTINGS.prefix))
        assert not any(name in data for name in names)
