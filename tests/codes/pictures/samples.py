"""A text of every kind of code, as large as a city has them: random, and the same at every run."""

import random
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import ec

from codes.envelope.claims import Claims, Kind
from codes.envelope.cose import Environment
from codes.envelope.paper_code import PaperFacts, encode_paper_code
from codes.envelope.presentation import Presentation, encode_grant, encode_presentation
from codes.envelope.profiles import ES256, Signer
from codes.envelope.static_code import encode_static_code
from codes.places.choosing import encode_challenge
from codes.places.facts import PlaceFacts, encode_facts
from codes.showing.online.carriers import OnlineSecret, encode_digits, encode_token

ENVIRONMENT = Environment.PRODUCTION
PREFIX = "SSM1:"
HOST = "code.suishen.example"
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class Samples:
    """Codes of one city, drawn by a seed."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)
        self._issuer = Signer(profile=ES256, private_key=self._key(), kid=self._random.randbytes(4))

    def personal(self, kind: Kind = Kind.P, **shown: Any) -> str:
        """As a phone shows it; `shown` may name `aud` and `cnonce`."""
        key = self._key()
        grant = encode_grant(self._claims(kind, device_key=key.public_key()), self._issuer, ENVIRONMENT)
        content = Presentation(iat=self._time(), scenario=self._random.choice((0, 301, 999)), **shown)
        signer = Signer(profile=ES256, private_key=key)
        return encode_presentation(grant.data, content, signer, ENVIRONMENT, PREFIX)

    def at_stake(self) -> str:
        """A personal code for one place and one nonce."""
        aud = str(UUID(bytes=self._random.randbytes(16)))
        return self.personal(aud=aud, cnonce=self._random.randbytes(16))

    def printed(self, kind: Kind) -> str:
        """As it hangs on a wall, or an officer shows it."""
        place = PlaceFacts(site_id=UUID(bytes=self._random.randbytes(16)), scenarios=(301, 302, 502))
        facts = encode_facts(place) if kind is Kind.V else None
        return encode_static_code(self._claims(kind, facts=facts), self._issuer, ENVIRONMENT, HOST)

    def paper(self) -> str:
        """As a card carries it."""
        facts = PaperFacts(display_name="欧阳*国", document_tail="001X")
        return encode_paper_code(self._claims(Kind.L), facts, self._issuer, ENVIRONMENT, PREFIX)

    def online(self) -> str:
        """As a thin client shows it to a camera."""
        return encode_token(self._secret(), self._random.randbytes(8), step=118_000_000, scenario=301, prefix=PREFIX)

    def digits(self) -> str:
        """As a thin client shows it to a gun that reads lines."""
        return encode_digits(self._secret(), f"{self._random.randrange(10**10):010}", step=118_000_000, scenario=301)

    def challenge(self) -> str:
        """As a scanner shows it where much is at stake."""
        return encode_challenge(self._random.randbytes(16), PREFIX)

    def every_kind(self) -> dict[str, str]:
        """One of each."""
        return {
            "P": self.personal(),
            "P for a place and a nonce": self.at_stake(),
            "F": self.personal(Kind.F),
            "L": self.paper(),
            "O": self.online(),
            "O in digits": self.digits(),
            "E": self.printed(Kind.E),
            "V": self.printed(Kind.V),
            "I": self.printed(Kind.I),
            "a scanner's nonce": self.challenge(),
        }

    def _key(self) -> ec.EllipticCurvePrivateKey:
        return ec.derive_private_key(self._random.randrange(1, ORDER), ec.SECP256R1())

    def _secret(self) -> OnlineSecret:
        return OnlineSecret(key=self._random.randbytes(32), environment=ENVIRONMENT)

    def _time(self) -> int:
        return self._random.randrange(1_750_000_000, 2_100_000_000)

    def _claims(self, kind: Kind, **more: Any) -> Claims:
        """Shards and indices as large as those of a city that has run for years."""
        return Claims(
            expires_at=self._time(),
            cti=self._random.randbytes(16),
            shard=self._random.choice((0, 23, 24, 255, 256, 65_535, 4_000_000)),
            index=self._random.randrange(1 << 20),
            kind=kind,
            **more,
        )
