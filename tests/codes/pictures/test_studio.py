"""Drawn once, one at a time, in a thread; and a refusal instead of a long line."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from app.kit.errors import TemporarilyUnavailable
from codes.pictures import studio as studio_module
from codes.pictures.shapes import Box, Sheet
from codes.pictures.studio import WRITERS, Studio


def a_sheet(number: int = 0) -> Sheet:
    return Sheet(title=f"{number}", width=10, height=10, shapes=(Box(x=1, y=1, width=2, height=2, fill="#000000"),))


class SlowWriter:
    """Writes when it is let; counts how many write at once."""

    def __init__(self) -> None:
        self.may = threading.Event()
        self.written: list[str] = []
        self.at_once = self.most_at_once = 0

    def __call__(self, sheet: Sheet) -> bytes:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.may.wait(5)
        self.written.append(sheet.title)
        self.at_once -= 1
        return sheet.title.encode()


@pytest.fixture
def writer(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowWriter]:
    slow = SlowWriter()
    monkeypatch.setitem(studio_module.WRITERS, "png", ("image/png", slow))
    yield slow
    slow.may.set()


async def test_a_sheet_is_drawn_once_however_many_ask(writer: SlowWriter) -> None:
    studio = Studio()
    asked = [asyncio.create_task(studio.draw(a_sheet(), "png")) for _ in range(5)]
    await asyncio.sleep(0.05)
    writer.may.set()
    assert {picture.content for picture in await asyncio.gather(*asked)} == {b"0"}
    assert (await studio.draw(a_sheet(), "png")).media_type == "image/png"
    assert writer.written == ["0"]


async def test_one_picture_is_drawn_at_a_time_and_the_loop_goes_on(writer: SlowWriter) -> None:
    studio = Studio()
    asked = [asyncio.create_task(studio.draw(a_sheet(number), "png")) for number in range(4)]
    await asyncio.sleep(0.05)
    writer.may.set()
    await asyncio.gather(*asked)
    assert (writer.most_at_once, sorted(writer.written)) == (1, ["0", "1", "2", "3"])


async def test_who_comes_when_too_many_wait_is_told_at_once(writer: SlowWriter) -> None:
    studio = Studio(most_waiting=2)
    asked = [asyncio.create_task(studio.draw(a_sheet(number), "png")) for number in range(2)]
    await asyncio.sleep(0.05)
    with pytest.raises(TemporarilyUnavailable):
        await studio.draw(a_sheet(9), "png")
    writer.may.set()
    await asyncio.gather(*asked)
    assert (await studio.draw(a_sheet(9), "png")).content == b"9"


async def test_who_hangs_up_stops_neither_the_drawing_nor_the_bound(writer: SlowWriter) -> None:
    studio = Studio()
    impatient = [asyncio.create_task(studio.draw(a_sheet(number), "png")) for number in range(3)]
    await asyncio.sleep(0.05)
    for task in impatient:
        task.cancel()
    await asyncio.gather(*impatient, return_exceptions=True)
    patient = asyncio.create_task(studio.draw(a_sheet(2), "png"))
    await asyncio.sleep(0.05)
    writer.may.set()
    assert (await patient).content == b"2"
    assert (writer.most_at_once, sorted(writer.written)) == (1, ["0", "1", "2"])


async def test_the_oldest_picture_is_forgotten_first(writer: SlowWriter) -> None:
    writer.may.set()
    studio = Studio(most_kept=2)
    for number in (0, 1, 0, 2, 0, 1):
        await studio.draw(a_sheet(number), "png")
    assert writer.written == ["0", "1", "2", "1"]


async def test_a_fault_while_drawing_keeps_nothing_and_blocks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    studio = Studio(most_waiting=1)
    monkeypatch.setitem(studio_module.WRITERS, "png", ("image/png", lambda _sheet: 1 / 0))
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            await studio.draw(a_sheet(), "png")


async def test_forms_are_kept_apart() -> None:
    studio = Studio()
    contents = {form: (await studio.draw(a_sheet(), form)).content for form in WRITERS}
    assert contents["png"].startswith(b"\x89PNG")
    assert contents["svg"].startswith(b"<svg")
    assert contents["pdf"].startswith(b"%PDF-1.4")
