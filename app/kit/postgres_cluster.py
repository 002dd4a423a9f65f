"""Makes a new PostgreSQL cluster with the application's role and database, whole or not at all.

Knows how a program is run as another user; starts no server and never touches a cluster that exists.
"""

import os
import pwd
import shutil
import subprocess
from pathlib import Path

from app.kit.postgres_binaries import EmbeddedPostgresError, Installation

DATABASE = ROLE = "suishen"
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

# The application's role owns its database and may make more (tests clone theirs), but is no superuser.
# A single-user server takes a blank line as the end of a statement.
FIRST_STATEMENTS = f"""\
create role {ROLE} login createdb in role pg_monitor, pg_checkpoint, pg_signal_backend;

create database {DATABASE} owner {ROLE};

"""


def create_cluster(installation: Installation, cluster: Path, uid: int, *, durable: bool) -> None:
    """Builds beside the final place and renames; what an interrupted attempt left is swept away first.

    initdb insists on a user with a name. As root it therefore works as "nobody", in this one folder, which is then
    handed over to `uid`. Raises `EmbeddedPostgresError`.
    """
    new = cluster.with_name(cluster.name + ".new")
    if new.exists():
        shutil.rmtree(new)
    new.mkdir(mode=0o700)
    if os.geteuid() != 0:
        _make(installation, new, _named(uid), durable=durable)
    else:
        maker = _nobody()
        os.chown(new, maker, maker)
        os.chown(cluster.parent, 0, 0)
        cluster.parent.chmod(0o711)
        _make(installation, new, maker, durable=durable)
        _hand_over(new, maker, uid)
        cluster.parent.chmod(0o700)
        os.chown(cluster.parent, uid, uid)
    new.rename(cluster)
    _sync_directory(cluster.parent)


def options(settings: dict[str, str]) -> list[str]:
    """As PostgreSQL reads them on its command line."""
    return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]


def environment() -> dict[str, str]:
    """For PostgreSQL's programs: without the owner's secrets, and without PG* variables that would bend them."""
    kept = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR")
    return {name: os.environ[name] for name in kept if name in os.environ} | {"LC_ALL": "C", "TZ": "UTC"}


def user_name(uid: int) -> str | None:
    """The name that the operating system knows for a user id."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return None


def _make(installation: Installation, new: Path, maker: int, *, durable: bool) -> None:
    initdb = [installation.program("initdb"), "-D", str(new), "--username=postgres", "--auth=reject"]
    initdb += ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    initdb += ["--data-checksums", "--no-instructions"] + ([] if durable else ["--no-sync"])
    _run_as(maker, initdb)
    single = [installation.program("postgres"), "--single", "-j", "-D", str(new)]
    single += options({"exit_on_error": "on"} | (DURABLE if durable else NOT_DURABLE))
    _run_as(maker, [*single, "postgres"], FIRST_STATEMENTS)


def _run_as(uid: int, command: list[str], stdin: str = "") -> None:
    is_root = os.geteuid() == 0
    done = subprocess.run(  # noqa: S603 - our own command line
        command,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env=environment(),
        umask=0o077,
        user=uid if is_root else None,
        group=uid if is_root else None,
        extra_groups=[] if is_root else None,
    )
    # A single-user server may report a failed statement and still leave with 0.
    if done.returncode != 0 or "ERROR:" in done.stderr or "FATAL:" in done.stderr:
        raise EmbeddedPostgresError(
            f"A new PostgreSQL cluster could not be made: {(done.stderr + done.stdout)[-1500:]}"
        )


def _hand_over(tree: Path, maker: int, uid: int) -> None:
    """Gives files of `maker` to `uid`; refuses what somebody else of that name may have slipped in."""
    for _, directories, files, descriptor in os.fwalk(tree):
        for name in [*directories, *files]:
            status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
            if status.st_uid != maker or (name in files and status.st_nlink != 1):
                raise EmbeddedPostgresError(f"Somebody else wrote into {tree} while it was made; start again.")
            os.chown(name, uid, uid, dir_fd=descriptor, follow_symlinks=False)
    os.chown(tree, uid, uid)


def _named(uid: int) -> int:
    if user_name(uid) is None:
        raise EmbeddedPostgresError(
            f"PostgreSQL needs your user id {uid} to have a name (a line in /etc/passwd). "
            "Add one, or set DATABASE_URL to a PostgreSQL server of yours."
        )
    return uid


def _nobody() -> int:
    try:
        return pwd.getpwnam("nobody").pw_uid
    except KeyError as error:
        raise EmbeddedPostgresError(
            'PostgreSQL does not run as root, and this machine has no user "nobody" to make the database with. '
            "Start the server as an ordinary user, or set DATABASE_URL to a PostgreSQL server of yours."
        ) from error


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
