"""Draws sheets in a thread, one at a time, and keeps those drawn lately: a picture takes the time of a thousand scans.

When too many wait it says so at once instead of letting the line grow.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Literal, TypeAlias

from app.kit.errors import TemporarilyUnavailable
from app.kit.structs import Model
from codes.pictures.pdf import write_pdf
from codes.pictures.png import write_png
from codes.pictures.shapes import Sheet
from codes.pictures.svg import write_svg

PictureForm: TypeAlias = Literal["png", "svg", "pdf"]
Order: TypeAlias = tuple[Sheet, PictureForm]

DOTS_AN_INCH: Final = 200
MOST_KEPT: Final = 64
MOST_WAITING: Final = 8
WRITERS: Final[dict[PictureForm, tuple[str, Callable[[Sheet], bytes]]]] = {
    "png": ("image/png", lambda sheet: write_png(sheet, DOTS_AN_INCH)),
    "svg": ("image/svg+xml", write_svg),
    "pdf": ("application/pdf", write_pdf),
}


class Picture(Model):
    """A drawn sheet. `form` is also how its file's name ends."""

    form: PictureForm
    media_type: str
    content: bytes


class Studio:
    """Sheets in, pictures out; the same sheet is drawn once, however many ask and whoever goes away meanwhile."""

    def __init__(self, *, most_kept: int = MOST_KEPT, most_waiting: int = MOST_WAITING) -> None:
        self._kept: OrderedDict[Order, Picture] = OrderedDict()
        self._drawing: dict[Order, asyncio.Task[Picture]] = {}
        self._most_kept = most_kept
        self._most_waiting = most_waiting
        self._one_at_a_time = asyncio.Lock()

    async def draw(self, sheet: Sheet, form: PictureForm) -> Picture:
        """The picture; raises `TemporarilyUnavailable` while too many others wait for theirs."""
        order = (sheet, form)
        if order in self._kept:
            self._kept.move_to_end(order)
            return self._kept[order]
        if order not in self._drawing and len(self._drawing) >= self._most_waiting:
            raise TemporarilyUnavailable
        if order not in self._drawing:
            self._drawing[order] = asyncio.create_task(self._work(order))
        # Shielded: a thread cannot be stopped, so a caller who hangs up must not make room for a second one.
        return await asyncio.shield(self._drawing[order])

    async def _work(self, order: Order) -> Picture:
        try:
            async with self._one_at_a_time:
                picture = await asyncio.to_thread(_draw, *order)
        finally:
            del self._drawing[order]
        self._kept[order] = picture
        if len(self._kept) > self._most_kept:
            self._kept.popitem(last=False)
        return picture


def _draw(sheet: Sheet, form: PictureForm) -> Picture:
    media_type, write = WRITERS[form]
    return Picture(form=form, media_type=media_type, content=write(sheet))
