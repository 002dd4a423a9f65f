"""The fast lane: by law, on a short clock, for a time; gone afterwards, and that signed."""

import base64
from datetime import datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from app.kit.clock import ManualClock
from app.kit.database import Connection
from miniapps.errors import EmergencyFixed, EmergencyTooLong, ManifestRefused
from miniapps.wiring import MiniappsServices
from tests.miniapps.centre import Centre
from tests.miniapps.city import HOTLINE, PLATFORM, official
from tests.miniapps.conftest import APP_ID, As, Steps
from tests.miniapps.documents import sound_document

FIRST, SECOND = (official("reviewer", organization_id=PLATFORM) for _ in range(2))
KEY = ec.derive_private_key(7, ec.SECP256R1())
OTHER_KEY = ec.derive_private_key(8, ec.SECP256R1())
DAY = 86_400
EXTENSIONS = f"/v1/apps/{APP_ID}/emergency/extensions"


def public(key: ec.EllipticCurvePrivateKey, kid: str) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    x, y = (base64.urlsafe_b64encode(part.to_bytes(32, "big")).rstrip(b"=").decode() for part in (numbers.x, numbers.y))
    return {"kid": kid, "x": x, "y": y}


def emergency(clock: ManualClock, days: float = 90, **scope: Any) -> dict[str, Any]:
    document = sound_document()
    named = {"basis": "statute", "legal_basis": "突发事件应对法"}
    document["data"]["scopes"] = [document["data"]["scopes"][0] | named | scope]
    return {
        "emergency": {
            "event": {"zh": "防汛转移登记", "en": "Flood registration"},
            "legal_basis": "突发事件应对法",
            "expires_at": (clock.now() + timedelta(days=days)).isoformat(),
        },
        "data": document["data"],
        "backend": document["backend"] | {"keys": [public(KEY, "k1")]},
    }


def receipt(
    clock: ManualClock, key: ec.EllipticCurvePrivateKey = KEY, typ: str = "ssb-deletion+jwt", **changes: Any
) -> str:
    claims = {
        "iss": APP_ID,
        "app_id": APP_ID,
        "deleted_at": int(clock.now().timestamp()),
        "counts": {"registrations": 1200, "backups": 3},
    }
    return jwt.encode(claims | changes, key, algorithm="ES256", headers={"kid": "k1", "typ": typ})


async def test_from_approval_to_proven_deletion(
    *,
    called_by: As,
    steps: Steps,
    services: MiniappsServices,
    connection: Connection,
    clock: ManualClock,
    centre: Centre,
) -> None:
    await steps.register()
    digest = await steps.draft(**emergency(clock))
    await steps.submit()
    await steps.check()
    waiting = (await called_by(FIRST).get("/v1/staff/reviews")).json()["items"]
    assert [(item["emergency"], datetime.fromisoformat(item["review_due_at"])) for item in waiting] == [
        (True, clock.now() + timedelta(hours=24))
    ]
    await steps.review(digest)
    await steps.publish()
    author = called_by(steps.author)
    view = (await author.get(f"/v1/apps/{APP_ID}/emergency")).json()
    assert (view["state"], view["legal_basis"]) == ("running", "突发事件应对法")
    early = await author.post(f"/v1/apps/{APP_ID}/emergency/deletion", json={"receipt": receipt(clock)})
    assert early.json()["type"] == "/problems/deletion-not-due"

    clock.advance(90 * DAY)
    await services.stewardship.emergencies.end_expired()

    assert await services.releases.list_published(connection) == []
    assert (await author.get(f"/v1/apps/{APP_ID}")).json()["state"] == "retired"
    view = (await author.get(f"/v1/apps/{APP_ID}/emergency")).json()
    assert view["state"] == "deletion_due"
    assert datetime.fromisoformat(view["proof_due_at"]) == clock.now() + timedelta(days=7)
    clock.advance(8 * DAY)
    for _ in range(2):
        await services.stewardship.emergencies.tell_unproven()
    assert centre.kinds() == ["miniapp_retired", "deletion_unproven"]
    assert (await author.get(f"/v1/apps/{APP_ID}/emergency")).json()["state"] == "deletion_overdue"
    proven = await author.post(f"/v1/apps/{APP_ID}/emergency/deletion", json={"receipt": receipt(clock)})
    assert (proven.status_code, proven.json()["counts"]) == (201, {"registrations": 1200, "backups": 3})
    again = await author.post(f"/v1/apps/{APP_ID}/emergency/deletion", json={"receipt": receipt(clock)})
    assert again.json()["type"] == "/problems/deletion-not-due"
    assert (await author.get(f"/v1/apps/{APP_ID}/emergency")).json()["state"] == "proven"
    assert (await steps.audited())[-4:] == [
        "miniapp.emergency_ended",
        "miniapp.retired",
        "miniapp.deletion_overdue",
        "miniapp.deletion_proven",
    ]


@pytest.fixture
async def ended(steps: Steps, services: MiniappsServices, clock: ManualClock) -> None:
    await steps.live(**emergency(clock, days=1))
    clock.advance(1 * DAY)
    await services.stewardship.emergencies.end_expired()


SPOILT: dict[str, Any] = {
    "another key": lambda clock: receipt(clock, OTHER_KEY),
    "another type": lambda clock: receipt(clock, typ="ssb-receipt+jwt"),
    "another app": lambda clock: receipt(clock, app_id="cn.example.other"),
    "another issuer": lambda clock: receipt(clock, iss="cn.example.other"),
    "before the end": lambda clock: receipt(clock, deleted_at=int(clock.now().timestamp()) - 1),
    "in the future": lambda clock: receipt(clock, deleted_at=int(clock.now().timestamp()) + 60),
    "no counts": lambda clock: receipt(clock, counts={}),
    "counts of nothing": lambda clock: receipt(clock, counts={"rows": -1}),
    "no time": lambda clock: receipt(clock, deleted_at="now"),
    "cut": lambda clock: receipt(clock)[:-2],
    "no token": lambda _clock: "x",
}


@pytest.mark.usefixtures("ended")
async def test_a_spoilt_proof_is_none(called_by: As, steps: Steps, clock: ManualClock) -> None:
    author = called_by(steps.author)
    for how, spoil in SPOILT.items():
        refused = await author.post(f"/v1/apps/{APP_ID}/emergency/deletion", json={"receipt": spoil(clock)})
        assert (refused.status_code, refused.json()["type"]) == (422, "/problems/receipt-invalid"), how


@pytest.mark.usefixtures("ended")
async def test_only_the_department_itself_proves(called_by: As, clock: ManualClock) -> None:
    stranger = official("developer", organization_id=HOTLINE)
    refused = await called_by(stranger).post(f"/v1/apps/{APP_ID}/emergency/deletion", json={"receipt": receipt(clock)})
    assert refused.status_code == 403


async def test_two_people_extend_and_one_does_not(
    called_by: As, steps: Steps, services: MiniappsServices, clock: ManualClock
) -> None:
    await steps.live(**emergency(clock, days=90))
    until = (clock.now() + timedelta(days=150)).isoformat()
    ask = {"until": until, "reason": "汛情未解除"}
    first, second = called_by(FIRST), called_by(SECOND)
    assert (await second.post(f"{EXTENSIONS}/decision", json={"agreed": True})).json()["type"] == (
        "/problems/extension-unknown"
    )
    assert (await first.post(EXTENSIONS, json=ask)).status_code == 201
    assert (await second.post(EXTENSIONS, json=ask)).json()["type"] == "/problems/extension-waits"
    assert (await first.post(f"{EXTENSIONS}/decision", json={"agreed": True})).json()["type"] == (
        "/problems/self-decision"
    )
    before = (await first.get(f"/v1/apps/{APP_ID}/emergency")).json()["expires_at"]
    declined = await second.post(f"{EXTENSIONS}/decision", json={"agreed": False})
    assert (declined.status_code, declined.json()["agreed"]) == (200, False)
    assert (await first.get(f"/v1/apps/{APP_ID}/emergency")).json()["expires_at"] == before
    await second.post(EXTENSIONS, json=ask)
    assert (await first.post(f"{EXTENSIONS}/decision", json={"agreed": True})).status_code == 200
    clock.advance(100 * DAY)
    await services.stewardship.emergencies.end_expired()
    assert (await first.get(f"/v1/apps/{APP_ID}/emergency")).json()["state"] == "running"
    clock.advance(50 * DAY)
    await services.stewardship.emergencies.end_expired()
    assert (await first.get(f"/v1/apps/{APP_ID}/emergency")).json()["state"] == "deletion_due"
    assert (await first.post(EXTENSIONS, json=ask)).json()["type"] == "/problems/emergency-unknown"
    assert [action for action in await steps.audited() if "exten" in action] == [
        "miniapp.extension_proposed",
        "miniapp.extension_declined",
        "miniapp.extension_proposed",
        "miniapp.extended",
    ]


@pytest.mark.parametrize("days", [-1, 0, 180.1])
async def test_an_emergency_is_short(called_by: As, steps: Steps, clock: ManualClock, days: float) -> None:
    await steps.register()
    with pytest.raises(EmergencyTooLong):
        await steps.draft(**emergency(clock, days))
    await steps.approve(**emergency(clock, 90))
    await steps.publish()
    ask = {"until": (clock.now() + timedelta(days=days)).isoformat(), "reason": "继续"}
    assert (await called_by(FIRST).post(EXTENSIONS, json=ask)).json()["type"] == "/problems/emergency-too-long"


async def test_a_version_changes_neither_nature_nor_date(steps: Steps, clock: ManualClock) -> None:
    await steps.live(**emergency(clock, 90))
    for changes in ({}, emergency(clock, 91)):
        with pytest.raises(EmergencyFixed):
            await steps.draft(2, **changes)
    await steps.approve(2, **emergency(clock, 89))
    other = "cn.example.other"
    await steps.live(other)
    with pytest.raises(EmergencyFixed):
        await steps.draft(2, other, **emergency(clock))


async def test_an_approval_that_comes_too_late_is_none(steps: Steps, clock: ManualClock) -> None:
    await steps.register()
    digest = await steps.draft(**emergency(clock, days=1))
    await steps.submit()
    await steps.check()
    clock.advance(1 * DAY)
    with pytest.raises(EmergencyTooLong):
        await steps.review(digest)
    await steps.review(digest, verdict="rejected")


@pytest.mark.parametrize("change", [{"basis": "consent"}, {"retention_days": 181}], ids=["by consent", "kept for long"])
async def test_an_emergency_rests_on_law_and_forgets(steps: Steps, clock: ManualClock, change: dict[str, Any]) -> None:
    await steps.register()
    with pytest.raises(ManifestRefused):
        await steps.draft(**emergency(clock, **change))


async def test_without_a_key_nobody_could_prove_anything(steps: Steps, clock: ManualClock) -> None:
    await steps.register()
    with pytest.raises(ManifestRefused):
        await steps.draft(**emergency(clock) | {"backend": sound_document()["backend"]})


async def test_one_that_was_never_shown_ends_too(
    steps: Steps, services: MiniappsServices, connection: Connection, clock: ManualClock
) -> None:
    await steps.register()
    await steps.approve(**emergency(clock, days=1))
    clock.advance(2 * DAY)
    await services.stewardship.emergencies.end_expired()
    assert await connection.fetchval("select state from miniapps.app") == "retired"
    assert await connection.fetchval("select proof_due_at is not null from miniapps.emergency")
