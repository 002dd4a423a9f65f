"""Folders for embedded clusters, and one that was made once, to be copied."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.kit.embedded_postgres import EmbeddedPostgres


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that every user may enter; pytest's own is closed to the uid that PostgreSQL gets under root."""
    directory = Path(tempfile.mkdtemp(prefix="suishen-test-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture(scope="session")
def made() -> Iterator[Path]:
    """A data directory that was started and stopped once, to be copied: making one takes most of a second."""
    directory = Path(tempfile.mkdtemp(prefix="suishen-test-"))
    directory.chmod(0o755)
    with EmbeddedPostgres(directory / "model", durable=False):
        pass
    yield directory / "model"
    shutil.rmtree(directory)
