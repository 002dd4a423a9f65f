"""The order in which a scan is judged: the code by itself, the scanner, the holder, the replay, the comparison. Pure.

What the books say comes in; every way to a verdict, one by one or in groups, goes through here.
"""

import msgspec

from codes.offline import Judged, check_holder, judge
from codes.verdict import Reason
from codes.verification.answers import Scan
from codes.verification.models import policy_of
from codes.verification.reading import Reading


def judge_code(scan: Scan, reading: Reading) -> Judged:
    """What the code is worth to this scanner; while that is OK, the holder is still to be asked about."""
    examined, standing = reading.examined, reading.standing
    if examined.reason is not Reason.OK or examined.shown is None:
        return Judged(reason=examined.reason, failed_step=examined.failed_step)
    if standing.refusal is not None:
        return standing.refusal
    policy = policy_of(scan.scenario)
    judged = judge(examined.shown, scan.trust_list, standing.status, policy, scan.now, challenge=scan.challenge)
    if judged.reason is Reason.OK and (refusal := scan.scanner.refusal_of(scan.scenario.number)):
        return refused(judged, refusal, "scanner")
    return judged


def judge_holder(scan: Scan, reading: Reading, judged: Judged, holder: Reason) -> Judged:
    """What a good code is worth in the hands of its holder, who is `holder`: worth nothing a second time.

    A code that anybody could show is worth nothing without a person's eyes.
    """
    if holder is not Reason.OK:
        return refused(judged, holder, "holder")
    if reading.standing.spent:
        return refused(judged, Reason.REPLAYED, "replay")
    assert reading.examined.shown is not None
    return check_holder(judged, reading.examined.shown, holder_checked=scan.holder_checked)


def refused(judged: Judged, reason: Reason, step: str) -> Judged:
    """The same, but for `reason`, at `step`."""
    return msgspec.structs.replace(judged, reason=reason, failed_step=step)
