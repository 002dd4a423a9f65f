"""The published document against the whole product: schemathesis invents the requests, everybody sends them.

Whatever is sent, nothing may end in a 5xx, and every refusal is a problem document whose type opens a page.
"""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

import httpx
import msgspec
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
)

from app.api_document import describe
from app.api_examples import EXAMPLES
from app.demo.caller import Caller
from app.kit.bodies import JSON
from app.kit.database import Database
from app.kit.strict_json import read_json
from app.kit.structs import Request
from app.main import build_house
from app.settings import read_settings
from tests.fixtures.inhabited import Inhabited
from tests.fixtures.postgres import TEST_MASTER_KEY_TEXT

EXAMPLES_OF_EACH = int(os.environ.get("SUISHEN_FUZZ_EXAMPLES", "12"))
METHODS = ("get", "post", "put", "patch", "delete")
PAGES = ("/demo/inbox", "/1/{code}")
PROBLEM = "application/problem+json"
OAUTH = "/oauth/"  # whose refusals are those of RFC 6749
AT_THE_GUARD = {"unauthenticated", "wrong-subject", "role-missing", "identity-level-too-low"}
BODY_NAMES = {
    "organization_id": "organization_id",
    "department_id": "organization_id",
    "device_id": "device_id",
    "verification_id": "verification_id",
    "inspection_id": "inspection_id",
    "version_code": "code",
    "newest": "message_id",
}
# Nobody can invent what these want: a one-time code, a signature, a password, what a registry or a reviewer says.
OUT_OF_REACH = {
    "GET /oauth/userinfo",
    "POST /oauth/introspect",
    "POST /oauth/par",
    "POST /oauth/revoke",
    "POST /oauth/token",
    "POST /oauth/userinfo",
    "POST /v1/login/network/challenges",
    "POST /v1/login/network/tokens",
    "POST /v1/login/upstream/challenges",
    "POST /v1/login/upstream/tokens",
    "POST /v1/me/links/network",
    "POST /v1/me/links/network/challenges",
    "POST /v1/me/links/upstream",
    "POST /v1/me/links/upstream/challenges",
    "POST /v1/login/otp/tokens",
    "POST /v1/login/otp/disownments",
    "POST /v1/login/passkey/tokens",
    "POST /v1/login/password/tokens",
    "POST /v1/login/step-up/device/tokens",
    "POST /v1/login/step-up/otp/tokens",
    "POST /v1/login/step-up/passkey/tokens",
    "POST /v1/login/step-up/totp/tokens",
    "POST /v1/me/passkeys",
    "POST /v1/me/phones",
    "POST /v1/staff/people/phones",
    "PATCH /v1/me/passkeys/{passkey_id}",
    "DELETE /v1/me/phones/{phone_id}",
    "DELETE /v1/me/phones/changes/{change_id}",
    "POST /v1/me/documents",
    "POST /v1/me/face-check",
    "POST /v1/unfreezing",
    "POST /v1/me/closing",
    "DELETE /v1/me/closing",
    "POST /v1/me/mandates/{mandate_id}/own-word",
    "POST /v1/staff/people/freezes",
    "POST /v1/staff/people/unfreezings",
    "POST /v1/staff/people/deaths",
    "POST /v1/staff/people/death-reversals",
    "POST /v1/staff/people/documents",
    "POST /v1/staff/people/confirmations",
    "POST /v1/staff/people/merges",
    "POST /v1/staff/lookups",
    "POST /v1/staff/helpers",
    "POST /v1/staff/mandates",
    "POST /v1/staff/mandates/endings",
    "POST /v1/staff/custody/disputes",
    "POST /v1/staff/custody/decisions",
    "POST /v1/launches",
    "POST /v1/launches/{launch_id}/answers",
    "POST /v1/launches/{launch_id}/guardian-requests",
    "POST /v1/login/scan",
    "POST /v1/login/scan/{scan_id}/approval",
    "POST /v1/login/scan/{scan_id}/denial",
    "POST /v1/me/real-name",
    "DELETE /v1/me/recoveries/{recovery_id}",
    "POST /v1/message-receipts",
    "POST /v1/me/children",
    "DELETE /v1/me/children/{child_id}",
    "POST /v1/me/devices",
    "POST /v1/organizations",
    "POST /v1/codes/grants",
    "POST /v1/codes/freezes",
    "POST /v1/codes/paper/at-counter",
    "POST /v1/codes/paper/at-counter/voidings",
    "POST /v1/codes/freezes/{freeze_id}/decision",
    "POST /v1/form-tickets/redemptions",
    "POST /v1/staff/deferred-notices",
    "POST /v1/scanners",
    "POST /v1/scanners/me/operator",
    "POST /v1/enterprise-checks",
    "POST /v1/inspections/{inspection_id}/ratings",
    "POST /v1/enterprise-pushes/{push_id}/approval",
    "POST /v1/inspections/{inspection_id}/partners",
    "POST /v1/apps/{app_id}/suspend",
    "POST /v1/apps/{app_id}/resume",
    "POST /v1/apps/{app_id}/versions",
    "POST /v1/apps/{app_id}/versions/{code}/reviews",
    "POST /v1/apps/{app_id}/versions/{code}/conformance",
    "POST /v1/apps/{app_id}/versions/{code}/conformance/runs",
    "POST /v1/apps/{app_id}/versions/{code}/sandbox-calls",
    "POST /v1/apps/{app_id}/releases",
    "GET /v1/apps/{app_id}/emergency",
    "GET /v1/apps/{app_id}/scorecard",
    "GET /v1/apps/{app_id}/sunset",
    "POST /v1/apps/{app_id}/sunset",
    "POST /v1/apps/{app_id}/emergency/extensions",
    "POST /v1/apps/{app_id}/emergency/extensions/decision",
    "POST /v1/apps/{app_id}/emergency/deletion",
    "POST /v1/apps/{app_id}/ratings",
    "POST /v1/me/ratings/{rating_id}/closing",
    "POST /v1/apps/{app_id}/releases/{release_id}/steps",
    "POST /v1/apps/{app_id}/testers",
    "DELETE /v1/apps/{app_id}/testers/{tester_id}",
    "POST /v1/me/trials",
    "DELETE /v1/me/trials/{app_id}",
    "POST /v1/apps/{app_id}/releases/{release_id}/publish",
    "POST /v1/apps/{app_id}/releases/{release_id}/roll-back",
    "PUT /v1/home/hidden/{app_id}",
    "PUT /v1/home/pins/{app_id}",
}


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        yield from ((method, path, item[method]) for method in METHODS if method in item)


def examples_of(document: dict[str, Any]) -> dict[str, Any]:
    """The example body of every write that has one, by "POST /path"."""
    schemas = document["components"]["schemas"]
    found: dict[str, Any] = {}
    for method, path, operation in operations(document):
        schema = operation.get("requestBody", {}).get("content", {}).get(JSON, {}).get("schema", {})
        name = schema.get("$ref", "").rpartition("/")[2]
        if name:
            found[f"{method.upper()} {path}"] = schemas[name]["examples"][0]
    return found


def cases_of(operation: Any, mode: GenerationMode) -> list[Any]:
    """The same ones in every run."""
    found: list[Any] = []

    @hypothesis_settings(
        max_examples=EXAMPLES_OF_EACH,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def collect(case: Any) -> None:
        found.append(case)

    with contextlib.suppress(Unsatisfiable):  # where nothing can be wrong
        collect()
    return found


@dataclass(frozen=True, kw_only=True)
class Invented:
    """One operation and what to send there: what fits its description, and what does not."""

    operation: Any
    fitting: list[Any]
    unfitting: list[Any]


def invent(operation: Any, examples: dict[str, Any]) -> Invented:
    fitting = cases_of(operation, GenerationMode.POSITIVE)
    if operation.label in examples:
        fitting[0].body = dict(examples[operation.label])
    takes_something = operation.body or list(operation.iter_parameters())
    unfitting = cases_of(operation, GenerationMode.NEGATIVE) if takes_something else []
    return Invented(operation=operation, fitting=fitting, unfitting=unfitting)


@pytest.fixture
def invented(request: pytest.FixtureRequest) -> list[Invented]:
    """For all reading operations, or for all writing ones. Made before any connection waits for it."""
    house = build_house(read_settings({"SUISHEN_MASTER_KEY": TEST_MASTER_KEY_TEXT}))
    schema = describe(house.litestar, title="")
    for _, _, operation in operations(schema):
        operation["security"] = []  # we sign in ourselves; invented tokens have tests of their own
    found = [cast("Any", one).ok() for one in schemathesis.openapi.from_dict(schema).get_all_operations()]
    examples = examples_of(schema)
    return [invent(one, examples) for one in found if (one.method.lower() != "get") is request.param]


def lead_home(case: Any, known: dict[str, list[Any]], number: int) -> None:
    """Invented identifiers become those of things that exist, else no handler would ever get far."""
    for name in case.path_parameters or {}:
        values = known.get(f"{case.operation.path} {name}", known.get(name, []))
        if values:
            case.path_parameters[name] = values[number // 2 % len(values)]
    for name in case.body if isinstance(case.body, dict) else ():
        values = known.get(BODY_NAMES.get(name, ""), [])
        if values:
            case.body[name] = values[number // 2 % len(values)]


def prepared(case: Any, origin: str) -> tuple[str, str, dict[str, str], bytes] | None:
    """Method, raw target, headers and body; None for what no HTTP client can send."""
    kwargs = case.as_transport_kwargs(base_url=origin)
    names = ("method", "url", "headers", "params", "data", "json", "files", "cookies")
    try:
        made = requests.Request(**{name: kwargs[name] for name in names if name in kwargs}).prepare()
        headers = {name: value if isinstance(value, str) else value.decode() for name, value in made.headers.items()}
        [value.encode("latin-1") for value in headers.values()]
    except (ValueError, requests.RequestException):
        return None
    body: Any = made.body or b""
    return str(made.method), made.path_url, headers, body.encode() if isinstance(body, str) else bytes(body)


async def send(people: Inhabited, who: str, parts: tuple[str, str, dict[str, str], bytes]) -> httpx.Response:
    method, target, headers, body = parts
    headers = {name.lower(): value for name, value in headers.items() if name.lower() != "content-length"}
    path = urlsplit(target).path
    if who == "scanner":
        headers |= people.scanner.signed_headers(method, path, body)
    else:
        headers |= authorization(people.callers[who], method, people.house.settings.public_origin + path)
    url = httpx.URL(people.house.settings.public_origin).copy_with(raw_path=target.encode())
    return await people.http.request(method, url, headers=headers, content=body)


def authorization(caller: Caller, method: str, url: str) -> dict[str, str]:
    token = caller.tokens.get("access_token")
    if token is None:
        return {}
    return {"authorization": f"DPoP {token}", "dpop": caller.proof(method, url, token)}


class Judge:
    """What no answer may be; and the names of all refusals that were seen."""

    def __init__(self) -> None:
        self.slugs: set[str] = set()
        self.faults: dict[str, str] = {}
        self.seen: dict[str, set[int]] = {}

    def look(self, case: Any, who: str, answer: httpx.Response) -> None:
        label = f"{case.operation.method.upper()} {case.operation.path}"
        self.seen.setdefault(label, set()).add(answer.status_code)
        fault = self.fault_of(case, who, answer)
        if fault:
            request = f"{answer.request.url.raw_path!r} {answer.request.content[:400]!r}"
            self.faults.setdefault(
                f"{label}: {fault[:200]}", f"{who}: {request} -> {answer.status_code} {answer.text[:300]}"
            )

    def fault_of(self, case: Any, who: str, answer: httpx.Response) -> str | None:
        if answer.status_code >= 500:
            return "a server error"
        if answer.status_code >= 400:
            return self.fault_of_refusal(case.operation.path, answer)
        checks = [content_type_conformance, response_schema_conformance]
        if who != "scanner":  # whose signature we add to whatever was invented
            checks.append(negative_data_rejection)
        try:
            case.validate_response(answer, checks=checks)
        except Exception as failures:  # noqa: BLE001 - whatever the library holds against the answer
            return str(getattr(failures, "exceptions", [failures])[0])
        return None

    def fault_of_refusal(self, path: str, answer: httpx.Response) -> str | None:
        media_type = answer.headers.get("content-type", "").partition(";")[0]
        if path.startswith(OAUTH):
            return None if set(answer.json()) <= {"error", "error_description"} else "not RFC 6749"
        if path in PAGES and media_type == "text/html":
            return None
        if media_type != PROBLEM:
            return f"a refusal as {media_type}"
        problem = answer.json()
        self.slugs.add(str(problem["type"]).removeprefix("/problems/"))
        whole = problem["status"] == answer.status_code and problem["title"] and problem["remedy"]
        return None if whole else "an incomplete problem"


def stopped_at_the_guard(answer: httpx.Response) -> bool:
    if answer.status_code not in {401, 403}:
        return False
    # Under /oauth/ no guard stands; what is refused there says so in RFC 6749's words.
    return str(answer.json().get("type", "")).removeprefix("/problems/") in AT_THE_GUARD


@pytest.fixture
async def document(client: httpx.AsyncClient) -> dict[str, Any]:
    read: dict[str, Any] = (await client.get("/openapi.json")).json()
    return read


@pytest.mark.timeout(300)
@pytest.mark.parametrize("invented", [False, True], ids=["reads", "writes"], indirect=True)
async def test_whatever_is_sent_no_answer_is_a_server_error_or_nameless(
    invented: list[Invented], inhabited: Inhabited, database: Database
) -> None:
    judge = Judge()
    for one in invented:
        async with database.acquire() as connection:
            savepoint = connection.transaction()
            await savepoint.start()
        await try_operation(inhabited, one, judge)
        async with database.acquire():
            await savepoint.rollback()  # the next operation finds the city as it was
    assert judge.faults == {}
    assert never_answered_well(judge) <= OUT_OF_REACH
    for slug in judge.slugs:
        assert (await inhabited.http.get(f"/problems/{slug}")).status_code == 200, slug


async def try_operation(people: Inhabited, invented: Invented, judge: Judge) -> None:
    welcome = {*people.callers, "scanner"}
    for number, case in enumerate(invented.fitting):
        if number != 1:
            lead_home(case, people.known, number)
    for case in invented.fitting + invented.unfitting:
        parts = prepared(case, people.house.settings.public_origin)
        for who in sorted(welcome) if parts else ():
            assert parts is not None
            answer = await send(people, who, parts)
            judge.look(case, who, answer)
            if len(welcome) > 1 and stopped_at_the_guard(answer):
                welcome.discard(who)


def never_answered_well(judge: Judge) -> set[str]:
    """The operations of which only refusals were seen."""
    return {label for label, statuses in judge.seen.items() if min(statuses) >= 400}


async def test_every_operation_says_what_it_is_and_how_it_refuses(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        label = f"{method} {path}"
        assert operation["summary"], label
        assert operation["tags"], label
        assert "security" in operation, label
        assert "default" in operation["responses"], label
        wanted = {"401", "403"} if operation["security"] else set()
        wanted |= {"400", "413", "415"} if "requestBody" in operation else set()
        assert wanted <= set(operation["responses"]), label


async def test_every_described_refusal_is_a_problem(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        for status, response in operation["responses"].items():
            if status >= "4" and not path.startswith(OAUTH) and path != "/1/{code}":
                schema = response["content"][PROBLEM]["schema"]
                assert schema == {"$ref": "#/components/schemas/Problem"}, f"{method} {path} {status}"


async def test_every_success_has_a_shape(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        for status, response in operation["responses"].items():
            for media_type, content in response.get("content", {}).items() if status < "3" else ():
                assert content["schema"] != {}, f"{method} {path} {status} {media_type}"


def schemes_of(operation: dict[str, Any]) -> Iterator[str]:
    for requirement in operation["security"]:
        yield from requirement


async def test_every_security_scheme_is_declared(document: dict[str, Any]) -> None:
    used: set[str] = {name for _, _, operation in operations(document) for name in schemes_of(operation)}
    assert used == set(document["components"]["securitySchemes"]) == {"bearer", "dpop", "scanner"}


async def test_security_says_what_the_guards_do(document: dict[str, Any], client: httpx.AsyncClient) -> None:
    for method, path, operation in operations(document):
        if "{" not in path and "requestBody" not in operation:
            answer = await client.request(method, path)
            assert (answer.status_code == 401) is bool(operation["security"]), f"{method} {path}"


async def test_every_request_body_has_an_example_that_is_read_strictly(document: dict[str, Any]) -> None:
    kinds = {kind.__name__: kind for kind in subclasses(Request) if not kind.__module__.startswith("tests")}
    described = examples_of(document)
    assert len(described) > 20
    for label, example in described.items():
        name = next(name for name, known in EXAMPLES.items() if known == example)
        assert read_json(msgspec.json.encode(example), kinds[name]), label


def subclasses(kind: type[Any]) -> Iterator[type[Any]]:
    one: type[Any]
    for one in kind.__subclasses__():
        yield one
        yield from subclasses(one)
