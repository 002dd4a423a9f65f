"""A face lifts its own person to level 3, or wakes their account; anybody else's, or yesterday's, does nothing."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from app.demo.registries import CITIZEN, SECOND_CITIZEN, Resident
from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.floor import Floor
from auth.registries.development_face import PREFIX, DevelopmentFace
from auth.registries.ports import PersonNamed
from auth.settings import AuthSettings
from auth.wiring import AuthServices, build_auth
from tests.auth.conftest import open_client
from tests.auth.people.conftest import Staff, named, person_of
from tests.auth.people.test_life import freeze
from tests.auth.phones import Phone, slug_of

CHECK, CHALLENGES = "/v1/me/face-check", "/v1/me/face-check/challenges"
UNFREEZING, UNFREEZING_CHALLENGES = "/v1/unfreezing", "/v1/unfreezing/challenges"


class Camera:
    """The face service's program on a phone: takes a face for a challenge."""

    def __init__(self, registries_url: str) -> None:
        self._url = registries_url

    async def take(self, who: Resident, challenge: str) -> str:
        async with httpx.AsyncClient(base_url=self._url) as http:
            body = {"document_number": who.document_number, "challenge": challenge}
            return str((await http.post("/stand-in/faces", json=body)).json()["evidence"])


@pytest.fixture
def camera(registries_url: str) -> Camera:
    return Camera(registries_url)


async def challenge_of(phone: Phone) -> str:
    response = await phone.client.post(CHALLENGES, headers=phone.headers)
    assert (response.status_code, response.headers["cache-control"]) == (201, "no-store")
    return str(response.json()["challenge"])


async def show(phone: Phone, challenge: str, evidence: str) -> httpx.Response:
    body = {"challenge": challenge, "evidence": evidence}
    return await phone.client.post(CHECK, json=body, headers=phone.headers)


async def wake(client: httpx.AsyncClient, camera: Camera, who: Resident = CITIZEN, **changes: Any) -> httpx.Response:
    challenge = (await client.post(UNFREEZING_CHALLENGES)).json()["challenge"]
    body = {"holder": named(), "challenge": challenge, "evidence": await camera.take(who, challenge)}
    return await client.post(UNFREEZING, json=body | changes)


async def test_my_face_takes_me_to_level_3(citizen: Phone, camera: Camera, connection: Connection) -> None:
    challenge = await challenge_of(citizen)
    answer = await show(citizen, challenge, await camera.take(CITIZEN, challenge))
    assert answer.json() == {"identity_level": 3}
    assert (await citizen.get("/v1/me")).json()["ial"] == 2
    await citizen.renew()
    me = (await citizen.get("/v1/me")).json()
    assert (me["ial"], me["person"]["identity_level"]) == (3, 3)
    event = await connection.fetchrow("select kind, source from auth.person_event")
    assert event is not None
    assert dict(event) == {"kind": "face_confirmed", "source": "face"}


async def test_a_challenge_is_good_once(citizen: Phone, camera: Camera) -> None:
    challenge = await challenge_of(citizen)
    evidence = await camera.take(CITIZEN, challenge)
    assert (await show(citizen, challenge, evidence)).status_code == 200
    assert slug_of(await show(citizen, challenge, evidence)) == "face-refused"


async def test_a_challenge_grows_old(
    citizen: Phone, camera: Camera, clock: ManualClock, auth_settings: AuthSettings
) -> None:
    challenge = await challenge_of(citizen)
    evidence = await camera.take(CITIZEN, challenge)
    clock.advance(auth_settings.face_challenge_seconds)
    assert slug_of(await show(citizen, challenge, evidence)) == "face-refused"


async def test_another_face_is_refused_and_counted(
    citizen: Phone, camera: Camera, auth_settings: AuthSettings, clock: ManualClock
) -> None:
    for _ in range(auth_settings.face_limit):
        challenge = await challenge_of(citizen)
        answer = await show(citizen, challenge, await camera.take(SECOND_CITIZEN, challenge))
        assert slug_of(answer) == "face-refused"
    challenge = await challenge_of(citizen)
    locked = await show(citizen, challenge, await camera.take(CITIZEN, challenge))
    assert (locked.status_code, slug_of(locked)) == (429, "rate-limited")
    clock.advance(timedelta(days=1).total_seconds())
    await citizen.renew()
    challenge = await challenge_of(citizen)
    assert (await show(citizen, challenge, await camera.take(CITIZEN, challenge))).status_code == 200


async def test_a_challenge_of_another_session_or_purpose_is_refused(
    citizen: Phone, camera: Camera, client: httpx.AsyncClient
) -> None:
    foreign = await challenge_of(citizen)
    unfreezing = (await client.post(UNFREEZING_CHALLENGES)).json()["challenge"]
    await citizen.sign_in()
    for challenge in (foreign, unfreezing, "invented"):
        answer = await show(citizen, challenge, await camera.take(CITIZEN, challenge))
        assert slug_of(answer) == "face-refused"


async def test_who_is_known_by_phone_alone_has_no_face(phone: Phone) -> None:
    await phone.sign_in()
    assert slug_of(await show(phone, "any", "any")) == "identity-level-too-low"
    assert (await phone.client.post(CHECK, json={})).status_code == 401


@pytest.fixture
async def lonely(floor: Floor, auth_settings: AuthSettings) -> AsyncIterator[httpx.AsyncClient]:
    """A city whose face service is not there."""
    services = build_auth(floor, replace(auth_settings, face_service_url="http://127.0.0.1:9"))
    async with open_client(floor, services) as opened:
        yield opened
    await services.close()


async def test_a_service_that_does_not_answer_costs_no_try(
    citizen: Phone, lonely: httpx.AsyncClient, auth_settings: AuthSettings, connection: Connection
) -> None:
    for _ in range(auth_settings.face_limit + 1):
        body = {"challenge": await challenge_of(citizen), "evidence": "x"}
        answer = await lonely.post(CHECK, json=body, headers=citizen.headers)
        assert (answer.status_code, slug_of(answer)) == (503, "registry-unavailable")
        assert (answer.json()["register"], answer.json()["state"]) == ("face", "unreachable")
    assert await connection.fetchval("select attempts from auth.attempt where kind = 'face'") == 0


async def test_my_face_wakes_the_account_that_i_had_frozen(
    citizen: Phone, counter: Staff, camera: Camera, auth: AuthServices
) -> None:
    person_id = await person_of(citizen)
    await freeze(counter)
    assert (await wake(citizen.client, camera)).json() == {"status": "active"}
    await auth.revoked_sessions.refresh()
    await citizen.sign_in()
    assert await person_of(citizen) == person_id


@pytest.mark.parametrize("reason", ["suspected_fraud", "court_order"])
async def test_my_face_does_not_wake_what_others_froze(
    citizen: Phone, counter: Staff, camera: Camera, reason: str
) -> None:
    await freeze(counter, reason)
    assert slug_of(await wake(citizen.client, camera)) == "face-refused"


async def test_every_refusal_to_unfreeze_looks_the_same(citizen: Phone, counter: Staff, camera: Camera) -> None:
    """An account that is not frozen, a stranger's face, a name that nobody has here: one answer."""
    client = citizen.client
    awake = await wake(client, camera)
    await freeze(counter)
    stranger = await wake(client, camera, SECOND_CITIZEN)
    unknown = await wake(client, camera, SECOND_CITIZEN, holder=named(SECOND_CITIZEN))
    wrong_name = await wake(client, camera, holder=named(name="演示用户"))
    invented = await wake(client, camera, challenge="invented")
    answers = [awake, stranger, unknown, wrong_name, invented]
    assert {slug_of(answer) for answer in answers} == {"face-refused"}
    assert len({answer.content for answer in answers}) == 1


async def test_guesses_at_one_document_are_counted(
    citizen: Phone, counter: Staff, camera: Camera, auth_settings: AuthSettings
) -> None:
    await freeze(counter)
    for _ in range(auth_settings.face_limit):
        await wake(citizen.client, camera, SECOND_CITIZEN)
    assert slug_of(await wake(citizen.client, camera)) == "rate-limited"


async def test_of_one_evidence_shown_twice_at_once_one_counts(citizen: Phone, camera: Camera) -> None:
    challenge = await challenge_of(citizen)
    evidence = await camera.take(CITIZEN, challenge)
    answers = await asyncio.gather(*(show(citizen, challenge, evidence) for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [200, 422]


async def test_the_stand_in_believes_its_own_words_and_refuses_production() -> None:
    with pytest.raises(RuntimeError):
        DevelopmentFace(environment="production")
    stand_in, holder = DevelopmentFace(environment="development"), PersonNamed(**named())  # type: ignore[arg-type]
    assert (await stand_in.check_face(holder=holder, challenge="a", evidence=PREFIX + "a")).match
    for evidence in (PREFIX + "b", "a", "", PREFIX):
        assert not (await stand_in.check_face(holder=holder, challenge="a", evidence=evidence)).match


async def test_production_has_no_stand_in_for_faces(floor: Floor, auth_settings: AuthSettings) -> None:
    assert floor.environment != "production"
    services = build_auth(floor, replace(auth_settings, face_service_url=""))
    assert isinstance(services.people_rooms.face_checks._faces, DevelopmentFace)
    await services.close()
