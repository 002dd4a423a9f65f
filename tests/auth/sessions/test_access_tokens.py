"""Access tokens: whatever is not exactly ours, for here and now, opens nothing."""

import base64
import json
from datetime import datetime
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.kit.clock import ManualClock
from app.kit.errors import Unauthenticated
from app.kit.jwt import sign_jwt
from app.kit.keyring import Keyring
from auth.wiring import AuthServices
from tests.auth.phones import ISSUER, Key, Phone, encode, slug_of


@pytest.fixture
async def token(phone: Phone) -> str:
    return str((await phone.sign_in())["access_token"])


async def me(client: httpx.AsyncClient, token: str, scheme: str = "Bearer") -> httpx.Response:
    return await client.get("/v1/me", headers={"Authorization": f"{scheme} {token}"})


def claims_of(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


async def test_token_is_of_the_profile_and_says_who(client: httpx.AsyncClient, token: str) -> None:
    header, claims = jwt.get_unverified_header(token), claims_of(token)
    assert (header["typ"], header["alg"]) == ("at+jwt", "ES256")
    assert claims["iss"] == claims["aud"] == ISSUER
    assert claims["sub"].startswith("person:")
    assert claims["acr"] == "ial1.aal1"
    assert claims["exp"] - claims["iat"] == 600
    assert {"jti", "sid", "client_id", "scope", "auth_time"} <= claims.keys()
    assert (await me(client, token)).status_code == 200


async def test_no_token_is_told_to_sign_in(client: httpx.AsyncClient) -> None:
    response = await client.get("/v1/me")
    assert (response.status_code, slug_of(response)) == (401, "unauthenticated")
    assert response.headers["www-authenticate"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/me/sessions"),
        ("DELETE", "/v1/me/sessions"),
        ("POST", "/v1/me/real-name"),
        ("POST", "/v1/me/devices/challenges"),
        ("POST", "/v1/me/devices"),
        ("GET", "/v1/me/devices"),
        ("GET", "/v1/me/messages"),
    ],
)
async def test_anonymous_is_refused(client: httpx.AsyncClient, method: str, path: str) -> None:
    assert (await client.request(method, path, json={})).status_code == 401


async def test_expired_token_is_refused(client: httpx.AsyncClient, token: str, clock: ManualClock) -> None:
    clock.advance(599)
    assert (await me(client, token)).status_code == 200
    clock.advance(1)
    assert slug_of(await me(client, token)) == "token-invalid"


async def test_algorithm_none_is_refused(client: httpx.AsyncClient, token: str) -> None:
    header = jwt.get_unverified_header(token) | {"alg": "none"}
    head = encode(json.dumps(header).encode())
    assert slug_of(await me(client, f"{head}.{token.split('.')[1]}.")) == "token-invalid"


async def test_symmetric_signature_with_the_public_key_is_refused(
    client: httpx.AsyncClient, token: str, keyring: Keyring
) -> None:
    import hashlib
    import hmac

    from auth.keys import point_of

    header = jwt.get_unverified_header(token) | {"alg": "HS256"}
    signed = f"{encode(json.dumps(header).encode())}.{token.split('.')[1]}"
    secret = point_of(keyring.active("token").public_key)
    mac = encode(hmac.digest(secret, signed.encode(), hashlib.sha256))
    assert slug_of(await me(client, f"{signed}.{mac}")) == "token-invalid"


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "http://other.test"},
        {"aud": "http://other.test"},
        {"aud": None},
        {"sub": "person:not-a-uuid"},
        {"sub": "robot:00000000-0000-0000-0000-000000000000"},
        {"sub": "organization:00000000-0000-0000-0000-000000000000"},
        {"acr": "ial9.aal9"},
        {"acr": "ial2.aal2\n"},
        {"exp": 4102444800.5, "iat": True},
        {"exp": "4102444800"},
        {"iat": 4102444800},
        {"nbf": 4102444800},
        {"sid": "x"},
        {"auth_time": None},
    ],
)
async def test_our_signature_over_wrong_claims_is_refused(
    client: httpx.AsyncClient, token: str, keyring: Keyring, change: dict[str, Any]
) -> None:
    claims = {name: value for name, value in (claims_of(token) | change).items() if value is not None}
    forged = sign_jwt(keyring.active("token"), typ="at+jwt", claims=claims)
    assert slug_of(await me(client, forged)) == "token-invalid"


@pytest.mark.parametrize("typ", ["JWT", "jwt", "id+jwt", "dpop+jwt", ""])
async def test_our_signature_of_another_type_is_refused(
    client: httpx.AsyncClient, token: str, keyring: Keyring, typ: str
) -> None:
    other = sign_jwt(keyring.active("token"), typ=typ, claims=claims_of(token))
    assert slug_of(await me(client, other)) == "token-invalid"


async def test_key_of_another_purpose_is_refused(client: httpx.AsyncClient, token: str, keyring: Keyring) -> None:
    other = sign_jwt(keyring.active("assertion"), typ="at+jwt", claims=claims_of(token))
    assert slug_of(await me(client, other)) == "token-invalid"


@pytest.mark.parametrize("extra", [{"crit": ["exp"]}, {"kid": "ffffffff"}, {"kid": ""}])
async def test_strange_header_is_refused(
    client: httpx.AsyncClient, token: str, keyring: Keyring, extra: dict[str, Any]
) -> None:
    key = keyring.active("token")
    headers = {"typ": "at+jwt", "kid": key.kid} | extra
    strange = jwt.encode(claims_of(token), key.private_key, algorithm="ES256", headers=headers)
    assert slug_of(await me(client, strange)) == "token-invalid"


async def test_key_brought_in_the_header_is_not_believed(client: httpx.AsyncClient, token: str) -> None:
    own = Key()
    headers = {"typ": "at+jwt", "kid": "00000000", "jwk": own.jwk}
    forged = jwt.encode(claims_of(token), own.private, algorithm="ES256", headers=headers)
    assert slug_of(await me(client, forged)) == "token-invalid"


async def test_stolen_kid_with_another_key_is_refused(client: httpx.AsyncClient, token: str) -> None:
    other = ec.generate_private_key(ec.SECP256R1())
    forged = jwt.encode(claims_of(token), other, algorithm="ES256", headers=jwt.get_unverified_header(token))
    assert slug_of(await me(client, forged)) == "token-invalid"


@pytest.mark.parametrize("scheme", ["Basic", "DPoP", "bearerx", ""])
async def test_other_scheme_is_refused(client: httpx.AsyncClient, token: str, scheme: str) -> None:
    assert (await me(client, token, scheme)).status_code == 401


async def test_token_seen_before_is_judged_anew_by_time_key_and_session(
    auth: AuthServices, token: str, clock: ManualClock, keyring: Keyring
) -> None:
    now = clock.now()
    principal = auth.access_tokens.verify(token, now)
    assert auth.access_tokens.verify(token, now) == principal
    with pytest.raises(Unauthenticated):
        auth.access_tokens.verify(token, later(now, 600))
    with pytest.raises(Unauthenticated):
        auth.access_tokens.verify(token, now, proof_jkt="another key")
    keys, keyring._keys = keyring._keys, {}
    with pytest.raises(Unauthenticated):
        auth.access_tokens.verify(token, now)
    keyring._keys = keys
    auth.revoked_sessions.add(principal.session_id)
    with pytest.raises(Unauthenticated):
        auth.access_tokens.verify(token, now)


async def test_memory_of_tokens_is_bounded(auth: AuthServices, token: str, clock: ManualClock) -> None:
    from auth.sessions.tokens import VerifiedTokens

    auth.access_tokens.verify(token, clock.now())
    known = auth.access_tokens._verified.find(token)
    assert known is not None
    memory = VerifiedTokens(2)
    for name in "abc":
        memory.add(name, known)
    assert [memory.find(name) is None for name in "abc"] == [True, False, False]


async def test_two_authorization_headers_are_refused(client: httpx.AsyncClient, token: str) -> None:
    header = ("Authorization", f"Bearer {token}")
    assert (await client.get("/v1/me", headers=[header, header])).status_code == 401


@given(data=st.data())
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_changed_byte_is_refused(
    access_token: str, auth: AuthServices, clock: ManualClock, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(access_token) - 1))
    other = data.draw(st.characters(min_codepoint=33, max_codepoint=126))
    changed = access_token[:place] + other + access_token[place + 1 :]
    if changed == access_token or decoded(changed) == decoded(access_token):
        return
    with pytest.raises(Unauthenticated):
        auth.access_tokens.verify(changed, clock.now())


@given(st.text(max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_text_is_refused(auth: AuthServices, clock: ManualClock, text: str) -> None:
    with pytest.raises(Unauthenticated):
        auth.access_tokens.verify(text, clock.now())


@pytest.fixture
async def access_token(phone: Phone) -> str:
    return str((await phone.sign_in())["access_token"])


def decoded(token: str) -> list[bytes | str]:
    """The parts as bytes: the last character of a base64url part has bits that say nothing."""
    return [part if index < 2 else lenient(part) for index, part in enumerate(token.split("."))]


def lenient(part: str) -> bytes | str:
    try:
        return base64.b64decode(part + "==", altchars=b"-_", validate=True)
    except ValueError:
        return part


class TestBoundToKey:
    """A token with `cnf.jkt` needs a proof of its key at every request."""

    @pytest.fixture
    def key(self) -> Key:
        return Key()

    @pytest.fixture
    async def bound(self, phone: Phone, key: Key, clock: ManualClock) -> str:
        tokens = await phone.sign_in(dpop=key.dpop("POST", "/v1/login/otp/tokens", clock.now()))
        assert tokens["token_type"] == "DPoP"
        return str(tokens["access_token"])

    async def ask(self, client: httpx.AsyncClient, token: str, *proofs: str, scheme: str = "DPoP") -> httpx.Response:
        headers = [("Authorization", f"{scheme} {token}"), *(("DPoP", proof) for proof in proofs)]
        return await client.get("/v1/me", headers=headers)

    async def test_with_its_proof_it_opens(
        self, client: httpx.AsyncClient, bound: str, key: Key, clock: ManualClock
    ) -> None:
        proof = key.dpop("GET", "/v1/me", clock.now(), token=bound)
        assert (await self.ask(client, bound, proof)).status_code == 200

    async def test_as_bearer_it_is_refused(
        self, client: httpx.AsyncClient, bound: str, key: Key, clock: ManualClock
    ) -> None:
        assert slug_of(await self.ask(client, bound, scheme="Bearer")) == "dpop-proof-invalid"
        proof = key.dpop("GET", "/v1/me", clock.now(), token=bound)
        assert (await self.ask(client, bound, proof, scheme="Bearer")).status_code == 401

    async def test_without_or_with_two_proofs_it_is_refused(
        self, client: httpx.AsyncClient, bound: str, key: Key, clock: ManualClock
    ) -> None:
        assert (await self.ask(client, bound)).status_code == 401
        proofs = [key.dpop("GET", "/v1/me", clock.now(), token=bound) for _ in range(2)]
        assert (await self.ask(client, bound, *proofs)).status_code == 401

    async def test_proof_of_another_key_is_refused(
        self, client: httpx.AsyncClient, bound: str, clock: ManualClock
    ) -> None:
        assert (await self.ask(client, bound, Key().dpop("GET", "/v1/me", clock.now(), token=bound))).status_code == 401

    async def test_unbound_token_does_not_become_bound(
        self, client: httpx.AsyncClient, phone: Phone, key: Key, clock: ManualClock
    ) -> None:
        token = str((await phone.sign_in())["access_token"])
        proof = key.dpop("GET", "/v1/me", clock.now(), token=token)
        assert (await self.ask(client, token, proof)).status_code == 401

    async def test_proof_is_good_once(
        self, client: httpx.AsyncClient, bound: str, key: Key, clock: ManualClock
    ) -> None:
        proof = key.dpop("GET", "/v1/me", clock.now(), token=bound)
        assert (await self.ask(client, bound, proof)).status_code == 200
        assert (await self.ask(client, bound, proof)).status_code == 401

    @pytest.mark.parametrize(
        "make", ["method", "path", "query", "token", "no_token", "old", "future", "never", "typ", "jti"]
    )
    async def test_proof_about_something_else_is_refused(
        self, client: httpx.AsyncClient, bound: str, key: Key, clock: ManualClock, make: str
    ) -> None:
        now = clock.now()
        proofs = {
            "method": lambda: key.dpop("POST", "/v1/me", now, token=bound),
            "path": lambda: key.dpop("GET", "/v1/me/", now, token=bound),
            "query": lambda: key.dpop("GET", "/v1/me?x=1", now, token=bound),
            "token": lambda: key.dpop("GET", "/v1/me", now, token=bound + "x"),
            "no_token": lambda: key.dpop("GET", "/v1/me", now),
            "old": lambda: key.dpop("GET", "/v1/me", now, token=bound, iat=int(now.timestamp()) - 61),
            "future": lambda: key.dpop("GET", "/v1/me", now, token=bound, iat=int(now.timestamp()) + 11),
            "never": lambda: key.dpop("GET", "/v1/me", now, token=bound, iat=10**400),
            "typ": lambda: key.dpop("GET", "/v1/me", now, token=bound, typ="JWT"),
            "jti": lambda: key.dpop("GET", "/v1/me", now, token=bound, jti=7),
        }
        assert (await self.ask(client, bound, proofs[make]())).status_code == 401

    async def test_sign_in_with_a_broken_proof_is_refused(self, phone: Phone) -> None:
        challenge_id = await phone.ask_for_code()
        response = await phone.show_code(challenge_id, await phone.read_code(), dpop="x.y.z")
        assert slug_of(response) == "dpop-proof-invalid"


def test_proof_with_a_private_key_in_it_is_refused(clock: ManualClock) -> None:
    from auth.keys import ProofInvalid
    from auth.sessions.dpop import ProofTarget, SeenProofs, verify_dpop

    key, now = Key(), clock.now()
    target = ProofTarget(method="GET", url=ISSUER + "/v1/me")
    jwk = key.jwk | {"d": encode(b"\x01" * 32)}
    body = {"htm": "GET", "htu": target.url, "iat": int(now.timestamp()), "jti": "1"}
    proof = jwt.encode(body, key.private, algorithm="ES256", headers={"typ": "dpop+jwt", "jwk": jwk})
    with pytest.raises(ProofInvalid):
        verify_dpop(proof, target, now=now, seen=SeenProofs())


def test_remembered_proofs_are_forgotten_after_their_time(clock: ManualClock) -> None:
    from auth.sessions.dpop import SeenProofs

    seen, start = SeenProofs(), clock.now()
    assert seen.add(("k", "1"), start)
    assert not seen.add(("k", "1"), later(start, 69))
    assert seen.add(("k", "1"), later(start, 70))


def later(start: datetime, seconds: int) -> datetime:
    from datetime import timedelta

    return start + timedelta(seconds=seconds)
