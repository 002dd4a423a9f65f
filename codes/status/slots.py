"""Where the status of a code stands: a keyed permutation of a counter, so that places look drawn and never repeat.

A block of 2^22 slots fills 4 shards. Neighbouring slots land far apart; who holds the key can compute the place again,
so no row is needed for it. Grants live in even shards, codes for months in odd ones.
"""

from enum import IntEnum

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from codes.envelope.claims import SHARD_INDICES
from codes.status.models import StatusPointer

BLOCK_BITS = 22
HALF_BITS = BLOCK_BITS // 2
HALF_MASK = (1 << HALF_BITS) - 1
SHARDS_PER_BLOCK = (1 << BLOCK_BITS) // SHARD_INDICES
ROUNDS = 8
AES_BLOCK = 16


class Family(IntEnum):
    """Codes that live a day, and codes that live for months."""

    GRANT = 0
    STATIC = 1


class Slots:
    """The permutation under one key. Pure: the same slot gives the same place on every node."""

    def __init__(self, key: bytes) -> None:
        # One block at a time is a pseudo-random function here, nothing longer is ever encrypted.
        self._aes = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305 - single blocks, see above

    def pointers(self, family: Family, first: int, count: int) -> list[StatusPointer]:
        """The places of `count` consecutive slots. Within a family no two slots share one."""
        slots = range(first, first + count)
        blocks = [slot >> BLOCK_BITS for slot in slots]
        left = [slot >> HALF_BITS & HALF_MASK for slot in slots]
        right = [slot & HALF_MASK for slot in slots]
        for turn in range(ROUNDS):
            mixed = self._mix(family, turn, blocks, right)
            left, right = right, [half ^ other for half, other in zip(left, mixed, strict=True)]
        return [
            _pointer(family, block, high << HALF_BITS | low)
            for block, high, low in zip(blocks, left, right, strict=True)
        ]

    def _mix(self, family: Family, turn: int, blocks: list[int], halves: list[int]) -> list[int]:
        head = bytes((family, turn)) + bytes(4)
        plain = b"".join(
            head + block.to_bytes(8, "big") + half.to_bytes(2, "big")
            for block, half in zip(blocks, halves, strict=True)
        )
        mixed = self._aes.update(plain)
        return [int.from_bytes(mixed[at : at + 2], "big") & HALF_MASK for at in range(0, len(mixed), AES_BLOCK)]


def shards_until(family: Family, first: int, last: int) -> list[int]:
    """Every shard that slots `first` to `last` of a family may stand in."""
    blocks = range(first >> BLOCK_BITS, (last >> BLOCK_BITS) + 1)
    return [_shard(family, block, part) for block in blocks for part in range(SHARDS_PER_BLOCK)]


def _pointer(family: Family, block: int, place: int) -> StatusPointer:
    part, index = divmod(place, SHARD_INDICES)
    return StatusPointer(shard=_shard(family, block, part), index=index)


def _shard(family: Family, block: int, part: int) -> int:
    return (block * SHARDS_PER_BLOCK + part) * len(Family) + family
