"""Who wrote a manifest reads where it is wrong and what may stand there."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miniapps.manifest import ManifestUnreadable, parse_manifest
from miniapps.manifest.canonical import json_schema
from miniapps.manifest.explaining import explain
from tests.miniapps.documents import encode, sound_document, spoil

SOUND = sound_document()
SCHEMA = json_schema()


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (SOUND | {"shrt_name": "x"}, "unknown field `shrt_name`; is `short_name` meant?"),
        (SOUND | {"zzz": 1}, "unknown field `zzz`"),
        (spoil("backend/routes/0/scope", []), "/backend/routes/0: unknown field `scope`; is `scopes` meant?"),
        (spoil("items/0/kind", "other"), "/items/0/kind: Invalid enum value 'other'; one of adjudication, benefit"),
        (spoil("zones/0", "19"), "/zones/0: not of this form: GB/T 2260: city or district (6 digits), street (9)"),
        (spoil("app_id", "Museum"), "/app_id: not of this form: Reverse domain name of the mini-app"),
        (spoil("version/name", "?"), "/version/name: not of this form: ^[0-9A-Za-z][0-9A-Za-z.+-]{0,31}$"),
        (spoil("backend/base_url/live", 5), "/backend/base_url/live: Expected `str`, got `int`"),
        (spoil("short_name", "一二三四五六七"), "/short_name: Expected `str` of length <= 6"),
        ({name: value for name, value in SOUND.items() if name != "owner"}, "Object missing required field `owner`"),
        ([], "Expected `object`, got `array`"),
    ],
)
def test_a_mistake_is_named_with_its_place_and_what_is_allowed(document: Any, reason: str) -> None:
    with pytest.raises(ManifestUnreadable) as unreadable:
        parse_manifest(encode(document))
    assert unreadable.value.reason.startswith(reason)
    assert "?!" not in unreadable.value.reason


@given(st.text(), st.text(alphabet=st.sampled_from("abackendroutes.[]019`$ ")))
def test_any_problem_is_passed_on(what: str, place: str) -> None:
    assert "Odd: " in explain(f"Odd: {what} - at `${place}`", SCHEMA)
