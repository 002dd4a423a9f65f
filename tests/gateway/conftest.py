"""People, keys and ports for the gateway's tests."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from app.kit.ids import new_id
from auth.principal import Principal
from auth.sessions.errors import TokenInvalid
from gateway.asgi import find_header
from gateway.policy import ConsentGiven, GrantedScope
from gateway.snapshot import CompiledApp


def consent_to(*fields: str) -> ConsentGiven:
    return ConsentGiven(id=new_id(), fields=frozenset(fields))


def a_principal(**changes: Any) -> Principal:
    facts: dict[str, Any] = {
        "subject_type": "person",
        "subject_id": new_id(),
        "session_id": new_id(),
        "client_id": "citizen-app",
        "authenticated_at": datetime(2026, 3, 2, tzinfo=UTC),
        "ial": 2,
        "aal": 1,
    }
    return Principal(**(facts | changes))


class KnownCallers:
    """An authenticator that knows tokens by heart."""

    def __init__(self) -> None:
        self.principals: dict[str, Principal] = {}

    def sign_in(self, token: str = "good", **changes: Any) -> Principal:
        self.principals[token] = a_principal(**changes)
        return self.principals[token]

    def authenticate(self, scope: Any, *, origin: str | None = None, app_id: str | None = None) -> Principal | None:
        assert origin in {None, "http://apps.localhost:8000"}
        assert app_id is None or app_id.encode() in scope["raw_path"]
        value = find_header(scope["headers"], b"authorization")
        if value is None:
            return None
        scheme, _, token = value.decode("latin-1").partition(" ")
        if scheme.lower() != "bearer" or token not in self.principals:
            raise TokenInvalid
        return self.principals[token]

    def stands(self, principal: Principal) -> bool:
        return principal in self.principals.values()


class KnownConsents:
    """Consents by scope name, the same for everybody."""

    def __init__(self) -> None:
        self.given: dict[str, ConsentGiven] = {}
        self.asked: list[frozenset[str]] = []

    async def find_consents(
        self, _principal: Principal, _app: CompiledApp, scopes: Mapping[str, str]
    ) -> Mapping[str, ConsentGiven]:
        self.asked.append(frozenset(scopes))
        return {name: consent for name, consent in self.given.items() if name in scopes}


class KnownCitizens:
    """Fields that are always the same; remembers what was disclosed to whom."""

    FIELDS: Mapping[str, Any] = {
        "display_name": "测试*",
        "phone_tail": "0001",
        "age_over_18": True,
        "id_number": "secret",
    }

    def __init__(self) -> None:
        self.disclosed: list[tuple[str, frozenset[str]]] = []

    async def disclose(
        self, _principal: Principal, app: CompiledApp, granted: tuple[GrantedScope, ...]
    ) -> Mapping[str, Any]:
        names = frozenset(field for grant in granted for field in grant.fields)
        self.disclosed.append((app.app_id, names))
        return {name: value for name, value in self.FIELDS.items() if name in names}


@pytest.fixture
def callers() -> KnownCallers:
    return KnownCallers()


@pytest.fixture
def consents() -> KnownConsents:
    return KnownConsents()


@pytest.fixture
def citizens() -> KnownCitizens:
    return KnownCitizens()
