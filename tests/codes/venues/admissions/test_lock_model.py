"""The lock of a scenario against a model: any order of scans and pauses, on real rows."""

import itertools
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.kit.clock import ManualClock
from app.kit.database import Connection
from codes.scenarios.catalogue import load_scenarios
from codes.venues.admissions.limiter import Limiter
from codes.venues.admissions.models import LIMITS, SWITCH_LOCK
from codes.venues.admissions.service import Admissions
from codes.verdict import Reason
from tests.codes.personal_city import a_scanner

SHIPPED = load_scenarios()
LOCK_SECONDS = int(SWITCH_LOCK.total_seconds())
ENROLLED, NOT_ENROLLED = [301, 302, 303], 304
steps = st.lists(
    st.tuples(
        st.sampled_from([*ENROLLED, NOT_ENROLLED]),
        st.sampled_from([0, 1, LOCK_SECONDS - 1, LOCK_SECONDS, LOCK_SECONDS + 1]),
    ),
    max_size=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
async def test_a_device_changes_its_scenario_as_the_model_does(
    connection: Connection, clock: ManualClock, steps: list[tuple[int, int]]
) -> None:
    admissions, scanner = Admissions(Limiter(LIMITS)), a_scanner(*ENROLLED)
    now, works_in, locked_until = clock.now(), None, clock.now()
    for number, pause in steps:
        now += timedelta(seconds=pause)
        told = await admissions.refusal(connection, scanner, SHIPPED.get(number), now)
        if number == NOT_ENROLLED:
            assert told is None, "the verification itself refuses it"
            continue
        locked = works_in not in {None, number} and now < locked_until
        assert told == (Reason.SCANNER_NOT_ALLOWED if locked else None)
        if not locked and works_in not in {None, number}:
            locked_until = now + SWITCH_LOCK
        works_in = works_in if locked else number
    switches = await connection.fetchval(
        "select count(*) from kit.audit_entry where action = 'scanner.scenario_switched' and actor = $1", scanner.actor
    )
    allowed = [number for number, _ in steps if number != NOT_ENROLLED]
    assert switches <= sum(one != other for one, other in itertools.pairwise(allowed))
