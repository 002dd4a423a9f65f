"""`suishen miniapp`: what a department's developer sees on their own machine."""

import asyncio
import json
import os
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import jsonschema_rs
import pytest
from click.testing import CliRunner, Result

from app.kit.processes import free_port
from miniapps.cli import miniapp
from tests.miniapps.documents import encode, sound_document, spoil

REPOSITORY = Path(__file__).parents[2]


def run(*arguments: str, given: bytes | None = None) -> Result:
    return CliRunner().invoke(miniapp, arguments, input=given)


async def run_python(folder: Path, *arguments: str) -> int:
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, cwd=folder, env=environment)
    return await asyncio.wait_for(process.wait(), timeout=60)


async def test_init_makes_a_department_that_runs_and_holds(tmp_path: Path) -> None:
    folder = tmp_path / "hello"
    assert run("init", str(folder), "--app-id", "cn.example.greeting", "--org-name", "演示市博物馆").exit_code == 0

    assert run("lint", str(folder / "manifest.json")).exit_code == 0
    written = json.loads((folder / "manifest.json").read_text())
    assert (written["app_id"], written["owner"]["org_name"]) == ("cn.example.greeting", "演示市博物馆")
    assert await run_python(folder, "check_department.py") == 0


async def test_the_templates_checks_fail_when_the_door_is_left_open(tmp_path: Path) -> None:
    run("init", str(tmp_path))
    program = (tmp_path / "department.py").read_text()
    for closed, opened in (
        ('[verified(verifier, anonymous_paths=("/.ssb/cards",))]', "[]"),
        ("citizen = request[CITIZEN]", "citizen = None"),
        ("citizen.openid", "1"),
        ("dict(citizen.fields)", "2"),
    ):
        assert closed in program
        program = program.replace(closed, opened)
    (tmp_path / "department.py").write_text(program)

    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "check_department.py",
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        stderr=asyncio.subprocess.PIPE,
    )
    _, told = await asyncio.wait_for(process.communicate(), timeout=60)

    assert process.returncode == 1
    assert told.decode().strip() == "the same once more: 200 instead of 401"


def test_init_changes_nothing_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("mine")

    result = run("init", str(tmp_path))

    assert result.exit_code == 1
    assert "nothing was changed" in result.output
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.json"]
    assert (tmp_path / "manifest.json").read_text() == "mine"


@pytest.mark.parametrize("wrong", [("--app-id", "hello"), ("--org-code", "123"), ("--org-name", "x" * 65)])
def test_init_refuses_wrong_names(tmp_path: Path, wrong: tuple[str, str]) -> None:
    assert run("init", str(tmp_path / "x"), *wrong).exit_code == 2
    assert not (tmp_path / "x").exists()


def test_lint_of_a_sound_manifest_tells_its_hash() -> None:
    result = run("lint", "-", given=encode(sound_document()))

    assert result.exit_code == 0
    assert result.output.startswith("sha-256 ")


def test_lint_names_every_finding_and_fails() -> None:
    document = spoil("backend/routes/0/scopes", ["library.fines"])
    document["zones"] = ["190000", "190000"]
    result = run("lint", "-", given=encode(document))

    assert result.exit_code == 1
    assert "error /backend/routes/0/scopes scope-unknown" in result.output
    assert "zones-repeated" in result.output
    assert "sha-256" not in result.output


def test_lint_tells_machines_in_json() -> None:
    result = run("lint", "-", "--json", given=encode(spoil("conduct", {"ranking": True})))

    assert json.loads(result.stdout)[0]["code"] == "conduct-refused"


@pytest.mark.parametrize("document", [b"", b"{", encode(spoil("surprise", 1)), b"\xff"])
def test_lint_of_something_else_says_so(document: bytes) -> None:
    result = run("lint", "-", given=document)

    assert result.exit_code == 2
    assert "unreadable" in result.output


def tried(folder: Path, *words: str, port: int | None = None) -> Result:
    """The kit against the template's server, on ports of their own."""
    backend, listen = port or free_port(), free_port()
    server = (sys.executable, str(folder / "department.py"), "--port", "{port}", "--issuer", "{issuer}")
    places = ("--backend", f"http://127.0.0.1:{backend}", "--listen", f"127.0.0.1:{listen}")
    return run("test", str(folder / "manifest.json"), *places, *words, *(() if port else ("--", *server)))


def test_the_template_passes_the_kit_and_lint_knows_its_report(tmp_path: Path) -> None:
    run("init", str(tmp_path))
    reports = [tmp_path / f"report.{ending}" for ending in ("json", "html", "md", "txt")]
    result = tried(tmp_path, *(word for path in reports for word in ("--report", str(path))))

    assert result.exit_code == 0, result.output
    assert "✗" not in result.output
    assert all(path.read_text() for path in reports)
    manifest, report = tmp_path / "manifest.json", str(reports[0])
    assert "conformance" not in run("lint", str(manifest), "--report", report).output
    assert "conformance-missing" in run("lint", str(manifest), "--report", str(tmp_path / "none.json")).output
    manifest.write_text(manifest.read_text().replace("你好", "您好"))
    assert "conformance-outdated" in run("lint", str(manifest), "--report", report).output
    reports[0].write_text("{}")
    assert "conformance-unreadable" in run("lint", str(manifest), "--report", report).output


def test_a_template_that_lost_its_door_does_not_pass(tmp_path: Path) -> None:
    run("init", str(tmp_path))
    program = (tmp_path / "department.py").read_text()
    closed = "verified(verifier, anonymous_paths="
    assert closed in program
    opened = program.replace(closed, 'verified(verifier, open_paths=("/health", "/.ssb/cards"), anonymous_paths=')
    (tmp_path / "department.py").write_text(opened)
    result = tried(tmp_path, "--json")

    failed = {case["id"] for case in json.loads(result.stdout)["cases"] if case["outcome"] == "failed"}
    assert result.exit_code == 1
    assert failed == {"replayed-card", "wrong-body"}


def test_where_nothing_answers_the_kit_says_so(tmp_path: Path) -> None:
    run("init", str(tmp_path))
    result = tried(tmp_path, port=free_port())

    assert result.exit_code == 2
    assert "nothing answers" in result.output
    assert "with issuer http://127.0.0.1:" in result.output


@pytest.mark.parametrize("command", ["test", "sandbox"])
def test_a_port_that_is_taken_is_told(tmp_path: Path, command: str) -> None:
    run("init", str(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as other:
        listen = f"127.0.0.1:{other.getsockname()[1]}"
        result = run(command, str(tmp_path / "manifest.json"), "--listen", listen)

    assert result.exit_code == 2
    assert f"Cannot listen on {listen} (Address already in use)" in " ".join(result.output.split())


def test_another_server_is_not_tried_in_place_of_the_commands(tmp_path: Path) -> None:
    run("init", str(tmp_path))
    (tmp_path / "department.py").write_text("raise SystemExit(3)")
    other = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    threading.Thread(target=other.serve_forever, daemon=True).start()
    try:
        result = tried(tmp_path, "--backend", f"http://127.0.0.1:{other.server_port}")
    finally:
        other.shutdown()
        other.server_close()

    assert result.exit_code == 2
    assert "taken already" in result.output


def test_a_command_that_ends_is_told(tmp_path: Path) -> None:
    run("init", str(tmp_path))
    (tmp_path / "department.py").write_text("raise SystemExit(3)")
    result = tried(tmp_path)

    assert result.exit_code == 2
    assert "ended with 3" in result.output


@pytest.mark.parametrize(
    "wrong", [("--report", "r.pdf"), ("--listen", "nowhere"), ("--backend", "http://127.1"), ("--backend", "x")]
)
def test_the_kit_refuses_what_it_cannot_use(tmp_path: Path, wrong: tuple[str, str]) -> None:
    run("init", str(tmp_path))

    assert run("test", str(tmp_path / "manifest.json"), *wrong).exit_code == 2


def test_a_live_server_elsewhere_is_not_tried_by_mistake(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_bytes(encode(sound_document()))
    result = run("test", str(tmp_path / "manifest.json"))

    assert result.exit_code == 2
    assert "--backend" in result.output


def test_schema_is_a_schema() -> None:
    schema = json.loads(run("schema").output)

    assert jsonschema_rs.validator_for(schema).is_valid(sound_document())


def test_help_teaches() -> None:
    for arguments in ([], ["init"], ["lint"], ["schema"]):
        assert run(*arguments, "--help").exit_code == 0
