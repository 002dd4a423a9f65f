"""Which mini-apps are clients of the identity provider: exactly the published ones that say how, while they are."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from app.demo.caller import public_jwk_of
from app.kit.database import Connection
from miniapps.manifest import LocalText, consent_text, recipient_of
from miniapps.registry.models import ResumeApp
from tests.miniapps.city import LIBRARY, ObedientPolicy
from tests.miniapps.conftest import APP_ID, Steps

LOGIN: dict[str, Any] = {
    "redirect_uris": ["https://library.example.cn/cb", "https://library.example.cn/other"],
    "post_logout_redirect_uris": ["https://library.example.cn/bye"],
    "backchannel_logout_uri": "https://library.example.cn/backchannel",
    "keys": [
        {
            "kid": "k1",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        }
    ],
}


class Listener:
    """Hears of what changed, and sees what is published then."""

    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.heard: list[tuple[str, bool]] = []

    async def client_changed(self, connection: Connection, client_id: str, *, actor: str) -> None:
        assert actor.startswith("official:")
        client = await self.steps.services.clients.find_client(connection, client_id)
        self.heard.append((client_id, client is not None))


@pytest.fixture
def listener(steps: Steps) -> Listener:
    listener = Listener(steps)
    steps.services.registry.tell(listener)
    steps.services.releases.tell(listener)
    return listener


async def test_a_published_mini_app_is_a_client(connection: Connection, steps: Steps) -> None:
    await steps.live(login=LOGIN)
    client = await steps.services.clients.find_client(connection, APP_ID)
    assert client
    assert (client.client_id, client.organization_id, client.organization_name) == (APP_ID, LIBRARY, "演示图书馆")
    assert client.redirect_uris == tuple(LOGIN["redirect_uris"])
    assert client.post_logout_redirect_uris == tuple(LOGIN["post_logout_redirect_uris"])
    assert client.backchannel_logout_uri == LOGIN["backchannel_logout_uri"]
    assert client.keys["k1"].x == LOGIN["keys"][0]["x"]
    assert client.text_version == "manifest-1"
    assert [scope.name for scope in client.scopes] == ["library.loans"]
    assert await steps.services.clients.find_department(connection, APP_ID) == LIBRARY


async def test_a_mini_app_that_signs_nobody_in_is_no_client(connection: Connection, steps: Steps) -> None:
    await steps.live()
    assert await steps.services.clients.find_client(connection, APP_ID) is None
    assert await steps.services.clients.find_department(connection, APP_ID) == LIBRARY


async def test_a_version_that_was_not_published_is_no_client(connection: Connection, steps: Steps) -> None:
    await steps.register()
    await steps.draft(login=LOGIN)
    assert await steps.services.clients.find_client(connection, APP_ID) is None
    assert await steps.services.clients.find_client(connection, "cn.example.nobody") is None


async def test_suspending_ends_the_client_and_resuming_brings_it_back(
    connection: Connection, steps: Steps, listener: Listener
) -> None:
    await steps.live(login=LOGIN)
    await steps.suspend()
    assert await steps.services.clients.find_client(connection, APP_ID) is None
    assert await steps.services.clients.find_department(connection, APP_ID) is None
    await steps.services.registry.resume(
        connection, steps.reviewer, APP_ID, ResumeApp(reason=LocalText(zh="恢复", en="Back"))
    )
    assert listener.heard[-3:] == [(APP_ID, True), (APP_ID, False), (APP_ID, True)]


async def test_a_release_without_it_ends_the_client(connection: Connection, steps: Steps, listener: Listener) -> None:
    await steps.live(login=LOGIN)
    await steps.approve(2)
    await steps.publish(2)
    assert await steps.services.clients.find_client(connection, APP_ID) is None
    assert listener.heard[-1] == (APP_ID, False)


async def test_a_release_on_trial_adds_its_reviewed_addresses_and_keys(connection: Connection, steps: Steps) -> None:
    await steps.live(login=LOGIN)
    renewed = {**LOGIN["keys"][0], "kid": "k2"}
    login = {"redirect_uris": ["https://library.example.cn/new"], "keys": [renewed]}
    await steps.approve(2, login=login)
    trial = await steps.release(2, to="testers")
    client = await steps.services.clients.find_client(connection, APP_ID)
    assert client
    assert client.redirect_uris == (*LOGIN["redirect_uris"], "https://library.example.cn/new")
    assert set(client.keys) == {"k1", "k2"}
    assert client.text_version == "manifest-1"
    await steps.roll_back(trial.id)
    client = await steps.services.clients.find_client(connection, APP_ID)
    assert client
    assert client.redirect_uris == tuple(LOGIN["redirect_uris"])
    assert set(client.keys) == {"k1"}


async def test_a_host_that_the_published_words_do_not_name_gets_nobody_s_data_on_trial(
    connection: Connection, steps: Steps
) -> None:
    """The page says where fields go: it says the published words, whoever signs in."""
    data = {"scopes": [SCOPE]}
    await steps.live(login=LOGIN, data=data)
    elsewhere = {**LOGIN, "redirect_uris": [*LOGIN["redirect_uris"], "https://elsewhere.example.cn/back"]}
    await steps.approve(2, login=elsewhere, data=data)
    await steps.release(2, to="testers")
    client = await steps.services.clients.find_client(connection, APP_ID)
    assert client
    told = {host for scope in client.scopes for host in scope.recipient.hosts}
    assert {urlsplit(uri).hostname for uri in client.redirect_uris} <= told


async def test_a_key_on_trial_takes_no_published_keys_place(connection: Connection, steps: Steps) -> None:
    await steps.live(login=LOGIN)
    point = public_jwk_of(ec.derive_private_key(2, ec.SECP256R1()))
    other = {"kid": "k1", "x": point["x"], "y": point["y"]}
    await steps.approve(2, login={"redirect_uris": LOGIN["redirect_uris"], "keys": [other]})
    await steps.release(2, to="testers")
    client = await steps.services.clients.find_client(connection, APP_ID)
    assert client
    assert client.keys["k1"].x == LOGIN["keys"][0]["x"]


async def test_words_of_a_release_on_trial_can_be_consented_to(connection: Connection, steps: Steps) -> None:
    data = {"scopes": [SCOPE]}
    await steps.live(data=data)
    await steps.approve(2, data={"scopes": [SCOPE | {"retention_days": 90}]})
    clients = steps.services.clients
    before = await clients.find_purpose(connection, LIBRARY, "library.loans", "none of both")
    assert before
    await steps.release(2, to="testers")
    published = await clients.find_purpose(connection, LIBRARY, "library.loans", before.text.version)
    assert published == before
    assert await clients.find_purpose(connection, LIBRARY, "library.loans", "none of both") == before
    (_, gray) = await steps.services.releases.list_exposed_manifests_of(connection, LIBRARY)
    words = consent_text(gray.scopes[0], recipient_of(gray))
    found = await clients.find_purpose(connection, LIBRARY, "library.loans", words.version)
    assert found
    assert (found.text.retention_days, before.text.retention_days) == (90, 30)
    assert await clients.find_purpose(connection, LIBRARY, "library.none", words.version) is None


SCOPE: dict[str, Any] = {
    "name": "library.loans",
    "fields": ["display_name"],
    "purpose": {"zh": "显示借阅", "en": "Show loans"},
    "basis": "consent",
    "retention_days": 30,
}


async def test_addresses_that_the_operator_does_not_allow_are_left_out(
    connection: Connection, steps: Steps, policy: ObedientPolicy
) -> None:
    await steps.live(login=LOGIN)
    policy.refused_spellings = {LOGIN["redirect_uris"][0], LOGIN["backchannel_logout_uri"]}
    client = await steps.services.clients.find_client(connection, APP_ID)
    assert client
    assert client.redirect_uris == (LOGIN["redirect_uris"][1],)
    assert client.backchannel_logout_uri is None
