"""Passkeys from enrolment to removal, and what an assertion proves. Every credential is a synced or hardware key that
finds its holder by itself; user verification is demanded each time.

An assertion proves its holder and opens nothing: sign-in, step-up and the second factor of staff do that.
"""

from typing import Final
from uuid import UUID

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.errors import RateLimited
from app.kit.ids import new_id
from app.kit.structs import Model
from app.kit.vault import Vault
from auth.attempts import Limit, Lockout, spend_attempt
from auth.login.challenges import Challenges, Purpose
from auth.login.passkeys import repository
from auth.login.passkeys.ceremonies import (
    Ceremonies,
    CeremonyFailed,
    counter_moved_on,
    decode,
    unverified_challenge,
)
from auth.login.passkeys.errors import (
    PasskeyInvalid,
    PasskeyRefused,
    PasskeyTaken,
    PasskeyUnknown,
    TooManyPasskeys,
)
from auth.login.passkeys.models import (
    Assertion,
    Attestation,
    EnrolPasskey,
    HolderType,
    PasskeyCreation,
    PasskeyRequest,
    PasskeyView,
    StoredPasskey,
)
from auth.login.standing import Standing
from auth.messages.service import Messages
from auth.principal import Principal
from auth.settings import AuthSettings
from auth.subject_keys.service import SubjectVault

NAME_PURPOSE: Final = "passkey-name"
HANDLE_PURPOSE: Final = "passkey-user"
MOST_PASSKEYS: Final = 20


class ProvedPasskey(Model):
    """A true assertion: whose passkey it is."""

    holder_type: HolderType
    holder_id: UUID
    passkey_id: UUID


class Passkeys:
    """Enrols, lists, renames and removes passkeys, and judges assertions."""

    def __init__(
        self,
        *,
        challenges: Challenges,
        ceremonies: Ceremonies,
        standing: Standing,
        lockout: Lockout,
        messages: Messages,
        vault: Vault,
        subject_vault: SubjectVault,
        clock: Clock,
        settings: AuthSettings,
    ) -> None:
        self._challenges = challenges
        self._ceremonies = ceremonies
        self._standing = standing
        self._lockout = lockout
        self._messages = messages
        self._vault = vault
        self._subject_vault = subject_vault
        self._clock = clock
        self._asking = Limit(
            kind="passkey_address", most=settings.otp_address_limit, window_seconds=settings.otp_window_seconds
        )

    async def ask(self, connection: Connection, *, address: str) -> PasskeyRequest | RateLimited:
        """What an authenticator is to sign for a sign-in, or the refusal, which is remembered."""
        place = self._vault.blind_index("address", address)
        wait = await spend_attempt(connection, self._asking, place, self._clock.now())
        if wait is not None:
            return RateLimited(retry_after=wait)
        return await self._ask(connection, "sign_in", None)

    async def ask_in(self, connection: Connection, session_id: UUID) -> PasskeyRequest:
        """What an authenticator is to sign for a step-up in this session."""
        return await self._ask(connection, "step_up", session_id)

    async def prove(
        self,
        connection: Connection,
        answer: Assertion,
        *,
        purpose: Purpose,
        session_id: UUID | None,
        address: str,
    ) -> ProvedPasskey | PasskeyRefused | RateLimited:
        """Whose passkey signed our challenge with its user verified, or the refusal, which is remembered.

        A challenge is used up by the first answer to it, right or wrong. Of simultaneous answers one counts.
        """
        wait = await self._lockout.find_wait(connection, address)
        if wait is not None:
            return RateLimited(retry_after=wait)
        try:
            passkey = await self._judge(connection, answer, purpose, session_id)
        except CeremonyFailed as failed:
            await self._lockout.count_wrong(connection, address)
            await self._record(connection, "anonymous", "login.passkey_refused", None, {"step": str(failed)})
            return PasskeyRefused()
        return ProvedPasskey(holder_type=passkey.holder_type, holder_id=passkey.holder_id, passkey_id=passkey.id)

    async def ask_for_new(self, connection: Connection, principal: Principal, *, user_name: str) -> PasskeyCreation:
        """What an authenticator is to make; raises `StepUpRequired`."""
        await self._standing.require(connection, principal)
        holder_type, holder_id = _holder(principal)
        challenge = await self._challenges.make(connection, "enrol", principal.session_id)
        options = self._ceremonies.creation_options(
            challenge,
            seconds=self._challenges.seconds,
            user_handle=self._handle(holder_type, holder_id),
            user_name=user_name,
            known=await self._credential_ids(connection, principal),
        )
        return PasskeyCreation(public_key=options, expires_in_seconds=self._challenges.seconds)

    async def enrol(self, connection: Connection, principal: Principal, request: EnrolPasskey) -> PasskeyView:
        """The new passkey, good at once; the holder is told.

        Raises `StepUpRequired`, `PasskeyInvalid`, `PasskeyTaken`, `TooManyPasskeys`.
        """
        await self._standing.require(connection, principal)
        holder_type, holder_id = _holder(principal)
        passkey = await self._made(connection, principal, request.credential, request.name)
        if len(await repository.list_passkeys(connection, holder_type, holder_id)) >= MOST_PASSKEYS:
            raise TooManyPasskeys(most=MOST_PASSKEYS)
        if not await repository.insert_passkey(connection, passkey):
            raise PasskeyTaken
        await self._tell(connection, passkey, "passkey_enrolled")
        await self._record(connection, principal.actor, "passkey.enrolled", passkey, {})
        return _view_of(passkey, request.name)

    async def list_passkeys(self, connection: Connection, principal: Principal) -> list[PasskeyView]:
        """The caller's passkeys, oldest first; a session on a phone alone does not read their names."""
        holder_type, holder_id = _holder(principal)
        sure = await self._standing.is_sure(connection, principal)
        return [
            _view_of(passkey, await self._name(connection, passkey) if sure else None)
            for passkey in await repository.list_passkeys(connection, holder_type, holder_id)
        ]

    async def rename(self, connection: Connection, principal: Principal, passkey_id: UUID, name: str) -> PasskeyView:
        """Its new name. Raises `PasskeyUnknown`, `StepUpRequired`."""
        await self._standing.require(connection, principal)
        holder_type, holder_id = _holder(principal)
        sealed = await self._seal_name(connection, passkey_id, holder_type, holder_id, name)
        passkey = await repository.mark_renamed(connection, passkey_id, holder_type, holder_id, sealed)
        if passkey is None:
            raise PasskeyUnknown
        await self._record(connection, principal.actor, "passkey.renamed", passkey, {})
        return _view_of(passkey, name)

    async def remove(self, connection: Connection, principal: Principal, passkey_id: UUID) -> None:
        """Ends the caller's passkey. Any fresh sign-in may: a lost key ends quickly, which shortens no wait.

        Raises `PasskeyUnknown`, `StepUpRequired`.
        """
        self._standing.require_fresh(principal)
        sure = await self._standing.is_sure(connection, principal)
        passkey = await repository.mark_revoked(
            connection,
            passkey_id,
            *_holder(principal),
            now=self._clock.now(),
            reason="removed_by_holder" if sure else "reported_lost",
        )
        if passkey is None:
            raise PasskeyUnknown
        await self._tell(connection, passkey, "passkey_removed")
        reason = passkey.revoked_reason or ""
        await self._record(connection, principal.actor, "passkey.removed", passkey, {"reason": reason})

    async def _ask(self, connection: Connection, purpose: Purpose, session_id: UUID | None) -> PasskeyRequest:
        challenge, seconds = await self._challenges.make(connection, purpose, session_id), self._challenges.seconds
        options = self._ceremonies.request_options(challenge, seconds=seconds)
        return PasskeyRequest(public_key=options, expires_in_seconds=seconds)

    async def _judge(
        self, connection: Connection, answer: Assertion, purpose: Purpose, session_id: UUID | None
    ) -> StoredPasskey:
        challenge = unverified_challenge(answer.response.client_data_json)
        if not await self._challenges.use(connection, challenge, purpose, session_id):
            raise CeremonyFailed("challenge")
        passkey = await repository.find_by_credential(connection, _decoded(answer.raw_id))
        if passkey is None:
            raise CeremonyFailed("credential")
        used = self._ceremonies.verify_used(answer, challenge, public_key=passkey.public_key)
        self._refuse_another_user(answer, passkey)
        if not counter_moved_on(passkey.sign_count, used.sign_count):
            await self._warn_of_copy(connection, passkey)
            raise CeremonyFailed("counter")
        await repository.mark_used(
            connection, passkey.id, sign_count=used.sign_count, synced=used.synced, now=self._clock.now()
        )
        return passkey

    async def _warn_of_copy(self, connection: Connection, passkey: StoredPasskey) -> None:
        # Not ended by it: an authenticator that answers twice at once may be heard in the wrong order.
        await self._tell(connection, passkey, "passkey_suspected")
        await self._record(connection, "system", "passkey.counter_fell", passkey, {})

    def _refuse_another_user(self, answer: Assertion, passkey: StoredPasskey) -> None:
        handle = answer.response.user_handle
        expected = self._handle(passkey.holder_type, passkey.holder_id)
        if handle and _decoded(handle) != expected:
            raise CeremonyFailed("user handle")

    async def _made(
        self, connection: Connection, principal: Principal, answer: Attestation, name: str
    ) -> StoredPasskey:
        try:
            challenge = unverified_challenge(answer.response.client_data_json)
            made = self._ceremonies.verify_made(answer, challenge)
        except CeremonyFailed:
            raise PasskeyInvalid from None
        if not await self._challenges.use(connection, challenge, "enrol", principal.session_id):
            raise PasskeyInvalid
        passkey_id, (holder_type, holder_id) = new_id(), _holder(principal)
        return StoredPasskey(
            id=passkey_id,
            holder_type=holder_type,
            holder_id=holder_id,
            credential_id=made.credential_id,
            public_key=made.public_key,
            sign_count=made.sign_count,
            synced=made.synced,
            name_sealed=await self._seal_name(connection, passkey_id, holder_type, holder_id, name),
            created_at=self._clock.now(),
        )

    async def _credential_ids(self, connection: Connection, principal: Principal) -> list[bytes]:
        return [one.credential_id for one in await repository.list_passkeys(connection, *_holder(principal))]

    async def _seal_name(
        self, connection: Connection, passkey_id: UUID, holder_type: HolderType, holder_id: UUID, name: str
    ) -> bytes:
        if holder_type == "official":
            return self._vault.seal(NAME_PURPOSE, name.encode(), context=passkey_id.bytes)
        return await self._subject_vault.seal(
            connection, holder_id, NAME_PURPOSE, name.encode(), context=passkey_id.bytes
        )

    async def _name(self, connection: Connection, passkey: StoredPasskey) -> str:
        if passkey.holder_type == "official":
            return self._vault.open(NAME_PURPOSE, passkey.name_sealed, context=passkey.id.bytes).decode()
        opened = await self._subject_vault.open(
            connection, passkey.holder_id, NAME_PURPOSE, passkey.name_sealed, context=passkey.id.bytes
        )
        return opened.decode()

    def _handle(self, holder_type: HolderType, holder_id: UUID) -> bytes:
        return self._vault.blind_index(HANDLE_PURPOSE, f"{holder_type}:{holder_id}")

    async def _tell(self, connection: Connection, passkey: StoredPasskey, kind: str) -> None:
        if passkey.holder_type == "person":
            await self._messages.write(connection, passkey.holder_id, kind, self._clock.now())

    async def _record(
        self, connection: Connection, actor: str, action: str, passkey: StoredPasskey | None, detail: dict[str, str]
    ) -> None:
        await audit.record(
            connection,
            clock_now=self._clock.now(),
            actor=actor,
            action=action,
            subject=f"{passkey.holder_type}:{passkey.holder_id}" if passkey else "passkey:unproved",
            detail=detail | ({"passkey_id": str(passkey.id)} if passkey else {}),
        )


def _holder(principal: Principal) -> tuple[HolderType, UUID]:
    return "official" if principal.subject_type == "official" else "person", principal.subject_id


def _decoded(text: str) -> bytes:
    try:
        return decode(text)
    except ValueError:
        raise CeremonyFailed("base64url") from None


def _view_of(passkey: StoredPasskey, name: str | None) -> PasskeyView:
    return PasskeyView(
        id=passkey.id,
        name=name,
        synced=passkey.synced,
        created_at=passkey.created_at,
        last_used_at=passkey.last_used_at,
    )
