"""Codes as pictures: drawn for screens and paper, read back from files. Slow, so never on a hot path."""

from pathlib import Path

import qrcode
import zxingcpp
from PIL import Image
from qrcode.constants import ERROR_CORRECT_M

PIXELS_A_MODULE = 6
QUIET_ZONE = 4  # modules, ISO/IEC 18004


def draw_picture(text: str, path: Path) -> Path:
    """Writes the QR code of `text` as a PNG: alphanumeric where the text allows, correction level M."""
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M, box_size=PIXELS_A_MODULE, border=QUIET_ZONE)
    code.add_data(text)
    code.make(fit=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    code.make_image().save(str(path))
    return path


def read_picture(path: Path) -> str:
    """The text of the one code in a picture; raises `ValueError` when there is none."""
    with Image.open(path) as image:
        found = zxingcpp.read_barcode(image.convert("L"))
    if found is None:
        raise ValueError(f"No code in {path}.")
    return found.text
