"""What a person recognises their sign-ins and devices by, how they name them, and how they end all others."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from app.kit.clock import ManualClock
from app.kit.database import Connection
from auth.browser.agents import SHOWN_AT_MOST, describe_agent
from tests.auth.phones import Key, Phone, slug_of

NewPhone = Callable[[str], Phone]


async def sessions_of(phone: Phone) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await phone.get("/v1/me/sessions")).json()["items"]
    return found


async def name(phone: Phone, what: str, text: Any) -> Any:
    return await phone.client.put(f"/v1/me/{what}/name", json={"name": text}, headers=phone.headers)


async def test_a_session_says_for_whom_and_how_it_began(phone: Phone, clock: ManualClock) -> None:
    await phone.sign_in()
    (session,) = await sessions_of(phone)
    assert session["client_name"] == {"zh": "手机应用", "en": "The city's app"}
    assert (session["method"], session["ial"], session["aal"], session["name"]) == ("otp", 1, 1, None)
    clock.advance(60)
    await phone.renew()
    (later,) = await sessions_of(phone)
    assert later["created_at"] == session["created_at"] < later["last_used_at"]


async def test_nothing_of_a_session_says_where_somebody_was(phone: Phone) -> None:
    await phone.sign_in()
    (session,) = await sessions_of(phone)
    assert not any("address" in field or "place" in field or "ip" in field.split("_") for field in session)


async def test_a_session_is_named_and_renamed(phone: Phone, connection: Connection) -> None:
    await phone.sign_in()
    (session,) = await sessions_of(phone)
    for text in ("妈妈的手机", "𠀀" * 64):
        answer = await name(phone, f"sessions/{session['id']}", text)
        assert (answer.status_code, answer.json()["name"]) == (200, text)
    assert (await sessions_of(phone))[0]["name"] == "𠀀" * 64
    stored = await connection.fetchval("select name_sealed from auth.session_context")
    assert "𠀀".encode() not in stored


async def test_what_is_no_name_is_an_error(phone: Phone) -> None:
    await phone.sign_in()
    (session,) = await sessions_of(phone)
    for text in ("", "x" * 65, None, 7):
        assert slug_of(await name(phone, f"sessions/{session['id']}", text)) == "fields-invalid"


async def test_nobody_names_what_is_not_theirs(phone: Phone, new_phone: NewPhone) -> None:
    await phone.become_known()
    device_id = (await phone.enroll(Key())).json()["id"]
    (session,) = await sessions_of(phone)
    thief = new_phone("19900000002")
    await thief.sign_in()
    assert slug_of(await name(thief, f"sessions/{session['id']}", "我的")) == "session-unknown"
    assert slug_of(await name(thief, f"sessions/{uuid4()}", "我的")) == "session-unknown"
    assert slug_of(await name(thief, f"devices/{device_id}", "我的")) == "device-unknown"
    assert (await sessions_of(phone))[0]["name"] is None


async def test_on_a_number_alone_nothing_is_read_of_other_sessions(phone: Phone, new_phone: NewPhone) -> None:
    """Whoever has the number now ends what they do not know, and learns nothing of it."""
    await phone.become_known()
    (own,) = await sessions_of(phone)
    assert (await name(phone, f"sessions/{own['id']}", "书房")).status_code == 200
    heir = new_phone(phone.number)
    await heir.sign_in()
    (seen,) = await sessions_of(heir)
    assert seen["current"]
    assert slug_of(await name(heir, f"sessions/{own['id']}", "别人的")) == "session-unknown"
    assert (await name(heir, f"sessions/{seen['id']}", "我的")).status_code == 200
    assert (await heir.client.delete("/v1/me/sessions/others", headers=heir.headers)).json() == {"ended": 1}


async def test_an_ended_session_has_no_name_any_more(phone: Phone) -> None:
    await phone.sign_in()
    ended = (await sessions_of(phone))[0]["id"]
    await phone.sign_in()
    await phone.client.delete(f"/v1/me/sessions/{ended}", headers=phone.headers)
    assert slug_of(await name(phone, f"sessions/{ended}", "旧")) == "session-unknown"


async def test_a_device_is_named_and_says_when_it_was_last_heard_of(phone: Phone, clock: ManualClock) -> None:
    await phone.become_known()
    key = Key()
    device_id = (await phone.enroll(key)).json()["id"]
    assert (await name(phone, f"devices/{device_id}", "新名字")).json()["name"] == "新名字"
    assert (await phone.get("/v1/me/devices")).json()["items"][0]["last_used_at"] is None
    clock.advance(60)
    await phone.sign_in(dpop=key.dpop("POST", "/v1/login/otp/tokens", clock.now()))
    path, token = "/v1/me/devices", phone.tokens["access_token"]
    headers = {"Authorization": f"DPoP {token}", "DPoP": key.dpop("GET", path, clock.now(), token=token)}
    device = (await phone.client.get(path, headers=headers)).json()["items"][0]
    assert device["last_used_at"] == clock.now().isoformat().replace("+00:00", "Z")
    headers["DPoP"] = key.dpop("GET", "/v1/me/sessions", clock.now(), token=token)
    listed = (await phone.client.get("/v1/me/sessions", headers=headers)).json()["items"]
    assert [one["device_name"] for one in listed] == ["新名字", None]


async def test_everywhere_but_here_is_ended(phone: Phone, new_phone: NewPhone) -> None:
    old = dict(await phone.sign_in())
    await phone.sign_in()
    other = new_phone("19900000002")
    await other.sign_in()
    answer = await phone.client.delete("/v1/me/sessions/others", headers=phone.headers)
    assert answer.json() == {"ended": 1}
    assert (await phone.get("/v1/me")).status_code == 200
    assert (await other.get("/v1/me")).status_code == 200
    assert (await phone.refresh(old["refresh_token"])).status_code == 400
    assert (await phone.client.delete("/v1/me/sessions/others", headers=phone.headers)).json() == {"ended": 0}


@pytest.mark.parametrize(
    ("header", "shown"),
    [
        (None, ""),
        ("", ""),
        ("curl/8.5", ""),
        ("<script>alert(1)</script>", ""),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36", "Chrome · Windows"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge · Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1", "Safari · iPhone"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox · Linux"),
        ("Mozilla/5.0 (Linux; Android 15) MicroMessenger/8.0", "微信 WeChat · Android"),
        ("x" * 600 + "Chrome/", ""),
    ],
)
def test_a_program_is_called_as_citizens_call_it(header: str | None, shown: str) -> None:
    assert describe_agent(header) == shown
    assert len(describe_agent(header)) <= SHOWN_AT_MOST
