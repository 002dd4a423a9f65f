"""ID numbers that nobody granted are noticed in what departments answer, counted, and told to officials once a day."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.floor import Floor
from auth.alerts.service import Alerts, load_alert_texts
from auth.documents import id_card_number_is_valid
from gateway.leaks import MOST_CHECKED, MOST_COUNTED, MOST_LOOKED_AT, Leaks, count_id_numbers
from gateway.policy import Decision, GrantedScope
from gateway.routing import Match, Target, find_route
from miniapps.departments.misbehaviour import id_number
from miniapps.manifest import Scope
from miniapps.manifest.models import LocalText
from tests.gateway.publications import LIBRARY, LIBRARY_ORGANIZATION, a_snapshot

NUMBER = id_number(7)


@pytest.mark.parametrize(
    ("body", "count"),
    [
        (b"", 0),
        (b'{"items":[]}', 0),
        (NUMBER.encode(), 1),
        (f'{{"id":"{NUMBER}"}}'.encode(), 1),
        (f"{NUMBER} {id_number(8)},{id_number(9)}".encode(), 3),
        (id_number(10).lower().encode(), 1),
        (f"1{NUMBER}".encode(), 0),
        (f"{NUMBER}1".encode(), 0),
        (NUMBER[:17].encode() + (b"0" if NUMBER[17] != "0" else b"1"), 0),
        (b"12345678901234567890" * 50, 0),
        (b"6222021234567890123", 0),
        (b"20260302123456789", 0),
        (b"19010119901307001X", 0),
        (f"{NUMBER} ".encode() * 500, MOST_COUNTED),
        (b" " * MOST_LOOKED_AT + NUMBER.encode(), 0),
        ("１９０１０１１９９００３０７００７Ｘ".encode(), 0),
    ],
)
def test_counts_numbers_whose_check_digit_holds(body: bytes, count: int) -> None:
    assert count_id_numbers(body) == count


def test_synthetic_numbers_are_ones_that_count() -> None:
    assert all(id_card_number_is_valid(id_number(number)) for number in range(100))


@given(before=st.binary(max_size=30), after=st.binary(max_size=30), sequence=st.integers(0, 999))
@example(before=b"\xff", after=b"\x00", sequence=1)
def test_finds_a_number_wherever_it_stands(before: bytes, after: bytes, sequence: int) -> None:
    body = before + b"." + id_number(sequence).encode() + b"." + after
    assert count_id_numbers(body) >= 1


@given(st.binary(max_size=300))
def test_reads_any_bytes(body: bytes) -> None:
    assert count_id_numbers(body) >= 0


def a_decision(*fields: str) -> Decision:
    match = find_route(a_snapshot(), "GET", Target(app_id=LIBRARY, path="/books"))
    assert isinstance(match, Match)
    scope = Scope(name="id", fields=fields, purpose=LocalText(zh="核验", en="Check"), basis="consent")
    granted = (GrantedScope(scope=scope, fields=fields),) if fields else ()
    return Decision(match=match, principal=None, granted=granted)


@pytest.fixture
async def leaks(floor: Floor, connection: Connection) -> Leaks:
    await connection.execute(
        "insert into auth.organization (id, kind, form, name, credit_code, status, created_at)"
        " values ($1, 'department', 'legal_person', '演示图书馆', 'X', 'active', now())",
        LIBRARY_ORGANIZATION,
    )
    leaks = Leaks(floor.database, floor.clock)
    leaks.tell(Alerts(texts=load_alert_texts(), outbox=floor.outbox, clock=floor.clock, has_channel=False))
    return leaks


async def alerts_of(connection: Connection) -> list[Any]:
    rows = await connection.fetch("select kind, organization_id, subject, roles, city_roles from auth.alert")
    return [tuple(row) for row in rows]


async def test_officials_are_told_once_a_day_by_whichever_worker(
    leaks: Leaks, floor: Floor, clock: ManualClock, connection: Connection
) -> None:
    other = Leaks(floor.database, floor.clock)
    other.tell(Alerts(texts=load_alert_texts(), outbox=floor.outbox, clock=floor.clock, has_channel=False))
    for worker in (leaks, other, leaks):
        worker.look(a_decision(), f'["{NUMBER}"]'.encode())
        await worker.write()

    told = ("miniapp_leaks", LIBRARY_ORGANIZATION, f"miniapp:{LIBRARY}", ["developer"], ["security_admin", "reviewer"])
    assert await alerts_of(connection) == [told]
    clock.advance(timedelta(days=1, seconds=1).total_seconds())
    leaks.look(a_decision(), NUMBER.encode())
    await leaks.write()
    assert await alerts_of(connection) == [told, told]


async def test_what_is_kept_names_no_number(leaks: Leaks, connection: Connection, capsys: Any) -> None:
    for _ in range(3):
        leaks.look(a_decision(), f"{NUMBER} {id_number(8)}".encode())
    await leaks.write()
    detail = await connection.fetchval("select detail::text from kit.audit_entry where action = 'miniapp.leak_noticed'")
    assert '"answers": 3' in detail
    assert '"numbers": 6' in detail
    written = await connection.fetchval(
        "select string_agg(a::text || e::text, '') from auth.alert a, kit.audit_entry e"
    )
    for secret in (NUMBER, NUMBER[:14]):
        assert secret not in written + capsys.readouterr().out


@pytest.mark.parametrize(("fields", "told"), [(("id_number",), 0), (("display_name",), 1)])
async def test_a_number_that_was_granted_may_be_shown(
    leaks: Leaks, connection: Connection, fields: tuple[str, ...], told: int
) -> None:
    leaks.look(a_decision(*fields), NUMBER.encode())
    await leaks.write()
    assert len(await alerts_of(connection)) == told


async def test_nothing_seen_is_nothing_written(leaks: Leaks, connection: Connection) -> None:
    leaks.look(a_decision(), b'{"items":[]}')
    await leaks.write()
    assert await alerts_of(connection) == []


def test_numbers_that_only_look_like_it_cost_no_more_than_some(monkeypatch: pytest.MonkeyPatch) -> None:
    """A department may fill an answer with them; each check holds up everybody else's calls."""
    checked: list[str] = []

    def check(number: str) -> bool:
        checked.append(number)
        return False

    monkeypatch.setattr("gateway.leaks.id_card_number_is_valid", check)
    assert count_id_numbers(b"190000199001010011 " * 15_000) == 0
    assert len(checked) == MOST_CHECKED
