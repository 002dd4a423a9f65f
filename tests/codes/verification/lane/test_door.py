"""The door at the edge: it answers what the lane accepts, as the framework would, and lets all else pass untouched."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import msgspec
import pytest
import structlog

from app.kit.clock import ManualClock
from app.kit.floor import Floor
from codes.verification import repository
from codes.verification.lane.door import LARGEST_BODY, LaneDoor, ReadBody
from codes.wiring import asgi, routers
from tests.codes.enterprise_city import LIBRARY, Caller, Device, an_official, build_app, client_of
from tests.codes.personal_city import City, Phone

PATH = "/v1/verifications"
JSON = {"content-type": "application/json"}
ANSWERED_BEHIND = b"behind"


class Behind:
    """Whatever stands behind the door; remembers what reached it."""

    def __init__(self) -> None:
        self.scopes: list[Any] = []
        self.messages: list[Any] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        if scope["type"] == "lifespan":
            return
        while True:
            self.messages.append(await receive())
            if not self.messages[-1].get("more_body"):
                break
        await send({"type": "http.response.start", "status": 299, "headers": []})
        await send({"type": "http.response.body", "body": ANSWERED_BEHIND})

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.messages)


@pytest.fixture
def behind() -> Behind:
    return Behind()


@pytest.fixture
async def device(city: City, floor: Floor, phone: Phone, clock: ManualClock) -> Device:
    """Enrolled over HTTP, and at work after its first scan."""
    await city.codes.trust_lists.publish_when_due()
    device, caller = Device(clock), Caller()
    async with client_of(build_app(floor, routers(city.codes), caller)) as http:
        caller.principal = an_official("scanner_admin", organization_id=LIBRARY)
        answer = await http.post("/v1/scanners", json=device.enrolment())
        device.id = answer.json()["id"]
        caller.principal = None
        content = msgspec.json.encode({"code": phone.show(grant=7), "scenario": 301})
        first = await http.post(PATH, content=content, headers=JSON | device.signed("POST", PATH, content))
        assert first.json()["reason"] == "OK", first.text
    return device


@pytest.fixture
async def lane_alone(city: City, behind: Behind) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(asgi(city.codes, behind)) as http:
        yield http


@pytest.fixture
async def framework(city: City, floor: Floor) -> AsyncIterator[httpx.AsyncClient]:
    """The long way alone."""
    async with client_of(build_app(floor, routers(city.codes), Caller())) as http:
        yield http


@pytest.fixture
async def whole(city: City, floor: Floor) -> AsyncIterator[httpx.AsyncClient]:
    """As in the product: the lane, and the framework behind it."""
    async with client_of(asgi(city.codes, build_app(floor, routers(city.codes), Caller()))) as http:
        yield http


def scan_of(device: Device, content: bytes, **bent: Any) -> dict[str, Any]:
    return {"content": content, "headers": JSON | device.signed("POST", PATH, content, **bent)}


def body_of(code: str, **facts: Any) -> bytes:
    return msgspec.json.encode({"code": code, "scenario": 301} | facts)


async def test_an_accepted_scan_looks_as_if_the_framework_had_answered(
    device: Device, phone: Phone, lane_alone: httpx.AsyncClient, framework: httpx.AsyncClient
) -> None:
    fast = await lane_alone.post(PATH, **scan_of(device, body_of(phone.show())))
    slow = await framework.post(PATH, **scan_of(device, body_of(phone.show(grant=1))))
    assert (fast.status_code, fast.json()["verdict"]) == (slow.status_code, slow.json()["verdict"]) == (200, "ACCEPT")
    assert list(fast.json()) == list(slow.json())
    assert sorted(fast.headers.items()) == sorted(slow.headers.items())


async def test_a_replay_is_refused_by_the_framework(device: Device, phone: Phone, whole: httpx.AsyncClient) -> None:
    content = body_of(phone.show(), request_id="request-0001")
    first = await whole.post(PATH, **scan_of(device, content))
    again = await whole.post(PATH, **scan_of(device, content))
    other = await whole.post(PATH, **scan_of(device, body_of(phone.show(), request_id="request-0002")))
    assert (first.json()["reason"], first.json()["repeated"]) == ("OK", False)
    assert again.json() == first.json() | {"repeated": True}
    assert other.json()["reason"] == "REPLAYED"


Bend = Callable[[Device, Phone], dict[str, Any]]
PASSED_ON: dict[str, Bend] = {
    "an unsigned request": lambda _device, phone: {"content": body_of(phone.show()), "headers": JSON},
    "a signature of another key": lambda device, phone: scan_of(
        device, body_of(phone.show()), key=Device(phone.city.clock).key
    ),
    "a signature over another body": lambda device, phone: scan_of(device, body_of(phone.show()), digested=b"{}"),
    "an old signature": lambda device, phone: scan_of(
        device, body_of(phone.show()), created=int(phone.city.clock.now().timestamp()) - 61
    ),
    "a signature without a nonce": lambda device, phone: scan_of(device, body_of(phone.show()), nonce=None),
    "a signature for another use": lambda device, phone: scan_of(device, body_of(phone.show()), tag="another"),
    "a signature that leaves the body out": lambda device, phone: scan_of(
        device, body_of(phone.show()), covered=("@method", "@authority", "@path", "@query")
    ),
    "an unknown scanner": lambda _device, phone: scan_of(
        Device(phone.city.clock, "00000000-0000-7000-8000-00000000ffff"), body_of(phone.show())
    ),
    "a body that is no JSON": lambda device, _phone: scan_of(device, b"{"),
    "a name that stands twice": lambda device, phone: scan_of(
        device, b'{"scenario":301,"scenario":301,"code":"' + phone.show().encode() + b'"}'
    ),
    "an unknown field": lambda device, phone: scan_of(device, body_of(phone.show(), extra=1)),
    "a number as text": lambda device, phone: scan_of(device, body_of(phone.show(), scenario="301")),
    "no code": lambda device, _phone: scan_of(device, b'{"scenario":301}'),
    "a code that is refused": lambda device, phone: scan_of(device, body_of(phone.show(age=46))),
    "more than any code needs": lambda device, phone: scan_of(device, body_of(phone.show()) + b" " * LARGEST_BODY),
    "a body of unknown length": lambda device, phone: {
        "content": _in_parts(body_of(phone.show())),
        "headers": JSON | device.signed("POST", PATH, body_of(phone.show())),
    },
    "a body that does not say what it is": lambda device, phone: {
        "content": body_of(phone.show()),
        "headers": device.signed("POST", PATH, body_of(phone.show())),
    },
    "text": lambda device, phone: {
        "content": body_of(phone.show()),
        "headers": {"content-type": "text/plain"} | device.signed("POST", PATH, body_of(phone.show())),
    },
}


async def _in_parts(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), 100):
        yield content[start : start + 100]


@pytest.mark.parametrize("bend", PASSED_ON.values(), ids=PASSED_ON.keys())
async def test_whatever_the_lane_does_not_accept_passes_untouched(
    device: Device, phone: Phone, lane_alone: httpx.AsyncClient, behind: Behind, bend: Bend
) -> None:
    request = bend(device, phone)
    answer = await lane_alone.post(PATH, **request)
    assert (answer.status_code, answer.content) == (299, ANSWERED_BEHIND)
    content = request["content"]
    assert behind.body == content if isinstance(content, bytes) else len(behind.messages) > 1


OTHERS = [("GET", PATH), ("PUT", PATH), ("POST", PATH + "/"), ("POST", PATH + "/batch"), ("POST", "/V1/verifications")]


@pytest.mark.parametrize(("method", "path"), OTHERS)
async def test_other_requests_pass_at_once(
    device: Device, phone: Phone, lane_alone: httpx.AsyncClient, method: str, path: str
) -> None:
    content = body_of(phone.show())
    headers = JSON | device.signed(method, path, content)
    answer = await lane_alone.request(method, path, content=content, headers=headers)
    assert (answer.status_code, answer.content) == (299, ANSWERED_BEHIND)


async def test_a_query_is_signed_too(device: Device, phone: Phone, lane_alone: httpx.AsyncClient) -> None:
    content = body_of(phone.show())
    unsigned = await lane_alone.post(f"{PATH}?x=1", **scan_of(device, content))
    signed = JSON | device.signed("POST", f"{PATH}?x=1", content)
    assert unsigned.status_code == 299
    assert (await lane_alone.post(f"{PATH}?x=1", content=content, headers=signed)).json()["reason"] == "OK"


async def test_the_program_s_beginning_and_end_pass(city: City, behind: Behind) -> None:
    async def nothing(*_: Any) -> Any:
        raise AssertionError

    await asgi(city.codes, behind)({"type": "lifespan"}, nothing, nothing)
    assert behind.scopes == [{"type": "lifespan"}]


async def test_a_failing_lane_is_noted_and_nobody_notices(
    device: Device, phone: Phone, whole: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any) -> set[Any]:
        raise RuntimeError(phone.show())

    monkeypatch.setattr(repository, "insert_verifications", fail)
    with structlog.testing.capture_logs() as lines:
        answer = await whole.post(PATH, **scan_of(device, body_of(phone.show())))
    assert answer.json()["reason"] == "OK"
    assert [line for line in lines if line["event"] == "verification.lane_failed"] == [
        {"event": "verification.lane_failed", "error": "RuntimeError", "log_level": "warning"}
    ]


def received(*messages: dict[str, Any]) -> Callable[[], Any]:
    waiting = list(messages)

    async def receive() -> dict[str, Any]:
        return waiting.pop(0)

    return receive


async def test_a_body_in_parts_is_read_whole_and_received_again_part_by_part() -> None:
    parts: list[dict[str, Any]] = [
        {"type": "http.request", "body": part, "more_body": part != b"c"} for part in (b"a", b"b", b"c")
    ]
    gone = {"type": "http.disconnect"}
    body = ReadBody(received(*parts, gone))
    assert await body.read() == b"abc"
    assert await body.read() == b"abc"
    assert [await body.receive() for _ in range(4)] == [*parts, gone]


async def test_whoever_leaves_in_the_middle_has_left_behind_the_door_too(
    city: City, device: Device, phone: Phone, behind: Behind
) -> None:
    content = body_of(phone.show())
    headers = {**JSON, "content-length": str(len(content)), **device.signed("POST", PATH, content)}
    scope = {
        "type": "http",
        "method": "POST",
        "raw_path": PATH.encode(),
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": content[:10], "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def send(_message: Any) -> None:
        """Nobody is there."""

    await LaneDoor(city.codes.lane, city.codes.scanning.gate, behind)(scope, received(*messages), send)
    assert behind.messages == messages
