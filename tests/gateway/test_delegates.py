"""Whoever calls a department in another's name: by a mandate that names the service, on the record, and confirmed."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.floor import Floor
from app.kit.ids import new_id
from auth.mandates.errors import MandateRefused
from auth.mandates.models import Mandate
from auth.mandates.repository import insert_mandate, mark_revoked, mark_stopped
from auth.principal import Principal
from auth.settings import AuthSettings
from auth.wiring import build_auth
from gateway.delegates import Delegates
from gateway.policy import Decision, decide, without_documents
from gateway.routing import Match
from tests.gateway.conftest import a_principal
from tests.gateway.publications import LIBRARY
from tests.gateway.test_policy import match_of

ITEMS = {
    "items": [
        {"item_code": code, "name": "事项", "kind": "public_service", "legal_days": 1, "promised_days": 1}
        for code in ("CARD", "PERMIT")
    ]
}
Give = Callable[..., Awaitable[Principal]]


@pytest.fixture
async def delegates(floor: Floor) -> Any:
    services = build_auth(floor, AuthSettings())
    core, rooms = services.mandate_rooms.core, services.mandate_rooms
    yield Delegates(floor.database, floor.clock, engine=core.engine, acts=core.acts, confirmations=rooms.confirmations)
    await services.close()


@pytest.fixture
def give(connection: Connection, clock: ManualClock) -> Give:
    """A mandate, and its agent calling by it."""

    async def give(kind: Any = "proxy", **scope: Any) -> Principal:
        people = [new_id(), new_id()]
        for person_id in people:
            await connection.execute(
                "insert into auth.person (id, identity_level, status, created_at) values ($1, 1, 'active', $2)",
                person_id,
                clock.now(),
            )
        sponsor = await a_committee(connection, clock) if kind in {"assisted", "volunteer"} else None
        mandate = Mandate(
            id=new_id(),
            principal_type="person",
            principal_id=people[0],
            agent_id=people[1],
            kind=kind,
            role="",
            proof="agreement",
            starts_at=clock.now(),
            ends_at=clock.now() + timedelta(hours=2),
            sponsor_id=sponsor,
            **scope,
        )
        await insert_mandate(connection, mandate)
        return a_principal(subject_id=people[0], agent_id=people[1], mandate_id=mandate.id)

    return give


async def a_committee(connection: Connection, clock: ManualClock) -> UUID:
    committee = new_id()
    await connection.execute(
        "insert into auth.organization (id, kind, form, name, credit_code, status, created_at)"
        " values ($1, 'department', 'legal_person', '演示居委会', $2, 'active', $3)",
        committee,
        str(committee)[:18],
        clock.now(),
    )
    return committee


async def call(delegates: Delegates, principal: Principal, match: Match, body: bytes | None = b"") -> str:
    try:
        await delegates.admit(principal, match, target="/x?", body=body)
    except MandateRefused as refusal:
        return refusal.why.value
    return "let in"


async def acts(connection: Connection, principal: Principal) -> list[tuple[str, str]]:
    rows = await connection.fetch(
        "select kind, detail from auth.act where principal_id = $1 order by id", principal.subject_id
    )
    return [(row["kind"], row["detail"].get("route", "")) for row in rows]


async def test_what_the_mandate_names_is_called_and_written_down(
    delegates: Delegates, give: Give, connection: Connection, clock: ManualClock
) -> None:
    principal = await give(apps=(LIBRARY,))
    for _ in range(2):
        assert await call(delegates, principal, match_of("GET", "/loans")) == "let in"
        assert await call(delegates, principal, match_of("POST", "/loans")) == "let in"
    acted = ("app_acted", "POST /loans")
    assert await acts(connection, principal) == [("app_called", ""), acted, acted]
    clock.advance(86_401)
    assert await call(delegates, principal, match_of("GET", "/loans")) == "mandate-ended"


async def test_what_it_does_not_name_is_refused_and_leaves_no_act(
    delegates: Delegates, give: Give, connection: Connection
) -> None:
    loans = match_of("GET", "/loans")
    for scope in ({"apps": ()}, {"apps": ("another",)}, {"items": ("CARD",)}):
        principal = await give(**scope)
        assert await call(delegates, principal, loans) == "mandate-scope", scope
        assert await acts(connection, principal) == []


async def test_items_stand_for_services_that_are_for_nothing_else(delegates: Delegates, give: Give) -> None:
    loans = match_of("GET", "/loans", **ITEMS)
    assert await call(delegates, await give(items=("CARD", "PERMIT")), loans) == "let in"
    assert await call(delegates, await give(items=("CARD",)), loans) == "mandate-scope"


@pytest.mark.parametrize("how", ["ended", "stopped", "another's", "another principal's", "none"])
async def test_nobody_calls_by_what_is_not_theirs_or_no_more(
    *, delegates: Delegates, give: Give, connection: Connection, clock: ManualClock, how: str
) -> None:
    principal = await give()
    loans = match_of("GET", "/loans")
    assert await call(delegates, principal, loans) == "let in"
    assert principal.mandate_id is not None
    if how == "ended":
        await mark_revoked(connection, principal.mandate_id, clock.now(), "revoked")
        assert await call(delegates, principal, loans) == "mandate-ended"
        return
    if how == "stopped":
        await mark_stopped(connection, principal.mandate_id, "custody_dispute")
        assert await call(delegates, principal, loans) == "mandate-stopped"
        return
    changes: dict[str, Any] = {
        "another's": {"agent_id": new_id()},
        "another principal's": {"subject_id": new_id()},
        "none": {"mandate_id": new_id()},
    }[how]
    facts = {"subject_id": principal.subject_id, "agent_id": principal.agent_id, "mandate_id": principal.mandate_id}
    assert await call(delegates, a_principal(**(facts | changes)), loans) == "no-mandate"


async def test_a_helper_looks_freely_and_acts_once_for_each_yes(
    delegates: Delegates, give: Give, connection: Connection
) -> None:
    principal = await give("assisted", items=("CARD", "PERMIT"))
    look, act = match_of("GET", "/loans", **ITEMS), match_of("POST", "/loans", **ITEMS)
    assert await call(delegates, principal, look) == "let in"
    assert await call(delegates, principal, act, b"one") == "confirmation-needed"
    await connection.execute("update auth.mandate_confirmation set decided_at = asked_at, decision = 'confirmed'")
    assert await call(delegates, principal, act, b"another") == "confirmation-needed"
    assert await call(delegates, principal, act, b"one") == "let in"
    assert await call(delegates, principal, act, b"one") == "confirmation-needed"
    assert await call(delegates, principal, act, None) == "confirmation-needed"  # a stream: who knows what it says
    assert [kind for kind, _ in await acts(connection, principal)] == ["app_called", "app_acted"]


async def test_a_volunteer_s_calls_say_nothing_of_the_document(delegates: Delegates, give: Give) -> None:
    principal = await give("volunteer", items=("CARD",), apps=(LIBRARY,))
    match = match_of("GET", "/profile")
    authority = await delegates.admit(principal, match, target="/", body=b"")
    assert authority.no_documents
    data = {
        "scopes": [a_scope("reader", "full_name", "id_number", "display_name"), *map(a_scope, ("contact", "hobby"))]
    }
    told = decide(match_of("GET", "/card", data=data), principal, {})
    assert isinstance(told, Decision)
    assert [grant.fields for grant in without_documents(told).granted] == [("display_name",)]


def a_scope(name: str, *fields: str) -> dict[str, Any]:
    return {"name": name, "fields": list(fields), "purpose": {"zh": "文", "en": "text"}, "basis": "contract"}
