"""The SDK as a department installs it: built offline into a wheel of its own, and three lines that verify a request."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
SDK = REPOSITORY / "miniapps" / "sdk"
README = (SDK / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)

# What stands around the README's three lines in a department's program.
BEFORE = """
import asyncio
from suishen_department import Jwks, Refused, Verifier
from suishen_department.testing import TestCity

city = TestCity(app_id="cn.example.library", issuer="https://id.example.cn")

class Request:
    method, raw_path = "POST", "/loans?x=%2e"
    body = b'{"title": 1}'
    headers = city.sign(method, raw_path, body=body, headers={"content-type": "application/json"})

    async def read(self):
        return self.body

async def serve(request):
"""
AFTER = """
    return citizen

async def main():
    request = Request()
    citizen = await serve(request)
    assert citizen.openid == "openid-1", citizen
    try:
        await serve(request)
    except Refused as refusal:
        assert refusal.reason == "replayed"
    else:
        raise SystemExit("believed twice")
    request.body = b"{}"
    request.headers = city.sign("POST", request.raw_path, body=b"[]")
    try:
        await serve(request)
    except Refused as refusal:
        print(refusal.reason)

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nothing of ours but the wheel, installed without an index."""
    folder = tmp_path_factory.mktemp("sdk")
    shutil.copytree(SDK, folder / "source", ignore=shutil.ignore_patterns("__pycache__"))
    wheels = folder / "wheels"
    run(
        sys.executable,
        "-m",
        "hatchling",
        "build",
        "--target",
        "wheel",
        "--directory",
        str(wheels),
        cwd=folder / "source",
    )
    (wheel,) = wheels.glob("suishen_department-*.whl")
    target = folder / "site"
    run(
        sys.executable,
        "-m",
        "pip",
        "install",
        "--no-deps",
        "--no-index",
        "--target",
        str(target),
        str(wheel),
        cwd=folder,
    )
    return target


def run(*words: str, cwd: Path, **environment: str) -> str:
    ended = subprocess.run(
        words,
        cwd=cwd,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_the_wheel_holds_the_package_alone(installed: Path) -> None:
    (wheel,) = (installed.parent / "wheels").iterdir()
    names = zipfile.ZipFile(wheel).namelist()

    assert {name.partition("/")[0] for name in names if "dist-info" not in name} == {"suishen_department"}
    assert {"suishen_department/verifier.py", "suishen_department/py.typed"} <= set(names)
    assert not [name for name in names if "pyproject" in name or ("README" in name and "dist-info" not in name)]


def test_the_three_lines_of_the_readme_verify_a_request(installed: Path, tmp_path: Path) -> None:
    block = next(text for text in BLOCK.findall(README) if "await verifier.verify" in text)
    lines = [line for line in block.splitlines() if line and not line.startswith(("import", "from"))]
    assert len(lines) == 2, "a line to make the verifier, a line to use it, beside the import"
    made = lines[0].replace(
        'issuer="https://id.example.cn")', 'issuer="https://id.example.cn", keys=Jwks(city.jwks()))'
    )
    # In a test the gateway's authority is the city's own; in a department it is the request's Host.
    program = f"{BEFORE}    {lines[1]}{AFTER}".replace("async def serve", f"{made}\n\nasync def serve", 1)

    told = run(sys.executable, "-c", program, cwd=tmp_path, PYTHONPATH=str(installed))
    assert told.strip() == "digest-mismatch"


@pytest.mark.parametrize("number", range(len(BLOCK.findall(README))))
def test_every_example_of_the_readme_can_be_read(installed: Path, tmp_path: Path, number: int) -> None:
    block = BLOCK.findall(README)[number]
    imports = [line for line in block.splitlines() if line.startswith(("import ", "from "))]
    program = "\n".join(
        ["import ast, sys", f"ast.parse({block!r}, mode='exec')" if "await" not in block else "", *imports]
    )

    assert run(sys.executable, "-c", program, cwd=tmp_path, PYTHONPATH=str(installed)) == ""


def test_the_sdk_imports_nothing_of_ours(installed: Path, tmp_path: Path) -> None:
    program = (
        "import sys, suishen_department, suishen_department.asgi, suishen_department.testing\n"
        "ours = {'app', 'auth', 'codes', 'miniapps', 'gateway'} & {name.partition('.')[0] for name in sys.modules}\n"
        "assert not ours, ours\n"
        "print(suishen_department.__file__)"
    )

    assert str(installed) in run(sys.executable, "-c", program, cwd=tmp_path, PYTHONPATH=str(installed))
