"""Sessions from sign-in to sign-out: opening, keeping alive by rotating refresh tokens, listing, ending."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection, notify
from app.kit.ids import new_id
from auth.people.life.errors import AccountFrozen, AccountNotActive
from auth.principal import Principal
from auth.sessions import repository
from auth.sessions.errors import INVALID_GRANT, OAuthRefusal, SessionUnknown, TokenInvalid
from auth.sessions.models import (
    Presenter,
    Reuse,
    Session,
    StartSession,
    SwitchSession,
    TokenPair,
    judge_old_token,
)
from auth.sessions.refresh_tokens import RefreshToken, RefreshTokens
from auth.sessions.repository import RevokedSession
from auth.sessions.tokens import CHANNEL, AccessTokens

REFRESH_REUSED = "refresh_reuse"
USED_EVERY = timedelta(minutes=1)
"""A small part of every idle time there is: no use in between is worth a write."""
_MOST_IDS_A_NOTICE = 100


class HearsOfEnds(Protocol):
    """Whoever must know that sessions ended."""

    async def sessions_ended(self, connection: Connection, ended: Sequence[RevokedSession]) -> None:
        """They ended in this transaction."""
        ...


class Sessions:
    """Opens, refreshes, lists and ends sessions."""

    def __init__(
        self, *, access_tokens: AccessTokens, refresh_tokens: RefreshTokens, clock: Clock, grace: timedelta
    ) -> None:
        self._access_tokens = access_tokens
        self._refresh_tokens = refresh_tokens
        self._clock = clock
        self._grace = grace
        self._listeners: list[HearsOfEnds] = []

    def tell(self, listener: HearsOfEnds) -> None:
        """From now on `listener` hears of every end of a session, in its transaction; expiry is no end."""
        self._listeners.append(listener)

    async def start_session(self, connection: Connection, start: StartSession) -> TokenPair:
        """A new session and its first tokens; every authentication gets one of its own."""
        session = await self.open_session(connection, start)
        return self._pair(session, self._refresh_tokens.make(session.id, 0))

    async def open_session(self, connection: Connection, start: StartSession) -> Session:
        """A new session without tokens: for a browser's cookie, and for clients whose tokens the provider makes.

        Raises `AccountFrozen`, and `AccountNotActive` for who died or closed their account.
        """
        await self._require_active(connection, start)
        now, session_id = self._clock.now(), new_id()
        first = self._refresh_tokens.make(session_id, 0)
        expires_at = now + timedelta(seconds=start.absolute_seconds)
        session = Session(
            id=session_id,
            parent_id=start.parent_id,
            subject_type=start.subject_type,
            subject_id=start.subject_id,
            agent_id=start.agent_id,
            holder_id=start.holder_id,
            organization_id=start.organization_id,
            mandate_id=start.mandate_id,
            device_id=start.device_id,
            client_id=start.client_id,
            scopes=start.scopes,
            roles=start.roles,
            ial=start.ial,
            aal=start.aal,
            method=start.method,
            jkt=start.jkt,
            unproven=start.unproven,
            phone_index=start.phone_index,
            refresh_hash=first.hash,
            rotated_at=now,
            authenticated_at=start.authenticated_at,
            created_at=now,
            idle_seconds=start.idle_seconds,
            idle_expires_at=min(now + timedelta(seconds=start.idle_seconds), expires_at),
            expires_at=expires_at,
        )
        await repository.insert_session(connection, session)
        await self._record(connection, session, "session.started", {"method": session.method})
        return session

    async def _require_active(self, connection: Connection, start: StartSession) -> None:
        """Whoever ends the account waits for this transaction, and then ends this session too.

        One that is begun in another needs no look: it ends with that.
        """
        if start.subject_type != "person" or start.parent_id is not None:
            return
        status = await repository.hold_person(connection, start.subject_id)
        if status == "frozen":
            raise AccountFrozen
        if status not in {"active", None}:
            raise AccountNotActive

    async def find_living(self, connection: Connection, session_id: UUID) -> Session | None:
        """The session while it may be used, else None."""
        session = await repository.find_session(connection, session_id)
        return session if session is not None and session.lives(self._clock.now()) else None

    async def require_living(self, connection: Connection, principal: Principal) -> Session:
        """The caller's session, for who asked somebody else meanwhile; raises `TokenInvalid` when it has ended.

        Nobody freezes or ends the account before the caller's transaction does, and requests of one person take turns.
        """
        await repository.lock_person(connection, principal.person_id)
        session = await self.find_living(connection, principal.session_id)
        if session is None:
            raise TokenInvalid
        return session

    async def list_own(self, connection: Connection, session_id: UUID) -> frozenset[UUID]:
        """A session and, where it was raised by a step-up, the one that it began in: the caller's own, both of them."""
        session = await repository.find_session(connection, session_id)
        raised_in = session.parent_id if session is not None and session.method == "step_up" else None
        return frozenset({session_id} if raised_in is None else {session_id, raised_in})

    async def hold_living(self, connection: Connection, session_id: UUID) -> Session | None:
        """As `find_living`; nobody ends it before the caller's transaction does."""
        session = await repository.find_session_for_update(connection, session_id)
        return session if session is not None and session.lives(self._clock.now()) else None

    async def hold_living_of(self, connection: Connection, holder_id: UUID, session_id: UUID) -> Session | None:
        """As `hold_living`, with all other sessions of the holder held as well, in the order of all endings.

        For who opens a session in this one and then ends another of the same person's.
        """
        await repository.lock_sessions(connection, holder_id)
        return await self.find_living(connection, session_id)

    async def keep_alive(self, connection: Connection, session: Session) -> None:
        """It was used: its idle time begins anew, never beyond its absolute end; once a minute at most.

        Locks it when it writes, so whoever is about to end it does not call this before.
        """
        now = self._clock.now()
        if now - session.rotated_at >= USED_EVERY:
            await repository.mark_used(connection, session.id, now)

    async def switch_session(self, connection: Connection, principal: Principal, switch: SwitchSession) -> TokenPair:
        """A session for somebody else, begun in the caller's own: as sure, as old, with the same key, ending with it.

        Raises `TokenInvalid` when the caller's session has ended meanwhile; it cannot end before this one stands.
        """
        parent = await repository.find_session_for_update(connection, principal.session_id)
        now = self._clock.now()
        if parent is None or not parent.lives(now):
            raise TokenInvalid
        until = parent.expires_at if switch.until is None else min(parent.expires_at, switch.until)
        start = StartSession(
            subject_type=switch.subject_type,
            subject_id=switch.subject_id,
            agent_id=principal.subject_id,
            holder_id=principal.subject_id,
            parent_id=parent.id,
            mandate_id=switch.mandate_id,
            client_id=parent.client_id,
            scopes=switch.scopes,
            ial=min(parent.ial, switch.most_ial),
            aal=parent.aal,
            method="switch",
            authenticated_at=parent.authenticated_at,
            device_id=parent.device_id,
            jkt=parent.jkt,
            unproven=parent.unproven,
            idle_seconds=parent.idle_seconds,
            absolute_seconds=int((until - now).total_seconds()),
        )
        return await self.start_session(connection, start)

    async def refresh(
        self, connection: Connection, token: str, *, client_id: str | None, jkt: str | None
    ) -> TokenPair | OAuthRefusal:
        """The next tokens of the family, or a refusal that must be committed: reuse has ended the family.

        Of simultaneous calls with one token exactly one rotates. The others get the same successor when they prove the
        same DPoP key within the grace and it has not been used; else they are taken for a thief's.
        """
        used = self._refresh_tokens.recognise(token)
        if used is None:
            return INVALID_GRANT
        successor = self._refresh_tokens.make(used.session_id, used.generation + 1)
        session = await repository.rotate_session(
            connection,
            used.session_id,
            generation=used.generation,
            refresh_hash=used.hash,
            jkt=jkt,
            client_id=client_id,
            next_hash=successor.hash,
            now=self._clock.now(),
        )
        if session is not None:
            return self._pair(session, successor)
        async with connection.transaction():
            return await self._answer_old_token(connection, used, successor, Presenter(client_id=client_id, jkt=jkt))

    async def end_session(self, connection: Connection, principal: Principal, session_id: UUID) -> int:
        """Ends one of the caller's own sessions, and all begun in it; how many. Raises `SessionUnknown`."""
        await repository.lock_sessions(connection, principal.person_id)
        ended = await repository.mark_session_revoked(
            connection, session_id, principal.person_id, now=self._clock.now(), reason="ended_by_holder"
        )
        if not ended:
            raise SessionUnknown
        await self._tell_ended(connection, ended, actor=principal.actor, reason="ended_by_holder")
        return len(ended)

    async def end_all_sessions(self, connection: Connection, principal: Principal) -> int:
        """Ends every session of the caller, this one too; how many."""
        return await self.end_sessions_of(
            connection, principal.person_id, actor=principal.actor, reason="ended_by_holder"
        )

    async def end_other_sessions(self, connection: Connection, principal: Principal) -> int:
        """Ends every session of the caller but the present one and those that it stands on; how many."""
        reason = "ended_by_holder"
        await repository.lock_sessions(connection, principal.person_id)
        ended = await repository.mark_others_revoked(
            connection, principal.person_id, principal.session_id, now=self._clock.now(), reason=reason
        )
        await self._tell_ended(connection, ended, actor=principal.actor, reason=reason)
        return len(ended)

    async def replace_session(self, connection: Connection, before: Session, after: Session, *, reason: str) -> None:
        """Ends `before`; what began in it stands on `after`, a newer session of the same person, from now on."""
        await repository.lock_sessions(connection, before.holder_id)
        await repository.mark_moved(connection, before.id, after.id)
        ended = await repository.mark_session_revoked(
            connection, before.id, before.holder_id, now=self._clock.now(), reason=reason
        )
        await self._tell_ended(connection, ended, actor=f"person:{before.holder_id}", reason=reason)

    async def end_sessions_of(self, connection: Connection, holder_id: UUID, *, actor: str, reason: str) -> int:
        """Ends every session of a human being; how many."""
        await repository.lock_sessions(connection, holder_id)
        ended = await repository.mark_all_revoked(connection, holder_id, now=self._clock.now(), reason=reason)
        await self._tell_ended(connection, ended, actor=actor, reason=reason)
        return len(ended)

    async def end_sessions_of_device(
        self, connection: Connection, holder_id: UUID, *, device_id: UUID, jkt: str, actor: str
    ) -> None:
        """Ends every session of the holder that stands on a device which is no more, or on its key."""
        reason = "device_revoked"
        await repository.lock_sessions(connection, holder_id)
        ended = await repository.mark_device_sessions_revoked(
            connection, holder_id, device_id=device_id, jkt=jkt, now=self._clock.now(), reason=reason
        )
        await self._tell_ended(connection, ended, actor=actor, reason=reason)

    async def end_sessions_of_mandate(self, connection: Connection, mandate_id: UUID, *, actor: str) -> None:
        """Ends every session that stands on a mandate which is no more."""
        reason = "mandate_revoked"
        ended = await repository.mark_mandate_sessions_revoked(
            connection, mandate_id, now=self._clock.now(), reason=reason
        )
        await self._tell_ended(connection, ended, actor=actor, reason=reason)

    async def end_sessions_for(self, connection: Connection, organization_id: UUID, *, actor: str, reason: str) -> int:
        """Ends every session in which somebody speaks for an organization; how many."""
        ended = await repository.mark_organization_sessions_revoked(
            connection, organization_id, now=self._clock.now(), reason=reason
        )
        await self._tell_ended(connection, ended, actor=actor, reason=reason)
        return len(ended)

    async def end_one(self, connection: Connection, session: Session, *, actor: str, reason: str) -> None:
        """Ends one session, and those begun in it; harmless when it has ended."""
        await repository.lock_sessions(connection, session.holder_id)
        ended = await repository.mark_session_revoked(
            connection, session.id, session.holder_id, now=self._clock.now(), reason=reason
        )
        await self._tell_ended(connection, ended, actor=actor, reason=reason)

    async def end_sessions_of_client(self, connection: Connection, client_id: str, *, actor: str, reason: str) -> int:
        """Ends every session that a department's client was given; how many."""
        ended = await repository.mark_client_sessions_revoked(
            connection, client_id, now=self._clock.now(), reason=reason
        )
        await self._tell_ended(connection, ended, actor=actor, reason=reason)
        return len(ended)

    async def raise_level_of_person(
        self, connection: Connection, person_id: UUID, *, from_level: int, ial: int
    ) -> None:
        """The city is surer of a person: sessions that knew them by name know them as well from their next tokens on.

        Those on a phone alone stay as they are.
        """
        await repository.mark_level_of_person(connection, person_id, from_level=from_level, ial=ial)

    async def raise_identity_level(self, connection: Connection, session_id: UUID, ial: int) -> None:
        """The session's next access tokens carry at least this level; the present one keeps what it says."""
        await repository.mark_identity_level(connection, session_id, ial)

    async def _answer_old_token(
        self, connection: Connection, used: RefreshToken, successor: RefreshToken, presenter: Presenter
    ) -> TokenPair | OAuthRefusal:
        session = await repository.find_session_for_update(connection, used.session_id)
        if session is None:
            return INVALID_GRANT
        verdict = judge_old_token(
            session, presenter, generation=used.generation, now=self._clock.now(), grace=self._grace
        )
        if verdict is Reuse.REPEATED:
            return self._pair(session, successor)
        return await self._end_family(connection, session) if verdict is Reuse.THEFT else INVALID_GRANT

    async def _end_family(self, connection: Connection, session: Session) -> OAuthRefusal:
        ended = await repository.mark_session_revoked(
            connection, session.id, session.holder_id, now=self._clock.now(), reason=REFRESH_REUSED
        )
        await self._tell_ended(connection, ended, actor="system", reason=REFRESH_REUSED)
        return INVALID_GRANT

    async def _tell_ended(
        self, connection: Connection, ended: Iterable[RevokedSession], *, actor: str, reason: str
    ) -> None:
        ended = list(ended)
        ids = [str(session.id) for session in ended]
        for session_id in ids:
            await audit.record(
                connection,
                clock_now=self._clock.now(),
                actor=actor,
                action="session.ended",
                subject=f"session:{session_id}",
                detail={"reason": reason},
            )
        for start in range(0, len(ids), _MOST_IDS_A_NOTICE):
            await notify(connection, CHANNEL, ",".join(ids[start : start + _MOST_IDS_A_NOTICE]))
        for listener in self._listeners:
            await listener.sessions_ended(connection, ended)

    async def _record(self, connection: Connection, session: Session, action: str, detail: dict[str, str]) -> None:
        actor = f"person:{session.agent_id}" if session.agent_id else f"{session.subject_type}:{session.subject_id}"
        await audit.record(
            connection,
            clock_now=self._clock.now(),
            actor=actor,
            action=action,
            subject=f"session:{session.id}",
            detail=detail,
        )

    def _pair(self, session: Session, refresh_token: RefreshToken) -> TokenPair:
        return TokenPair(
            access_token=self._access_tokens.issue(session),
            refresh_token=refresh_token.text,
            token_type="DPoP" if session.jkt else "Bearer",
            expires_in=self._access_tokens.lifetime_seconds,
            scope=" ".join(sorted(session.scopes)),
        )
