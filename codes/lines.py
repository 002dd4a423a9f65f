"""What a single line of text is, wherever a person enters one: no control characters, no blanks at its ends."""

from typing import Final

ONE_LINE: Final = r"^[^\s\x00-\x1f\x7f]([^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?(?![\s\S])"
"""A pattern for Python and ECMAScript alike; the lookahead is the true end, which `$` is not in Python."""
