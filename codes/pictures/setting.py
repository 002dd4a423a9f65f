"""Sets text into a width: breaks lines as Chinese and Latin do, and makes long names smaller. Pure but for the font."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from codes.pictures.lettering import measure

WORDS: Final = re.compile(r"[\u0021-\u024f]+ ?|\s|.", re.DOTALL)
"""A Latin word with its blank, or one character of anything else: the pieces that a line may end behind."""
NEVER_FIRST: Final = frozenset("，。、；：！？）》」』”’·,.;:!?)%")
ELLIPSIS: Final = "…"
LEADING: Final = 1.45
"""From baseline to baseline, in sizes."""


def wrap(text: str, *, size: float, weight: int, width: float) -> list[str]:
    """The lines of `text`, none wider than `width` unless a single piece is; no line begins with a closing mark."""
    lines: list[str] = []
    line = ""
    for piece in _pieces(text):
        if line and measure((line + piece).rstrip(), weight) * size > width and piece[0] not in NEVER_FIRST:
            lines.append(line.rstrip())
            line = piece.lstrip()
        else:
            line += piece
    return [*lines, line.rstrip()]


def fit(text: str, *, sizes: Sequence[float], weight: int, width: float, height: float) -> tuple[float, list[str]]:
    """The largest of `sizes` (falling) at which `text` fits, and its lines; at the smallest the rest is cut off."""
    for size in sizes:
        lines = wrap(text, size=size, weight=weight, width=width)
        low_enough = len(lines) * LEADING * size <= height
        if low_enough and all(measure(line, weight) * size <= width for line in lines):
            return size, lines
    size = sizes[-1]
    kept = wrap(text, size=size, weight=weight, width=width)[: max(int(height / (LEADING * size)), 1)]
    return size, [*kept[:-1], _cut(kept[-1], size=size, weight=weight, width=width)]


def _cut(line: str, *, size: float, weight: int, width: float) -> str:
    while line and measure(line + ELLIPSIS, weight) * size > width:
        line = line[:-1]
    return line + ELLIPSIS


def _pieces(text: str) -> Iterator[str]:
    return (found.group() for found in WORDS.finditer(text))
