"""The routes: who is let in, what comes out, and what wrong input gets."""

from typing import Any

import pytest

from miniapps.manifest import LONGEST_MANIFEST
from tests.miniapps.city import HOTLINE, LIBRARY, PLATFORM, official, person
from tests.miniapps.conftest import APP_ID, As, Steps
from tests.miniapps.documents import encode, sound_document

HASH = "0" * 64
JSON = {"content-type": "application/json"}
TEXTS = {"zh": "原因", "en": "Reason"}
WRITES: list[tuple[str, Any]] = [
    (f"/v1/departments/{LIBRARY}/apps", {"app_id": APP_ID}),
    (f"/v1/apps/{APP_ID}/versions", sound_document()),
    (f"/v1/apps/{APP_ID}/versions/1/submit", None),
    (f"/v1/apps/{APP_ID}/versions/1/reviews", {"verdict": "approved", "reason": "好", "manifest_hash": HASH}),
    (f"/v1/apps/{APP_ID}/releases", {"version_code": 1}),
    (f"/v1/apps/{APP_ID}/suspend", {"reason": TEXTS, "fallback": TEXTS}),
    (f"/v1/apps/{APP_ID}/resume", {"reason": TEXTS}),
]
READS = [
    f"/v1/departments/{LIBRARY}/apps",
    f"/v1/apps/{APP_ID}",
    f"/v1/apps/{APP_ID}/versions",
    f"/v1/apps/{APP_ID}/versions/1",
]


async def test_the_whole_road_over_http(called_by: As, steps: Steps) -> None:
    author, reviewer = called_by(official("developer")), called_by(official("reviewer", organization_id=PLATFORM))

    answer = await author.post(f"/v1/departments/{LIBRARY}/apps", json={"app_id": APP_ID})
    assert (answer.status_code, answer.json()["state"]) == (201, "registered")
    answer = await author.post(f"/v1/apps/{APP_ID}/versions", content=encode(sound_document()), headers=JSON)
    assert (answer.status_code, answer.json()["state"]) == (201, "draft")
    digest = answer.json()["manifest_hash"]
    answer = await author.post(f"/v1/apps/{APP_ID}/versions/1/submit")
    assert (answer.status_code, answer.json()["state"]) == (202, "submitted")
    await steps.check()
    answer = await reviewer.get(f"/v1/apps/{APP_ID}/versions/1")
    assert answer.json()["version"]["state"] == "reviewing"
    assert answer.json()["manifest"] == sound_document()
    review = {"verdict": "approved", "reason": "核对无误", "manifest_hash": digest}
    answer = await reviewer.post(f"/v1/apps/{APP_ID}/versions/1/reviews", json=review)
    assert answer.status_code == 201
    answer = await author.post(f"/v1/apps/{APP_ID}/releases", json={"version_code": 1})
    assert (answer.status_code, answer.json()["state"], answer.json()["app_state"]) == (201, "published", "active")
    texts = {"reason": TEXTS, "fallback": TEXTS}
    answer = await reviewer.post(f"/v1/apps/{APP_ID}/suspend", json=texts)
    assert (answer.status_code, answer.json()["state"]) == (200, "suspended")
    answer = await reviewer.post(f"/v1/apps/{APP_ID}/resume", json={"reason": TEXTS})
    assert (answer.status_code, answer.json()["state"]) == (200, "active")
    assert await steps.audited() == [
        "miniapp.registered",
        "miniapp.version_created",
        "miniapp.version_submitted",
        "miniapp.version_checked",
        "miniapp.version_reviewed",
        "miniapp.published",
        "miniapp.suspended",
        "miniapp.resumed",
    ]


async def test_a_department_sees_all_that_it_registered_and_nobody_elses(called_by: As, steps: Steps) -> None:
    path, ids = f"/v1/departments/{LIBRARY}/apps", [f"cn.example.{letter}" for letter in "cab"]
    for app_id in ids:
        await steps.register(app_id)
    first = (await called_by(steps.author).get(path, params={"limit": 2})).json()
    assert ([app["app_id"] for app in first["items"]], first["next"]) == (
        ["cn.example.a", "cn.example.b"],
        "cn.example.b",
    )
    rest = (
        await called_by(official("reviewer", organization_id=PLATFORM)).get(path, params={"after": first["next"]})
    ).json()
    assert ([app["app_id"] for app in rest["items"]], rest["next"]) == (["cn.example.c"], None)
    other = official("developer", organization_id=HOTLINE)
    assert (await called_by(other).get(path)).json()["type"] == "/problems/miniapp-of-another-department"
    assert (await called_by(other).get(f"/v1/departments/{HOTLINE}/apps")).json() == {"items": [], "next": None}


@pytest.mark.parametrize(("path", "body"), WRITES)
async def test_anonymous_writes_are_refused(called_by: As, path: str, body: Any) -> None:
    assert (await called_by(None).post(path, json=body)).status_code == 401


@pytest.mark.parametrize(("path", "body"), WRITES)
@pytest.mark.parametrize("caller", [person(), official("inspector"), official()], ids=["person", "inspector", "nobody"])
async def test_writes_by_others_than_the_role_are_refused(called_by: As, path: str, body: Any, caller: Any) -> None:
    assert (await called_by(caller).post(path, json=body)).status_code == 403


@pytest.mark.parametrize(("path", "body"), [WRITES[index] for index in (0, 1, 2, 4)])
async def test_an_authors_writes_are_refused_to_reviewers_and_strangers(
    called_by: As, steps: Steps, path: str, body: Any
) -> None:
    await steps.live("cn.example.other")
    if "departments" not in path:
        await steps.live()

    for caller in (official("reviewer"), official("developer", organization_id=HOTLINE)):
        assert (await called_by(caller).post(path, json=body)).status_code == 403


@pytest.mark.parametrize(("path", "body"), WRITES[3:4] + WRITES[5:])
async def test_a_reviewers_writes_are_refused_to_authors(called_by: As, steps: Steps, path: str, body: Any) -> None:
    await steps.live()

    assert (await called_by(steps.author).post(path, json=body)).status_code == 403


@pytest.mark.parametrize("path", READS)
async def test_reads_are_refused_to_anonymous_people_and_strangers(called_by: As, steps: Steps, path: str) -> None:
    await steps.live()

    assert (await called_by(None).get(path)).status_code == 401
    assert (await called_by(person()).get(path)).status_code == 403
    assert (await called_by(official("developer", organization_id=HOTLINE)).get(path)).status_code == 403
    assert (await called_by(official("reviewer", organization_id=PLATFORM)).get(path)).status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "status", "slug"),
    [
        (f"/v1/departments/{LIBRARY}/apps", {"app_id": "library"}, 400, None),
        (f"/v1/departments/{LIBRARY}/apps", {"app_id": APP_ID, "more": 1}, 400, None),
        (f"/v1/departments/{LIBRARY}/apps", {"app_id": APP_ID}, 409, "app-id-taken"),
        ("/v1/departments/7/apps", {"app_id": APP_ID}, 404, None),
        (f"/v1/apps/{APP_ID}/versions", {}, 400, "manifest-invalid"),
        (f"/v1/apps/{APP_ID}/versions", [], 400, "manifest-invalid"),
        (f"/v1/apps/{APP_ID}/versions", sound_document(), 409, "version-not-newer"),
        (f"/v1/apps/{APP_ID}/versions", sound_document(app_id="cn.example.x"), 422, "manifest-refused"),
        (f"/v1/apps/{APP_ID}/versions/1/submit", None, 409, "state-conflict"),
        (f"/v1/apps/{APP_ID}/versions/2/submit", None, 404, "miniapp-version-unknown"),
        (f"/v1/apps/{APP_ID}/versions/0/submit", None, 400, None),
        (f"/v1/apps/{APP_ID}/versions/{2**40}/submit", None, 400, None),
        (f"/v1/apps/{APP_ID}/versions/x/submit", None, 404, None),
        (f"/v1/apps/{APP_ID}/releases", {"version_code": 1}, 409, "release-not-newer"),
        (f"/v1/apps/{APP_ID}/releases", {"version_code": 2**40}, 400, None),
        (f"/v1/apps/{APP_ID}/releases", {"version_code": "one"}, 400, None),
        ("/v1/apps/cn.example.none/releases", {"version_code": 1}, 404, "miniapp-unknown"),
        ("/v1/apps/cn.example%00/releases", {"version_code": 1}, 400, None),
        ("/v1/apps/..%2F..%2Fetc/releases", {"version_code": 1}, 404, None),
    ],
)
async def test_an_authors_wrong_input_gets_a_problem(
    *, called_by: As, steps: Steps, path: str, body: Any, status: int, slug: str | None
) -> None:
    await steps.live()

    answer = await called_by(steps.author).post(path, json=body)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    if slug:
        assert answer.json()["type"] == f"/problems/{slug}"


async def test_every_finding_of_a_refused_manifest_comes_out(called_by: As, steps: Steps) -> None:
    await steps.register()
    document = sound_document(app_id="cn.example.x", zones=["190000", "190000"])

    answer = await called_by(steps.author).post(f"/v1/apps/{APP_ID}/versions", json=document)

    assert {finding["at"] for finding in answer.json()["findings"]} == {"/app_id", "/zones"}


async def test_a_manifest_that_is_too_large_is_refused(called_by: As, steps: Steps) -> None:
    await steps.register()

    content = b" " * (LONGEST_MANIFEST + 1)

    answer = await called_by(steps.author).post(f"/v1/apps/{APP_ID}/versions", content=content, headers=JSON)

    assert answer.status_code == 413


async def test_a_retried_write_happens_once(called_by: As, steps: Steps) -> None:
    await steps.register()
    author = called_by(steps.author)

    answers = [
        await author.post(
            f"/v1/apps/{APP_ID}/versions", content=encode(sound_document()), headers=JSON | {"idempotency-key": "one"}
        )
        for _ in range(2)
    ]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()


async def test_the_schema_is_open(called_by: As) -> None:
    answer = await called_by(None).get("/v1/manifest-schema")

    assert answer.json()["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert (
        await called_by(None).get("/v1/manifest-schema", headers={"if-none-match": answer.headers["etag"]})
    ).status_code == 304
