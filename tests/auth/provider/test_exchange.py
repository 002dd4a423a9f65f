"""A phone's token for one mini-app: worth something there, with the phone's key, and nowhere else."""

from typing import Any

import httpx
import pytest

from app.kit.clock import ManualClock
from app.kit.errors import Unauthenticated
from app.kit.ids import new_id
from app.kit.jwt import sign_jwt
from app.kit.keyring import Keyring
from auth.pairwise import Names
from auth.principal import Principal
from auth.sessions.errors import ProofMissing, TokenInvalid
from auth.wiring import AuthServices
from tests.auth.phones import ISSUER, Key, Phone
from tests.auth.provider.city import Department, read_claims

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"


class BoundPhone:
    """A phone whose session is bound to a key."""

    def __init__(self, phone: Phone, clock: ManualClock) -> None:
        self.phone = phone
        self.key = Key()
        self.clock = clock

    async def exchange(self, *, key: Key | None = None, proof: bool = True, **form: str | None) -> httpx.Response:
        usual: dict[str, str | None] = {
            "grant_type": EXCHANGE,
            "subject_token": self.phone.tokens["access_token"],
            "subject_token_type": ACCESS_TOKEN,
            "audience": "library",
        }
        headers = {"DPoP": (key or self.key).dpop("POST", "/oauth/token", self.clock.now())} if proof else {}
        data = {name: value for name, value in (usual | form).items() if value is not None}
        return await self.phone.client.post("/oauth/token", data=data, headers=headers)


@pytest.fixture
async def bound(phone: Phone, clock: ManualClock) -> BoundPhone:
    bound = BoundPhone(phone, clock)
    await phone.sign_in(dpop=bound.key.dpop("POST", "/v1/login/otp/tokens", clock.now()))
    return bound


def call(auth: AuthServices, token: str, key: Key, clock: ManualClock, app_id: str | None) -> Principal | None:
    """As the gateway asks who is calling `app_id`."""
    proof = key.dpop("GET", "/apps/library/x", clock.now(), token=token)
    headers = [(b"authorization", f"DPoP {token}".encode()), (b"dpop", proof.encode())]
    scope: dict[str, Any] = {"method": "GET", "path": "/apps/library/x", "headers": headers}
    return auth.authenticator.authenticate(scope, app_id=app_id)


async def test_the_token_names_the_same_caller_at_its_mini_app(
    bound: BoundPhone, library: Department, auth: AuthServices, clock: ManualClock
) -> None:
    answer = await bound.exchange()
    assert answer.status_code == 200, answer.text
    token = answer.json()["access_token"]
    assert answer.json() | {"access_token": ""} == {
        "access_token": "",
        "issued_token_type": ACCESS_TOKEN,
        "token_type": "DPoP",
        "expires_in": 600,
    }
    principal = call(auth, token, bound.key, clock, "library")
    own = call(auth, bound.phone.tokens["access_token"], bound.key, clock, "library")
    assert principal == own
    assert call(auth, token, bound.key, clock, "library") == own  # a second time, from memory


async def test_nothing_in_the_token_names_the_citizen(
    bound: BoundPhone, library: Department, auth: AuthServices, clock: ManualClock
) -> None:
    token = (await bound.exchange()).json()["access_token"]
    me = call(auth, token, bound.key, clock, "library")
    assert me
    claims = read_claims(token)
    assert str(me.subject_id) not in str(claims)
    assert str(me.session_id) not in str(claims)
    assert claims["aud"] == "library"
    assert claims["sub"] == Names(auth.app_tokens._vault).sub("library", me.subject_id)


@pytest.mark.parametrize("app_id", ["sports", None, ISSUER])
async def test_the_token_opens_no_other_door(
    bound: BoundPhone, library: Department, auth: AuthServices, clock: ManualClock, app_id: str | None
) -> None:
    token = (await bound.exchange()).json()["access_token"]
    with pytest.raises(TokenInvalid):
        call(auth, token, bound.key, clock, app_id)


async def test_the_token_is_refused_under_v1_and_at_userinfo(bound: BoundPhone, library: Department) -> None:
    token = (await bound.exchange()).json()["access_token"]
    proof = bound.key.dpop("GET", "/v1/me", bound.clock.now(), token=token)
    answer = await bound.phone.client.get("/v1/me", headers={"Authorization": f"DPoP {token}", "DPoP": proof})
    assert answer.status_code == 401
    assert (await library.userinfo(token, key=bound.key)).status_code == 401


async def test_the_token_needs_the_phone_key(
    bound: BoundPhone, library: Department, auth: AuthServices, clock: ManualClock
) -> None:
    token = (await bound.exchange()).json()["access_token"]
    with pytest.raises(ProofMissing):
        call(auth, token, Key(), clock, "library")


async def test_the_token_ends_with_the_session_and_with_the_token_it_was_made_of(
    bound: BoundPhone, library: Department, auth: AuthServices, clock: ManualClock
) -> None:
    clock.advance(400)
    token = (await bound.exchange()).json()["access_token"]
    me = call(auth, token, bound.key, clock, "library")
    assert me
    clock.advance(201)
    with pytest.raises(Unauthenticated):
        call(auth, token, bound.key, clock, "library")
    clock.advance(-201)
    auth.revoked_sessions.add(me.session_id)
    with pytest.raises(Unauthenticated):
        call(auth, token, bound.key, clock, "library")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"audience": "nobody"}, "invalid_target"),
        ({"audience": None}, "invalid_target"),
        ({"subject_token": "x"}, "invalid_request"),
        ({"subject_token": None}, "invalid_request"),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:id_token"}, "invalid_request"),
        ({"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}, "invalid_request"),
        ({"actor_token": "x", "actor_token_type": ACCESS_TOKEN}, "invalid_request"),
        ({"scope": "openid"}, "invalid_scope"),
        ({"client_secret": "guessed"}, "invalid_client"),
    ],
)
async def test_a_wrong_exchange_gives_nothing(
    bound: BoundPhone, library: Department, change: dict[str, Any], error: str
) -> None:
    answer = await bound.exchange(**change)
    assert answer.status_code in {400, 401}
    assert answer.json()["error"] == error


async def test_an_exchange_needs_the_proof_of_the_very_key(bound: BoundPhone, library: Department) -> None:
    assert (await bound.exchange(proof=False)).json()["error"] == "invalid_dpop_proof"
    assert (await bound.exchange(key=Key())).json()["error"] == "invalid_request"


async def test_an_exchanged_token_cannot_be_exchanged_again(bound: BoundPhone, library: Department) -> None:
    token = (await bound.exchange()).json()["access_token"]
    assert (await bound.exchange(subject_token=token)).json()["error"] == "invalid_request"


async def test_staff_have_no_token_for_a_mini_app(bound: BoundPhone, library: Department, keyring: Keyring) -> None:
    """What they do there they do as citizens, in a session of their own."""
    claims = read_claims(bound.phone.tokens["access_token"])
    staff = claims | {"sub": f"official:{new_id()}", "roles": ["developer"], "organization_id": str(new_id())}
    token = sign_jwt(keyring.active("token"), typ="at+jwt", claims=staff)
    assert (await bound.exchange(subject_token=token)).json()["error"] == "invalid_request"


async def test_departments_cannot_exchange(bound: BoundPhone, library: Department) -> None:
    subject = {"subject_token": bound.phone.tokens["access_token"], "subject_token_type": ACCESS_TOKEN}
    answer = await library.post("/oauth/token", grant_type=EXCHANGE, audience="library", **subject)
    assert answer.json()["error"] == "unauthorized_client"


async def test_a_mini_app_s_token_tells_its_department_nothing_about_its_session(
    bound: BoundPhone, library: Department
) -> None:
    token = (await bound.exchange()).json()["access_token"]
    told = (await library.introspect(token)).json()
    assert told["active"]
    assert not {"sid", "context"} & set(told)
