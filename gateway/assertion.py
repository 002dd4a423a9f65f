"""`SSB-Assertion`: the JWT by which a department learns for whom the city calls, under a name that only it knows.

Carries the pairwise id and the granted fields, never a national id that was not granted. Lives at most 60 s; one made
less than 20 s ago is reused for the same session, app, case and grants, and is forgotten at once when consents change.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Final, TypeAlias
from uuid import UUID

from app.kit.ids import new_token
from app.kit.jwt import sign_jwt
from app.kit.keyring import Keyring
from app.kit.structs import Model
from app.kit.vault import Vault
from auth.pairwise import pairwise_id
from auth.principal import Principal
from gateway.policy import GrantedScope
from gateway.snapshot import CompiledApp

PURPOSE: Final = "assertion"
TYP: Final = "ssb-assertion+jwt"
LIFE_SECONDS: Final = 60
REUSE_SECONDS: Final = 20
MOST_KEPT: Final = 50_000

FieldsOf: TypeAlias = Callable[[Principal, CompiledApp, tuple[GrantedScope, ...]], Awaitable[Mapping[str, Any]]]


class _Kept(Model):
    token: str
    made_at: float


class Assertions:
    """Makes assertions. `fields_of` fetches the granted fields of a citizen, and records that they were given."""

    def __init__(self, *, keyring: Keyring, vault: Vault, issuer: str, fields_of: FieldsOf) -> None:
        self._keyring = keyring
        self._vault = vault
        self._issuer = issuer
        self._fields_of = fields_of
        self._kept: dict[UUID, dict[tuple[Any, ...], _Kept]] = {}
        self._generation = 0

    async def issue(
        self,
        principal: Principal,
        app: CompiledApp,
        granted: tuple[GrantedScope, ...],
        now: datetime,
        *,
        case_id: str | None = None,
    ) -> str:
        """An assertion for `principal` at `app`, about one case if one is named, with at least 40 s of life left."""
        key = (*_cache_key(principal, app, granted), case_id)
        kept = self._kept.get(principal.subject_id, {}).get(key)
        if kept is not None and 0 <= now.timestamp() - kept.made_at < REUSE_SECONDS:
            return kept.token
        generation = self._generation
        fields = await self._fields_of(principal, app, granted)
        claims = self._claims(principal, app, granted, fields, now)
        if case_id is not None:
            claims["case_id"] = case_id
        token = sign_jwt(self._keyring.active(PURPOSE), typ=TYP, claims=claims)
        if generation == self._generation:
            self._keep(principal.subject_id, key, _Kept(token=token, made_at=now.timestamp()))
        return token

    def forget(self, subject_id: str | None) -> None:
        """Reuses nothing made for this subject: a consent changed. None: one may have been missed, so for nobody."""
        self._generation += 1
        if subject_id is None:
            self._kept = {}
        else:
            self._kept.pop(UUID(subject_id), None)

    def _keep(self, subject_id: UUID, key: tuple[Any, ...], kept: _Kept) -> None:
        if len(self._kept) >= MOST_KEPT:
            self._kept = {
                known: recent for known, entries in self._kept.items() if (recent := _recent(entries, kept.made_at))
            }
        if len(self._kept) < MOST_KEPT:
            self._kept[subject_id] = _recent(self._kept.get(subject_id, {}), kept.made_at) | {key: kept}

    def _claims(
        self,
        principal: Principal,
        app: CompiledApp,
        granted: tuple[GrantedScope, ...],
        fields: Mapping[str, Any],
        now: datetime,
    ) -> dict[str, Any]:
        issued_at = int(now.timestamp())
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "aud": app.app_id,
            "iat": issued_at,
            "exp": issued_at + LIFE_SECONDS,
            "jti": new_token(16),
            "sub": self._openid(app, principal.subject_id),
            "sub_type": principal.subject_type,
            "acr": f"ial{principal.ial}.aal{principal.aal}",
            "scope": " ".join(grant.scope.name for grant in granted),
        }
        if principal.agent_id is not None:
            claims["act"] = {"sub": self._openid(app, principal.agent_id)}
        if principal.mandate_id is not None:
            claims["mandate_id"] = self._openid(app, principal.mandate_id)
        if granted:
            claims["basis"] = " ".join(grant.scope.basis for grant in granted)
            claims["purpose"] = "；".join(grant.scope.purpose.zh for grant in granted)
        consents = [str(grant.consent_id) for grant in granted if grant.consent_id is not None]
        if consents:
            claims["consent_id"] = " ".join(consents)
        if fields:
            claims["fields"] = dict(fields)
        return claims

    def _openid(self, app: CompiledApp, subject_id: UUID) -> str:
        return pairwise_id(self._vault, app.department, subject_id)


def _recent(entries: dict[tuple[Any, ...], _Kept], now: float) -> dict[tuple[Any, ...], _Kept]:
    return {key: kept for key, kept in entries.items() if now - kept.made_at < REUSE_SECONDS}


def _cache_key(principal: Principal, app: CompiledApp, granted: tuple[GrantedScope, ...]) -> tuple[Any, ...]:
    """Everything that an assertion for this subject says; a release is of one app."""
    return (
        principal.session_id,
        principal.agent_id,
        principal.mandate_id,
        principal.ial,
        principal.aal,
        app.release_id,
        tuple((grant.scope.name, grant.fields, grant.consent_id) for grant in granted),
    )
