"""Somebody acts for another person at a mini-app: its token, and what the department reads of it, name both."""

from collections.abc import Callable

from app.kit.clock import ManualClock
from auth.wiring import AuthServices
from tests.auth.mandates.people import DAUGHTER, ELDER, document_of, end, known, post, with_tokens
from tests.auth.phones import Key, Phone
from tests.auth.provider.city import Department, read_claims
from tests.auth.provider.test_exchange import BoundPhone, call

NewPhone = Callable[[str], Phone]
SCOPE = {"apps": ["library"]}


async def delegate(phone: Phone, new_phone: NewPhone, clock: ManualClock, key: Key) -> tuple[Phone, Phone, str]:
    """The elder, their daughter speaking for them with a key, and the mandate."""
    clock.advance(14 * 86_400)  # the elder's sixtieth birthday
    elder = await known(new_phone("19900000021"), ELDER)
    await phone.sign_in(dpop=key.dpop("POST", "/v1/login/otp/tokens", clock.now()))
    signed = with_proof(phone, key, clock, "POST", "/v1/me/real-name")
    told = await phone.client.post("/v1/me/real-name", json=document_of(DAUGHTER), headers=signed)
    assert told.status_code == 200, told.text
    proof = key.dpop("POST", "/oauth/token", clock.now())
    phone.tokens |= (await phone.refresh(dpop=proof)).json()
    offer = {"kind": "family", "agent": document_of(DAUGHTER), "lasts_seconds": 86_400, "scope": SCOPE}
    offered = await post(elder, "/v1/me/mandates", offer)
    path = f"/v1/me/mandate-offers/{offered.json()['id']}/decision"
    headers = with_proof(phone, key, clock, "POST", path)
    taken = await phone.client.post(path, json={"decision": "accepted"}, headers=headers)
    assert taken.status_code == 200, taken.text
    path = f"/v1/me/mandates/{taken.json()['mandate_id']}/session"
    speaking = await phone.client.post(path, headers=with_proof(phone, key, clock, "POST", path))
    assert speaking.status_code == 201, speaking.text
    return elder, with_tokens(phone, speaking.json()), str(taken.json()["mandate_id"])


def with_proof(phone: Phone, key: Key, clock: ManualClock, method: str, path: str) -> dict[str, str]:
    token = phone.tokens["access_token"]
    return {"Authorization": f"DPoP {token}", "DPoP": key.dpop(method, path, clock.now(), token=token)}


async def test_the_mini_app_learns_for_whom_and_by_whom_under_names_of_its_own(
    *,
    phone: Phone,
    new_phone: NewPhone,
    library: Department,
    sports: Department,
    auth: AuthServices,
    clock: ManualClock,
) -> None:
    bound = BoundPhone(phone, clock)
    elder, bound.phone, mandate_id = await delegate(phone, new_phone, clock, bound.key)
    token = (await bound.exchange()).json()["access_token"]
    principal = call(auth, token, bound.key, clock, "library")
    assert principal is not None
    assert (str(principal.mandate_id), principal.subject_type) == (mandate_id, "person")
    assert principal.agent_id is not None
    told = (await library.introspect(token)).json()
    claims = read_claims(token)
    assert (told["active"], told["sub"], told["act"]) == (True, claims["sub"], claims["act"])
    assert told["mandate_id"] == claims["mandate_id"] != mandate_id
    assert told["act"]["sub"] != told["sub"]
    assert "context" not in told
    for hidden in (principal.subject_id, principal.agent_id, principal.session_id):
        assert str(hidden) not in str(told)
    assert (await sports.introspect(token)).json() == {"active": False}
    await end(elder, f"/v1/me/mandates/{mandate_id}")
    assert (await library.introspect(token)).json() == {"active": False}


async def test_a_token_of_one_s_own_says_nothing_of_mandates(
    phone: Phone, library: Department, clock: ManualClock
) -> None:
    bound = BoundPhone(phone, clock)
    await phone.sign_in(dpop=bound.key.dpop("POST", "/v1/login/otp/tokens", clock.now()))
    token = (await bound.exchange()).json()["access_token"]
    told = (await library.introspect(token)).json()
    assert told["active"]
    assert not {"act", "mandate_id"} & set(told)
