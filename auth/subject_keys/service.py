"""Sealing what is personal under a key of its subject alone, so that destroying one key deletes one human being.

The key is random, stored sealed under the master key, and kept in no worker's memory: a destroyed one opens nothing at
the next call. What stands in old backups and in replicas' past goes dark with the last copy of the key table.
"""

import os
from typing import Final
from uuid import UUID

from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.vault import MASTER_KEY_BYTES, PROFILE_AES_256_GCM, Vault, VaultError
from auth.subject_keys import repository

KEY_PURPOSE: Final = "subject-key"
PROFILE_SUBJECT_KEY: Final = 2
_HEAD: Final = bytes([PROFILE_SUBJECT_KEY])
_UNDER_THE_MASTER_KEY: Final = bytes([PROFILE_AES_256_GCM])


class SubjectForgotten(VaultError):
    """The subject's key was destroyed: what was sealed for them exists no more."""


class SubjectVault:
    """Seals and opens values of one subject. The head of a sealed value says under which kind of key it stands."""

    def __init__(self, vault: Vault, clock: Clock) -> None:
        self._vault = vault
        self._clock = clock

    async def seal(
        self, connection: Connection, subject_id: UUID, purpose: str, plaintext: bytes, *, context: bytes = b""
    ) -> bytes:
        """Encrypts under the subject's key, which is made when there is none; raises `SubjectForgotten`.

        Sealed in a transaction that runs beside a deletion, the value is unreadable from its commit on.
        """
        key_sealed = await self._key(connection, subject_id)
        return _HEAD + self._unlock(key_sealed, subject_id).seal(purpose, plaintext, context=context)

    async def open(
        self, connection: Connection, subject_id: UUID, purpose: str, sealed: bytes, *, context: bytes = b""
    ) -> bytes:
        """Decrypts what `seal` made for this subject; raises `SubjectForgotten`, else `VaultError`."""
        key_sealed = await self.find_key(connection, subject_id)
        return self.open_with(key_sealed, subject_id, purpose, sealed, context=context)

    async def find_key(self, connection: Connection, subject_id: UUID) -> bytes | None:
        """The subject's sealed key, for `open_with`; None when there never was one. Raises `SubjectForgotten`."""
        stored = await repository.find_key(connection, subject_id)
        if stored is None:
            return None
        if stored.key_sealed is None:
            raise SubjectForgotten("The key was destroyed.")
        return stored.key_sealed

    def open_with(
        self, key_sealed: bytes | None, subject_id: UUID, purpose: str, sealed: bytes, *, context: bytes = b""
    ) -> bytes:
        """As `open`, for who read the key together with the value (`find_key`, `repository.KEY_OF_PERSON`).

        Values from before subject keys stand under the master key and open as they did, until `reseal` took them over.
        """
        if sealed[:1] == _UNDER_THE_MASTER_KEY:
            return self._vault.open(purpose, sealed, context=context)
        if sealed[:1] != _HEAD:
            raise VaultError("Sealed under an unknown profile.")
        if key_sealed is None:
            raise SubjectForgotten("There is no key.")
        return self._unlock(key_sealed, subject_id).open(purpose, sealed[1:], context=context)

    async def reseal(
        self, connection: Connection, subject_id: UUID, purpose: str, sealed: bytes, *, context: bytes = b""
    ) -> bytes:
        """The same value under the subject's key, wherever it stood before."""
        opened = await self.open(connection, subject_id, purpose, sealed, context=context)
        return await self.seal(connection, subject_id, purpose, opened, context=context)

    async def forget(self, connection: Connection, subject_id: UUID) -> bool:
        """Destroys the key: nothing of the subject opens from this transaction's commit on. False when it was gone."""
        return await repository.mark_destroyed(connection, subject_id, self._clock.now())

    async def _key(self, connection: Connection, subject_id: UUID) -> bytes:
        known = await self.find_key(connection, subject_id)
        if known is not None:
            return known
        made = self._vault.seal(KEY_PURPOSE, os.urandom(MASTER_KEY_BYTES), context=subject_id.bytes)
        if await repository.insert_key(connection, subject_id, made, self._clock.now()):
            return made
        return await self.find_key(connection, subject_id) or made  # of two first keys the one that was committed

    def _unlock(self, key_sealed: bytes, subject_id: UUID) -> Vault:
        return Vault(self._vault.open(KEY_PURPOSE, key_sealed, context=subject_id.bytes))
