"""Passwords of staff, by what they cost: whoever checks one must not keep anybody else waiting."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from app.kit.errors import TemporarilyUnavailable
from auth.officials.passwords import Passwords

AT_ONCE = 6
TURNS_FOR_EACH = 20


@pytest.fixture
async def passwords() -> AsyncIterator[Passwords]:
    made = Passwords(threads=2, queue=AT_ONCE)
    yield made
    await made.close()


async def test_the_event_loop_turns_while_passwords_are_checked(passwords: Passwords) -> None:
    """Neither work nor the interpreter's lock stands in its way: it would turn once a check, and take all the time."""
    checks = asyncio.gather(*(passwords.verify(None, "guess") for _ in range(AT_ONCE)))
    turns, ours, everybodys = 0, time.thread_time(), time.process_time()
    while not checks.done():
        await asyncio.sleep(0.0005)
        turns += 1
    assert await checks == [False] * AT_ONCE
    assert turns > TURNS_FOR_EACH * AT_ONCE / 2
    assert time.thread_time() - ours < (time.process_time() - everybodys) / 3


async def test_more_than_there_is_room_for_is_refused_at_once_and_has_room_afterwards(passwords: Passwords) -> None:
    asked = [passwords.verify(None, "guess") for _ in range(2 * AT_ONCE)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, TemporarilyUnavailable)]
    assert 0 < len(refused) <= AT_ONCE
    assert not await passwords.verify(None, "guess")
