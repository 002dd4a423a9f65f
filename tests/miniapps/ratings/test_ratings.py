"""One act, one rating: by receipt or by visit. Then what the department owes, in time, to somebody it does not know."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.floor import Floor
from app.kit.ids import new_id
from app.kit.vault import Vault
from auth.pairwise import pairwise_id
from auth.principal import Principal
from miniapps.privacy import MiniappsPrivacy
from miniapps.wiring import MiniappsServices
from tests.miniapps.centre import Centre
from tests.miniapps.city import HOTLINE, LIBRARY, official, person
from tests.miniapps.conftest import APP_ID, As, Steps
from tests.miniapps.documents import sound_document
from tests.miniapps.lifecycle.test_emergencies import KEY, OTHER_KEY, public

DAY = 86_400
RATINGS = f"/v1/apps/{APP_ID}/ratings"
CITIZEN = person()
DESK = official("hotline")


class Uses:
    """Who used what, and which release served them."""

    def __init__(self) -> None:
        self.used: dict[UUID, datetime] = {}
        self.release: UUID | None = None

    async def find_last_use(self, _connection: Connection, subject_id: UUID, _app_id: str) -> datetime | None:
        return self.used.get(subject_id)

    async def find_release(self, _connection: Connection, _subject_id: UUID, _app_id: str) -> UUID | None:
        return self.release

    async def count_users(self, _connection: Connection, _app_id: str, _since: datetime) -> int:
        return len(self.used)


@pytest.fixture
def uses(services: MiniappsServices) -> Uses:
    uses = Uses()
    services.stewardship.ratings.find_uses_in(uses)
    return uses


@pytest.fixture
def centre(services: MiniappsServices) -> Centre:
    centre = Centre()
    services.stewardship.tellers.speak_through(centre, centre)
    return centre


@pytest.fixture(autouse=True)
async def live(steps: Steps) -> None:
    await steps.live(backend=sound_document()["backend"] | {"keys": [public(KEY, "k1")]})


def receipt(floor: Floor, who: Principal = CITIZEN, key: ec.EllipticCurvePrivateKey = KEY, **changes: Any) -> str:
    claims = {
        "iss": APP_ID,
        "sub": pairwise_id(floor.vault, str(LIBRARY), who.subject_id),
        "iat": int(floor.clock.now().timestamp()),
        "act": "case-1",
    }
    claims = {name: value for name, value in (claims | changes).items() if value is not None}
    return jwt.encode(claims, key, algorithm="ES256", headers={"kid": "k1", "typ": "ssb-receipt+jwt"})


async def rate(called_by: As, level: int = 5, who: Principal = CITIZEN, **more: Any) -> httpx.Response:
    return await called_by(who).post(RATINGS, json={"level": level, **more})


def slug(answer: httpx.Response) -> str:
    return str(answer.json()["type"]).rpartition("/")[2]


async def test_an_act_is_rated_once_by_its_receipt(called_by: As, floor: Floor) -> None:
    taken = await rate(called_by, 5, receipt=receipt(floor), tags=["speed"])
    assert taken.status_code == 201
    assert (taken.json()["call_back"], taken.json()["reply_due_at"]) == ("none", None)
    assert slug(await rate(called_by, 1, receipt=receipt(floor))) == "act-rated"
    later = receipt(floor, iat=int(floor.clock.now().timestamp()) - 5)
    assert slug(await rate(called_by, 1, receipt=later)) == "act-rated"
    assert (await rate(called_by, 4, receipt=receipt(floor, act="case-2"))).status_code == 201


async def test_a_receipt_that_names_no_act_is_one(called_by: As, floor: Floor) -> None:
    plain: dict[str, Any] = {"act": None, "loan_id": 7}
    assert (await rate(called_by, receipt=receipt(floor, **plain))).status_code == 201
    # Signed anew, and so with another signature: the same receipt.
    assert slug(await rate(called_by, receipt=receipt(floor, **plain))) == "act-rated"


SPOILT: dict[str, Any] = {
    "of somebody else": lambda floor: receipt(floor, person()),
    "by another key": lambda floor: receipt(floor, key=OTHER_KEY),
    "of another app": lambda floor: receipt(floor, iss="cn.example.other"),
    "long ago": lambda floor: receipt(floor, iat=int(floor.clock.now().timestamp()) - 91 * DAY),
    "to come": lambda floor: receipt(floor, iat=int(floor.clock.now().timestamp()) + 60),
    "without time": lambda floor: receipt(floor, iat=None),
    "with an odd time": lambda floor: receipt(floor, iat=1e300),
    "with an odd act": lambda floor: receipt(floor, act=["case-1"]),
    "with a long act": lambda floor: receipt(floor, act="x" * 129),
    "cut": lambda floor: receipt(floor)[:-3],
}


async def test_a_spoilt_receipt_is_none(called_by: As, floor: Floor) -> None:
    refused = {how: slug(await rate(called_by, receipt=spoil(floor))) for how, spoil in SPOILT.items()}
    assert refused == dict.fromkeys(SPOILT, "receipt-invalid")


async def test_a_visit_is_rated_once_a_day_of_use(called_by: As, uses: Uses, clock: ManualClock, floor: Floor) -> None:
    assert slug(await rate(called_by)) == "nothing-to-rate"
    uses.used[CITIZEN.subject_id] = clock.now() - timedelta(days=31)
    assert slug(await rate(called_by)) == "nothing-to-rate"
    uses.used[CITIZEN.subject_id] = clock.now()
    assert (await rate(called_by)).status_code == 201
    clock.advance(3600)
    assert slug(await rate(called_by)) == "act-rated"
    uses.used[CITIZEN.subject_id] = clock.now()
    assert slug(await rate(called_by)) == "act-rated"
    clock.advance(DAY)
    uses.used[CITIZEN.subject_id] = clock.now()
    assert (await rate(called_by, receipt=receipt(floor))).status_code == 201
    assert slug(await rate(called_by)) == "act-rated"  # that visit had its rating, by the receipt


async def test_a_visit_that_was_rated_was_that_of_its_receipts(
    called_by: As, uses: Uses, clock: ManualClock, floor: Floor
) -> None:
    uses.used[CITIZEN.subject_id] = clock.now()
    before = receipt(floor, act="before")
    clock.advance(60)
    assert (await rate(called_by, 1)).status_code == 201
    assert slug(await rate(called_by, 1, receipt=before)) == "act-rated"
    clock.advance(60)  # what is done afterwards is another act, and so is what somebody else did
    assert (await rate(called_by, 1, receipt=receipt(floor, act="after"))).status_code == 201
    other = person()
    assert (await rate(called_by, 1, other, receipt=receipt(floor, other, act="theirs"))).status_code == 201


async def test_what_is_not_offered_is_not_rated(called_by: As, steps: Steps, uses: Uses, clock: ManualClock) -> None:
    uses.used[CITIZEN.subject_id] = clock.now()
    assert slug(await rate(called_by, item_code="LIB-999")) == "item-unknown"
    quiet = "cn.example.quiet"
    await steps.live(quiet, rating={"enabled": False})
    for app_id, name in ((quiet, "rating-not-offered"), ("cn.example.none", "miniapp-unknown")):
        assert slug(await called_by(CITIZEN).post(f"/v1/apps/{app_id}/ratings", json={"level": 5})) == name


async def test_odd_ratings_are_refused(called_by: As) -> None:
    odd = [{}, {"level": 0}, {"level": 6}, {"level": 5, "tags": ["nice"]}, {"level": 5, "x": 1}]
    assert {(await called_by(CITIZEN).post(RATINGS, json=body)).status_code for body in odd} == {400}


async def test_a_bad_rating_is_called_back_and_closed_by_the_citizen(
    *, called_by: As, floor: Floor, centre: Centre, clock: ManualClock, services: MiniappsServices, steps: Steps
) -> None:
    citizen, desk = called_by(CITIZEN), called_by(DESK)
    given = (await rate(called_by, 1, receipt=receipt(floor), comment="等太久", contact=True)).json()
    assert centre.kinds() == ["bad_rating"]
    received = (await desk.get(f"{RATINGS}/received")).json()["items"]
    assert [(item["level"], item["comment"], item["case"], item["call_back"]) for item in received] == [
        (1, "等太久", "case-1", "open")
    ]
    assert not {"subject_id", "rater_id", "act"} & set(received[0])
    closing, calling = f"/v1/me/ratings/{given['id']}/closing", f"{RATINGS}/{given['id']}/call-back"
    assert slug(await citizen.post(closing, json={"resolved": True})) == "rating-settled"
    assert (await desk.post(calling)).json()["call_back"] == "called_back"
    assert slug(await desk.post(calling)) == "rating-settled"
    replied = await desk.post(f"{RATINGS}/{given['id']}/reply", json={"text": "已增开窗口"})
    assert (replied.status_code, replied.json()["overdue"]) == (200, False)
    assert slug(await desk.post(f"{RATINGS}/{given['id']}/reply", json={"text": "再答"})) == "rating-settled"
    assert slug(await called_by(person()).post(closing, json={"resolved": True})) == "rating-unknown"
    closed = (await citizen.post(closing, json={"resolved": False})).json()
    assert (closed["call_back"], closed["resolved"], closed["reply"]) == ("closed", False, "已增开窗口")
    assert centre.messages == [
        (CITIZEN.subject_id, "rating_called_back"),
        (CITIZEN.subject_id, "rating_replied"),
    ]
    assert centre.kinds() == ["bad_rating", "rating_unresolved"]
    clock.advance(30 * DAY)
    await services.stewardship.rating_desk.tell_overdue()
    assert centre.kinds() == ["bad_rating", "rating_unresolved"]
    assert [item["id"] for item in (await citizen.get("/v1/me/ratings")).json()["items"]] == [given["id"]]
    assert (await called_by(person()).get("/v1/me/ratings")).json()["items"] == []
    assert await steps.audited("rating:") == [
        "rating.given",
        "rating.called_back",
        "rating.replied",
        "rating.call_back_closed",
    ]


async def test_a_late_reply_is_told_once_in_working_days(
    *, called_by: As, floor: Floor, centre: Centre, clock: ManualClock, services: MiniappsServices
) -> None:
    given = (await rate(called_by, 4, receipt=receipt(floor), comment="请问何时开放？")).json()
    due = datetime.fromisoformat(given["reply_due_at"])
    assert due - clock.now() == timedelta(days=7, hours=4)  # five working days from Monday noon
    for days in (7, 1, 1):
        clock.advance(days * DAY)
        await services.stewardship.rating_desk.tell_overdue()
    assert centre.kinds() == ["rating_overdue"]
    desk = called_by(DESK)
    waiting = (await desk.get(f"{RATINGS}/received", params={"waiting": True})).json()["items"]
    assert [(item["overdue"], item["case"]) for item in waiting] == [(True, None)]
    await desk.post(f"{RATINGS}/{given['id']}/reply", json={"text": "下周"})
    assert (await desk.get(f"{RATINGS}/received", params={"waiting": True})).json()["items"] == []


async def test_silence_ends_a_call_back(
    called_by: As, floor: Floor, clock: ManualClock, services: MiniappsServices
) -> None:
    given = (await rate(called_by, 2, receipt=receipt(floor))).json()
    await called_by(DESK).post(f"{RATINGS}/{given['id']}/call-back")
    clock.advance(11 * DAY)
    await services.stewardship.rating_desk.close_silent()
    (mine,) = (await called_by(CITIZEN).get("/v1/me/ratings")).json()["items"]
    assert (mine["call_back"], mine["resolved"]) == ("closed", None)


async def test_a_satisfied_rating_asks_for_nothing(called_by: As, floor: Floor) -> None:
    given = (await rate(called_by, 5, receipt=receipt(floor))).json()
    desk = called_by(DESK)
    assert slug(await desk.post(f"{RATINGS}/{given['id']}/reply", json={"text": "谢谢"})) == "rating-settled"
    assert slug(await desk.post(f"{RATINGS}/{given['id']}/call-back")) == "rating-settled"


async def test_the_desk_is_the_departments_own(called_by: As, floor: Floor) -> None:
    given = (await rate(called_by, 1, receipt=receipt(floor))).json()
    for caller in (None, person(), official("counter"), official("hotline", organization_id=HOTLINE)):
        stranger = called_by(caller)
        answers = [
            await stranger.get(f"{RATINGS}/received"),
            await stranger.post(f"{RATINGS}/{given['id']}/call-back"),
            await stranger.post(f"{RATINGS}/{given['id']}/reply", json={"text": "答"}),
        ]
        assert {answer.status_code for answer in answers} <= {401, 403}


async def test_another_apps_rating_is_unknown_here(called_by: As, steps: Steps, floor: Floor) -> None:
    given = (await rate(called_by, 1, receipt=receipt(floor))).json()
    await steps.live("cn.example.other")
    elsewhere = f"/v1/apps/cn.example.other/ratings/{given['id']}/call-back"
    assert slug(await called_by(DESK).post(elsewhere)) == "rating-unknown"


async def test_what_everybody_reads_comes_by_tens(called_by: As, uses: Uses, clock: ManualClock) -> None:
    async def read() -> dict[str, Any]:
        found: dict[str, Any] = (await called_by(None).get(RATINGS)).json()
        return found

    for number in range(19):
        citizen = person()
        uses.used[citizen.subject_id] = clock.now()
        item = {"item_code": "LIB-001"} if number < 12 else {}
        await rate(called_by, 1 if number == 3 else 5, citizen, **item)
        if number == 8:
            assert (await read())["figures"] is None
    assert (await read())["figures"] is None  # counted a moment ago
    clock.advance(61)
    shown = await read()
    # One of ten is not satisfied, and nine are: both are too few to be told of.
    assert shown["figures"] == {"count": 10, "satisfied_at_least": 0, "buckets": []}
    assert [(item["item_code"], item["figures"]["count"]) for item in shown["items"]] == [("LIB-001", 10)]
    assert (await called_by(None).get(RATINGS, params={"year": 2025})).json()["figures"] is None
    assert (await called_by(None).get("/v1/apps/cn.example.none/ratings")).status_code == 404


async def test_what_was_never_published_is_unknown_to_everybody(called_by: As, steps: Steps) -> None:
    secret, public = "cn.example.secret", called_by(None)
    await steps.register(secret)
    assert slug(await public.get(f"/v1/apps/{secret}/ratings")) == "miniapp-unknown"
    await steps.approve(app_id=secret)
    await steps.release(app_id=secret, to="testers")
    assert slug(await public.get(f"/v1/apps/{secret}/ratings")) == "miniapp-unknown", "its testers alone know of it"


async def test_bad_ratings_count_for_the_release_that_served(
    called_by: As, uses: Uses, clock: ManualClock, services: MiniappsServices, connection: Connection
) -> None:
    uses.release = new_id()
    for level in (1, 2, 3, 5):
        citizen = person()
        uses.used[citizen.subject_id] = clock.now()
        await rate(called_by, level, citizen)
    ratings, before = services.stewardship.ratings, clock.now() - timedelta(minutes=5)
    assert await ratings.bad_share(connection, uses.release, before) == (4, 2)
    assert await ratings.bad_share(connection, uses.release, clock.now()) == (0, 0)
    assert await ratings.bad_share(connection, new_id(), before) == (0, 0)


async def test_one_citizen_has_one_voice_on_whether_a_release_is_halted(
    *, called_by: As, floor: Floor, uses: Uses, clock: ManualClock, services: MiniappsServices, connection: Connection
) -> None:
    uses.release = new_id()
    for act in range(12):
        assert (await rate(called_by, 1, receipt=receipt(floor, act=f"case-{act}"))).status_code == 201
        clock.advance(1)
    ratings, before = services.stewardship.ratings, clock.now() - timedelta(minutes=5)
    assert await ratings.bad_share(connection, uses.release, before) == (1, 1)
    assert (await rate(called_by, 5, receipt=receipt(floor, act="case-12"))).status_code == 201
    assert await ratings.bad_share(connection, uses.release, before) == (1, 0)  # the last word counts


async def test_a_closed_account_leaves_a_level_and_no_word(
    called_by: As, floor: Floor, connection: Connection, vault: Vault
) -> None:
    given = (await rate(called_by, 1, receipt=receipt(floor), comment="等太久", contact=True)).json()
    await called_by(DESK).post(f"{RATINGS}/{given['id']}/reply", json={"text": "已改"})
    privacy = MiniappsPrivacy(vault)
    part = next(part for part in privacy.parts if part.export_name == "ratings")
    (copy,) = await part.export_person(connection, CITIZEN.subject_id)
    assert (copy["comment"], copy["reply"], copy["case"]) == ("等太久", "已改", "case-1")
    for _ in range(2):
        await privacy.erase_person(connection, CITIZEN.subject_id, floor.clock.now())
    assert await part.export_person(connection, CITIZEN.subject_id) == []
    row = await connection.fetchrow("select * from miniapps.rating")
    assert row is not None
    assert (row["level"], row["subject_id"], row["rater_id"], row["words_sealed"], row["reply_sealed"]) == (
        1,
        None,
        None,
        None,
        None,
    )


async def test_after_two_years_nobody_knows_who_rated(
    called_by: As, floor: Floor, clock: ManualClock, services: MiniappsServices, connection: Connection
) -> None:
    await rate(called_by, 1, receipt=receipt(floor), comment="等太久")
    clock.advance(730 * DAY)
    await services.stewardship.rating_desk.forget_old()
    assert await connection.fetchval("select rater_id from miniapps.rating") == CITIZEN.subject_id
    clock.advance(DAY)
    await services.stewardship.rating_desk.forget_old()
    row = await connection.fetchrow("select level, rater_id, subject_id, words_sealed from miniapps.rating")
    assert row is not None
    assert tuple(row.values()) == (1, None, None, None)


async def test_words_are_sealed(called_by: As, floor: Floor, connection: Connection) -> None:
    await rate(called_by, 1, receipt=receipt(floor), comment="等太久")
    stored = await connection.fetchval("select words_sealed from miniapps.rating")
    assert "等太久".encode() not in stored
    entries = await connection.fetch("select detail::text from kit.audit_entry")
    assert not any("等太久" in entry["detail"] or "case-1" in entry["detail"] for entry in entries)
