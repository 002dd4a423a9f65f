"""Which of the city's work outranks which, when not all of it can be done: by host and raw path alone.

Knows no token, so that judging costs nothing; whoever lies about a path is refused further inside.
"""

from enum import IntEnum
from typing import Final

APPS: Final = b"/apps/"
HEALTH: Final = frozenset({b"/health/live", b"/health/ready"})  # and nothing that is only called so
FIRST: Final = (
    b"/v1/codes/",
    b"/v1/verifications",
    b"/v1/status",
    b"/v1/trust-",
    b"/v1/login/",
    b"/oauth/",
    b"/v1/me/real-name",
    b"/1/",
)


class Rank(IntEnum):
    """The lower, the sooner: whether we live; codes, scans and ways in; everything of the city's; departments."""

    HEALTH = 0
    FIRST = 1
    CITY = 2
    DEPARTMENT = 3


def rank_of(raw_path: bytes, *, below_apps: bool = False) -> Rank:
    """The rank of a request for `raw_path`, or of a department's page on a name below the apps host."""
    if below_apps or raw_path.startswith(APPS):
        return Rank.DEPARTMENT
    if raw_path.startswith(FIRST):
        return Rank.FIRST
    return Rank.HEALTH if raw_path in HEALTH else Rank.CITY
