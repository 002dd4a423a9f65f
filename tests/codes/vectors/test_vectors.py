"""Every vector has its named reason, by the verifier over files that `suishen verify-offline` is."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from codes.envelope.presentation import parse_presentation
from codes.offline import StatusFound, examine, judge
from codes.offline_files import CHANGES_FILE, LIST_FILE, ROOT_FILE, STATUS_FOLDER, VERSION_FILE, read_folder
from codes.showing.grants.pointers import GrantPointer, Pointers
from codes.status.models import Status, StatusEntry
from codes.verdict import Reason, Verdict
from tests.codes.signed import FORMAT, SHARD, TRUST_LIST, status_lists, verdict_on
from tests.codes.vectors.generate import FILE, SUSPENDED_INDEX, generate

CONTENT: dict[str, Any] = json.loads(FILE.read_text())


def test_the_file_is_what_the_script_writes() -> None:
    assert generate() == CONTENT


def folder_of(vector: dict[str, Any], directory: Path) -> Path:
    """The lists that a vector goes by, as `suishen pull-lists` lays them out."""
    (directory / ROOT_FILE).write_text(json.dumps(CONTENT["root"]))
    (directory / LIST_FILE).write_bytes(bytes.fromhex(CONTENT["trust_list"]))
    (directory / STATUS_FOLDER).mkdir()
    if vector["status_list"]:
        path = directory / STATUS_FOLDER / f"{CONTENT['status_list']['shard']}.cwt"
        path.write_bytes(bytes.fromhex(CONTENT["status_list"]["data"]))
    if vector["changes"]:
        (directory / CHANGES_FILE).write_bytes(bytes.fromhex(CONTENT["changes"]))
    if vector["last_version"]:
        (directory / VERSION_FILE).write_text(str(vector["last_version"]))
    return directory


@pytest.mark.parametrize("vector", CONTENT["vectors"], ids=lambda vector: vector["name"])
def test_reason(vector: dict[str, Any], tmp_path: Path) -> None:
    if vector["mode"] == "online":
        assert reason_online(vector) == vector["reason"]
        return
    verifier = read_folder(folder_of(vector, tmp_path), datetime.fromisoformat(vector["now"]))
    result = verifier.verify(
        vector["code"],
        scenario=vector["scenario"],
        now=datetime.fromisoformat(vector["now"]),
        holder_checked=vector["holder_checked"],
    )
    assert result.reason == vector["reason"]
    assert (result.verdict is Verdict.ACCEPT) == (vector["reason"] == "OK")
    assert result.disclosed == {}


def reason_online(vector: dict[str, Any]) -> Reason:
    """The same code where two clocks agree: no allowance."""
    now = datetime.fromisoformat(vector["now"])
    examined = examine(vector["code"], TRUST_LIST, FORMAT, now)
    assert examined.shown is not None
    known = StatusFound(status=Status.VALID, as_of=now)
    return judge(examined.shown, TRUST_LIST, known, TRUST_LIST.scenarios[vector["scenario"]], now).reason


@pytest.mark.parametrize("sequence", CONTENT["sequences"], ids=lambda sequence: sequence["name"])
def test_what_the_guard_tells(sequence: dict[str, Any]) -> None:
    """By the smallest guard that does, a set of (cti, iat); the real one is a unique index with tests of its own."""
    spent: set[tuple[bytes, int]] = set()
    lists = status_lists(StatusEntry(shard=SHARD, index=SUSPENDED_INDEX, status=Status.SUSPENDED))
    for code, reason in sequence["scans"]:
        found = verdict_on(code, lists=lists).reason
        read = parse_presentation(code, FORMAT.prefix)
        key = (read.claims.cti, read.presentation.iat)
        if found is Reason.OK:
            found = Reason.REPLAYED if key in spent else Reason.OK
            spent.add(key)
        assert found == reason


def test_pointers_open_to_what_they_were_sealed_over() -> None:
    content = CONTENT["pointers"]
    pointers = Pointers(bytes.fromhex(content["key"]))
    for vector in content["opens"]:
        expected = GrantPointer(batch=vector["batch"], number=vector["number"])
        assert pointers.open(bytes.fromhex(vector["cti"])) == expected
    for name, cti in content["refused"].items():
        assert pointers.open(bytes.fromhex(cti)) is None, name


def test_every_reason_of_a_pure_verifier_has_a_vector() -> None:
    """Those that remain need the city's books, its scanners or its limits."""
    books = {"SCANNER_NOT_REGISTERED", "SCANNER_NOT_ALLOWED", "CONSENT_REQUIRED", "RATE_LIMITED", "TEMPORARY"}
    assert {vector["reason"] for vector in CONTENT["vectors"]} == {reason.value for reason in Reason} - books


def test_names_are_unique_and_the_format_is_described() -> None:
    names = [vector["name"] for vector in CONTENT["vectors"]]
    assert len(set(names)) == len(names)
    described = FILE.with_name("README.md").read_text()
    for field in {*CONTENT, *CONTENT["vectors"][0]}:
        assert f"`{field}`" in described, field
