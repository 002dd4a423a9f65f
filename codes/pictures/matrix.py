"""The modules of a QR code, by `qrcode` (ISO/IEC 18004). 25-60 ms for a code, remembered for those drawn lately."""

import functools
from collections.abc import Iterator
from typing import Final, Literal, TypeAlias

import qrcode
from qrcode.constants import ERROR_CORRECT_M, ERROR_CORRECT_Q

Correction: TypeAlias = Literal["M", "Q"]
Matrix: TypeAlias = tuple[tuple[bool, ...], ...]

QUIET_ZONE: Final = 4
"""Modules of white around a code, ISO/IEC 18004."""
LEVELS: Final[dict[Correction, int]] = {"M": ERROR_CORRECT_M, "Q": ERROR_CORRECT_Q}
REMEMBERED: Final = 128


@functools.lru_cache(maxsize=REMEMBERED)
def matrix_of(text: str, correction: Correction = "M") -> Matrix:
    """Rows of dark (True) and light modules without quiet zone; alphanumeric where the text allows.

    M for screens, Q for what hangs outdoors and gets dirty.
    """
    code = qrcode.QRCode(error_correction=LEVELS[correction], border=0)
    code.add_data(text)
    code.make(fit=True)
    return tuple(tuple(map(bool, row)) for row in code.get_matrix())


def runs_of(matrix: Matrix) -> Iterator[tuple[int, int, int]]:
    """Each row's unbroken runs of dark modules as (x, y, length): far fewer shapes than modules."""
    for y, row in enumerate(matrix):
        start: int | None = None
        for x, dark in enumerate((*row, False)):
            if dark and start is None:
                start = x
            elif not dark and start is not None:
                yield start, y, x - start
                start = None


def version_of(matrix: Matrix) -> int:
    """The QR version: 1 has 21 modules a side, each further one four more."""
    return (len(matrix) - 17) // 4
