"""Chinese and Latin letters of Noto Sans CJK (OFL-1.1): how wide they are, their outlines, their faces for bitmaps.

The font covers GB 18030's common levels, so that rare characters of names are drawn too. It is opened when the first
sheet is drawn, never at start.
"""

import functools
import threading
from importlib import resources
from typing import Any, Final, TypeAlias

from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.ttLib import TTFont
from PIL import ImageFont

from app.kit.structs import Model

FONT: Final = resources.files("manimgx_fonts_cjk").joinpath("NotoSansCJK-VF.otf.ttc")
SIMPLIFIED_CHINESE: Final = 2  # the collection holds a face for each region's way of writing
UNITS: Final = 1000  # of the font, for an em
MISSING: Final = ".notdef"
REMEMBERED: Final = 4096

Stroke: TypeAlias = tuple[str, tuple[tuple[float, float], ...]]
"""moveTo, lineTo, curveTo (cubic) or closePath with its points, in font units, y upwards."""


class Glyph(Model):
    """One character's outline."""

    advance: float
    strokes: tuple[Stroke, ...]


def measure(text: str, weight: int) -> float:
    """How wide `text` is, in ems."""
    return face(UNITS, weight).getlength(text) / UNITS


@functools.lru_cache(maxsize=64)
def face(pixels: int, weight: int) -> ImageFont.FreeTypeFont:
    """A face for bitmaps. Plain layout: letters stand side by side exactly as in `outlines`."""
    loaded = ImageFont.truetype(str(FONT), pixels, index=SIMPLIFIED_CHINESE, layout_engine=ImageFont.Layout.BASIC)
    loaded.set_variation_by_axes([weight])
    return loaded


@functools.lru_cache(maxsize=REMEMBERED)
def outline(character: str, weight: int) -> Glyph:
    """The outline of one character; an empty box for one that the font does not have."""
    with _READING:
        font, names = _open()
        glyphs = font.getGlyphSet(location={"wght": weight})
        glyph = glyphs[names.get(ord(character), MISSING)]
        pen = DecomposingRecordingPen(glyphs)
        glyph.draw(pen)
        return Glyph(advance=glyph.width, strokes=tuple((name, tuple(points)) for name, points in pen.value))


_READING: Final = threading.Lock()
"""The font's tables are read when they are first asked for, and sheets are drawn in threads."""


@functools.cache
def _open() -> tuple[Any, dict[int, str]]:
    font = TTFont(str(FONT), fontNumber=SIMPLIFIED_CHINESE, lazy=True)
    return font, font.getBestCmap()
