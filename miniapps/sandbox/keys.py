"""The sandbox's signing keys: purposes of their own, published below an issuer of its own."""

from typing import Any, Final

from app.kit.keyring import Keyring, public_jwk
from miniapps.sandbox.signing import CityKeys
from miniapps.sdk.keys import ASSERTION, GATEWAY, PURPOSE

ASSERTION_PURPOSE: Final = "sandbox_assertion"
GATEWAY_PURPOSE: Final = "sandbox_gateway"
LIVE_ASSERTION, LIVE_GATEWAY = "assertion", "gateway"
PUBLISHED: Final = ((ASSERTION, ASSERTION_PURPOSE), (GATEWAY, GATEWAY_PURPOSE))


def issuer_of_sandbox(issuer: str) -> str:
    """The name that stands in the sandbox's assertions, below which its keys are found."""
    return f"{issuer}/sandbox"


def sandbox_keys(keyring: Keyring) -> CityKeys:
    """Those that sign now."""
    return _keys(keyring, ASSERTION_PURPOSE, GATEWAY_PURPOSE)


def live_keys(keyring: Keyring) -> CityKeys:
    """Those by which live departments know the gateway: for nightly trials, which name no citizen."""
    return _keys(keyring, LIVE_ASSERTION, LIVE_GATEWAY)


def sandbox_jwks(keyring: Keyring) -> dict[str, Any]:
    """The public key set, as a department reads it: each is here before it signs."""
    return {"keys": [public_jwk(key) | {PURPOSE: told} for told, purpose in PUBLISHED for key in keyring.all(purpose)]}


def _keys(keyring: Keyring, assertion: str, gateway: str) -> CityKeys:
    first, second = keyring.active(assertion), keyring.active(gateway)
    return CityKeys(
        assertion_kid=first.kid,
        assertion_key=first.private_key,
        gateway_kid=second.kid,
        gateway_key=second.private_key,
    )
