"""The list of attacks in docs/conformance.md names tests that are there."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
ROW = re.compile(r"^\| (?P<attack>[^|`]+) \| (?P<tests>`tests/[^|]+) \|$", re.MULTILINE)
NAMED = re.compile(r"`(?P<path>tests/[\w/]+\.py)::(?P<test>\w+)`")
WANTED = {
    "alg none",
    "HS and RS confusion",
    "JWK confusion",
    "wrong typ",
    "wrong aud, wrong iss",
    "crit",
    "kid paths",
    "code reuse",
    "PKCE downgrade",
    "redirect tricks",
    "session fixation",
    "one-time codes guessed across paths and addresses",
    "enumeration by body and status",
    "enumeration by time",
    "refresh races",
    "a phone's new owner",
    "logout as a denial of service",
}


def test_every_attack_has_its_tests() -> None:
    rows = {
        row["attack"]: NAMED.findall(row["tests"]) for row in ROW.finditer((ROOT / "docs/conformance.md").read_text())
    }
    assert set(rows) >= WANTED
    for attack, named in rows.items():
        assert named, attack
        for path, test in named:
            assert test in functions_of(ROOT / path), f"{attack}: {path}::{test}"


def functions_of(path: Path) -> set[str]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, kinds)}
