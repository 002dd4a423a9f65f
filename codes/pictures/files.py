"""Codes as plain picture files: drawn for screens, read back as a camera would. Slow, so never on a hot path."""

from pathlib import Path

import zxingcpp
from PIL import Image

from codes.pictures.matrix import QUIET_ZONE, matrix_of

PIXELS_A_MODULE = 6


def draw_picture(text: str, path: Path) -> Path:
    """Writes the QR code of `text` as a PNG: alphanumeric where the text allows, correction level M."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture_of(text).save(path)
    return path


def picture_of(text: str, pixels_a_module: int = PIXELS_A_MODULE) -> Image.Image:
    """The QR code of `text` in black and white, with its quiet zone."""
    matrix = matrix_of(text)
    side = len(matrix) + 2 * QUIET_ZONE
    small = Image.new("1", (side, side), 1)
    for y, row in enumerate(matrix, QUIET_ZONE):
        for x, dark in enumerate(row, QUIET_ZONE):
            if dark:
                small.putpixel((x, y), 0)
    return small.resize((side * pixels_a_module, side * pixels_a_module), Image.Resampling.NEAREST)


def read_picture(path: Path) -> str:
    """The text of the one code in a picture; raises `ValueError` when there is none."""
    with Image.open(path) as image:
        found = zxingcpp.read_barcode(image.convert("L"))
    if found is None:
        raise ValueError(f"No code in {path}.")
    return found.text
