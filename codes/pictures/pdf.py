"""Writes a sheet as a PDF (ISO 32000-1) of one page: letters are outlines, so that it needs no font anywhere."""

import zlib
from collections.abc import Iterator
from typing import Final

from codes.pictures.lettering import UNITS, measure, outline
from codes.pictures.matrix import matrix_of, runs_of
from codes.pictures.shapes import Box, Code, Line, Shape, Sheet
from codes.pictures.svg import START

POINTS_A_MILLIMETRE: Final = 72 / 25.4
STEPS: Final = {"moveTo": "m", "lineTo": "l", "curveTo": "c", "closePath": "h", "endPath": ""}
ROUND: Final = 0.5523  # how far the control points of a quarter circle lie, in radii


def write_pdf(sheet: Sheet) -> bytes:
    """The sheet at its true size. Holds no date and no name of a program: the same sheet is the same file."""
    width, height = sheet.width * POINTS_A_MILLIMETRE, sheet.height * POINTS_A_MILLIMETRE
    # Millimetres from the upper left corner, as the sheet counts, in place of points from the lower left.
    down = f"{POINTS_A_MILLIMETRE:.6f} 0 0 {-POINTS_A_MILLIMETRE:.6f} 0 {height:.3f} cm\n"
    content = zlib.compress((down + "\n".join(_shape(shape) for shape in sheet.shapes)).encode("ascii"), level=9)
    title = sheet.title.encode("utf-16-be").hex().upper()
    page = f"/MediaBox [0 0 {width:.2f} {height:.2f}] /Resources << >> /Contents 4 0 R"
    return _file(
        b"<< /Type /Catalog /Pages 2 0 R /Lang (zh-CN) /ViewerPreferences << /DisplayDocTitle true >> >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R {page} >>".encode("ascii"),
        b"<< /Filter /FlateDecode /Length %d >>\nstream\n%b\nendstream" % (len(content), content),
        f"<< /Title <FEFF{title}> >>".encode("ascii"),
    )


def _file(*objects: bytes) -> bytes:
    """Header, numbered objects (the first is the catalogue, the last the title), cross-reference table, trailer."""
    written, places = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(written))
        written += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    count = len(objects) + 1
    trailer = b"trailer\n<< /Size %d /Root 1 0 R /Info %d 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        count, len(objects), len(written),
    )  # fmt: skip
    return written + b"xref\n0 %d\n0000000000 65535 f \n%b%b" % (count, table, trailer)


def _shape(shape: Shape) -> str:
    match shape:
        case Box():
            return f"{_colour(shape.fill)} {_rounded(shape)} f"
        case Line():
            return f"{_colour(shape.fill)} {' '.join(_letters(shape))} f"
        case Code():
            matrix = matrix_of(shape.text, shape.correction)
            module = shape.size / len(matrix)
            place = f"{module:.6f} 0 0 {module:.6f} {shape.x:.4f} {shape.y:.4f} cm"
            return f"q 0 g {place} {' '.join(f'{x} {y} {length} 1 re' for x, y, length in runs_of(matrix))} f Q"


def _colour(colour: str) -> str:
    return " ".join(f"{int(colour[at : at + 2], 16) / 255:.4f}" for at in (1, 3, 5)) + " rg"


def _rounded(box: Box) -> str:
    """The rectangle clockwise from its upper left; each corner is a quarter circle between two points of its sides."""
    if not box.radius:
        return f"{box.x:.3f} {box.y:.3f} {box.width:.3f} {box.height:.3f} re"
    far, low, near = box.x + box.width, box.y + box.height, box.radius * (1 - ROUND)
    corners = ((box.x, box.y), (far, box.y), (far, low), (box.x, low))
    steps = []
    for number, corner in enumerate(corners):
        before, after = corners[number - 1], corners[(number + 1) % 4]
        steps += [_towards(corner, before, box.radius), "l" if number else "m"]
        steps += [
            _towards(corner, before, near),
            _towards(corner, after, near),
            _towards(corner, after, box.radius),
            "c",
        ]
    return " ".join([*steps, "h"])


def _towards(corner: tuple[float, float], other: tuple[float, float], distance: float) -> str:
    """The point this far from a corner along a side, which is upright or level."""
    (x, y), (to_x, to_y) = corner, other
    along_x, along_y = (to_x > x) - (to_x < x), (to_y > y) - (to_y < y)
    return f"{x + along_x * distance:.3f} {y + along_y * distance:.3f}"


def _letters(line: Line) -> Iterator[str]:
    scale = line.size / UNITS
    x = line.x - START[line.anchor] * measure(line.text, line.weight) * line.size
    for character in line.text:
        glyph = outline(character, line.weight)
        for name, points in glyph.strokes:
            yield " ".join([*(f"{x + dx * scale:.3f} {line.y - dy * scale:.3f}" for dx, dy in points), STEPS[name]])
        x += glyph.advance * scale
