"""What a V code itself says, signed: where it hangs and the scenarios it is for. Pure.

So a phone chooses a scenario at a door without asking anybody, and there is nobody who could note that it did.
"""

from typing import Any, Final
from uuid import UUID

from app.kit.structs import Model
from codes.envelope.layout import LARGEST_SCENARIO
from codes.verdict import Reason, Refused

SITE, SCENARIOS = 1, 2
UUID_BYTES: Final = 16
MOST_SCENARIOS: Final = 8


class PlaceFacts(Model):
    """`site_id` is what a phone signs as `aud`: a code shown for one place is good at no other."""

    site_id: UUID
    scenarios: tuple[int, ...]

    @property
    def aud(self) -> str:
        """The place, as it stands in a presentation."""
        return str(self.site_id)


def encode_facts(facts: PlaceFacts) -> dict[int, Any]:
    """The facts as the claim that offline verifiers read."""
    return {SITE: facts.site_id.bytes, SCENARIOS: list(facts.scenarios)}


def parse_facts(content: Any) -> PlaceFacts:
    """Exactly what `encode_facts` writes; raises `Refused` (MALFORMED) for anything else, also when the city signed it.

    More facts will need a new version: a phone that does not know what it is told to disclose must not disclose it.
    """
    if not isinstance(content, dict) or content.keys() != {SITE, SCENARIOS}:
        raise Refused(Reason.MALFORMED, "place facts")
    site, scenarios = content[SITE], content[SCENARIOS]
    if not isinstance(site, bytes) or len(site) != UUID_BYTES or not _are_scenarios(scenarios):
        raise Refused(Reason.MALFORMED, "place facts")
    return PlaceFacts(site_id=UUID(bytes=site), scenarios=tuple(scenarios))


def _are_scenarios(value: Any) -> bool:
    if not isinstance(value, list) or not 0 < len(value) <= MOST_SCENARIOS or len(set(map(repr, value))) != len(value):
        return False
    return all(type(number) is int and 0 < number <= LARGEST_SCENARIO for number in value)
