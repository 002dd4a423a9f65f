"""Ids are UUIDv7: valid, and ordered by time."""

import time

from app.kit.ids import new_id


def test_new_id_is_version_7_of_the_rfc_variant() -> None:
    made = new_id()
    assert made.version == 7
    assert made.variant == "specified in RFC 4122"


def test_new_ids_grow_with_time_and_never_repeat() -> None:
    early = new_id()
    time.sleep(0.002)
    late = {new_id() for _ in range(2000)}
    assert len(late) == 2000
    assert early < min(late)


def test_ids_made_one_after_the_other_are_in_that_order() -> None:
    made = []
    for _ in range(2000):
        made.append(new_id())
        time.sleep(0.000_002)
    assert made == sorted(made)
