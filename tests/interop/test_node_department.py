"""A department in another language, with nothing but Node's own modules, passes the conformance kit."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app.kit.processes import free_port
from tests.interop.node_program import own_node

FOLDER = Path(__file__).parent / "node_department"
REPOSITORY = Path(__file__).parents[2]


def try_department(folder: Path) -> tuple[int, dict[str, Any]]:
    """Exit status and report of the kit, as a developer runs it; Node is the package's own, and never skipped."""
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "miniapps.cli", "test", str(folder / "manifest.json"), "--json"),
            *("--backend", f"http://127.0.0.1:{free_port()}", "--listen", f"127.0.0.1:{free_port()}", "--"),
            *(*own_node(), str(folder / "department.mjs"), "--port", "{port}", "--issuer", "{issuer}"),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=REPOSITORY,
    )
    assert ended.stdout, ended.stderr
    return ended.returncode, json.loads(ended.stdout)


def test_it_passes_every_case() -> None:
    status, report = try_department(FOLDER)

    assert [case for case in report["cases"] if case["outcome"] != "passed"] == []
    assert (status, report["outcome"]) == (0, "passed")


@pytest.mark.parametrize(
    ("closed", "opened", "cases"),
    [
        ('refuse("replayed");', "{}", {"replayed", "replayed-card", "replayed-stream"}),
        ("proof.tag !== tag", "false", {"other-tag"}),
        ('refuse("digest-mismatch");', "{}", {"wrong-body"}),
        ('refuse("assertion-expired");', "{}", {"expired-assertion"}),
        ('refuse("signature-coverage");\n    const', "{}\n    const", {"uncovered-assertion", "uncovered-path"}),
        ('claims.aud !== this.#appId) refuse("assertion-audience")', "false) {}", {"others-assertion"}),
    ],
)
def test_the_same_with_one_check_taken_out_does_not(tmp_path: Path, closed: str, opened: str, cases: set[str]) -> None:
    for name in ("manifest.json", "department.mjs", "gateway.mjs"):
        (tmp_path / name).write_text((FOLDER / name).read_text())
    program = (tmp_path / "gateway.mjs").read_text()
    assert program.count(closed) == 1
    (tmp_path / "gateway.mjs").write_text(program.replace(closed, opened))

    status, report = try_department(tmp_path)

    assert status == 1
    failed = {one["id"] for one in report["cases"] if one["outcome"] == "failed"}
    assert failed == cases
