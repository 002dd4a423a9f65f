"""What was decided offline outlives the power: every entry that was added is there, and a torn line spoils no other."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codes.venues.scanner_client.logbook import MOST_AT_ONCE, Entry, Logbook
from codes.verdict import Verdict

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def an_entry(number: int, code: str = "SSM1:…") -> Entry:
    return Entry(
        entry_id=f"entry-{number:06}",
        code=code,
        scenario=301,
        scanned_at=NOW + timedelta(seconds=number),
        verdict=Verdict.ACCEPT,
        reason="OK",
    )


def test_entries_come_back_in_order_and_for_their_owner_only(tmp_path: Path) -> None:
    logbook = Logbook(tmp_path / "log")
    entries = [an_entry(number) for number in range(5)]
    for entry in entries:
        logbook.add(entry)
    assert Logbook(tmp_path / "log").entries() == entries
    assert stat.S_IMODE((tmp_path / "log").stat().st_mode) == 0o600


def test_no_file_is_an_empty_logbook(tmp_path: Path) -> None:
    assert Logbook(tmp_path / "log").entries() == []
    assert Logbook(tmp_path / "log").next_batch() == []


def test_drop_forgets_what_was_answered_and_nothing_else(tmp_path: Path) -> None:
    logbook = Logbook(tmp_path / "log")
    for number in range(4):
        logbook.add(an_entry(number))
    logbook.drop({"entry-000001", "entry-000003", "entry-999999"})
    assert [entry.entry_id for entry in logbook.entries()] == ["entry-000000", "entry-000002"]
    assert stat.S_IMODE((tmp_path / "log").stat().st_mode) == 0o600


def test_a_batch_is_as_large_as_the_city_takes(tmp_path: Path) -> None:
    path = tmp_path / "log"
    logbook = Logbook(path)
    logbook.add(an_entry(0))
    path.write_bytes(path.read_bytes() * (MOST_AT_ONCE + 1))
    assert len(logbook.next_batch()) == MOST_AT_ONCE


@given(st.lists(st.text(max_size=30), min_size=1, max_size=6), st.integers(1, 400), st.text(max_size=30))
def test_wherever_the_power_fails_the_whole_lines_stay_and_the_next_one_is_read(
    tmp_path_factory: pytest.TempPathFactory, codes: list[str], lost: int, next_code: str
) -> None:
    path = tmp_path_factory.mktemp("log") / "log"
    logbook = Logbook(path)
    for number, code in enumerate(codes):
        logbook.add(an_entry(number, code))
    whole = path.read_bytes()
    path.write_bytes(whole[: max(0, len(whole) - lost)])
    survivors = logbook.entries()
    logbook.add(an_entry(99, next_code))
    assert survivors == [an_entry(number, code) for number, code in enumerate(codes)][: len(survivors)]
    assert logbook.entries() == [*survivors, an_entry(99, next_code)]


@given(st.binary(max_size=100))
def test_whatever_lies_in_the_file_the_next_entry_is_read(
    tmp_path_factory: pytest.TempPathFactory, garbage: bytes
) -> None:
    path = tmp_path_factory.mktemp("log") / "log"
    path.write_bytes(garbage)
    Logbook(path).add(an_entry(1))
    assert Logbook(path).entries() == [an_entry(1)]
