"""Places text and codes on a sheet: columns of lines, and codes with the white that a camera needs. Pure."""

from collections.abc import Sequence
from typing import Final

import msgspec

from codes.pictures.matrix import QUIET_ZONE, Correction, matrix_of
from codes.pictures.setting import LEADING, fit, wrap
from codes.pictures.shapes import REGULAR, Anchor, Box, Code, Colour, Line, Shape

RISE: Final = 0.88
"""From the top of a character to its baseline, in sizes."""
STEP: Final = 0.92
"""How much smaller the next size is that a long text is tried at."""


class Column:
    """Lines under each other between `x` and `x + width`, from the top down; `y` is how far it has come."""

    def __init__(self, x: float, y: float, width: float, anchor: Anchor = "middle") -> None:
        self.x, self.y, self.width, self.anchor = x, y, width, anchor
        self.lines: list[Line] = []
        self._top = y

    def add(self, text: str, size: float, fill: Colour, weight: int = REGULAR) -> None:
        """`text` in as many lines as it takes."""
        self._put(wrap(text, size=size, weight=weight, width=self.width), size, fill, weight)

    def add_fitted(self, text: str, sizes: tuple[float, float], fill: Colour, weight: int, height: float) -> None:
        """`text` within this height, as large as fits between the largest and the smallest of `sizes`."""
        size, lines = fit(text, sizes=_falling(*sizes), weight=weight, width=self.width, height=height)
        self._put(lines, size, fill, weight)

    def skip(self, height: float) -> None:
        """Room."""
        self.y += height

    def between(self, top: float, bottom: float) -> list[Shape]:
        """The lines, moved into the middle of this height."""
        down = (top + bottom) / 2 - (self._top + self.y) / 2
        return [msgspec.structs.replace(line, y=line.y + down) for line in self.lines]

    def _put(self, lines: Sequence[str], size: float, fill: Colour, weight: int) -> None:
        x = self.x + {"start": 0.0, "middle": self.width / 2, "end": self.width}[self.anchor]
        for line in lines:
            baseline = self.y + RISE * size
            self.lines.append(Line(x=x, y=baseline, size=size, text=line, fill=fill, weight=weight, anchor=self.anchor))
            self.y += LEADING * size


def framed_code(text: str, middle: float, top: float, side: float, correction: Correction) -> tuple[Shape, ...]:
    """A code in the middle of a white square of this side, four modules of which are its quiet zone."""
    modules = len(matrix_of(text, correction))
    quiet = side * QUIET_ZONE / (modules + 2 * QUIET_ZONE)
    left = middle - side / 2
    frame = Box(x=left, y=top, width=side, height=side, fill="#ffffff", radius=quiet)
    return frame, Code(x=left + quiet, y=top + quiet, size=side - 2 * quiet, text=text, correction=correction)


def _falling(largest: float, smallest: float) -> list[float]:
    sizes = [largest]
    while sizes[-1] * STEP > smallest:
        sizes.append(sizes[-1] * STEP)
    return [*sizes, smallest]
