"""Agents of organizations among the codes: each keeps what their items name, and what they do is in the log."""

from datetime import UTC, datetime
from typing import Any, cast

import pytest

from app.kit.database import Connection
from app.kit.ids import new_id
from auth.errors import MandateTooNarrow, WrongSubject
from auth.guards import AnyConnection, organization_agent_for
from auth.principal import Principal
from codes.acting import ActLog
from tests.codes.enterprise_city import a_principal

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
NO_CONNECTION = cast("Connection", None)


class Asked:
    """As much of a request as a guard reads."""

    def __init__(self, principal: Principal) -> None:
        self.scope = {"user": principal}


class Log:
    """Identity's log, in memory."""

    def __init__(self) -> None:
        self.acts: list[dict[str, Any]] = []

    async def record(self, _connection: Connection, **act: Any) -> None:
        self.acts.append(act)


async def judge(*scopes: str) -> None:
    asked = Asked(a_principal("organization", agent_id=new_id(), scopes=frozenset({"organization", *scopes})))
    guard: Any = organization_agent_for("places")
    await guard(cast("AnyConnection", asked), cast("Any", None))


async def test_an_agent_does_what_their_items_name() -> None:
    await judge("item:*")
    await judge("item:enterprise-codes", "item:places")
    for scopes in ((), ("item:enterprise-codes",), ("item:place",), ("app:places", "scenario:*")):
        with pytest.raises(MandateTooNarrow):
            await judge(*scopes)
    guard: Any = organization_agent_for("places")
    with pytest.raises(WrongSubject):
        await guard(Asked(a_principal("person", scopes=frozenset({"item:*"}))), None)


async def test_only_what_is_done_for_another_is_an_act() -> None:
    log, mandate_id, agent_id = Log(), new_id(), new_id()
    acts = ActLog(cast("Any", log))
    agent = a_principal("organization", agent_id=agent_id, mandate_id=mandate_id)
    for principal in (agent, a_principal("official"), a_principal("person")):
        await acts.note(NO_CONNECTION, principal, "place_registered", NOON, place_id="1")
    (act,) = log.acts
    assert (act["agent_id"], act["mandate_id"], act["principal_id"]) == (agent_id, mandate_id, agent.subject_id)
    assert act["detail"] == {"place_id": "1"}
    await ActLog().note(NO_CONNECTION, agent, "place_registered", NOON)
