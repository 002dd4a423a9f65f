"""From any manifest to that of an emergency, and from its end to a proof that the city takes."""

import json
import stat
from pathlib import Path
from typing import Any

import jwt
import pytest
from click.testing import CliRunner, Result

from miniapps.cli import miniapp
from miniapps.errors import ReceiptInvalid
from miniapps.lifecycle.models import DELETION_TYP, read_deletion
from miniapps.manifest import lint_manifest, parse_manifest, refusals
from miniapps.receipts import read_receipt
from tests.miniapps.conftest import APP_ID
from tests.miniapps.documents import sound_document

LAW = ["--law", "突发事件应对法", "--event-zh", "防汛登记", "--event-en", "Flood registration"]


def run(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(miniapp, [*arguments, "--key", str(folder / "key.pem")])


def written(folder: Path, document: dict[str, Any] | None = None) -> Path:
    path = folder / "manifest.json"
    path.write_text(json.dumps(document or sound_document(), ensure_ascii=False))
    return path


def test_any_manifest_becomes_an_emergencys_and_its_end_can_be_proven(tmp_path: Path) -> None:
    path = written(tmp_path)
    made = run(tmp_path, "emergency", str(path), *LAW)
    assert made.exit_code == 0, made.output
    assert stat.S_IMODE((tmp_path / "key.pem").stat().st_mode) == 0o600
    manifest = parse_manifest(path.read_bytes())
    assert refusals(lint_manifest(manifest)) == []
    assert manifest.emergency is not None
    assert {(scope.basis, scope.retention_days) for scope in manifest.scopes} == {("statute", 30)}
    receipt = run(tmp_path, "prove-deletion", APP_ID, "--count", "rows=12", "--count", "a=b=0").output.strip()
    claims = read_deletion(read_receipt(receipt, typ=DELETION_TYP, manifest=manifest))
    assert claims is not None
    assert (claims.app_id, claims.counts) == (APP_ID, {"rows": 12, "a=b": 0})


def test_what_is_one_already_stays_as_it_is(tmp_path: Path) -> None:
    path = written(tmp_path)
    run(tmp_path, "emergency", str(path), *LAW)
    before = path.read_bytes()
    again = run(tmp_path, "emergency", str(path), *LAW)
    assert (again.exit_code, path.read_bytes()) == (1, before)


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["emergency", "{path}", *LAW, "--days", "181"], 2),
        (["emergency", "{path}", *LAW, "--days", "0"], 2),
        (["emergency", "{path}", *LAW[2:]], 2),
        (["emergency", "{path}", "--law", "", *LAW[2:]], 1),
        (["prove-deletion", APP_ID, "--count", "rows"], 2),
        (["prove-deletion", APP_ID, "--count", "rows=-1"], 2),
        (["prove-deletion", APP_ID], 2),
    ],
)
def test_odd_commands_change_nothing(tmp_path: Path, arguments: list[str], status: int) -> None:
    path = written(tmp_path)
    run(tmp_path, "emergency", str(written(tmp_path)), *LAW)  # a key is there
    path = written(tmp_path)
    before = path.read_bytes()
    answer = run(tmp_path, *(argument.replace("{path}", str(path)) for argument in arguments))
    assert (answer.exit_code, path.read_bytes()) == (status, before)


def test_a_manifest_that_would_be_refused_is_not_written(tmp_path: Path) -> None:
    path = written(tmp_path, sound_document(conduct={"ranking": True}))
    before = path.read_bytes()
    assert run(tmp_path, "emergency", str(path), *LAW).exit_code == 1
    assert path.read_bytes() == before


@pytest.mark.parametrize("text", ["", "{}", "[]", "nonsense"])
def test_what_is_no_manifest_is_told_plainly(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    answer = run(tmp_path, "emergency", str(tmp_path / "manifest.json"), *LAW)
    assert (answer.exit_code, "nothing was changed" in answer.output) == (1, True)


def test_another_key_proves_nothing(tmp_path: Path) -> None:
    path = written(tmp_path)
    run(tmp_path, "emergency", str(path), *LAW)
    (tmp_path / "other").mkdir()
    run(tmp_path / "other", "emergency", str(written(tmp_path / "other")), *LAW)
    receipt = run(tmp_path / "other", "prove-deletion", APP_ID, "--count", "rows=1").output.strip()
    assert jwt.get_unverified_header(receipt)["kid"] == "deletion"
    with pytest.raises(ReceiptInvalid):
        read_receipt(receipt, typ=DELETION_TYP, manifest=parse_manifest(path.read_bytes()))
