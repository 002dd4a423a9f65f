"""`suishen miniapp submit`, `review`, `publish` and `status` against a city that answers as the test says."""

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from click.testing import CliRunner, Result

from miniapps.cli import miniapp
from miniapps.conformance.models import ConformanceReport
from miniapps.conformance.rendering import as_html, as_json, as_markdown, as_text
from miniapps.manifest import manifest_hash
from tests.miniapps.conformance.departments import Department, document, report_on
from tests.miniapps.documents import encode

APP_ID = "cn.example.library"
VERSION = f"/v1/apps/{APP_ID}/versions/1"
SECRETS = {"SUISHEN_STAFF_PASSWORD": "correct-horse", "SUISHEN_STAFF_TOTP": "123456"}


class City(http.server.BaseHTTPRequestHandler):
    """A little city: remembers what it was asked, keeps one version, refuses what the test wants refused."""

    known: ClassVar[dict[str, Any]] = {}
    asked: ClassVar[list[tuple[str, str, bytes]]] = []
    refusals: ClassVar[dict[str, tuple[int, dict[str, Any]]]] = {}
    checked: ClassVar[str] = "reviewing"

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def do_DELETE(self) -> None:
        self._answer("DELETE")

    def log_message(self, *_: Any) -> None:
        """Says nothing."""

    def _answer(self, method: str) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        assert self.headers["DPoP"]
        assert method == "GET" or self.headers["Idempotency-Key"]
        self.asked.append((method, self.path, body))
        status, answer = self._judge(method, body)
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def _judge(self, method: str, body: bytes) -> tuple[int, Any]:
        if f"{method} {self.path}" in self.refusals:
            return self.refusals[f"{method} {self.path}"]
        fixed = {
            "POST /v1/login/password/tokens": {"access_token": "t"},
            "GET /v1/me": {"session_id": "s", "organization_id": "o"},
            "DELETE /v1/me/sessions/s": {"ended": 1},
            f"POST {VERSION}/conformance": {"id": "r"},
            f"POST {VERSION}/reviews": {},
            f"POST /v1/apps/{APP_ID}/releases": {"version_code": 1, "state": "published"},
        }
        if f"{method} {self.path}" in fixed:
            return 201, fixed[f"{method} {self.path}"]
        return self._keep(method, body)

    def _keep(self, method: str, body: bytes) -> tuple[int, Any]:
        if method == "POST" and self.path.endswith("/submit"):
            self.known[VERSION]["version"]["state"] = "submitted"
            answer = dict(self.known[VERSION]["version"])
            self.known[VERSION]["version"]["state"] = self.checked
            return 202, answer
        if method == "POST" and self.path.endswith("/apps"):
            self.known[f"/v1/apps/{APP_ID}"] = {"state": "registered"}
            return 201, {}
        if method == "POST":
            self.known[VERSION] = {"version": version(body), "manifest": json.loads(body), "reviews": []}
            return 201, self.known[VERSION]["version"]
        known = self.known.get(self.path)
        return (200, known) if known is not None else (404, {"type": "/problems/miniapp-unknown", "title": "none"})


def version(body: bytes, **changes: Any) -> dict[str, Any]:
    return {
        "app_id": APP_ID,
        "code": 1,
        "name": "1.0.0",
        "state": "draft",
        "manifest_hash": manifest_hash(body),
        "findings": [],
        "review_due_at": None,
    } | changes


@pytest.fixture
def city() -> Iterator[str]:
    City.known, City.asked, City.refusals, City.checked = {}, [], {}, "reviewing"
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), City)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
async def report() -> ConformanceReport:
    return await report_on(Department())


@pytest.fixture
def files(tmp_path: Path, report: ConformanceReport) -> tuple[str, str]:
    (tmp_path / "manifest.json").write_bytes(encode(document()))
    (tmp_path / "report.json").write_text(as_json(report))
    return str(tmp_path / "manifest.json"), str(tmp_path / "report.json")


def run(*words: str, env: dict[str, str] | None = None, typed: str | None = None) -> Result:
    return CliRunner().invoke(miniapp, words, env=env if env is not None else SECRETS, input=typed)


def submit(city: str, files: tuple[str, str], **options: Any) -> Result:
    return run("submit", files[0], "--report", files[1], "--city", city, "--username", "dev", **options)


def writes() -> list[str]:
    return [path for method, path, _ in City.asked if method == "POST" and "login" not in path]


def test_a_new_one_is_registered_declared_reported_and_submitted(city: str, files: tuple[str, str]) -> None:
    result = submit(city, files)

    assert result.exit_code == 0, result.output
    assert writes() == [
        "/v1/departments/o/apps",
        f"/v1/apps/{APP_ID}/versions",
        f"{VERSION}/conformance",
        f"{VERSION}/submit",
    ]
    assert "reviewing" in result.output
    assert City.asked[-1][:2] == ("DELETE", "/v1/me/sessions/s")


def test_once_more_does_only_what_is_missing(city: str, files: tuple[str, str]) -> None:
    submit(city, files)
    City.asked.clear()

    assert submit(city, files).exit_code == 0
    assert writes() == [f"{VERSION}/conformance"]


def test_a_version_that_is_another_manifest_is_not_touched(city: str, files: tuple[str, str]) -> None:
    submit(city, files)
    City.known[VERSION]["version"]["manifest_hash"] = "0" * 64
    City.asked.clear()
    result = submit(city, files)

    assert result.exit_code == 1
    assert "raise version.code" in result.output
    assert writes() == []


def test_sent_back_is_no_success(city: str, files: tuple[str, str]) -> None:
    City.checked = "changes_requested"
    assert submit(city, files).exit_code == 1


def test_a_report_on_another_manifest_does_not_leave_the_house(city: str, files: tuple[str, str]) -> None:
    Path(files[0]).write_bytes(encode(document(short_name="别的")))
    result = submit(city, files)

    assert result.exit_code == 2
    assert "run `suishen miniapp test` again" in result.output
    assert City.asked == []


@pytest.mark.parametrize("spoilt", ["{}", "", "[]", '{"schema": "ssb-conformance/2"}'])
def test_what_is_no_report_does_not_leave_the_house(city: str, files: tuple[str, str], spoilt: str) -> None:
    Path(files[1]).write_text(spoilt)

    assert submit(city, files).exit_code == 2
    assert City.asked == []


def test_what_lint_refuses_does_not_leave_the_house(city: str, files: tuple[str, str]) -> None:
    Path(files[0]).write_bytes(encode(document(conduct={"ranking": True})))

    assert submit(city, files).exit_code == 1
    assert City.asked == []


def test_the_citys_refusal_is_told_in_its_own_words(city: str, files: tuple[str, str]) -> None:
    finding = {"severity": "error", "at": "/zones", "code": "zone-unknown", "message": {"zh": "无", "en": "No zone"}}
    problem = {"type": "/problems/manifest-refused", "title": "Does not pass", "findings": [finding]}
    City.refusals = {f"POST /v1/apps/{APP_ID}/versions": (422, problem)}
    result = submit(city, files)

    assert result.exit_code == 1
    assert "422 Does not pass" in result.output
    assert "zone-unknown: No zone" in result.output
    assert City.asked[-1][0] == "DELETE"


def test_a_wrong_password_is_told_and_nothing_is_written(city: str, files: tuple[str, str]) -> None:
    City.refusals = {"POST /v1/login/password/tokens": (401, {"title": "wrong"})}

    assert submit(city, files).exit_code == 1
    assert writes() == []


def test_where_nothing_answers_it_says_so(files: tuple[str, str]) -> None:
    result = submit("http://127.0.0.1:9", files)

    assert result.exit_code == 2
    assert "nothing answers" in result.output


def test_secrets_are_asked_for_and_never_shown(city: str, files: tuple[str, str]) -> None:
    result = submit(city, files, env={}, typed="hush-hush\n654321\n")

    assert result.exit_code == 0
    assert "hush-hush" not in result.output
    sent = json.loads(City.asked[0][2])
    assert (sent["password"], sent["totp"]) == ("hush-hush", "654321")


def test_a_reviewer_signs_what_was_shown(city: str, files: tuple[str, str]) -> None:
    submit(city, files)
    digest = City.known[VERSION]["version"]["manifest_hash"]
    City.known[f"{VERSION}/conformance"] = {"items": []}
    common = ("review", APP_ID, "1", "--verdict", "approved", "--reason", "好", "--city", city, "--username", "r")
    assert run(*common, typed="n\n").exit_code == 1
    assert f"{VERSION}/reviews" not in writes()

    result = run(*common, "--yes")
    assert result.exit_code == 0, result.output
    assert json.loads(City.asked[-2][2])["manifest_hash"] == digest
    assert "图书馆" in result.output


def test_publishing_says_what_became_of_it(city: str) -> None:
    result = run("publish", APP_ID, "1", "--city", city, "--username", "dev")

    assert (result.exit_code, "published" in result.output) == (0, True)
    assert json.loads(City.asked[-2][2]) == {"version_code": 1, "to": "everybody"}


def test_status_tells_findings_and_reviews(city: str, files: tuple[str, str]) -> None:
    submit(city, files)
    City.known[VERSION]["reviews"] = [{"verdict": "rejected", "reason": "不符"}]
    City.known[f"/v1/apps/{APP_ID}/versions"] = {"items": [City.known[VERSION]["version"]]}
    result = run("status", APP_ID, "--city", city, "--username", "dev")

    assert result.exit_code == 0
    assert "rejected: 不符" in result.output


def test_status_without_an_id_tells_which_mini_apps_there_are(city: str) -> None:
    path, one, other = "/v1/departments/o/apps?limit=100", "cn.example.a", "cn.example.b"
    City.known[path] = {"items": [{"app_id": one, "state": "active"}], "next": one}
    City.known[f"{path}&after={one}"] = {"items": [{"app_id": other, "state": "registered"}], "next": None}
    result = run("status", "--city", city, "--username", "dev")

    assert (result.exit_code, result.output) == (0, f"{one}: active\n{other}: registered\n")


async def test_a_report_reads_well_everywhere() -> None:
    report = await report_on(Department(overlooks=frozenset({"replayed"})))

    for render in (as_text, as_markdown, as_html):
        told = render(report)
        assert "replayed" in told
        assert "未通过 failed" in told
        assert "believe it once" in told
    assert "<script" not in as_html(report)
    assert as_markdown(report).index("`replayed`") < as_markdown(report).index("`health`")
