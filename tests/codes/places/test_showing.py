"""Showing a code costs the city nothing: the phone's programs are counted while they show, and the count is 0."""

import socket
from typing import Any

import httpx
import pytest

from app.demo.choosing import Chooser, NotOffered
from app.demo.phone import HeldGrant, Phone
from codes.places.choosing import encode_challenge
from codes.verdict import Reason
from tests.fixtures.inhabited import LIBRARY_ENTRY, OFFICE_VISITOR, Inhabited

DOOR = {"site": {"name": "演示图书馆东门", "address": "演示路1号"}, "label": "东门", "scenarios": [301, 602]}
SHOWN_A_GRANT = 4


class Counted:
    """Counts the requests of a client."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.requests: list[str] = []
        http.event_hooks["request"].append(self._note)

    async def _note(self, request: httpx.Request) -> None:
        self.requests.append(request.url.path)


@pytest.fixture
async def sticker(inhabited: Inhabited) -> str:
    return str((await inhabited.callers["scanner_admin"].call("POST", "/v1/places", json=DOOR))["carrier"])


@pytest.fixture
async def chooser(inhabited: Inhabited, sticker: str) -> Chooser:
    """A phone that pulled the lists after the sticker was hung."""
    chooser = Chooser(inhabited.http)
    await chooser.pull()
    return chooser


def forbid_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: Any) -> None:
        raise AssertionError("a phone that shows a code opened a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)


def show(chooser: Chooser, phone: Phone, grant: HeldGrant, sticker: str) -> str:
    """All that a phone does from the pocket to the gate: opens a code, scans the door, chooses, signs."""
    phone.present(grant)
    phone.present(grant, LIBRARY_ENTRY)
    place = chooser.scan(sticker).facts
    assert place is not None
    choice = chooser.choose(place, LIBRARY_ENTRY)
    chooser.present(phone, grant, choice, encode_challenge(bytes(16), phone.prefix))
    return chooser.present(phone, grant, choice)


async def test_choosing_and_showing_ask_nobody(
    inhabited: Inhabited, chooser: Chooser, sticker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    grants = await inhabited.citizen.fetch_grants()
    counted = Counted(inhabited.http)
    with monkeypatch.context() as patched:
        forbid_connections(patched)
        shown = [show(chooser, inhabited.citizen, grant, sticker) for grant in grants * SHOWN_A_GRANT]
    assert counted.requests == []
    assert len(set(shown)) == len(grants) * SHOWN_A_GRANT
    result = await inhabited.scanner.verify(shown[-1], LIBRARY_ENTRY)
    assert (result["verdict"], counted.requests) == ("ACCEPT", ["/v1/verifications"]), "and they are true codes"


async def test_the_counter_would_notice_a_request(inhabited: Inhabited, chooser: Chooser) -> None:
    counted = Counted(inhabited.http)
    await chooser.pull()
    assert {"/v1/trust-list", "/v1/status", "/v1/scenarios"} <= set(counted.requests)
    assert not any("authorization" in request for request in counted.requests)


async def test_what_will_be_disclosed_is_told_the_first_time_only(chooser: Chooser, sticker: str) -> None:
    facts = chooser.scan(sticker).facts
    assert facts is not None
    first, again, other = (chooser.choose(facts, number).told for number in (301, 301, OFFICE_VISITOR))
    assert first is not None
    assert "是否有资格" in first.zh
    assert again is None
    assert other is not None
    assert "手机尾号" in other.zh


async def test_what_a_sticker_does_not_name_cannot_be_chosen(chooser: Chooser, sticker: str) -> None:
    facts = chooser.scan(sticker).facts
    assert facts is not None
    for number in (601, 502, 0, 999):
        with pytest.raises(NotOffered):
            chooser.choose(facts, number)


async def test_a_sticker_of_nobody_s_is_no_place(chooser: Chooser, inhabited: Inhabited) -> None:
    assert chooser.scan(inhabited.code).reason is Reason.WRONG_CARRIER, "an enterprise's"
    assert chooser.scan("HTTPS://PAY.EXAMPLE/1/AAAA").reason is Reason.MALFORMED
