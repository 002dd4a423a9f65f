"""Every vector has its named reason, by the verifier over files that `suishen verify-offline` is."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from codes.offline_files import verify_files
from codes.verdict import Verdict
from tests.codes.vectors.generate import FILE, generate

CONTENT: dict[str, Any] = json.loads(FILE.read_text())


def test_the_file_is_what_the_script_writes() -> None:
    assert generate() == CONTENT


@pytest.mark.parametrize("vector", CONTENT["vectors"], ids=lambda vector: vector["name"])
def test_reason(vector: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "root.json").write_text(json.dumps(CONTENT["root"]))
    (tmp_path / "trust-list.cose").write_bytes(bytes.fromhex(CONTENT["trust_list"]))
    if vector["status_list"]:
        (tmp_path / f"{CONTENT['status_list']['shard']}.cwt").write_bytes(bytes.fromhex(CONTENT["status_list"]["data"]))
    if vector["last_version"]:
        (tmp_path / "trust-list.version").write_text(str(vector["last_version"]))
    result = verify_files(
        vector["code"],
        trust_list_path=tmp_path / "trust-list.cose",
        status_directory=tmp_path,
        root_path=tmp_path / "root.json",
        scenario=vector["scenario"],
        now=datetime.fromisoformat(vector["now"]),
    )
    assert result.reason == vector["reason"]
    assert (result.verdict is Verdict.ACCEPT) == (vector["reason"] == "OK")
    assert result.disclosed == {}
