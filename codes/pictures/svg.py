"""Writes a sheet as an SVG for printing works: letters are outlines, so that it looks the same without our font."""

from collections.abc import Iterator
from html import escape
from typing import Final

from codes.pictures.lettering import UNITS, Stroke, measure, outline
from codes.pictures.matrix import matrix_of, runs_of
from codes.pictures.shapes import Box, Code, Line, Shape, Sheet

STEPS: Final = {"moveTo": "M", "lineTo": "L", "curveTo": "C", "closePath": "Z", "endPath": ""}
START: Final = {"start": 0.0, "middle": 0.5, "end": 1.0}


def write_svg(sheet: Sheet) -> bytes:
    """The sheet at its true size; its title is what a screen reader says."""
    size = f'width="{sheet.width:g}mm" height="{sheet.height:g}mm" viewBox="0 0 {sheet.width:g} {sheet.height:g}"'
    shapes = "".join(_shape(shape) for shape in sheet.shapes)
    title = "".join(filter(str.isprintable, sheet.title))  # XML has no word for a control character
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img"><title>{escape(title)}</title>'
        f'<rect width="100%" height="100%" fill="#ffffff"/>{shapes}</svg>\n'
    ).encode()


def _shape(shape: Shape) -> str:
    match shape:
        case Box():
            box = f'x="{shape.x:g}" y="{shape.y:g}" width="{shape.width:g}" height="{shape.height:g}"'
            return f'<rect {box} rx="{shape.radius:g}" fill="{shape.fill}"/>'
        case Line():
            return f'<path fill="{shape.fill}" d="{"".join(_letters(shape))}"/>'
        case Code():
            matrix = matrix_of(shape.text, shape.correction)
            place = f"translate({shape.x:g} {shape.y:g}) scale({shape.size / len(matrix):.6g})"
            runs = "".join(f"M{x} {y}h{length}v1h-{length}z" for x, y, length in runs_of(matrix))
            return f'<path transform="{place}" shape-rendering="crispEdges" d="{runs}"/>'


def _letters(line: Line) -> Iterator[str]:
    scale = line.size / UNITS
    x = line.x - START[line.anchor] * measure(line.text, line.weight) * line.size
    for character in line.text:
        glyph = outline(character, line.weight)
        for stroke in glyph.strokes:
            yield _step(stroke, x, line.y, scale)
        x += glyph.advance * scale


def _step(stroke: Stroke, x: float, y: float, scale: float) -> str:
    name, points = stroke
    return STEPS[name] + " ".join(f"{x + dx * scale:.3f} {y - dy * scale:.3f}" for dx, dy in points)
