"""Signing in by the national identity and by a network number, from a phone: every step over HTTP."""

from collections.abc import Callable

import httpx
import pytest

from app.demo.national import FACE, NAME
from app.demo.registries import CITIZEN, RENAMED, RESIDENTS, SECOND_CITIZEN
from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.ids import new_id
from auth.people.life.models import NamedPerson
from auth.wiring import AuthServices
from tests.auth.login.upstream.national import National, Program
from tests.auth.phones import Key, Phone, slug_of

STRANGER = RESIDENTS[10]


@pytest.fixture
def program(client: httpx.AsyncClient, national: National) -> Program:
    return Program(client, national)


async def test_somebody_new_is_known_by_name_at_once(program: Program) -> None:
    answer = await program.sign_in(STRANGER)
    assert answer.status_code == 200, answer.text
    person = answer.json()["person"]
    assert person["identity_level"] == 3
    assert person["phones"] == []
    bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    me = (await program.client.get("/v1/me", headers=bearer)).json()
    assert (me["ial"], me["aal"]) == (3, 2)


async def test_the_same_subject_comes_back_to_the_same_account(program: Program) -> None:
    first = (await program.sign_in(STRANGER)).json()["person"]["id"]
    assert (await program.sign_in(STRANGER)).json()["person"]["id"] == first
    assert (await program.sign_in(STRANGER, tells=False)).json()["person"]["id"] == first


async def test_a_face_check_opens_the_account_that_is_here_and_its_holder_is_told(
    program: Program, phone: Phone
) -> None:
    await phone.become_known()
    answer = await program.sign_in(CITIZEN, acr=FACE)
    assert answer.json()["person"]["id"] == phone.tokens["person"]["id"]
    told = (await phone.get("/v1/me/messages")).json()["items"]
    assert "identity_linked" in {message["kind"] for message in told}
    assert [link["source"] for link in (await phone.get("/v1/me/links")).json()["items"]] == ["national"]


async def test_a_house_that_calls_a_person_something_else_now_needs_a_face_check(
    program: Program, connection: Connection
) -> None:
    """It moved to another issuer, or gave out new numbers; what it said before opens nothing any more."""
    first = (await program.sign_in(STRANGER)).json()["person"]["id"]
    await connection.execute("update auth.identity_link set subject_index = $1", bytes(32))
    assert slug_of(await program.sign_in(STRANGER, acr=NAME)) == "link-needs-more"
    assert (await program.sign_in(STRANGER, acr=FACE)).json()["person"]["id"] == first
    reasons = await connection.fetch("select ended_reason from auth.identity_link order by id")
    assert [row["ended_reason"] for row in reasons] == ["replaced", None]


async def test_a_name_alone_does_not_open_the_account_that_is_here(program: Program, phone: Phone) -> None:
    await phone.become_known()
    assert slug_of(await program.sign_in(CITIZEN, acr=NAME)) == "link-needs-more"
    assert (await phone.get("/v1/me/links")).json()["items"] == []


async def test_a_name_opens_somebody_new_and_no_more_of_them(program: Program) -> None:
    answer = await program.sign_in(STRANGER, acr=NAME)
    bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    me = (await program.client.get("/v1/me", headers=bearer)).json()
    assert (me["ial"], me["aal"]) == (2, 1)


async def test_an_unknown_strength_opens_nothing(program: Program) -> None:
    assert slug_of(await program.sign_in(STRANGER, acr="urn:nobody:knows")) == "upstream-refused"


async def test_who_tells_no_document_and_is_not_linked_is_not_guessed(program: Program) -> None:
    assert slug_of(await program.sign_in(STRANGER, tells=False)) == "identity-not-told"


async def test_another_name_on_the_same_document_opens_nothing(
    program: Program, national: National, phone: Phone
) -> None:
    await phone.become_known(RESIDENTS[4])
    begun = await program.begin()
    asked = next(iter(national.provider._pushed.values()))
    code = national.provider.grant(asked, RESIDENTS[4].document_number, acr=FACE)
    granted = national.provider._granted[code]
    national.provider._granted[code] = type(granted)(
        request=granted.request, who=RENAMED, acr=FACE, at=granted.at, tells=True
    )
    body = {"login": begun["login"], "state": asked["state"], "code": code, "iss": national.provider.issuer}
    assert slug_of(await program.show(body)) == "identity-differs"


async def test_an_answer_counts_once(program: Program) -> None:
    body = await program.go(STRANGER)
    assert (await program.show(body)).status_code == 200
    assert slug_of(await program.show(body)) == "upstream-refused"


@pytest.mark.parametrize("part", ["login", "state", "code", "iss"])
async def test_a_part_of_another_answer_opens_nothing(program: Program, part: str) -> None:
    mine, other = await program.go(STRANGER), await program.go(SECOND_CITIZEN)
    changed = mine | {part: other[part] if part != "iss" else "http://another.example"}
    assert slug_of(await program.show(changed)) == "upstream-refused"


async def test_another_phones_key_does_not_bring_the_answer(program: Program, clock: ManualClock) -> None:
    key, thief = Key(), Key()
    proof = key.dpop("POST", "/v1/login/upstream/challenges", clock.now())
    begun = await program.begin(headers={"DPoP": proof})
    body = {"login": begun["login"]} | await program.national.visit(begun["authorization_url"], STRANGER)
    stolen = thief.dpop("POST", "/v1/login/upstream/tokens", clock.now())
    assert slug_of(await program.show(body, headers={"DPoP": stolen})) == "upstream-refused"
    assert slug_of(await program.show(body)) == "upstream-refused"
    right = key.dpop("POST", "/v1/login/upstream/tokens", clock.now())
    answer = await program.show(body, headers={"DPoP": right})
    assert answer.json()["token_type"] == "DPoP"


async def test_a_late_answer_opens_nothing(program: Program, clock: ManualClock) -> None:
    body = await program.go(STRANGER)
    clock.advance(301)
    assert slug_of(await program.show(body)) == "upstream-refused"


async def test_a_no_at_the_platform_is_a_no_here(program: Program) -> None:
    body = await program.go(STRANGER, allow=False)
    assert slug_of(await program.show(body)) == "upstream-refused"


async def test_who_is_frozen_hears_it_and_is_not_linked(
    program: Program, phone: Phone, auth: AuthServices, connection: Connection
) -> None:
    await phone.become_known()
    await connection.execute("update auth.person set status = 'frozen'")
    assert slug_of(await program.sign_in(CITIZEN)) == "account-frozen"
    assert await connection.fetchval("select count(*) from auth.identity_link") == 0


async def test_the_document_of_the_dead_opens_nothing(
    program: Program, auth: AuthServices, phone: Phone, connection: Connection
) -> None:
    assert (await program.sign_in(STRANGER)).status_code == 200
    died = NamedPerson(name=STRANGER.name, document_number=STRANGER.document_number)
    await auth.people_rooms.life.hear_of_death(connection, died)
    assert slug_of(await program.sign_in(STRANGER)) == "upstream-refused"
    assert await connection.fetchval("select ended_reason from auth.identity_link") == "account_died"


async def test_no_name_number_or_subject_of_the_platform_stands_in_clear(
    program: Program, connection: Connection
) -> None:
    await program.sign_in(STRANGER)
    await program.show_network(SECOND_CITIZEN)
    number = await program.national.number_of(SECOND_CITIZEN)
    for table in ("auth.identity_link", "auth.upstream_attempt", "auth.person", "kit.audit_entry"):
        rows = " ".join(
            str(row["r"]) for row in await connection.fetch(f"select {table.split('.')[1]}::text r from {table}")
        )
        for secret in (STRANGER.document_number, STRANGER.name, number):
            assert secret not in rows


class TestLinks:
    async def test_a_holder_links_and_ends(self, program: Program, phone: Phone) -> None:
        await phone.become_known()
        made = await program.link(phone.headers, acr=NAME)
        assert made.status_code == 201, made.text
        assert (await program.sign_in(CITIZEN, acr=NAME)).status_code == 200
        ended = await phone.client.delete(f"/v1/me/links/{made.json()['id']}", headers=phone.headers)
        assert ended.status_code == 200, ended.text
        assert slug_of(await program.sign_in(CITIZEN, acr=FACE)) == "link-ended"

    async def test_ending_a_link_ends_the_sessions_that_it_opened(self, program: Program, phone: Phone) -> None:
        await phone.become_known()
        made = await program.link(phone.headers)
        came = (await program.sign_in(CITIZEN)).json()
        await phone.client.delete(f"/v1/me/links/{made.json()['id']}", headers=phone.headers)
        form = {"grant_type": "refresh_token", "refresh_token": came["refresh_token"]}
        assert (await phone.client.post("/oauth/token", data=form)).json()["error"] == "invalid_grant"
        assert (await phone.get("/v1/me")).status_code == 200

    async def test_somebody_elses_document_is_not_linked(
        self, program: Program, phone: Phone, new_phone: Callable[[str], Phone]
    ) -> None:
        await phone.become_known()
        other = new_phone("19900000002")
        await other.become_known(SECOND_CITIZEN)
        assert slug_of(await program.link(other.headers, CITIZEN)) == "document-already-bound"
        assert slug_of(await program.link(other.headers, STRANGER)) == "identity-differs"

    async def test_what_opens_another_account_is_not_taken_over(self, program: Program, phone: Phone) -> None:
        assert (await program.sign_in(STRANGER)).status_code == 200
        await phone.become_known()
        assert slug_of(await program.link(phone.headers, STRANGER, tells=False)) == "linked-elsewhere"

    async def test_an_account_begun_by_somebody_else_is_not_linked_here(
        self, program: Program, phone: Phone, new_phone: Callable[[str], Phone]
    ) -> None:
        await phone.become_known()
        other = new_phone("19900000002")
        await other.become_known(SECOND_CITIZEN)
        begun = await program.begin("/v1/me/links/upstream", headers=other.headers)
        body = {"login": begun["login"]} | await program.national.visit(begun["authorization_url"], SECOND_CITIZEN)
        answer = await phone.client.post("/v1/me/links/upstream", json=body, headers=phone.headers)
        assert slug_of(answer) == "upstream-refused"

    async def test_an_attempt_to_link_signs_nobody_in(self, program: Program, phone: Phone) -> None:
        await phone.become_known()
        begun = await program.begin("/v1/me/links/upstream", headers=phone.headers)
        body = {"login": begun["login"]} | await program.national.visit(begun["authorization_url"])
        assert slug_of(await program.show(body)) == "upstream-refused"

    async def test_who_was_only_a_number_becomes_known_by_linking(self, program: Program, phone: Phone) -> None:
        await phone.sign_in()
        assert (await program.link(phone.headers, STRANGER)).status_code == 201
        assert (await program.sign_in(STRANGER)).json()["person"]["id"] == phone.tokens["person"]["id"]

    async def test_one_of_a_kind(self, program: Program, phone: Phone) -> None:
        await phone.become_known()
        first = await program.link(phone.headers)
        again = await program.link(phone.headers)
        assert (first.status_code, again.json()["id"]) == (201, first.json()["id"])
        assert slug_of(await program.link(phone.headers, STRANGER, tells=False)) == "link-exists"

    async def test_the_only_way_in_stays(self, program: Program) -> None:
        came = (await program.sign_in(STRANGER)).json()
        bearer = {"Authorization": f"Bearer {came['access_token']}"}
        (link,) = (await program.client.get("/v1/me/links", headers=bearer)).json()["items"]
        assert slug_of(await program.client.delete(f"/v1/me/links/{link['id']}", headers=bearer)) == "last-link"

    async def test_a_stranger_neither_sees_nor_ends_it(
        self, program: Program, phone: Phone, new_phone: Callable[[str], Phone]
    ) -> None:
        await phone.become_known()
        made = (await program.link(phone.headers)).json()
        other = new_phone("19900000002")
        await other.become_known(SECOND_CITIZEN)
        assert (await other.get("/v1/me/links")).json()["items"] == []
        gone = await other.client.delete(f"/v1/me/links/{made['id']}", headers=other.headers)
        assert slug_of(gone) == "link-unknown"

    async def test_an_unknown_link_is_not_found(self, phone: Phone) -> None:
        await phone.become_known()
        gone = await phone.client.delete(f"/v1/me/links/{new_id()}", headers=phone.headers)
        assert slug_of(gone) == "link-unknown"


class TestNetworkNumber:
    async def test_a_number_that_tells_the_document_opens_the_account(self, program: Program, phone: Phone) -> None:
        await phone.become_known()
        answer = await program.show_network(CITIZEN)
        assert answer.json()["person"]["id"] == phone.tokens["person"]["id"]

    async def test_a_number_that_tells_nothing_is_an_account_of_its_own(self, program: Program) -> None:
        first = await program.show_network(STRANGER, discloses=False)
        assert first.json()["person"]["identity_level"] == 1
        again = await program.show_network(STRANGER, discloses=False)
        assert again.json()["person"]["id"] == first.json()["person"]["id"]
        known = await program.show_network(STRANGER, discloses=True)
        assert (known.json()["person"]["id"], known.json()["person"]["identity_level"]) == (
            first.json()["person"]["id"],
            3,
        )

    async def test_a_code_alone_does_not_open_what_a_number_opened(self, program: Program, phone: Phone) -> None:
        came = (await program.show_network(STRANGER, discloses=False)).json()
        bearer = {"Authorization": f"Bearer {came['access_token']}"}
        asked = await phone.client.post("/v1/me/phones/challenges", json={"phone": phone.number}, headers=bearer)
        body = {"challenge_id": asked.json()["challenge_id"], "code": await phone.read_code()}
        assert (await phone.client.post("/v1/me/phones", json=body, headers=bearer)).status_code == 201

    @pytest.mark.parametrize("part", ["login", "network_number", "credential"])
    async def test_a_part_of_anothers_opens_nothing(self, program: Program, national: National, part: str) -> None:
        bodies = []
        for who in (STRANGER, SECOND_CITIZEN):
            number, begun = await national.number_of(who), await program.begin("/v1/login/network")
            credential = await national.credential(number, begun["challenge"])
            bodies.append({"login": begun["login"], "network_number": number, "credential": credential})
        answer = await program.client.post("/v1/login/network/tokens", json=bodies[0] | {part: bodies[1][part]})
        assert slug_of(answer) == "upstream-refused"

    async def test_a_credential_counts_once(self, program: Program, national: National) -> None:
        number, begun = await national.number_of(STRANGER), await program.begin("/v1/login/network")
        credential = await national.credential(number, begun["challenge"])
        body = {"login": begun["login"], "network_number": number, "credential": credential}
        assert (await program.client.post("/v1/login/network/tokens", json=body)).status_code == 200
        again = await program.client.post("/v1/login/network/tokens", json=body)
        assert slug_of(again) == "upstream-refused"
