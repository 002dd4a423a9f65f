"""Ids are UUIDv7: valid, and ordered by time. Nonces are random, and no process gives out another's."""

import os
import re
import time

from app.kit.ids import NONCES_AT_ONCE, new_id, new_nonce


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


def test_nonces_are_128_bits_and_never_repeat() -> None:
    made = [new_nonce() for _ in range(10 * NONCES_AT_ONCE)]
    assert len(set(made)) == len(made)
    assert all(re.fullmatch("[0-9a-f]{32}", nonce) for nonce in made)


def test_a_forked_process_gives_out_nonces_of_its_own() -> None:
    new_nonce()  # some wait in memory
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, new_nonce().encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        theirs = answer.read()
    os.waitpid(child, 0)
    assert theirs not in [new_nonce() for _ in range(NONCES_AT_ONCE)]
    assert len(theirs) == 32
