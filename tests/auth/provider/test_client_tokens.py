"""What tokens open, to whom they are described, and how they end; and tokens that somebody made themself."""

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from msgspec.structs import replace

from app.demo.registries import CITIZEN
from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.jwt import sign_jwt
from app.kit.keyring import Keyring
from app.kit.masking import mask_name
from auth.people.models import Identity
from auth.wiring import AuthServices
from tests.auth.phones import ISSUER, Key, Phone
from tests.auth.provider.city import CARD, Browser, Department, Register, read_claims

USERINFO = f"{ISSUER}/oauth/userinfo"


@pytest.fixture
async def tokens(library: Department, browser: Browser) -> dict[str, Any]:
    answer = await library.redeem((await browser.arrive(await library.begin()))["code"])
    given: dict[str, Any] = answer.json()
    return given


async def raise_level(connection: Connection, auth: AuthServices, token: str) -> None:
    """As after a real-name check: person and session are known by name."""
    person_id = await connection.fetchval("select id from auth.person")
    identity = Identity(name=CITIZEN.name, document_type="id_card", document_number=CITIZEN.document_number)
    await auth.people.confirm_identity(connection, person_id, identity)
    await auth.sessions.raise_identity_level(connection, UUID(read_claims(token)["sid"]), 2)


# userinfo


async def test_userinfo_tells_what_has_a_basis(
    library: Department, tokens: dict[str, Any], connection: Connection, auth: AuthServices
) -> None:
    await raise_level(connection, auth, tokens["access_token"])
    for method in ("GET", "POST"):
        answer = await library.userinfo(tokens["access_token"], method=method)
        claims = read_claims(tokens["id_token"])
        assert answer.json() == {
            "sub": claims["sub"],
            "unionid": claims["unionid"],
            "display_name": mask_name(CITIZEN.name),
            "phone_tail": "0021",
            "identity_level": "2",
        }
        assert answer.headers["cache-control"] == "no-store"
    entries = await connection.fetch(
        "select actor, detail from kit.audit_entry where action = 'userinfo.disclosed' order by id"
    )
    assert [entry["actor"] for entry in entries] == ["client:library"] * 2
    assert entries[0]["detail"]["fields"] == ["display_name", "identity_level", "phone_tail"]


async def test_a_phone_alone_names_nobody(library: Department, tokens: dict[str, Any], connection: Connection) -> None:
    answer = await library.userinfo(tokens["access_token"])
    assert set(answer.json()) == {"sub", "unionid", "identity_level"}


async def test_a_withdrawn_consent_counts_at_once(
    library: Department, tokens: dict[str, Any], connection: Connection, auth: AuthServices
) -> None:
    await raise_level(connection, auth, tokens["access_token"])
    await connection.execute("update auth.consent set withdrawn_at = granted_at where purpose = 'library.card'")
    assert set((await library.userinfo(tokens["access_token"])).json()) == {"sub", "unionid", "identity_level"}
    refreshed = (await library.refresh(tokens["refresh_token"])).json()
    assert refreshed["scope"] == "library.level openid"


async def test_fields_that_were_not_consented_to_are_not_told(
    library: Department, tokens: dict[str, Any], connection: Connection, auth: AuthServices, register: Register
) -> None:
    await raise_level(connection, auth, tokens["access_token"])
    greedy = replace(CARD, fields=("display_name", "full_name", "id_number"))
    register.clients["library"] = replace(register.clients["library"], scopes=(greedy,))
    # Other fields are other words: what was agreed to is not carried over, not even in part (PIPL, article 14).
    assert set((await library.userinfo(tokens["access_token"])).json()) == {"sub", "unionid"}


async def test_of_one_scope_only_the_fields_are_told_that_the_consent_names(
    library: Department, tokens: dict[str, Any], connection: Connection, auth: AuthServices
) -> None:
    """A phone may allow less than was asked for, under the same words; the scope itself was not allowed then."""
    await raise_level(connection, auth, tokens["access_token"])
    await connection.execute("update auth.consent set fields = '{display_name}' where purpose = 'library.card'")
    told = (await library.userinfo(tokens["access_token"])).json()
    assert set(told) == {"sub", "unionid", "display_name", "identity_level"}
    assert (await library.refresh(tokens["refresh_token"])).json()["scope"] == "library.level openid"


async def test_userinfo_needs_the_token_the_key_and_the_very_request(
    library: Department, tokens: dict[str, Any]
) -> None:
    token, now = tokens["access_token"], library.now
    good = library.dpop_key.dpop("GET", "/oauth/userinfo", now, token=token)
    tries: list[dict[str, str]] = [
        {},
        {"Authorization": f"DPoP {token}"},
        {"Authorization": f"Bearer {token}"},
        {"Authorization": f"Bearer {token}", "DPoP": good},
        {"Authorization": f"Basic {token}", "DPoP": good},
        {"DPoP": good},
        {"Authorization": f"DPoP {token}", "DPoP": Key().dpop("GET", "/oauth/userinfo", now, token=token)},
        {"Authorization": f"DPoP {token}", "DPoP": library.dpop_key.dpop("POST", "/oauth/userinfo", now, token=token)},
        {"Authorization": f"DPoP {token}", "DPoP": library.dpop_key.dpop("GET", "/oauth/token", now, token=token)},
        {"Authorization": f"DPoP {token}", "DPoP": library.dpop_key.dpop("GET", "/oauth/userinfo", now)},
        {"Authorization": f"DPoP {token}", "DPoP": library.dpop_key.dpop("GET", "/oauth/userinfo", now, token="x")},
        {"Authorization": f"DPoP {token}x", "DPoP": good},
    ]
    for headers in tries:
        answer = await library.http.get("/oauth/userinfo", headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
        assert answer.headers["www-authenticate"].startswith('DPoP error="invalid_token"')


async def test_a_proof_counts_once(library: Department, tokens: dict[str, Any]) -> None:
    token = tokens["access_token"]
    proof = library.dpop_key.dpop("GET", "/oauth/userinfo", library.now, token=token)
    headers = {"Authorization": f"DPoP {token}", "DPoP": proof}
    assert (await library.http.get("/oauth/userinfo", headers=headers)).status_code == 200
    assert (await library.http.get("/oauth/userinfo", headers=headers)).status_code == 401


async def test_a_token_in_the_query_or_body_is_not_read(library: Department, tokens: dict[str, Any]) -> None:
    token = {"access_token": tokens["access_token"]}
    assert (await library.http.get("/oauth/userinfo", params=token)).status_code == 401
    assert (await library.http.post("/oauth/userinfo", data=token)).status_code == 401


async def test_tokens_end_after_ten_minutes(library: Department, tokens: dict[str, Any], clock: ManualClock) -> None:
    assert tokens["expires_in"] == 600
    clock.advance(600)
    assert (await library.userinfo(tokens["access_token"])).status_code == 401
    assert (await library.introspect(tokens["access_token"])).json() == {"active": False}


async def test_client_tokens_open_nothing_under_v1(library: Department, tokens: dict[str, Any]) -> None:
    for name in ("access_token", "id_token"):
        proof = library.dpop_key.dpop("GET", "/v1/me", library.now, token=tokens[name])
        for scheme in ("DPoP", "Bearer"):
            headers = {"Authorization": f"{scheme} {tokens[name]}", "DPoP": proof}
            assert (await library.http.get("/v1/me", headers=headers)).status_code == 401


async def test_a_citizens_own_token_is_refused_at_userinfo(library: Department, phone: Phone) -> None:
    own = (await phone.sign_in())["access_token"]
    assert (await library.userinfo(own)).status_code == 401
    assert (await library.introspect(own)).json() == {"active": False}


# tokens that somebody made themself


def encode(data: Any) -> str:
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


async def is_believed(library: Department, token: str) -> bool:
    at_userinfo = (await library.userinfo(token)).status_code == 200
    introspected = bool((await library.introspect(token)).json()["active"])
    assert at_userinfo == introspected
    return at_userinfo


@pytest.mark.parametrize("alg", ["none", "NONE", "nOne", ""])
async def test_unsigned_tokens_are_refused(library: Department, tokens: dict[str, Any], alg: str) -> None:
    header = jwt.get_unverified_header(tokens["access_token"]) | {"alg": alg}
    assert not await is_believed(library, f"{encode(header)}.{tokens['access_token'].split('.')[1]}.")


async def test_our_public_key_is_no_shared_secret(
    library: Department, tokens: dict[str, Any], keyring: Keyring
) -> None:
    header = jwt.get_unverified_header(tokens["access_token"]) | {"alg": "HS256"}
    signed = f"{encode(header)}.{tokens['access_token'].split('.')[1]}"
    public = keyring.active("token").public_key
    secret = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    mac = hmac.digest(secret, signed.encode(), hashlib.sha256)
    assert not await is_believed(library, f"{signed}.{encode(mac)}")


@pytest.mark.parametrize("alg", ["RS256", "ES256K", "ES384", "PS256", "EdDSA"])
async def test_another_algorithm_is_refused(library: Department, tokens: dict[str, Any], alg: str) -> None:
    _, claims, signature = tokens["access_token"].split(".")
    header = jwt.get_unverified_header(tokens["access_token"]) | {"alg": alg}
    assert not await is_believed(library, f"{encode(header)}.{claims}.{signature}")


@pytest.mark.parametrize("member", ["jwk", "jku", "x5u", "x5c"])
async def test_a_key_that_comes_along_is_ignored(library: Department, tokens: dict[str, Any], member: str) -> None:
    thief = Key()
    header = jwt.get_unverified_header(tokens["access_token"]) | {
        member: thief.jwk if member == "jwk" else "https://thief.example/key"
    }
    claims = read_claims(tokens["access_token"])
    assert not await is_believed(library, jwt.encode(claims, thief.private, algorithm="ES256", headers=header))


@pytest.mark.parametrize("kid", ["", "../../../../etc/passwd", "' or 1=1 --", "\x00", "0", "null"])
async def test_odd_key_ids_are_refused(library: Department, tokens: dict[str, Any], kid: str) -> None:
    header = jwt.get_unverified_header(tokens["access_token"]) | {"kid": kid}
    _, claims, signature = tokens["access_token"].split(".")
    assert not await is_believed(library, f"{encode(header)}.{claims}.{signature}")


@pytest.mark.parametrize(
    ("typ", "change"),
    [
        ("JWT", {}),
        ("logout+jwt", {}),
        ("dpop+jwt", {}),
        ("at+jwt", {"iss": "https://other.example"}),
        ("at+jwt", {"iss": None}),
        ("at+jwt", {"aud": "sports"}),
        ("at+jwt", {"aud": USERINFO + "/"}),
        ("at+jwt", {"aud": None}),
        ("at+jwt", {"aud": []}),
        ("at+jwt", {"exp": None}),
        ("at+jwt", {"exp": "never"}),
        ("at+jwt", {"exp": 0}),
        ("at+jwt", {"iat": None}),
        ("at+jwt", {"iat": 2**40}),
        ("at+jwt", {"cnf": None}),
        ("at+jwt", {"sid": "not-a-uuid"}),
        ("at+jwt", {"client_id": None}),
    ],
)
async def test_our_own_signature_is_not_enough(
    library: Department, tokens: dict[str, Any], keyring: Keyring, typ: str, change: dict[str, Any]
) -> None:
    changed = read_claims(tokens["access_token"]) | change
    claims = {name: value for name, value in changed.items() if value is not None}
    assert not await is_believed(library, sign_jwt(keyring.active("token"), typ=typ, claims=claims))


async def test_the_same_claims_signed_by_us_are_believed(
    library: Department, tokens: dict[str, Any], keyring: Keyring
) -> None:
    claims = read_claims(tokens["access_token"])
    assert await is_believed(library, sign_jwt(keyring.active("token"), typ="at+jwt", claims=claims))


async def test_keys_of_other_purposes_sign_no_tokens(
    library: Department, tokens: dict[str, Any], keyring: Keyring
) -> None:
    claims = read_claims(tokens["access_token"])
    for purpose in ("assertion", "grant", "receipt"):
        assert not await is_believed(library, sign_jwt(keyring.active(purpose), typ="at+jwt", claims=claims))


async def test_an_unknown_critical_extension_is_refused(
    library: Department, tokens: dict[str, Any], keyring: Keyring
) -> None:
    key = keyring.active("token")
    headers = {"kid": key.kid, "typ": "at+jwt", "crit": ["exp"], "exp": 1}
    claims = read_claims(tokens["access_token"])
    assert not await is_believed(library, jwt.encode(claims, key.private_key, algorithm="ES256", headers=headers))


# refresh


async def test_refreshing_keeps_the_refresh_token(library: Department, tokens: dict[str, Any]) -> None:
    for _ in range(3):
        answer = await library.refresh(tokens["refresh_token"])
        assert answer.status_code == 200
        assert "refresh_token" not in answer.json()
    before, after = read_claims(tokens["id_token"]), read_claims(answer.json()["id_token"])
    assert "nonce" not in after
    for name in ("iss", "sub", "aud", "auth_time", "sid", "acr"):
        assert before[name] == after[name]


async def test_the_new_token_is_bound_to_the_key_that_asked(library: Department, tokens: dict[str, Any]) -> None:
    other = Key()
    refreshed = (await library.refresh(tokens["refresh_token"], key=other)).json()["access_token"]
    assert (await library.userinfo(refreshed, key=other)).status_code == 200
    assert (await library.userinfo(refreshed)).status_code == 401


async def test_a_refresh_token_is_worth_nothing_to_anybody_else(
    library: Department, sports: Department, tokens: dict[str, Any]
) -> None:
    assert (await sports.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await library.refresh(tokens["refresh_token"], dpop=None)).json()["error"] == "invalid_dpop_proof"
    stranger = await library.refresh(tokens["refresh_token"], client_assertion="x")
    assert stranger.json()["error"] == "invalid_client"
    assert (await library.refresh(tokens["refresh_token"])).status_code == 200


@pytest.mark.parametrize("token", ["", "x", "A" * 70, "\u00e9" * 70])
async def test_made_up_refresh_tokens_are_refused(library: Department, tokens: dict[str, Any], token: str) -> None:
    assert (await library.refresh(token)).json()["error"] in {"invalid_grant", "invalid_request"}


async def test_a_refresh_asks_for_no_more_than_was_granted(library: Department, tokens: dict[str, Any]) -> None:
    less = await library.refresh(tokens["refresh_token"], scope="openid")
    assert less.json()["scope"] == "openid"
    more = await library.refresh(tokens["refresh_token"], scope="openid library.age")
    assert more.json()["error"] == "invalid_scope"
    again = await library.refresh(tokens["refresh_token"])
    assert again.json()["scope"] == "library.card library.level openid"


async def test_a_citizen_who_left_is_not_refreshed(
    library: Department, tokens: dict[str, Any], connection: Connection
) -> None:
    await connection.execute("update auth.consent set withdrawn_at = granted_at where purpose = 'openid:library'")
    assert (await library.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("change", ["expires_at = $1", "department_id = gen_random_uuid()", "withdrawn_at = $1"])
async def test_a_consent_that_is_over_or_anothers_refreshes_nothing(
    library: Department, tokens: dict[str, Any], connection: Connection, clock: ManualClock, change: str
) -> None:
    given = [clock.now()] if "$1" in change else []
    await connection.execute(f"update auth.consent set {change} where purpose = 'library.card'", *given)
    assert (await library.refresh(tokens["refresh_token"])).json()["scope"] == "library.level openid"
    await connection.execute(f"update auth.consent set {change} where purpose = 'openid:library'", *given)
    assert (await library.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"


async def test_a_refresh_is_a_use_of_the_session_once_a_minute(
    library: Department, tokens: dict[str, Any], connection: Connection, clock: ManualClock
) -> None:
    began, used = clock.now(), "select rotated_at from auth.session where client_id = 'library'"
    for seconds, expected in ((59, 0), (1, 60), (30, 60), (90, 180)):
        clock.advance(seconds)
        assert (await library.refresh(tokens["refresh_token"])).status_code == 200
        assert await connection.fetchval(used) == began + timedelta(seconds=expected)
    await connection.execute("update auth.session set idle_expires_at = $1 where client_id = 'library'", clock.now())
    assert (await library.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"


async def test_a_refresh_ends_with_the_browsers_day(
    library: Department, tokens: dict[str, Any], clock: ManualClock
) -> None:
    clock.advance(12 * 3600 - 1)
    last = await library.refresh(tokens["refresh_token"])
    assert read_claims(last.json()["access_token"])["exp"] <= int(clock.now().timestamp()) + 1
    clock.advance(1)
    assert (await library.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"


# in the client's own name


async def test_a_client_acts_in_its_own_name(library: Department) -> None:
    answer = await library.post("/oauth/token", grant_type="client_credentials")
    assert answer.status_code == 200
    assert set(answer.json()) == {"access_token", "token_type", "expires_in"}
    claims = read_claims(answer.json()["access_token"])
    assert (claims["sub"], claims["client_id"], claims["aud"]) == ("library", "library", ISSUER)
    assert (await library.introspect(answer.json()["access_token"])).json()["active"]


async def test_its_own_token_is_no_citizens_token(library: Department, sports: Department) -> None:
    own = (await library.post("/oauth/token", grant_type="client_credentials")).json()["access_token"]
    assert (await library.userinfo(own)).status_code == 401
    assert (await sports.introspect(own)).json() == {"active": False}
    proof = library.dpop_key.dpop("GET", "/v1/me", library.now, token=own)
    me = await library.http.get("/v1/me", headers={"Authorization": f"DPoP {own}", "DPoP": proof})
    assert me.status_code == 401
    assert (await library.revoke(own)).json()["error"] == "unsupported_token_type"


async def test_its_own_token_needs_a_proof_and_takes_no_scope(library: Department) -> None:
    grant = "client_credentials"
    assert (await library.post("/oauth/token", grant_type=grant, dpop=None)).json()["error"] == "invalid_dpop_proof"
    assert (await library.post("/oauth/token", grant_type=grant, scope="openid")).json()["error"] == "invalid_scope"


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "password", "username": "a", "password": "b"}, "unsupported_grant_type"),
        ({"grant_type": "implicit"}, "unsupported_grant_type"),
        ({"grant_type": "AUTHORIZATION_CODE", "code": "x"}, "unsupported_grant_type"),
        ({"grant_type": "authorization_code"}, "invalid_request"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ({"code": "x"}, "invalid_request"),
    ],
)
async def test_other_grants_are_refused(library: Department, form: dict[str, Any], error: str) -> None:
    answer = await library.post("/oauth/token", **form)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


# introspection and revocation


async def test_introspection_tells_the_client_what_its_token_means(library: Department, tokens: dict[str, Any]) -> None:
    told = (await library.introspect(tokens["access_token"])).json()
    claims = read_claims(tokens["access_token"])
    assert told.pop("active")
    assert told.pop("token_type") == "DPoP"
    assert told == {name: claims[name] for name in told}
    assert set(told) >= {"sub", "aud", "iss", "exp", "iat", "jti", "client_id", "scope", "cnf", "sid"}
    refresh = (await library.introspect(tokens["refresh_token"])).json()
    assert (refresh["active"], refresh["sub"]) == (True, claims["sub"])


async def test_to_another_client_there_is_no_such_token(
    library: Department, sports: Department, tokens: dict[str, Any]
) -> None:
    for name in ("access_token", "refresh_token"):
        assert (await sports.introspect(tokens[name])).json() == {"active": False}
        assert (await sports.revoke(tokens[name])).status_code == 200
    assert (await library.userinfo(tokens["access_token"])).status_code == 200


async def test_id_tokens_and_nonsense_are_not_active(library: Department, tokens: dict[str, Any]) -> None:
    for token in (tokens["id_token"], "x", "a.b.c", "x" * 9000):
        assert (await library.introspect(token)).json() == {"active": False}


async def test_strangers_introspect_and_revoke_nothing(library: Department, tokens: dict[str, Any]) -> None:
    for path in ("/oauth/introspect", "/oauth/revoke"):
        answer = await library.http.post(path, data={"token": tokens["access_token"]})
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
        assert (await library.post(path, dpop=None)).json()["error"] == "invalid_request"


@pytest.mark.parametrize("name", ["access_token", "refresh_token"])
async def test_revoking_either_token_ends_both(library: Department, tokens: dict[str, Any], name: str) -> None:
    for _ in range(2):
        answer = await library.revoke(tokens[name])
        assert (answer.status_code, answer.json()) == (200, {})
    assert (await library.userinfo(tokens["access_token"])).status_code == 401
    assert (await library.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await library.introspect(tokens["refresh_token"])).json() == {"active": False}


async def test_revoking_leaves_the_browser_signed_in(
    library: Department, tokens: dict[str, Any], browser: Browser
) -> None:
    await library.revoke(tokens["refresh_token"])
    assert "code" in await browser.arrive(await library.begin(prompt="none"))


async def test_an_unknown_token_is_as_good_as_revoked(library: Department) -> None:
    assert (await library.revoke("nobody knows me")).status_code == 200


async def test_a_client_that_is_gone_leaves_no_token_behind(
    library: Department,
    tokens: dict[str, Any],
    register: Register,
    auth: AuthServices,
    connection: Connection,
) -> None:
    client = register.clients.pop("library")
    assert (await library.userinfo(tokens["access_token"])).status_code == 401
    await auth.provider.clients.client_changed(connection, "library", actor="official:x")
    register.clients["library"] = client
    assert (await library.userinfo(tokens["access_token"])).status_code == 401
    assert (await library.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"


async def test_a_client_that_stays_keeps_its_tokens(
    library: Department, tokens: dict[str, Any], auth: AuthServices, connection: Connection
) -> None:
    await auth.provider.clients.client_changed(connection, "library", actor="official:x")
    assert (await library.refresh(tokens["refresh_token"])).status_code == 200
