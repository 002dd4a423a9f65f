"""Public figures: nobody stands out in them, whatever was rated."""

from hypothesis import given
from hypothesis import strategies as st

from miniapps.ratings.statistics import figures_of, is_safe, item_figures

COUNTS = st.dictionaries(st.integers(1, 5), st.integers(0, 60))


@given(COUNTS)
def test_no_group_that_is_told_is_small(counts: dict[int, int]) -> None:
    figures = figures_of(counts)
    total = sum(counts.values())
    if figures is None:
        assert total < 10
        return
    assert figures.count == total
    assert all(is_safe(bucket.count) for bucket in figures.buckets)
    if figures.buckets:
        assert sum(bucket.count for bucket in figures.buckets) == total


@given(COUNTS)
def test_satisfaction_is_never_told_too_high(counts: dict[int, int]) -> None:
    figures, total = figures_of(counts), sum(counts.values())
    if figures is not None:
        satisfied = sum(count for level, count in counts.items() if level >= 3)
        assert 0 <= figures.satisfied_at_least <= satisfied * 100 / total


@given(COUNTS, st.integers(0, 9), st.integers(0, 9))
def test_how_few_are_unsatisfied_cannot_be_told_from_the_figures(counts: dict[int, int], few: int, fewer: int) -> None:
    """As long as there are between one and nine, one reads the same."""
    satisfied = {5: 40 + sum(counts.values())}
    told = [figures_of({5: satisfied[5] - bad, 1: bad}) for bad in (max(few, 1), max(fewer, 1))]
    assert told[0] == told[1]


@given(st.dictionaries(st.sampled_from(["A", "B", "C"]), COUNTS))
def test_items_tell_counts_and_no_levels(items: dict[str, dict[int, int]]) -> None:
    told = item_figures(items)
    assert [item.item_code for item in told] == sorted(code for code, c in items.items() if sum(c.values()) >= 10)
    for item in told:
        bad = sum(count for level, count in items[item.item_code].items() if level < 3)
        assert item.figures.buckets == ()
        assert item.figures.satisfied_at_least <= (item.figures.count - bad) * 100 / item.figures.count


def test_levels_are_told_as_finely_as_is_safe() -> None:
    finest = figures_of({1: 0, 2: 10, 3: 12, 4: 11, 5: 100})
    assert finest is not None
    assert [bucket.count for bucket in finest.buckets] == [0, 10, 12, 11, 100]
    joined = figures_of({1: 4, 2: 6, 3: 12, 4: 0, 5: 100})
    assert joined is not None
    assert [bucket.count for bucket in joined.buckets] == [10, 12, 0, 100]
    halves = figures_of({1: 4, 2: 6, 3: 3, 5: 100})
    assert halves is not None
    assert [bucket.count for bucket in halves.buckets] == [10, 103]
    nothing = figures_of({1: 1, 5: 99})
    assert nothing is not None
    assert (nothing.buckets, nothing.satisfied_at_least) == ((), 91)
