"""Signs as the gateway signs, with keys that are handed in, and on demand wrongly: for sandboxes and for trials.

Refuses nothing: whoever holds the keys decides what is signed. The gateway itself signs with code of its own.
"""

import dataclasses
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from http_message_signatures import ContentDigest

from app.kit.structs import Model
from miniapps.sdk.signature import STREAM_TAG
from miniapps.sdk.testing import TestCity

CHANNEL = "citizen-app"


class Ask(Model):
    """A request as it will stand on the wire: the raw target below the department's origin, and its body.

    That of a `streamed` one is not covered by the signature.
    """

    method: str
    target: str
    body: bytes = b""
    headers: Mapping[str, str] = {}
    timeout_seconds: float = 5.0
    channel: str = CHANNEL
    streamed: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class CityKeys:
    """A key for assertions and another for requests, under the names by which they are published."""

    assertion_kid: str
    assertion_key: ec.EllipticCurvePrivateKey = dataclasses.field(repr=False)
    gateway_kid: str
    gateway_key: ec.EllipticCurvePrivateKey = dataclasses.field(repr=False)

    @classmethod
    def fresh(cls) -> "CityKeys":
        """Keys that nobody knew before."""
        return cls(
            assertion_kid=secrets.token_hex(4),
            assertion_key=ec.generate_private_key(ec.SECP256R1()),
            gateway_kid=secrets.token_hex(4),
            gateway_key=ec.generate_private_key(ec.SECP256R1()),
        )


class Signer:
    """Makes assertions and signatures for one mini-app at one authority (the `Host` on the wire)."""

    def __init__(
        self, *, issuer: str, app_id: str, authority: str, zone: str, keys: CityKeys, now: Callable[[], float]
    ) -> None:
        self.issuer = issuer
        self.app_id = app_id
        self.authority = authority
        self._zone = zone
        self._keys = keys
        self._now = now

    def city(self, **changes: Any) -> TestCity:
        """The keys, names and time of this signer, each replaceable."""
        own: dict[str, Any] = {
            "issuer": self.issuer,
            "app_id": self.app_id,
            "authority": self.authority,
            "now": self._now(),
            "assertion_kid": self._keys.assertion_kid,
            "assertion_key": self._keys.assertion_key,
            "gateway_kid": self._keys.gateway_kid,
            "gateway_key": self._keys.gateway_key,
        }
        return TestCity(**(own | changes))

    def sign(self, ask: Ask, *, assertion: str | None, city: TestCity | None = None, **wrongly: Any) -> dict[str, str]:
        """Every header of the request. `wrongly` bends the signature, as `TestCity.sign` has it."""
        headers = {
            **self.plain(ask),
            "x-request-id": secrets.token_hex(16),
            "ssb-zone": self._zone,
            "ssb-channel": ask.channel,
            "ssb-deadline-ms": str(int(ask.timeout_seconds * 1000)),
        }
        if not ask.streamed:
            headers["content-digest"] = ContentDigest.create(ask.body)
        body, wrongly = (b"", {"tag": STREAM_TAG} | wrongly) if ask.streamed else (ask.body, wrongly)
        headers["traceparent"] = f"00-{headers['x-request-id']}-{headers['x-request-id'][-16:]}-01"
        signer = city or self.city()
        return signer.sign(ask.method, ask.target, headers=headers, body=body, assertion=assertion, **wrongly)

    def plain(self, ask: Ask) -> dict[str, str]:
        """What a request carries that is no proof of anything."""
        kind = {"content-type": "application/json"} if ask.body else {}
        return {"accept": "application/json", "accept-encoding": "identity", **kind, **ask.headers}
