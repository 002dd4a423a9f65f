"""Settings: every mistake at once, and a production start that refuses what development makes up."""

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.settings import VARIABLES, Settings, SettingsInvalid, describe, read_settings, to_environ

KEY = base64.urlsafe_b64encode(bytes(range(7, 39))).rstrip(b"=").decode()
PRODUCTION = {
    "SUISHEN_ENVIRONMENT": "production",
    "DATABASE_URL": "postgresql://city@db.internal/city",
    "SUISHEN_MASTER_KEY": KEY,
    "SUISHEN_PUBLIC_ORIGIN": "https://city.example",
    "SUISHEN_APPS_HOST": "apps.city.example",
    "SUISHEN_POPULATION_REGISTRY_URL": "https://population.example",
    "SUISHEN_ENTERPRISE_REGISTRY_URL": "https://enterprise.example",
    "SUISHEN_SMS_URL": "https://sms.example",
}


def mistakes_of(environ: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsInvalid) as caught:
        read_settings(environ)
    return caught.value.mistakes


def test_empty_environment_gives_development_on_loopback() -> None:
    settings = read_settings({})
    assert not settings.production
    assert settings.host == "127.0.0.1"
    assert settings.public_origin == "http://127.0.0.1:8000"
    assert settings.apps_host == "apps.localhost:8000"


def test_port_moves_the_derived_addresses() -> None:
    settings = read_settings({"SUISHEN_PORT": "9001"})
    assert (settings.public_origin, settings.apps_host) == ("http://127.0.0.1:9001", "apps.localhost:9001")


@pytest.mark.parametrize(("workers", "limits"), [("1", "memory"), ("2", "database")])
def test_several_workers_count_calls_together(workers: str, limits: str) -> None:
    assert read_settings({"SUISHEN_WORKERS": workers}).limits == limits
    assert read_settings({"SUISHEN_WORKERS": workers, "SUISHEN_LIMITS": "valkeys://v:1"}).limits == "valkeys://v:1"


def test_complete_production_environment_is_accepted() -> None:
    assert read_settings(PRODUCTION).production


@pytest.mark.parametrize("name", sorted(set(PRODUCTION) - {"SUISHEN_ENVIRONMENT"}))
def test_production_without_a_required_setting_is_refused(name: str) -> None:
    for absent in ({}, {name: ""}):
        environ = {key: value for key, value in PRODUCTION.items() if key != name} | absent
        assert mistakes_of(environ) == [f"{name} must be set in production."]


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("SUISHEN_MASTER_KEY", "development-only-" + KEY, "development key"),
        ("SUISHEN_MASTER_KEY", "c2hvcnQ", "exactly 32 bytes"),
        ("SUISHEN_MASTER_KEY", "A" * 43, "is not random"),
        ("SUISHEN_MASTER_KEY", "not base64!", "base64url"),
        ("SUISHEN_PUBLIC_ORIGIN", "http://city.example", "must be https"),
        ("SUISHEN_PUBLIC_ORIGIN", "https://city.example/path", "no path"),
        ("SUISHEN_APPS_HOST", "city.example", "must differ"),
        ("SUISHEN_PICTURES_DIRECTORY", "/tmp/x", "development only"),
        ("DATABASE_URL", "mysql://x", "postgresql://"),
        ("SUISHEN_PORT", "70000", "whole number"),
        ("SUISHEN_PORT", "８０００", "whole number"),
        ("SUISHEN_WORKERS", "0", "whole number"),
        ("SUISHEN_WORKERS", "-1", "whole number"),
        ("SUISHEN_APPS_HOST", "Apps Host", "lower case"),
        ("SUISHEN_CODE_PREFIX", "ssm1", "capital letters"),
        ("SUISHEN_SMS_URL", "ftp://sms.example", "http or https"),
        ("SUISHEN_SMS_URL", "https://sms.example/?token=1", "without query"),
        ("SUISHEN_ENTERPRISE_SOURCES", "fire", "name=url"),
        ("SUISHEN_REGION", "31", "six digits"),
        ("SUISHEN_TRUSTED_PROXIES", "proxy.internal", "networks"),
        ("SUISHEN_TRUSTED_PROXIES", "10.0.0.0/8,0.0.0.0/0", "not all"),
        ("SUISHEN_LIMITS", "redis", "valkey://"),
        ("SUISHEN_LIMITS", "valkey://", "valkey://"),
        ("SUISHEN_TYPO", "1", "is not a setting"),
    ],
)
def test_wrong_value_is_named_with_what_it_must_be(name: str, value: str, says: str) -> None:
    [mistake] = mistakes_of(PRODUCTION | {name: value})
    assert mistake.startswith(name)
    assert says in mistake


def test_every_mistake_is_reported_at_once() -> None:
    environ = {"SUISHEN_PORT": "x", "SUISHEN_WORKERS": "y", "DATABASE_URL": "z", "SUISHEN_NONSENSE": "1"}
    assert [line.split()[0] for line in mistakes_of(environ)] == [
        "DATABASE_URL",
        "SUISHEN_PORT",
        "SUISHEN_WORKERS",
        "SUISHEN_NONSENSE",
    ]


def test_mistakes_never_quote_a_secret() -> None:
    text = " ".join(
        mistakes_of(PRODUCTION | {"SUISHEN_MASTER_KEY": "hunter2", "DATABASE_URL": "mysql://u:hunter3@h/d"})
    )
    assert "hunter" not in text


def test_settings_survive_the_way_to_a_worker() -> None:
    settings = read_settings(
        PRODUCTION
        | {"SUISHEN_ENTERPRISE_SOURCES": "fire=https://a.example,food=https://b.example"}
        | {"SUISHEN_TRUSTED_PROXIES": "10.0.0.0/24, fd00::/64,192.0.2.1"}
    )
    assert read_settings(to_environ(settings)) == settings


def test_every_field_has_its_variable_and_its_description() -> None:
    assert {variable.field for variable in VARIABLES} == set(Settings.__struct_fields__)
    assert all(variable.name in describe() for variable in VARIABLES)


def test_documentation_is_in_step() -> None:
    assert describe() in Path("docs/settings.md").read_text(encoding="utf-8")


@given(st.dictionaries(st.sampled_from([variable.name for variable in VARIABLES]), st.text(max_size=30)))
def test_any_environment_gives_settings_or_named_mistakes(environ: dict[str, str]) -> None:
    try:
        read_settings(environ)
    except SettingsInvalid as error:
        assert error.mistakes  # noqa: PT017 - either outcome is right, an empty list is not
