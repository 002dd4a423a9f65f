"""What is doubtful opens nothing: a number's new holder, a name that nobody checked, two links of a kind at once."""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest

from app.demo.national import NAME
from app.demo.registries import CITIZEN, RESIDENTS, SECOND_CITIZEN, Resident
from app.kit.database import Connection
from app.kit.floor import Floor
from auth.wiring import AuthServices
from tests.auth.login.upstream.national import National, Program
from tests.auth.phones import Phone, slug_of

STRANGER = RESIDENTS[10]
START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


async def link_number(phone: Phone, national: National, who: Resident) -> httpx.Response:
    """Links a network number that tells no name to whoever is signed in on this phone."""
    number, path = await national.number_of(who), "/v1/me/links/network"
    begun = (await phone.client.post(f"{path}/challenges", headers=phone.headers)).json()
    credential = await national.credential(number, begun["challenge"], discloses=False)
    body = {"login": begun["login"], "network_number": number, "credential": credential}
    return await phone.client.post(path, json=body, headers=phone.headers)


async def test_the_new_holder_of_a_number_does_not_put_a_name_on_a_linked_account(
    client: httpx.AsyncClient, national: National, phone: Phone, new_phone: Callable[[str], Phone]
) -> None:
    await phone.sign_in()
    assert (await link_number(phone, national, STRANGER)).status_code == 201
    heir = new_phone(phone.number)
    await heir.sign_in()
    assert slug_of(await heir.get("/v1/me/links")) == "phone-alone-not-enough"
    assert slug_of(await heir.tell_name(SECOND_CITIZEN)) == "confirm-on-enrolled-device"
    assert slug_of(await heir.get("/v1/me/links")) == "phone-alone-not-enough"
    back = (await Program(client, national).show_network(STRANGER, discloses=False)).json()
    assert (back["person"]["id"], back["person"]["identity_level"]) == (phone.tokens["person"]["id"], 1)


async def test_of_two_links_of_a_kind_at_once_one_is_made(
    race_client: httpx.AsyncClient, national: National, race_floor: Floor
) -> None:
    phone = Phone(race_client, race_floor.outbox.deliver_due, number="19900000001")
    await phone.sign_in()
    answers = await asyncio.gather(*(link_number(phone, national, who) for who in (STRANGER, SECOND_CITIZEN, CITIZEN)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 2}


async def test_a_document_that_nobody_checked_there_is_nobodys_here(
    client: httpx.AsyncClient, national: National, phone: Phone, auth: AuthServices, connection: Connection
) -> None:
    """Else whoever typed somebody's name at the other house would hold their document here."""
    auth.upstream.provider._levels[NAME] = "ial1.aal1"
    program = Program(client, national)
    assert slug_of(await program.sign_in(STRANGER, acr=NAME)) == "identity-not-told"
    await phone.sign_in()
    assert (await program.link(phone.headers, STRANGER, acr=NAME)).status_code == 201
    assert (await phone.get("/v1/me")).json()["ial"] == 1
    assert await auth.people.find_identity(connection, UUID(phone.tokens["person"]["id"])) is None


@pytest.mark.parametrize("way", ["national", "network"])
async def test_nothing_is_linked_in_a_session_that_ended_while_the_other_house_was_asked(
    *,
    client: httpx.AsyncClient,
    national: National,
    phone: Phone,
    auth: AuthServices,
    connection: Connection,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
) -> None:
    """A thief's session that ends with the freeze leaves no way in for the day on which the account wakes."""
    await phone.become_known()
    asked: Any = auth.upstream.provider if way == "national" else auth.upstream.network._platform
    name = "redeem" if way == "national" else "check_credential"
    ask = getattr(asked, name)

    async def ask_while_it_ends(*args: Any, **options: Any) -> Any:
        await connection.execute("update auth.session set revoked_at = $1, revoked_reason = 'frozen'", START)
        return await ask(*args, **options)

    monkeypatch.setattr(asked, name, ask_while_it_ends)
    if way == "national":
        answer = await Program(client, national).link(phone.headers, STRANGER, tells=False)
    else:
        answer = await link_number(phone, national, STRANGER)
    assert answer.status_code == 401, answer.text
    assert await connection.fetchval("select count(*) from auth.identity_link") == 0
