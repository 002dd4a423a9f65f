"""What a phone does with a sticker that it scanned: is it the city's, where am I, what may I be asked? Pure.

No request is made, so that there is nothing to record. A nonce that a high-value scanner shows is read here too.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from app.kit.structs import Model
from codes.envelope import base45
from codes.envelope.claims import Kind
from codes.envelope.presentation import LONGEST_CNONCE
from codes.offline import examine, judge, status_from_lists
from codes.places.facts import PlaceFacts, parse_facts
from codes.status.models import VerifiedStatusList
from codes.trust.models import CodeFormat, ScenarioPolicy, VerifiedTrustList
from codes.verdict import Reason, Refused

ANYBODY: Final = ScenarioPolicy(number=0, kinds=frozenset({Kind.V}), freshness_seconds=0, fails_open=True)
"""An old list closes no door: without the network a phone still says whose sticker this is."""
SHORTEST_CNONCE: Final = 8
LONGEST_CHALLENGE: Final = 80


class ScannedPlace(Model):
    """What a sticker is worth on this phone, now; facts only if it counts."""

    reason: Reason
    facts: PlaceFacts | None = None


def read_place(
    text: str,
    *,
    trust_list: VerifiedTrustList,
    status_lists: Mapping[int, VerifiedStatusList],
    code_format: CodeFormat,
    now: datetime,
) -> ScannedPlace:
    """Never raises, whatever `text` is: a sticker that is not the city's is an answer."""
    examined = examine(text, trust_list, code_format, now)
    if examined.reason is not Reason.OK or examined.shown is None or examined.claims is None:
        return ScannedPlace(reason=examined.reason)
    status = status_from_lists(examined.claims, status_lists, now)
    judged = judge(examined.shown, trust_list, status, ANYBODY, now)
    return ScannedPlace(reason=judged.reason) if judged.reason is not Reason.OK else _with_facts(examined.claims.facts)


def _with_facts(facts: Any) -> ScannedPlace:
    try:
        return ScannedPlace(reason=Reason.OK, facts=parse_facts(facts))
    except Refused as refused:
        return ScannedPlace(reason=refused.reason)


def challenge_prefix(prefix: str) -> str:
    """What a shown nonce begins with: near the city's own prefix and never the same, so that neither is the other."""
    return f"{prefix.removesuffix(':')}N:"


def encode_challenge(cnonce: bytes, prefix: str) -> str:
    """The text of the picture that a high-value scanner shows: a nonce of its own making, used for one scan."""
    return challenge_prefix(prefix) + base45.encode(cnonce)


def parse_challenge(text: str, prefix: str) -> bytes:
    """The nonce in a shown picture; raises `Refused` (MALFORMED, TOO_LARGE)."""
    if len(text) > LONGEST_CHALLENGE:
        raise Refused(Reason.TOO_LARGE, "challenge")
    own = challenge_prefix(prefix)
    if not text.startswith(own):
        raise Refused(Reason.MALFORMED, "challenge prefix")
    cnonce = base45.decode(text[len(own) :])
    if not SHORTEST_CNONCE <= len(cnonce) <= LONGEST_CNONCE:
        raise Refused(Reason.MALFORMED, "challenge length")
    return cnonce
