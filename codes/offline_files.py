"""The offline verifier over files: what was pulled while the network was there, and nothing else.

A folder holds `trust-root.json` (taken over once, by hand), `trust-list.cose`, `status/{shard}.cwt`, `changes.cose`,
and, so that nothing older is believed later, `trust-list.version` and `changes.step`.
"""

import contextlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import msgspec

from codes.offline_verifier import OfflineVerifier, RootUnreadable, TrustListRefused
from codes.verdict import Refused, VerificationResult

__all__ = ["RootUnreadable", "export_changes", "export_files", "read_folder", "verify_folder"]

ROOT_FILE, LIST_FILE, VERSION_FILE = "trust-root.json", "trust-list.cose", "trust-list.version"
STATUS_FOLDER, STATUS_SUFFIX = "status", ".cwt"
CHANGES_FILE, STEP_FILE = "changes.cose", "changes.step"

Fetch = Callable[[str], bytes]


def verify_folder(
    code_text: str, directory: Path, *, scenario: int, now: datetime, holder_checked: bool = False
) -> VerificationResult:
    """The verdict on `code_text` by what lies in `directory`. Raises `RootUnreadable` and `OSError`, nothing else.

    A trust list that cannot be believed gives TRUST_LIST_STALE; so does a scenario that the list does not know.
    What was believed is remembered beside it.
    """
    verifier = read_folder(directory, now)
    if verifier.version is not None:
        (directory / VERSION_FILE).write_text(f"{verifier.version}\n")
    (directory / STEP_FILE).write_text(f"{verifier.step}\n")
    return verifier.verify(code_text, scenario=scenario, now=now, holder_checked=holder_checked)


def read_folder(directory: Path, now: datetime) -> OfflineVerifier:
    """A verifier of everything in `directory` that can be believed; the rest counts as missing."""
    verifier = read_lists(directory, now)
    if (directory / CHANGES_FILE).exists():
        with contextlib.suppress(Refused):
            verifier.take_changes((directory / CHANGES_FILE).read_bytes(), now)
    return verifier


def read_lists(directory: Path, now: datetime) -> OfflineVerifier:
    """The same without the changes since."""
    verifier = OfflineVerifier(
        (directory / ROOT_FILE).read_bytes(),
        last_version=read_number(directory / VERSION_FILE),
        last_step=read_number(directory / STEP_FILE) or 0,
    )
    with contextlib.suppress(TrustListRefused):
        verifier.take_trust_list((directory / LIST_FILE).read_bytes(), now)
    for path in sorted((directory / STATUS_FOLDER).glob(f"*{STATUS_SUFFIX}")):
        if path.stem.isdecimal():
            with contextlib.suppress(Refused):
                verifier.take_status_list(int(path.stem), path.read_bytes(), now)
    return verifier


def export_files(fetch: Fetch, directory: Path) -> None:
    """Saves what an offline verifier needs. `fetch` gets a path of the city's public API and returns the body.

    The root is written only where none lies yet: whoever believes a root anew each time believes anybody.
    """
    (directory / STATUS_FOLDER).mkdir(parents=True, exist_ok=True)
    if not (directory / ROOT_FILE).exists():
        (directory / ROOT_FILE).write_bytes(fetch("/v1/trust-root"))
    (directory / LIST_FILE).write_bytes(fetch("/v1/trust-list"))
    shards: list[int] = msgspec.json.decode(fetch("/v1/status"))["items"]
    for shard in shards:
        (directory / STATUS_FOLDER / f"{shard}{STATUS_SUFFIX}").write_bytes(fetch(f"/v1/status/{shard}"))
    (directory / CHANGES_FILE).unlink(missing_ok=True)


def export_changes(fetch: Fetch, directory: Path, now: datetime) -> None:
    """Saves the trust list and what changed since the status lists were pulled: small, for every half minute."""
    (directory / LIST_FILE).write_bytes(fetch("/v1/trust-list"))
    after = read_lists(directory, now).changes_after
    (directory / CHANGES_FILE).write_bytes(fetch(f"/v1/status/changes?after={after}"))


def read_number(path: Path) -> int | None:
    """A version or step believed here earlier, or None before the first."""
    return int(path.read_text()) if path.exists() else None
