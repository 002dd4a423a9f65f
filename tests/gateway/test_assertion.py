"""What a department learns about a citizen, and what it never learns."""

import asyncio
from typing import Any

import jwt
import pytest

from app.kit.clock import ManualClock
from app.kit.ids import new_id
from app.kit.jwt import verify_jwt
from app.kit.keyring import Keyring
from app.kit.vault import Vault
from auth.pairwise import pairwise_id
from auth.principal import Principal
from gateway.assertion import Assertions
from gateway.policy import GrantedScope
from gateway.snapshot import CompiledApp
from tests.gateway.conftest import KnownCitizens, a_principal
from tests.gateway.publications import LIBRARY, a_manifest, a_snapshot, published

ISSUER = "https://city.test"
APP = a_snapshot().apps[LIBRARY]
READER, CONTACT, HOBBY = a_manifest().scopes
GRANTED_READER = GrantedScope(scope=READER, fields=("display_name",))


@pytest.fixture
def assertions(keyring: Keyring, vault: Vault, citizens: KnownCitizens) -> Assertions:
    return Assertions(keyring=keyring, vault=vault, issuer=ISSUER, fields_of=citizens.disclose)


def read(token: str, keyring: Keyring, clock: ManualClock) -> dict[str, Any]:
    def find_key(kid: str) -> Any:
        key = keyring.find("assertion", kid)
        return key and key.public_key

    return verify_jwt(
        token, find_key=find_key, typ="ssb-assertion+jwt", issuer=ISSUER, audience=LIBRARY, now=clock.now()
    )


async def test_issue_says_who_calls_under_a_name_of_the_department(
    assertions: Assertions, keyring: Keyring, vault: Vault, clock: ManualClock
) -> None:
    principal = a_principal()
    claims = read(await assertions.issue(principal, APP, (), clock.now()), keyring, clock)
    assert claims["sub"] == pairwise_id(vault, str(APP.organization_id), principal.subject_id)
    assert (claims["sub_type"], claims["acr"], claims["scope"]) == ("person", "ial2.aal1", "")
    assert claims["exp"] - claims["iat"] == 60
    assert not {"act", "fields", "consent_id", "basis"} & claims.keys()


async def test_issue_gives_granted_fields_and_no_others(
    assertions: Assertions, keyring: Keyring, clock: ManualClock
) -> None:
    consent = new_id()
    granted = (GRANTED_READER, GrantedScope(scope=CONTACT, fields=("phone_tail",), consent_id=consent))
    claims = read(await assertions.issue(a_principal(), APP, granted, clock.now()), keyring, clock)
    assert claims["fields"] == {"display_name": "测试*", "phone_tail": "0001"}
    assert (claims["scope"], claims["basis"]) == ("reader contact", "contract consent")
    assert claims["consent_id"] == str(consent)


async def test_issue_never_tells_our_own_ids(assertions: Assertions, clock: ManualClock) -> None:
    agent_id = new_id()
    principal = a_principal(subject_type="organization", agent_id=agent_id, mandate_id=new_id(), device_id=new_id())
    token = await assertions.issue(principal, APP, (), clock.now())
    text = str(jwt.decode(token, options={"verify_signature": False}))
    for value in (principal.subject_id, agent_id, principal.session_id, principal.mandate_id, principal.device_id):
        assert str(value) not in text


async def test_issue_names_agent_and_organization_apart(
    assertions: Assertions, keyring: Keyring, vault: Vault, clock: ManualClock
) -> None:
    principal = a_principal(subject_type="organization", agent_id=new_id())
    claims = read(await assertions.issue(principal, APP, (), clock.now()), keyring, clock)
    assert claims["act"]["sub"] == pairwise_id(vault, str(APP.organization_id), principal.person_id)
    assert claims["sub"] != claims["act"]["sub"]


async def test_issue_gives_two_departments_two_names(
    assertions: Assertions, keyring: Keyring, clock: ManualClock
) -> None:
    other = a_snapshot(published(row={"organization_id": new_id()})).apps[LIBRARY]
    principal = a_principal()
    names = [
        read(await assertions.issue(principal, app, (), clock.now()), keyring, clock)["sub"] for app in (APP, other)
    ]
    assert names[0] != names[1]


async def test_issue_reuses_for_twenty_seconds(
    assertions: Assertions, citizens: KnownCitizens, clock: ManualClock
) -> None:
    principal, granted = a_principal(), (GRANTED_READER,)
    first = await assertions.issue(principal, APP, granted, clock.now())
    clock.advance(19.9)
    assert await assertions.issue(principal, APP, granted, clock.now()) == first
    clock.advance(0.2)
    assert await assertions.issue(principal, APP, granted, clock.now()) != first
    assert len(citizens.disclosed) == 2


def _other_app(**changes: Any) -> CompiledApp:
    (app,) = a_snapshot(published(**changes)).apps.values()
    return app


@pytest.mark.parametrize(
    ("app", "granted", "changes"),
    [
        (_other_app(app_id="cn.example.other"), (GRANTED_READER,), {}),
        (_other_app(), (GRANTED_READER,), {}),
        (APP, (), {}),
        (APP, (GrantedScope(scope=READER, fields=()),), {}),
        (APP, (GRANTED_READER, GrantedScope(scope=HOBBY, fields=("age_over_18",), consent_id=new_id())), {}),
        (APP, (GRANTED_READER,), {"session_id": new_id()}),
        (APP, (GRANTED_READER,), {"subject_id": new_id()}),
        (APP, (GRANTED_READER,), {"agent_id": new_id()}),
        (APP, (GRANTED_READER,), {"aal": 2}),
        (APP, (GRANTED_READER,), {"ial": 1}),
    ],
)
async def test_issue_never_reuses_for_another(
    assertions: Assertions,
    clock: ManualClock,
    app: CompiledApp,
    granted: tuple[GrantedScope, ...],
    changes: dict[str, Any],
) -> None:
    principal = a_principal()
    fields = {name: getattr(principal, name) for name in principal.__struct_fields__}
    first = await assertions.issue(principal, APP, (GRANTED_READER,), clock.now())
    other = await assertions.issue(Principal(**(fields | changes)), app, granted, clock.now())
    assert other != first


@pytest.mark.parametrize("missed", [True, False])
async def test_issue_forgets_at_once_when_a_consent_changed(
    assertions: Assertions, clock: ManualClock, missed: bool
) -> None:
    principal, other = a_principal(), a_principal()
    first = await assertions.issue(principal, APP, (), clock.now())
    others = await assertions.issue(other, APP, (), clock.now())
    assertions.forget(None if missed else str(principal.subject_id))
    assert await assertions.issue(principal, APP, (), clock.now()) != first
    assert (await assertions.issue(other, APP, (), clock.now()) == others) is not missed


async def test_issue_does_not_keep_what_was_made_while_a_consent_was_withdrawn(
    keyring: Keyring, vault: Vault, clock: ManualClock
) -> None:
    gate = asyncio.Event()

    async def slow_fields(*_: Any) -> dict[str, Any]:
        await gate.wait()
        return {}

    assertions = Assertions(keyring=keyring, vault=vault, issuer=ISSUER, fields_of=slow_fields)
    principal = a_principal()
    making = asyncio.create_task(assertions.issue(principal, APP, (), clock.now()))
    await asyncio.sleep(0)
    assertions.forget(str(principal.subject_id))
    gate.set()
    assert await making != await assertions.issue(principal, APP, (), clock.now())


async def test_issue_for_a_case_is_good_for_that_case_alone(
    assertions: Assertions, keyring: Keyring, clock: ManualClock
) -> None:
    principal = a_principal()
    cases = [None, "1101-7", "1101-8"]
    tokens = [await assertions.issue(principal, APP, (), clock.now(), case_id=case) for case in cases]
    assert [read(token, keyring, clock).get("case_id") for token in tokens] == cases
    assert [await assertions.issue(principal, APP, (), clock.now(), case_id=case) for case in cases] == tokens
