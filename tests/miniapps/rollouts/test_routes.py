"""The course of releases over HTTP: the road, retries, and what wrong input gets."""

from typing import Any
from uuid import UUID

import pytest

from miniapps.releases.models import ReleaseView
from tests.miniapps.city import official, person
from tests.miniapps.conftest import APP_ID, As, Steps

REASON = {"reason": {"zh": "办理页面报错", "en": "The form fails"}}
NOBODYS = UUID(int=5)
PATH = f"/v1/apps/{APP_ID}/releases"


@pytest.fixture
async def trial(steps: Steps) -> ReleaseView:
    await steps.live()
    await steps.approve(2)
    return await steps.release(2, to="testers")


async def test_the_whole_way_over_http(steps: Steps, called_by: As) -> None:
    author, reviewer = called_by(steps.author), called_by(steps.reviewer)
    await steps.live()
    await steps.approve(2)
    answer = await author.post(PATH, json={"version_code": 2})
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/release-trial-needed")
    answer = await author.post(PATH, json={"version_code": 2, "to": "testers"})
    assert (answer.status_code, answer.json()["state"], answer.json()["percent"]) == (201, "internal", 0)
    release = f"{PATH}/{answer.json()['id']}"
    for percent in (1, 5, 20, 50, 100):
        answer = await author.post(f"{release}/steps", json={"percent": percent, "zones": []})
        assert (answer.status_code, answer.json()["percent"]) == (201, percent)
    assert (await reviewer.get("/v1/releases", params={"state": "gray"})).json()["items"][0]["app_id"] == APP_ID
    detail = (await reviewer.get(release)).json()
    assert detail["next"]["percent"] is None
    assert [step["percent"] for step in detail["course"]] == [0, 1, 5, 20, 50, 100]
    answer = await author.post(f"{release}/publish")
    assert (answer.status_code, answer.json()["state"]) == (200, "published")
    answer = await reviewer.post(f"{release}/roll-back", json=REASON)
    assert (answer.status_code, answer.json()["state"]) == (200, "rolled_back")
    listed = (await author.get(PATH, params={"limit": 2})).json()
    assert [one["state"] for one in listed["items"]] == ["published", "rolled_back"]
    more = (await author.get(PATH, params={"after": listed["next"]})).json()
    assert ([one["state"] for one in more["items"]], more["next"]) == (["superseded"], None)


async def test_a_step_that_is_sent_again_is_taken_once(trial: ReleaseView, steps: Steps, called_by: As) -> None:
    author, key = called_by(steps.author), {"Idempotency-Key": "one step"}
    path = f"{PATH}/{trial.id}/steps"
    first, again = [await author.post(path, json={"percent": 1}, headers={"Idempotency-Key": "k1"}) for _ in range(2)]
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert (await author.post(path, json={"percent": 5}, headers={"Idempotency-Key": "k1"})).status_code == 422
    assert (await author.post(path, json={"percent": 1}, headers=key)).status_code == 400  # a space is no key
    assert (await author.post(path, json={"percent": 1})).json()["next"] == 5


@pytest.mark.parametrize(
    ("path", "body", "status", "slug"),
    [
        ("{trial}/steps", {"percent": 20}, 409, "release-step-not-next"),
        ("{trial}/steps", {"percent": 2}, 400, None),
        ("{trial}/steps", {"percent": 1, "zones": ["east"]}, 400, None),
        ("{trial}/steps", {"percent": 1, "zones": ["190102"] * 101}, 400, None),
        ("{trial}/steps", {"percent": 1, "surprise": 1}, 400, None),
        ("{trial}/steps", {}, 400, None),
        ("{trial}/publish", None, 409, "state-conflict"),
        ("{trial}/roll-back", {}, 400, None),
        ("{trial}/roll-back", {"reason": {"zh": "", "en": ""}}, 400, None),
        (f"{NOBODYS}/steps", {"percent": 1}, 404, "miniapp-release-unknown"),
        (f"{NOBODYS}/publish", None, 404, "miniapp-release-unknown"),
        (f"{NOBODYS}/roll-back", REASON, 404, "miniapp-release-unknown"),
        ("not-a-uuid/steps", {"percent": 1}, 404, None),
    ],
)
async def test_wrong_input_is_refused_by_name(
    *, trial: ReleaseView, steps: Steps, called_by: As, path: str, body: Any, status: int, slug: str | None
) -> None:
    answer = await called_by(steps.author).post(f"{PATH}/{path.format(trial=trial.id)}", json=body)
    assert answer.status_code == status
    if slug is not None:
        assert answer.json()["type"] == f"/problems/{slug}"


async def test_a_list_asked_for_wrongly_is_refused(called_by: As) -> None:
    client = called_by(official("reviewer"))
    queries: list[dict[str, Any]] = [{"state": "grey"}, {"after": "x"}, {"limit": 0}, {"limit": 101}]
    for query in queries:
        assert (await client.get("/v1/releases", params=query)).status_code == 400


@pytest.mark.parametrize("caller", [None, person(), official("inspector")], ids=["nobody", "person", "inspector"])
async def test_others_than_the_role_are_refused(called_by: As, caller: Any) -> None:
    client, refused = called_by(caller), 401 if caller is None else 403
    for act, body in (("steps", {"percent": 1}), ("publish", None), ("roll-back", REASON)):
        assert (await client.post(f"{PATH}/{NOBODYS}/{act}", json=body)).status_code == refused
    for path in ("/v1/releases", PATH, f"{PATH}/{NOBODYS}"):
        assert (await client.get(path)).status_code == refused
