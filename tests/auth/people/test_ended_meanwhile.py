"""A session that ends while a register is asked comes to nothing: a freeze leaves nothing for later."""

from typing import Any

import pytest

from app.demo.registries import CHILD, CITIZEN, PASSPORT, RESIDENTS, RESPONSIBLE, RESTAURANT
from app.kit.database import Connection
from auth.wiring import AuthServices
from tests.auth.people.conftest import named
from tests.auth.people.test_faces import Camera, challenge_of
from tests.auth.phones import Phone, slug_of

END_ALL = "update auth.session set revoked_at = created_at, revoked_reason = 'account_frozen'"
GIVEN = """
select (select count(*) from auth.person where identity_level > $1)
     + (select count(*) from auth.further_document) + (select count(*) from auth.mandate)
"""


@pytest.mark.parametrize("act", ["name", "face", "document", "company", "child"])
async def test_nothing_is_given_in_a_session_that_ended_meanwhile(
    *,
    phone: Phone,
    auth: AuthServices,
    connection: Connection,
    registries_url: str,
    monkeypatch: pytest.MonkeyPatch,
    act: str,
) -> None:
    who = {"company": RESPONSIBLE, "document": RESIDENTS[3]}.get(act, CITIZEN)
    await (phone.sign_in() if act == "name" else phone.become_known(who))
    level = 1 if act == "name" else 2
    path, body = {
        "name": ("/v1/me/real-name", {"name": who.name, "document_number": who.document_number}),
        "face": ("/v1/me/face-check", {}),
        "document": ("/v1/me/documents", named(PASSPORT)),
        "company": ("/v1/organizations", {"credit_code": RESTAURANT.credit_code}),
        "child": ("/v1/me/children", {"name": CHILD.name, "document_number": CHILD.document_number}),
    }[act]
    if act == "face":
        challenge = await challenge_of(phone)
        body = {"challenge": challenge, "evidence": await Camera(registries_url).take(who, challenge)}
    registry: Any = auth.real_name._registry
    send = registry._send

    async def send_while_it_ends(*args: Any) -> bytes:
        await connection.execute(END_ALL)
        return bytes(await send(*args))

    monkeypatch.setattr(registry, "_send", send_while_it_ends)
    answer = await phone.client.post(path, json=body, headers=phone.headers)
    assert (answer.status_code, slug_of(answer)) == (401, "token-invalid")
    assert await connection.fetchval(GIVEN, level) == 0
