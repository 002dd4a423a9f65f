"""The list in which a person recognises their sign-ins, and gives them names. Ends nothing: `Sessions` does.

Names are sealed under the holder's own key. No address and no place is kept of a session.
"""

from collections.abc import Mapping
from typing import Final, Protocol
from uuid import UUID

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.structs import Text
from auth.devices.models import DeviceView
from auth.devices.service import Devices
from auth.principal import Principal
from auth.sessions import repository as sessions_repository
from auth.sessions.errors import SessionUnknown
from auth.sessions.models import Session
from auth.sessions.overview import repository
from auth.sessions.overview.models import NameSession, SessionContext, SessionView
from auth.subject_keys.service import SubjectVault

NAME_PURPOSE: Final = "session-name"
OWN_CLIENTS: Final = {
    "citizen-app": Text(zh="手机应用", en="The city's app"),
    "city-browser": Text(zh="浏览器", en="A browser"),
    "staff-console": Text(zh="工作台", en="The staff console"),
}


class NamesClients(Protocol):
    """Who knows what departments' clients are called."""

    async def find_name(self, connection: Connection, client_id: str) -> Text | None:
        """The client's published name; None for one that is gone."""
        ...


class SessionOverview:
    """Lists and names the sessions of one human being."""

    def __init__(self, *, devices: Devices, clients: NamesClients, subject_vault: SubjectVault, clock: Clock) -> None:
        self._devices = devices
        self._clients = clients
        self._subject_vault = subject_vault
        self._clock = clock

    async def list_sessions(self, connection: Connection, principal: Principal) -> list[SessionView]:
        """The caller's living sessions, newest first; one that stands on a phone alone sees itself and no other."""
        sessions = await sessions_repository.list_sessions(connection, principal.person_id, self._clock.now())
        if principal.unproven:
            sessions = [session for session in sessions if session.id == principal.session_id]
        return await self._views(connection, principal, sessions)

    async def name_session(
        self, connection: Connection, principal: Principal, session_id: UUID, request: NameSession
    ) -> SessionView:
        """Gives one of the caller's living sessions a name; raises `SessionUnknown` for anyone else's."""
        session = await sessions_repository.find_session(connection, session_id)
        now, holder_id = self._clock.now(), principal.person_id
        if session is None or session.holder_id != holder_id or not session.lives(now):
            raise SessionUnknown
        if principal.unproven and session.id != principal.session_id:
            raise SessionUnknown
        sealed = await self._subject_vault.seal(
            connection, holder_id, NAME_PURPOSE, request.name.encode(), context=session_id.bytes
        )
        await repository.upsert_name(connection, session_id, sealed)
        await audit.record(
            connection,
            clock_now=now,
            actor=principal.actor,
            action="session.named",
            subject=f"session:{session_id}",
            detail={},
        )
        (view,) = await self._views(connection, principal, [session])
        return view

    async def _views(self, connection: Connection, principal: Principal, sessions: list[Session]) -> list[SessionView]:
        contexts = await repository.list_contexts(connection, [session.id for session in sessions])
        names = await self._names(connection, principal.person_id, contexts)
        clients = {one: await self._client_name(connection, one) for one in {session.client_id for session in sessions}}
        devices = await self._devices.list_devices(connection, principal.person_id)
        return [
            _view(
                session,
                context=contexts.get(session.id, SessionContext(session_id=session.id)),
                name=names.get(session.id),
                client_name=clients[session.client_id],
                device=_device_of(session, devices),
                current=session.id == principal.session_id,
            )
            for session in sessions
        ]

    async def _names(
        self, connection: Connection, holder_id: UUID, contexts: Mapping[UUID, SessionContext]
    ) -> dict[UUID, str]:
        sealed = {one.session_id: one.name_sealed for one in contexts.values() if one.name_sealed is not None}
        if not sealed:
            return {}
        key = await self._subject_vault.find_key(connection, holder_id)
        return {
            session_id: self._subject_vault.open_with(
                key, holder_id, NAME_PURPOSE, name, context=session_id.bytes
            ).decode()
            for session_id, name in sealed.items()
        }

    async def _client_name(self, connection: Connection, client_id: str) -> Text:
        known = OWN_CLIENTS.get(client_id) or await self._clients.find_name(connection, client_id)
        return known or Text(zh=client_id, en=client_id)


def _device_of(session: Session, devices: list[DeviceView]) -> DeviceView | None:
    """The device whose key opened the session or binds it."""
    return next((one for one in devices if one.id == session.device_id or one.thumbprint == session.jkt), None)


def _view(
    session: Session,
    *,
    context: SessionContext,
    name: str | None,
    client_name: Text,
    device: DeviceView | None,
    current: bool,
) -> SessionView:
    return SessionView(
        id=session.id,
        parent_id=session.parent_id,
        subject_type=session.subject_type,
        subject_id=session.subject_id,
        client_id=session.client_id,
        client_name=client_name,
        method=session.method,
        name=name,
        agent=context.agent,
        device_id=device.id if device else None,
        device_name=device.name if device else None,
        ial=session.ial,
        aal=session.aal,
        current=current,
        created_at=session.created_at,
        last_used_at=session.rotated_at,
        expires_at=session.idle_expires_at,
    )
