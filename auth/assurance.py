"""How sure we are of somebody, on two axes, and how each fades. Pure: no clock, no database.

`ial` says how well the identity is known (1 phone, 2 real name, 3 face or counter), `aal` how they proved just now to
be that somebody (1 one-time code, 2 passkey or device key, 3 passkey with user verification in the last minutes). What
a step-up adds ends with the short session that it opened; what `aal` 3 adds ends by the clock. Neither ever sticks.
"""

import re
from datetime import datetime, timedelta
from itertools import product
from typing import Final

from app.kit.errors import StepUpRequired
from auth.principal import Principal

PHONE_ONLY: Final = 1
IN_PERSON: Final = 3
ONE_TIME_CODE: Final = 1
KEY: Final = 2
VERIFIED_KEY: Final = 3

STRONG: Final = timedelta(minutes=5)
"""How long a verified user counts as `aal` 3; afterwards the same sign-in is `aal` 2."""
FRESH_SECONDS: Final = 300
"""How old a proof may be before a dangerous act, where nothing else is said."""
_ACR: Final = re.compile(r"ial([123])\.aal([123])", re.ASCII)


def acr_of(ial: int, aal: int) -> str:
    """Both levels as one `acr`: "ial2.aal1"."""
    return f"ial{ial}.aal{aal}"


def levels_of(acr: str) -> tuple[int, int] | None:
    """The `ial` and `aal` of an `acr`; None when it is none of ours."""
    found = _ACR.fullmatch(acr)
    return (int(found[1]), int(found[2])) if found else None


def acr_values(*, ial: int = PHONE_ONLY, aal: int = ONE_TIME_CODE) -> str:
    """Every `acr` that is at least this sure, least first, as in OpenID Connect's parameter of that name."""
    enough = product(range(ial, IN_PERSON + 1), range(aal, VERIFIED_KEY + 1))
    return " ".join(acr_of(*levels) for levels in enough)


def faded_aal(aal: int, *, authenticated_at: datetime, now: datetime) -> int:
    """What is left at `now` of an `aal` proved at `authenticated_at`."""
    return KEY if aal == VERIFIED_KEY and now - authenticated_at > STRONG else aal


def find_shortfall(
    principal: Principal, *, aal: int, within_seconds: int, now: datetime, ial: int = PHONE_ONLY
) -> StepUpRequired | None:
    """What the caller has to do before an act that wants a proof this good and this fresh; None when nothing.

    The refusal says it in the words of RFC 9470: `acr_values` any of which is enough, and `max_age` in seconds.
    """
    present = faded_aal(principal.aal, authenticated_at=principal.authenticated_at, now=now)
    fresh = principal.authenticated_within(timedelta(seconds=within_seconds), now)
    if fresh and present >= aal and principal.ial >= ial:
        return None
    return StepUpRequired(acr_values=acr_values(ial=ial, aal=aal), max_age=within_seconds)
