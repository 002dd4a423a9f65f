"""What a single line of text is, wherever a person enters one: no control characters, no blanks at its ends."""

from typing import Final

ONE_LINE: Final = r"^[^\s\x00-\x1f\x7f]([^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?(?![\s\S])"
"""A pattern for Python and ECMAScript alike; the lookahead is the true end, which `$` is not in Python."""
SOME_LINES: Final = r"^[^\x00-\x08\x0b-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x08\x0b-\x1f\x7f]*(?![\s\S])"
"""Several lines with something in them: tabs and line feeds are the only control characters."""
