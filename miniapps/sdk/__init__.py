"""What a department installs: believes a request from the city's gateway in three lines, or refuses it with a reason.

Stands alone: imports nothing of the city's backend, and is built as a wheel of its own, `suishen-department`. It
verifies; it never decides what a citizen may see.
"""

from .citizen import Citizen
from .errors import KeysUnavailable, Refused
from .keys import Jwks, JwksUrl, Keys
from .message import Message
from .replay import MemoryReplay, Replay
from .verifier import Verifier

__all__ = [
    "Citizen",
    "Jwks",
    "JwksUrl",
    "Keys",
    "KeysUnavailable",
    "MemoryReplay",
    "Message",
    "Refused",
    "Replay",
    "Verifier",
]
