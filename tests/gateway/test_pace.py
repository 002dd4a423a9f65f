"""Long answers of one department are read at its own pace, however many there are; short ones never wait."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.pace import AT_ONCE, BYTES_A_SECOND, LEAST_WAIT, MEBIBYTE, Pace


def test_what_is_rare_and_short_never_waits() -> None:
    pace = Pace()
    assert [pace.wait_seconds(64 * 1024, second) for second in range(100)] == [0.0] * 100


def test_an_eager_department_is_read_at_the_promised_rate() -> None:
    pace, now, read = Pace(), 1000.0, 0
    while now < 1010.0:
        now += pace.wait_seconds(MEBIBYTE // 8, now)
        read += MEBIBYTE // 8
    assert 9.9 * BYTES_A_SECOND <= read <= AT_ONCE + 10.2 * BYTES_A_SECOND


def test_rest_gives_back_no_more_than_at_once() -> None:
    pace = Pace()
    pace.wait_seconds(AT_ONCE, 0.0)
    assert pace.wait_seconds(AT_ONCE, 3600.0) == 0.0
    assert pace.wait_seconds(AT_ONCE, 3600.0) == AT_ONCE / BYTES_A_SECOND


@given(st.lists(st.tuples(st.integers(0, 300_000), st.floats(0, 1)), max_size=200))
def test_no_more_is_read_than_time_allows(reads: list[tuple[int, float]]) -> None:
    pace, now, read = Pace(), 0.0, 0
    for size, idle in reads:
        now += idle + pace.wait_seconds(size, now + idle)
        read += size
        assert read <= AT_ONCE + (now + LEAST_WAIT) * BYTES_A_SECOND + 1


def test_a_clock_that_stands_or_goes_back_gives_nothing() -> None:
    pace = Pace()
    assert pace.wait_seconds(AT_ONCE, 5.0) == 0.0
    assert pace.wait_seconds(MEBIBYTE, 4.0) == MEBIBYTE / BYTES_A_SECOND
