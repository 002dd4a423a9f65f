"""Every vector has its named reason, by the verifier over files that `suishen verify-offline` is."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from codes.offline_files import LIST_FILE, ROOT_FILE, STATUS_FOLDER, VERSION_FILE, verify_folder
from codes.verdict import Verdict
from tests.codes.vectors.generate import FILE, generate

CONTENT: dict[str, Any] = json.loads(FILE.read_text())


def test_the_file_is_what_the_script_writes() -> None:
    assert generate() == CONTENT


@pytest.mark.parametrize("vector", CONTENT["vectors"], ids=lambda vector: vector["name"])
def test_reason(vector: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / ROOT_FILE).write_text(json.dumps(CONTENT["root"]))
    (tmp_path / LIST_FILE).write_bytes(bytes.fromhex(CONTENT["trust_list"]))
    (tmp_path / STATUS_FOLDER).mkdir()
    if vector["status_list"]:
        path = tmp_path / STATUS_FOLDER / f"{CONTENT['status_list']['shard']}.cwt"
        path.write_bytes(bytes.fromhex(CONTENT["status_list"]["data"]))
    if vector["last_version"]:
        (tmp_path / VERSION_FILE).write_text(str(vector["last_version"]))
    now = datetime.fromisoformat(vector["now"])
    result = verify_folder(vector["code"], tmp_path, scenario=vector["scenario"], now=now)
    assert result.reason == vector["reason"]
    assert (result.verdict is Verdict.ACCEPT) == (vector["reason"] == "OK")
    assert result.disclosed == {}
