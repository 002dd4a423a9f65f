"""What stands in a trust list, as facts: keys limited by kind and time, and the rules of each scenario."""

from datetime import datetime
from enum import IntEnum
from typing import Any

from app.kit.structs import Model
from codes.envelope.claims import Kind
from codes.envelope.cose import Environment


class KeyUse(IntEnum):
    """What a key may sign besides codes; shares one number space with `Kind`."""

    STATUS_LIST = 64
    RECEIPT = 65


class TrustedKey(Model):
    """A key of the list. `kinds` holds numbers of `Kind` and `KeyUse`; times are seconds since 1970."""

    kid: bytes
    verifying_key: Any  # VerifyingKey
    kinds: frozenset[int]
    not_before: int
    not_after: int | None
    state: str


class ScenarioPolicy(Model):
    """What an offline verifier must know of a scenario. Fail-open accepts on stale lists and says so."""

    number: int
    kinds: frozenset[Kind]
    freshness_seconds: int
    """How old a presentation may be online; offline 15 s more, since two clocks without a network drift."""
    general_ok: bool = False
    high_value: bool = False
    fails_open: bool = False


class VerifiedTrustList(Model):
    """A trust list whose signature and version were checked. Keys are ready to verify with."""

    version: int
    issued_at: datetime
    next_update_at: datetime
    keys: dict[bytes, TrustedKey]
    scenarios: dict[int, ScenarioPolicy]


class CodeFormat(Model):
    """A city's own: where its signatures count, what its codes begin with, and where its static codes lead."""

    environment: Environment
    prefix: str
    host: str


class TrustRoot(Model):
    """What a verifier is given once, by hand: the root keys, and how this city's codes look."""

    environment: str
    prefix: str
    host: str
    keys: list[dict[str, str]]
