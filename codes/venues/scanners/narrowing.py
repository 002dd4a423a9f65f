"""What leaves at a scan is cut to what the device was registered for. Pure; only ever takes away.

disclosed = scenario ∩ registration ∩ (cited statutory basis ∪ ticket or contract ∪ consent): the verification brings
the scenario and the holder's choice, this module the registration and the ground it cites.
"""

from codes.scenarios.models import Scenario
from codes.verification.ports import Scans


class Registrations:
    """Implements `NarrowsDisclosure` of the verification."""

    def narrowed(self, scanner: Scans, scenario: Scenario, attributes: frozenset[str], /) -> frozenset[str]:
        """Those of `attributes` that this device may learn in `scenario`."""
        return attributes & scanner.permitted(scenario)
