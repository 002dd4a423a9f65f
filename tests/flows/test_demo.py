"""The demo's journey, as a person runs it: twice on the same data, with everything behind it stopped afterwards."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.kit.embedded_postgres import EmbeddedPostgres, default_data_directory


@pytest.fixture
def data_directory() -> Iterator[Path]:
    directory = default_data_directory(Path.cwd()).parent / f"demo-test-{os.getpid()}"
    directory.mkdir(parents=True)
    yield directory
    EmbeddedPostgres(directory / "demo" / "postgres").forget()
    subprocess.run(["rm", "-r", str(directory)], check=True)


def run_demo(data_directory: Path, pictures: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "app.cli", "demo", "--pictures", str(pictures)],
        env=os.environ | {"SUISHEN_DATA_DIRECTORY": str(data_directory)},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


@pytest.mark.timeout(400)
def test_demo_holds_twice_on_the_same_data(data_directory: Path, tmp_path: Path) -> None:
    for _ in range(2):
        ended = run_demo(data_directory, tmp_path)
        assert ended.returncode == 0, ended.stderr
        assert "steps held" in ended.stderr
        assert "✗" not in ended.stderr
    assert len(list(tmp_path.glob("*.png"))) >= 7
    assert left_behind(data_directory) == []


def left_behind(directory: Path) -> list[str]:
    """The command lines of processes that still have to do with this data."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(directory) in line:
            found.append(line)
    return found
