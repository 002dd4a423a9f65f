"""Receipts: what a venue keeps to prove that it checked. They name no holder."""

import base64
from datetime import datetime
from uuid import UUID

from app.kit.keyring import Keyring
from codes.envelope import cbor
from codes.envelope.cose import Environment, ObjectType, cose_sign1_sign, external_aad
from codes.keys import signer_of
from codes.verdict import Reason, verdict_of

KEY_PURPOSE = "receipt"
IAT, CTI = 6, 7
VERDICT, REASON, SCENARIO, SCANNER = -70010, -70011, -70002, -70012


class Receipts:
    """Signs receipts with the key that the trust list names for them."""

    def __init__(self, keyring: Keyring, environment: Environment) -> None:
        self._keyring = keyring
        self._aad = external_aad(ObjectType.RECEIPT, environment)

    def sign(self, verification_id: UUID, reason: Reason, *, scenario: int, scanner_id: UUID, now: datetime) -> str:
        """COSE_Sign1 over id, time, verdict, reason, scenario and scanner, in base64url."""
        content = {
            IAT: int(now.timestamp()),
            CTI: verification_id.bytes,
            VERDICT: verdict_of(reason).value,
            REASON: reason.value,
            SCENARIO: scenario,
            SCANNER: scanner_id.bytes,
        }
        signer = signer_of(self._keyring.active(KEY_PURPOSE))
        return (
            base64.urlsafe_b64encode(cose_sign1_sign(cbor.encode(content), signer, aad=self._aad)).decode().rstrip("=")
        )
