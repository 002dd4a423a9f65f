"""Every oddity that JSON, Unicode and URLs know, at every write: a clear refusal each time, and nothing half-written.

The schema-shaped nonsense is tried by `test_openapi`; here stand the bytes that no schema describes.
"""

import copy
import gzip
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import msgspec
import pytest

from app.api_examples import EXAMPLES
from app.kit.bodies import JSON
from app.kit.database import Connection
from tests.fixtures.inhabited import LIBRARY_APP, Inhabited, library_manifest

PROBLEM = "application/problem+json"
A_VERDICT = "/v1/verifications"  # a code nobody can read is a verdict there, not an error
LARGEST = 1024 * 1024
REMEMBERED = {
    "/v1/enterprise-checks": {"kit.audit_entry"},  # an officer's attempt outside the task is written down
    "/v1/inspections/scans": {"kit.audit_entry"},  # a code that is none is written down
    "/v1/codes/paper/at-counter": {"kit.audit_entry"},  # so is the same question here
    "/v1/codes/paper/at-counter/voidings": {"kit.audit_entry"},
    "/v1/staff/helpers": {"kit.audit_entry"},
    "/v1/staff/mandates": {"kit.audit_entry"},
    "/v1/staff/mandates/endings": {"kit.audit_entry"},
    "/v1/staff/custody/disputes": {"kit.audit_entry"},
    "/v1/staff/custody/decisions": {"kit.audit_entry"},
    # so is an official's question for an account, and how often somebody showed a face
    **{
        f"/v1/staff/people/{what}": {"kit.audit_entry"}
        for what in ("freezes", "unfreezings", "deaths", "death-reversals", "documents", "confirmations", "merges")
    },
    "/v1/me/face-check": {"auth.attempt"},
    "/v1/unfreezing": {"auth.attempt"},
    "/v1/codes/freezes": {"kit.audit_entry"},  # an official's question for somebody who is not here is written down
}

# Who may write what: the caller and the name of the example.
WRITES: dict[str, tuple[str, str]] = {
    "/v1/login/otp/challenges": ("anonymous", "RequestCode"),
    "/v1/login/otp/tokens": ("anonymous", "RedeemCode"),
    "/v1/login/password/tokens": ("anonymous", "SignInWithPassword"),
    "/v1/login/passkey/tokens": ("anonymous", "SignInWithPasskey"),
    "/v1/login/upstream/tokens": ("anonymous", "ShowNationalAnswer"),
    "/v1/login/network/tokens": ("anonymous", "ShowNetworkCredential"),
    "/v1/me/links/upstream": ("citizen", "ShowNationalAnswer"),
    "/v1/me/links/network": ("citizen", "ShowNetworkCredential"),
    "/v1/login/step-up/otp/tokens": ("citizen", "StepUpByCode"),
    "/v1/login/step-up/device/tokens": ("citizen", "StepUpByDevice"),
    "/v1/login/step-up/passkey/tokens": ("citizen", "StepUpByPasskey"),
    "/v1/login/step-up/totp/tokens": ("reviewer", "StepUpByTotp"),
    "/v1/login/otp/disownments/challenges": ("anonymous", "RequestCode"),
    "/v1/login/otp/disownments": ("anonymous", "DisownAccount"),
    "/v1/me/passkeys": ("citizen", "EnrolPasskey"),
    "/v1/me/phones/challenges": ("citizen", "AskForNumber"),
    "/v1/me/phones": ("citizen", "AttachPhone"),
    "/v1/staff/people/phones/challenges": ("counter", "AskForNumber"),
    "/v1/staff/people/phones": ("counter", "AttachAtCounter"),
    "/v1/login/scan": ("citizen", "ScanPicture"),
    "/v1/launches": ("citizen", "LaunchApp"),
    "/v1/launches/{launch_id}/answers": ("citizen", "AnswerLaunch"),
    "/v1/me/real-name": ("citizen", "VerifyRealName"),
    "/v1/me/devices": ("citizen", "EnrollDevice"),
    "/v1/me/documents": ("citizen", "ShowDocument"),
    "/v1/me/face-check": ("citizen", "ShowFace"),
    "/v1/me/lookups/{lookup_id}/decision": ("citizen", "DecideLookup"),
    "/v1/lookups": ("citizen", "AskLookup"),
    "/v1/unfreezing": ("anonymous", "UnfreezeByFace"),
    "/v1/staff/people/freezes": ("counter", "FreezeAccount"),
    "/v1/staff/people/unfreezings": ("counter", "UnfreezeAccount"),
    "/v1/staff/people/deaths": ("counter", "RecordDeath"),
    "/v1/staff/people/death-reversals": ("counter", "ReverseDeath"),
    "/v1/staff/people/documents": ("counter", "RecordDocument"),
    "/v1/staff/people/confirmations": ("counter", "ConfirmPerson"),
    "/v1/staff/people/merges": ("counter", "MergeAccounts"),
    "/v1/staff/people/merges/{merge_id}/undoing": ("counter", "UndoMerge"),
    "/v1/staff/lookups": ("lookup_officer", "LookUpByLaw"),
    "/v1/staff/lookup-bases": ("security_admin", "RegisterBasis"),
    "/v1/me/consents": ("citizen", "GrantConsent"),
    "/v1/me/children/{child_id}/consents": ("citizen", "GrantConsent"),
    "/v1/me/corrections": ("citizen", "AskCorrection"),
    "/v1/me/messages/reading": ("citizen", "ReadUpTo"),
    "/v1/message-receipts": ("anonymous", "SendReceipt"),
    "/v1/me/trusted-contacts": ("citizen", "InviteContact"),
    "/v1/me/trusted-by/{contact_id}/decision": ("citizen", "DecideInvitation"),
    "/v1/me/children": ("citizen", "AddChild"),
    "/v1/me/mandates": ("citizen", "OfferMandate"),
    "/v1/me/mandates/{mandate_id}/own-word": ("citizen", "SayOwnWord"),
    "/v1/me/mandate-offers/{offer_id}/decision": ("citizen", "DecideOffer"),
    "/v1/me/confirmations/{confirmation_id}/decision": ("citizen", "DecideConfirmation"),
    "/v1/organizations/{organization_id}/mandates": ("agent", "OfferStaffMandate"),
    "/v1/staff/helpers": ("counter", "AppointHelper"),
    "/v1/staff/mandates": ("counter", "RecordMandate"),
    "/v1/staff/mandates/endings": ("counter", "EndMandate"),
    "/v1/staff/custody/disputes": ("counter", "StopGuardians"),
    "/v1/staff/custody/decisions": ("counter", "SettleCustody"),
    "/v1/organizations": ("citizen", "ClaimOrganization"),
    "/v1/staff/departments": ("system_admin", "RegisterDepartment"),
    "/v1/staff/officials": ("system_admin", "RegisterOfficial"),
    "/v1/codes/grants": ("citizen", "IssueGrants"),
    "/v1/codes/revocations": ("citizen", "RevokeCodes"),
    "/v1/codes/freezes": ("counter", "FreezeCodes"),
    "/v1/codes/freezes/{freeze_id}/lift": ("counter", "LiftFreeze"),
    "/v1/codes/freezes/{freeze_id}/decision": ("counter", "DecideAppeal"),
    "/v1/codes/freezes/{freeze_id}/appeal": ("citizen", "AppealFreeze"),
    "/v1/entitlement-issuers": ("system_admin", "RegisterIssuer"),
    "/v1/entitlements": ("entitlement_admin", "AssignEntitlement"),
    "/v1/form-tickets/redemptions": ("scanner", "RedeemTicket"),
    "/v1/codes/forms/{form_id}/decision": ("citizen", "DecideForm"),
    "/v1/codes/online": ("citizen", "IssueOnlineCode"),
    "/v1/codes/paper": ("citizen", "IssuePaperCode"),
    "/v1/codes/paper/at-counter": ("counter", "IssueAtCounter"),
    "/v1/codes/paper/at-counter/voidings": ("counter", "VoidAtCounter"),
    "/v1/verifications/documents": ("scanner", "VerifyDocument"),
    A_VERDICT: ("scanner", "VerifyCode"),
    "/v1/verifications/batch": ("scanner", "UploadLog"),
    "/v1/codes/complaints": ("citizen", "FileComplaint"),
    "/v1/staff/complaints/{complaint_id}/answer": ("audit_admin", "AnswerComplaint"),
    "/v1/staff/deferred-notices": ("scanner_admin", "ProposeDeferral"),
    "/v1/staff/deferred-notices/{notice_id}/decision": ("security_admin", "DecideDeferral"),
    "/v1/scanners": ("scanner_admin", "EnrolScanner"),
    "/v1/scanners/me/operator": ("scanner", "SignOn"),
    "/v1/scanner-operators": ("scanner_admin", "AppointOperator"),
    "/v1/organizations/{organization_id}/codes": ("agent", "IssueCode"),
    "/v1/places": ("agent", "RegisterPlace"),
    "/v1/inspections": ("inspector", "CreateInspection"),
    "/v1/inspections/{inspection_id}/partners": ("inspector", "JoinInspection"),
    "/v1/inspections/{inspection_id}/showings": ("inspector", "StateShown"),
    "/v1/inspections/scans": ("agent", "ScanInspectionCode"),
    "/v1/inspections/{inspection_id}/ratings": ("agent", "RateInspection"),
    "/v1/enterprise-pushes": ("inspector", "WritePush"),
    "/v1/enterprise-checks": ("inspector", "CheckEnterprise"),
    "/v1/departments/{organization_id}/apps": ("developer", "RegisterApp"),
    "/v1/apps/{app_id}/suspend": ("reviewer", "SuspendApp"),
    "/v1/apps/{app_id}/resume": ("reviewer", "ResumeApp"),
    "/v1/apps/{app_id}/versions": ("developer", "manifest"),
    "/v1/apps/{app_id}/versions/{code}/reviews": ("reviewer", "WriteReview"),
    "/v1/apps/{app_id}/versions/{code}/conformance": ("developer", "ConformanceReport"),
    "/v1/apps/{app_id}/versions/{code}/sandbox-calls": ("developer", "CallInSandbox"),
    "/v1/apps/{app_id}/releases": ("developer", "PublishVersion"),
    "/v1/apps/{app_id}/sunset": ("developer", "AnnounceSunset"),
    "/v1/apps/{app_id}/emergency/extensions": ("reviewer", "ProposeExtension"),
    "/v1/apps/{app_id}/emergency/extensions/decision": ("reviewer", "DecideExtension"),
    "/v1/apps/{app_id}/emergency/deletion": ("developer", "ProveDeletion"),
    "/v1/apps/{app_id}/ratings": ("citizen", "RateAct"),
    "/v1/apps/{app_id}/ratings/{rating_id}/reply": ("developer", "Reply"),
    "/v1/me/ratings/{rating_id}/closing": ("citizen", "CloseCallBack"),
    "/v1/apps/{app_id}/testers": ("developer", "InviteTester"),
    "/v1/me/trials": ("citizen", "AcceptInvitation"),
    "/v1/apps/{app_id}/releases/{release_id}/steps": ("developer", "TakeStep"),
    "/v1/apps/{app_id}/releases/{release_id}/roll-back": ("developer", "RollBack"),
}

# The whole body, from its good form.
BODIES: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda _good: b"",
    "blanks": lambda _good: b" \n ",
    "byte order mark": lambda good: b"\xef\xbb\xbf" + good,
    "UTF-16": lambda good: good.decode().encode("utf-16"),
    "cut short": lambda good: good[:-1],
    "trailing": lambda good: good + b"{}",
    "comments": lambda good: b"/* hello */" + good,
    "single quotes": lambda good: good.replace(b'"', b"'"),
    "a name twice": lambda good: good[:-1] + b"," + good[1:],
    "unknown field": lambda good: good[:-1] + b',"nobody_knows_me":1}',
    "prototype": lambda good: good[:-1] + b',"__proto__":{"roles":["system_admin"]}}',
    "a list": lambda good: b"[" + good + b"]",
    "a text": lambda good: json.dumps(good.decode()).encode(),
    "null": lambda _good: b"null",
    "truth": lambda _good: b"true",
    "a number": lambda _good: b"1e400",
    "deep lists": lambda _good: b"[" * 100_000,
    "deep objects": lambda _good: b'{"a":' * 100_000,
    "compressed": gzip.compress,
    "form": lambda _good: b"a=b&c=d",
}

# A text in place of each text of the body, as it stands in the JSON.
TEXTS: dict[str, str | bytes] = {
    "NUL": '"a\\u0000b"',
    "lone surrogate": '"\\ud800"',
    "reversed surrogates": '"\\udc00\\ud800"',
    "not UTF-8": b'"\xff"',
    "surrogate in UTF-8": b'"\xed\xa0\x80"',
    "raw line break": '"a\nb"',
    "a number": "7",
    "a truth": "true",
    "a list": '["a"]',
    "an object": '{"a":1}',
    "deep": "[" * 50_000 + "]" * 50_000,
}
NUMBERS: dict[str, str | bytes] = {
    "as text": '"301"',
    "2^63": "9223372036854775808",
    "2^64": "18446744073709551616",
    "-2^63-1": "-9223372036854775809",
    "1e400": "1e400",
    "endless": "9" * 5000,
    "a fraction": "1.5",
    "as float": "301.0",
    "NaN": "NaN",
    "hexadecimal": "0x1f",
    "leading zero": "007",
    "plus": "+1",
    "a truth": "true",
}
MEDIA_TYPES = [
    "",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/json",
    "*/*",
]
MARK = "\ue000here\ue000"


def good_body(name: str) -> Any:
    return library_manifest() if name == "manifest" else copy.deepcopy(EXAMPLES[name])


def places(value: Any, kind: type, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where in a body the values of exactly this type are."""
    if type(value) is kind:
        yield path
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from places(part, kind, (*path, key))


def with_raw(body: Any, path: tuple[Any, ...], raw: str | bytes) -> bytes:
    """The body with `raw` JSON at that place, whatever it is."""
    changed = copy.deepcopy(body)
    parent = changed
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = MARK
    text = raw if isinstance(raw, bytes) else raw.encode()
    return msgspec.json.encode(changed).replace(json.dumps(MARK, ensure_ascii=False).encode(), text)


def odd_bodies(body: Any) -> Iterator[tuple[str, bytes]]:
    good = msgspec.json.encode(body)
    yield from ((name, spoil(good)) for name, spoil in BODIES.items())
    kinds: list[tuple[type, dict[str, str | bytes]]] = [(str, TEXTS), (int, NUMBERS)]
    for kind, oddities in kinds:
        for path in list(places(body, kind))[:6]:
            for name, raw in oddities.items():
                yield f"{name} at {path}", with_raw(body, path, raw)


async def send(
    people: Inhabited, who: str, path: str, content: bytes, media_type: str = JSON, **headers: str
) -> httpx.Response:
    if who == "scanner":
        signed = people.scanner.signed_headers("POST", path, content)
        return await people.http.post(path, content=content, headers=signed | {"content-type": media_type} | headers)
    given = {"content-type": media_type} if media_type else {}
    return await people.callers[who].send("POST", path, content=content, headers=given | headers)


def path_of(people: Inhabited, template: str) -> str:
    known = {name: values[-1] for name, values in people.known.items()}
    organization = people.department if "departments" in template else known["organization_id"]
    return template.format_map(known | {"organization_id": organization, "app_id": LIBRARY_APP, "code": 1})


def fault_of(answer: httpx.Response, *, allowed: bool = False) -> str | None:
    if answer.status_code < 400:
        return None if allowed else f"accepted: {answer.text[:200]}"
    if answer.status_code >= 500 or answer.headers["content-type"] != PROBLEM:
        return f"{answer.status_code} {answer.text[:200]}"
    problem = answer.json()
    return None if problem["type"].startswith("/problems/") and problem["remedy"] else "no remedy"


async def everything_in(people: Inhabited) -> dict[str, str]:
    """A digest of every table."""
    async with people.house.floor.database.acquire() as connection:
        return await digests_of(connection)


async def digests_of(connection: Connection) -> dict[str, str]:
    tables = await connection.fetch(
        "select format('%I.%I', schemaname, tablename) as name from pg_tables"
        " where schemaname in ('kit', 'auth', 'codes', 'miniapps', 'gateway') order by 1"
    )
    digests = [
        f"select '{table['name']}' as name, md5(coalesce(string_agg(md5(t::text), '' order by t::text), '')) as digest"
        f" from {table['name']} t"
        for table in tables
    ]
    rows = await connection.fetch(" union all ".join(digests))
    assert len(rows) > 30
    return {row["name"]: row["digest"] for row in rows}


async def test_the_table_has_every_write(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    bodies = {
        path
        for path, item in document["paths"].items()
        if JSON in item.get("post", {}).get("requestBody", {}).get("content", {})
    }
    assert bodies == set(WRITES)


@pytest.mark.parametrize("half", [0, 1])
async def test_odd_bodies_are_refused_and_leave_nothing(inhabited: Inhabited, half: int) -> None:
    faults: dict[str, str] = {}
    for template, (who, example) in list(WRITES.items())[half::2]:
        path, before = path_of(inhabited, template), await everything_in(inhabited)
        for name, content in odd_bodies(good_body(example)):
            answer = await send(inhabited, who, path, content)
            fault = fault_of(answer)
            if fault:
                faults[f"{template}: {name}"] = fault
        after = await everything_in(inhabited)
        changed = {table for table in after if after[table] != before[table]} - REMEMBERED.get(template, set())
        if changed:
            faults[template] = f"left something in {sorted(changed)}"
    assert faults == {}


async def test_other_content_types_are_415_and_too_much_is_413(inhabited: Inhabited) -> None:
    before, faults = await everything_in(inhabited), {}
    for template, (who, example) in WRITES.items():
        path, body = path_of(inhabited, template), msgspec.json.encode(good_body(example))
        seen = [(await send(inhabited, who, path, body, media_type)).status_code for media_type in MEDIA_TYPES]
        large = await send(inhabited, who, path, body[:-1] + b" " * LARGEST + b"}")
        if {*seen} != {415} or large.status_code != 413 or fault_of(large):
            faults[template] = f"{seen} {large.status_code}"
    assert faults == {}
    assert await everything_in(inhabited) == before


async def test_good_bodies_get_past_the_reading(inhabited: Inhabited) -> None:
    """Else the tests above would pass for a wrong reason."""
    for template, (who, example) in WRITES.items():
        content = msgspec.json.encode(good_body(example))
        answer = await send(inhabited, who, path_of(inhabited, template), content, f"{JSON}; charset=utf-8")
        slug = "" if answer.is_success else answer.json()["type"]
        assert slug not in {"/problems/fields-invalid", "/problems/unauthenticated", "/problems/role-missing"}, template
        assert answer.status_code < 500


TARGETS = [
    "/v1/me/sessions/%00",
    "/v1/me/sessions/%ff%fe",
    "/v1/me/sessions/" + "a" * 8000,
    "/v1/me/devices/..%2f..%2fofficials",
    "/v1/apps/%ed%a0%80",
    "/v1/apps/cn.example.library%00",
    "/v1/apps/cn.example.library/versions/99999999999999999999",
    "/v1/apps/cn.example.library/versions/1e3",
    "/v1/apps/cn.example.library/versions/-1",
    "/v1/apps/cn.example.library/versions/%31%00",
    "/v1/status/99999999999999999999999",
    "/v1/status/-1",
    "/v1/status/9223372036854775807",
    "/v1/me/consents?after=%00",
    "/v1/me/consents?after=" + "9" * 5000,
    "/v1/me/consents?limit=9223372036854775808",
    "/v1/me/consents?limit=1e400",
    "/v1/me/consents?limit=-1",
    "/v1/me/consents?limit=%ff",
    "/v1/me/consents?limit=",
    "/v1/codes/scans?after=not-a-uuid",
    "/v1/services?after=%00",
    "/v1/services?after=%ed%a0%80",
    "/v1/services?limit=NaN",
    "/v1/home?zone=%00",
    "/v1/home?zone=199999",
    "/v1/home?profile=grand",
    "/v1/search?q=%00",
    "/v1/search?q=a%0a",
    "/v1/search?zone=190000",
    "/demo/inbox.json?phone=%00",
    "/demo/inbox.json?phone=%ff%ff",
    "/problems/%00",
    "/problems/..%2f..",
    "/%00",
    "/v1//me",
    "/v1/me/../staff",
]


async def test_odd_addresses_are_refused_by_name(inhabited: Inhabited) -> None:
    faults: dict[str, str] = {}
    for target in TARGETS:
        for who in ("anonymous", "citizen", "developer"):
            answer = await at(inhabited, who, "GET", target)
            fault = fault_of(answer)
            if fault:
                faults[f"{who} {target[:80]}"] = fault
    assert faults == {}


async def at(people: Inhabited, who: str, method: str, target: str, headers: Any = None) -> httpx.Response:
    """The raw target, as nobody's HTTP library would send it."""
    origin = people.house.settings.public_origin
    caller = people.callers[who]
    token = caller.tokens.get("access_token")
    proof = caller.proof(method, origin + target.partition("?")[0], token) if token else ""
    given = {"authorization": f"DPoP {token}", "dpop": proof} if token else {}
    url = httpx.URL(origin).copy_with(raw_path=target.encode())
    return await people.http.request(method, url, headers=given | (headers or {}))


HEADERS: list[tuple[str, bytes]] = [
    ("authorization", b"Bearer"),
    ("authorization", b"Bearer \xff\xfe"),
    ("authorization", b"Bearer " + b"a." * 4000),
    ("authorization", b"Bearer e30.e30.e30"),
    ("authorization", b"DPoP eyJ4NWMiOltdfQ.e30."),
    ("authorization", b"Basic YTpi"),
    ("dpop", b"\xff"),
    ("accept-language", b"\xff;q=nan, zh;q=-1, en;q=1e400"),
    ("accept-language", b"," * 5000),
    ("accept", b"\xff/\xff;q=\xff"),
    ("if-none-match", b'"' + b"\xff" * 100),
    ("content-length", b"-1"),
    ("content-length", b"x"),
    ("content-type", b"application/json; charset=\xff"),
    ("cookie", b"a=\xff; =; ;;"),
    ("idempotency-key", b""),
    ("idempotency-key", b"\xff"),
    ("idempotency-key", b"k" * 129),
    ("x-forwarded-for", b"'; drop table auth.person; --"),
]


@pytest.mark.parametrize("path", ["/v1/me", "/v1/services", "/v1/home"])
async def test_odd_headers_never_break_anything(client: httpx.AsyncClient, path: str) -> None:
    for name, value in HEADERS:
        answer = await client.get(path, headers=[(name.encode(), value)])
        assert fault_of(answer, allowed=path != "/v1/me") is None, (name, value)


@pytest.mark.parametrize("key", ["", " ", "k" * 129, "a b", "键", "a\tb"])
async def test_odd_idempotency_keys_are_refused(inhabited: Inhabited, key: str) -> None:
    headers: Any = {"idempotency-key": key.encode()}
    answer = await inhabited.citizen.send("POST", "/v1/codes/revocations", json={}, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["type"] in {"/problems/idempotency-key-invalid", "/problems/bad-header"}
