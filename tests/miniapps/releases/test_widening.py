"""What a version asks for beyond the one before, and that old consents are void exactly where it asks for more."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miniapps.manifest import Manifest, consent_text, parse_manifest, recipient_of
from miniapps.releases.widening import needs_consent, widened
from tests.miniapps.documents import encode, sound_document

SCOPE: dict[str, Any] = {
    "name": "library.card",
    "fields": ["full_name"],
    "purpose": {"zh": "办理读者证", "en": "A reader's card"},
    "basis": "consent",
    "retention_days": 30,
}


def a_manifest(scope: dict[str, Any] | None = None, **changes: Any) -> Manifest:
    document = sound_document(**changes)
    document["data"]["scopes"] = [SCOPE | (scope or {}), *document["data"]["scopes"]]
    return parse_manifest(encode(document))


def version(manifest: Manifest, name: str = "library.card") -> str | None:
    return next(
        (consent_text(scope, recipient_of(manifest)).version for scope in manifest.scopes if scope.name == name), None
    )


BACKEND = sound_document()["backend"]
ELSEWHERE = {**BACKEND, "base_url": {"live": "https://vendor.example.cn/suishen"}}
GRAY_ELSEWHERE = {**BACKEND, "base_url": BACKEND["base_url"] | {"gray": "https://gray.example.cn"}}
OPEN = {**BACKEND, "routes": [BACKEND["routes"][0] | {"min_ial": 1}, BACKEND["routes"][1]]}
WIDER: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "fields": ({"fields": ["full_name", "phone_tail"]}, {}),
    "retention": ({"retention_days": 31}, {}),
    "purpose": ({"purpose": {"zh": "办证和推荐", "en": "A card, and recommendations"}}, {}),
    "sensitivity": ({"class": "sensitive"}, {}),
    "host": ({}, {"backend": ELSEWHERE}),
    "audience": ({}, {"audience": ["person", "staff"]}),
}


@pytest.mark.parametrize("kind", WIDER)
def test_what_grows_is_named_and_makes_old_consents_void(kind: str) -> None:
    scope, changes = WIDER[kind]
    before, after = a_manifest(), a_manifest(scope, **changes)
    found = widened(before, after)
    assert [widening.kind for widening in found] == [kind]
    assert needs_consent(found)
    assert version(before) != version(after)


@pytest.mark.parametrize(("kind", "changes"), [("host", {"backend": GRAY_ELSEWHERE}), ("threshold", {"backend": OPEN})])
def test_hosts_of_gray_releases_and_lower_thresholds_are_named(kind: str, changes: dict[str, Any]) -> None:
    found = widened(a_manifest(), a_manifest(**changes))
    assert [widening.kind for widening in found] == [kind]
    assert needs_consent(found) == (kind == "host")


def test_a_new_scope_a_new_basis_and_a_lost_mask_are_named() -> None:
    before = a_manifest()
    document = sound_document()
    document["data"] = {
        "scopes": [
            SCOPE | {"basis": "contract", "required": True},
            *document["data"]["scopes"],
            SCOPE | {"name": "news"},
        ]
    }
    found = widened(before, parse_manifest(encode(document)))
    assert [widening.kind for widening in found] == ["basis", "required", "scope", "masking"]
    assert found[2].at == "/data/scopes/2"
    assert needs_consent(found)


def test_nothing_widens_where_less_is_asked() -> None:
    before = a_manifest({"fields": ["full_name", "phone_tail"], "retention_days": 60}, audience=["person", "staff"])
    assert widened(before, before) == ()
    assert widened(before, a_manifest()) == ()


def test_a_sandbox_elsewhere_is_no_wider_place() -> None:
    sandbox = {**BACKEND, "base_url": BACKEND["base_url"] | {"sandbox": "https://sandbox.example.cn"}}
    assert widened(a_manifest(), a_manifest(backend=sandbox)) == ()


SCOPES = st.fixed_dictionaries(
    {
        "fields": st.lists(st.sampled_from(["full_name", "phone_tail", "display_name"]), unique=True),
        "retention_days": st.integers(0, 100),
        "class": st.sampled_from(["public", "personal", "sensitive"]),
    }
)
CHANGES = st.fixed_dictionaries(
    {
        "backend": st.sampled_from([BACKEND, ELSEWHERE, GRAY_ELSEWHERE, OPEN]),
        "audience": st.sampled_from([["person"], ["person", "staff"], ["visitor", "person"]]),
    }
)


@given(SCOPES, CHANGES, SCOPES, CHANGES)
def test_no_wider_version_rests_on_an_old_consent(
    scope: dict[str, Any], changes: dict[str, Any], wider: dict[str, Any], others: dict[str, Any]
) -> None:
    """Whatever two versions say: a widening that needs consent leaves no consent of before in force."""
    before, after = a_manifest(scope, **changes), a_manifest(wider, **others)
    if needs_consent(widened(before, after)):
        assert version(before) != version(after)
