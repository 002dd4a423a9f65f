"""Sealed pointers: the 16 bytes in a grant that only the city can open to a batch and a number.

One AES block over (batch 8, number 1, zeros 7). The zeros are checked, so an invented pointer opens to nothing.
"""

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from app.kit.structs import Model
from codes.envelope.claims import CTI_BYTES

BATCH_BYTES = 8
PADDING = bytes(7)
LARGEST_BATCH = (1 << 63) - 1


class GrantPointer(Model):
    """Which grant of which batch."""

    batch: int
    number: int


class Pointers:
    """Seals and opens pointers under one key. Pure."""

    def __init__(self, key: bytes) -> None:
        # Exactly one block, and every plain block differs: the case in which ECB is simply AES.
        cipher = Cipher(algorithms.AES(key), modes.ECB())  # noqa: S305 - single blocks, see above
        self._seal = cipher.encryptor()
        self._open = cipher.decryptor()

    def seal(self, batch: int, count: int) -> list[bytes]:
        """The pointers of grants 0 to count-1 of a batch."""
        head = batch.to_bytes(BATCH_BYTES, "big")
        sealed = self._seal.update(b"".join(head + bytes((number,)) + PADDING for number in range(count)))
        return [sealed[at : at + CTI_BYTES] for at in range(0, len(sealed), CTI_BYTES)]

    def open(self, cti: bytes) -> GrantPointer | None:
        """What `cti` points to; None when it was not sealed here."""
        if len(cti) != CTI_BYTES:
            return None
        plain = self._open.update(cti)
        batch = int.from_bytes(plain[:BATCH_BYTES], "big")
        if plain[BATCH_BYTES + 1 :] != PADDING or batch > LARGEST_BATCH:
            return None
        return GrantPointer(batch=batch, number=plain[BATCH_BYTES])
