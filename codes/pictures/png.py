"""Writes a sheet as a PNG for printers and screens. The modules of its codes are whole pixels, so they stay sharp."""

import io
from typing import Final

from PIL import Image, ImageDraw

from codes.pictures.lettering import face
from codes.pictures.matrix import matrix_of, runs_of
from codes.pictures.shapes import Box, Code, Line, Sheet

MILLIMETRES_AN_INCH: Final = 25.4
COLOURS: Final = 64
PIN: Final = {"start": "ls", "middle": "ms", "end": "rs"}


def write_png(sheet: Sheet, dots_an_inch: int) -> bytes:
    """The sheet at this resolution, which the file names, so that it prints at its true size."""
    scale = dots_an_inch / MILLIMETRES_AN_INCH
    image = Image.new("RGB", (round(sheet.width * scale), round(sheet.height * scale)), "#ffffff")
    draw = ImageDraw.Draw(image)
    for shape in sheet.shapes:
        match shape:
            case Box():
                _draw_box(draw, shape, scale)
            case Line():
                _draw_line(draw, shape, scale)
            case Code():
                _draw_code(draw, shape, scale)
    content = io.BytesIO()
    # Few colours, which halves the file; no dithering, which would put grain into the code.
    reduced = image.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    reduced.save(content, "PNG", dpi=(dots_an_inch, dots_an_inch))
    return content.getvalue()


def _draw_box(draw: ImageDraw.ImageDraw, box: Box, scale: float) -> None:
    corners = (box.x * scale, box.y * scale, (box.x + box.width) * scale - 1, (box.y + box.height) * scale - 1)
    draw.rounded_rectangle(corners, radius=box.radius * scale, fill=box.fill)


def _draw_line(draw: ImageDraw.ImageDraw, line: Line, scale: float) -> None:
    letters = face(round(line.size * scale), line.weight)
    draw.text((line.x * scale, line.y * scale), line.text, fill=line.fill, font=letters, anchor=PIN[line.anchor])


def _draw_code(draw: ImageDraw.ImageDraw, code: Code, scale: float) -> None:
    matrix = matrix_of(code.text, code.correction)
    module = max(int(code.size * scale) // len(matrix), 1)
    spare = (code.size * scale - module * len(matrix)) / 2
    left, top = round(code.x * scale + spare), round(code.y * scale + spare)
    for x, y, length in runs_of(matrix):
        start = (left + x * module, top + y * module)
        draw.rectangle((*start, start[0] + length * module - 1, start[1] + module - 1), fill="#000000")
