"""What is a consent and what is not: pure, by the words, the fields, the basis and the age."""

from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from app.kit.errors import SuishenError
from app.kit.structs import Text
from auth.consents.ages import fourteenth_birthday
from auth.consents.errors import FieldsBeyondText, NotByConsent, SeparateConsentNeeded, TextOutdated
from auth.consents.models import GrantConsent, refuse_grant
from auth.consents.texts import ConsentText, RegisteredPurpose

CARD = ConsentText(purpose=Text(zh="办理读者证", en="A card"), fields=("full_name", "phone_tail"))
IDENTITY = ConsentText(purpose=Text(zh="核验身份", en="Check"), fields=("id_number",))
HEALTH = ConsentText(purpose=Text(zh="无障碍服务", en="Access"), fields=("full_name",), sensitive=True)
OPEN = RegisteredPurpose(basis="consent", text=CARD)


def grant(text: ConsentText = CARD, **changes: object) -> GrantConsent:
    base = {"department_id": UUID(int=1), "purpose": "library.card", "fields": list(text.fields)}
    return GrantConsent(**(base | {"text_version": text.version} | changes))  # type: ignore[arg-type] # any field


@pytest.mark.parametrize(
    ("asked", "registered", "refusal"),
    [
        (grant(), replace(OPEN, basis="statute"), NotByConsent),
        (grant(), replace(OPEN, basis="contract"), NotByConsent),
        (grant(text_version="manifest-1"), OPEN, TextOutdated),
        (grant(), RegisteredPurpose(basis="consent", text=replace(CARD, retention_days=1)), TextOutdated),
        (grant(fields=["full_name", "id_number"]), OPEN, FieldsBeyondText),
        (grant(IDENTITY), RegisteredPurpose(basis="consent", text=IDENTITY), SeparateConsentNeeded),
        (grant(HEALTH), RegisteredPurpose(basis="consent", text=HEALTH), SeparateConsentNeeded),
        (grant(fields=["id_number"]), None, SeparateConsentNeeded),
        (grant(fields=["id_number", "full_name"], separate=True), None, SeparateConsentNeeded),
    ],
)
def test_what_is_no_consent_is_refused(
    asked: GrantConsent, registered: RegisteredPurpose | None, refusal: type[SuishenError]
) -> None:
    assert type(refuse_grant(asked, registered)) is refusal


@pytest.mark.parametrize(
    ("asked", "registered"),
    [
        (grant(), OPEN),
        (grant(fields=["full_name"]), OPEN),
        (grant(IDENTITY, separate=True), RegisteredPurpose(basis="consent", text=IDENTITY)),
        (grant(HEALTH, separate=True), RegisteredPurpose(basis="consent", text=HEALTH)),
        (grant(text_version="2026-01"), None),
        (grant(fields=["id_number"], separate=True), None),
    ],
)
def test_what_is_a_consent_is_taken(asked: GrantConsent, registered: RegisteredPurpose | None) -> None:
    assert refuse_grant(asked, registered) is None


WORDS = st.builds(
    ConsentText,
    purpose=st.builds(Text, zh=st.text(max_size=20), en=st.text(max_size=20)),
    fields=st.lists(st.sampled_from(["full_name", "id_number", "phone_tail"]), max_size=3, unique=True).map(tuple),
    sensitive=st.booleans(),
    retention_days=st.integers(0, 1000),
)


@given(one=WORDS, other=WORDS)
def test_two_versions_are_the_same_only_for_the_same_words(one: ConsentText, other: ConsentText) -> None:
    same = replace(one, fields=tuple(sorted(one.fields))) == replace(other, fields=tuple(sorted(other.fields)))
    assert (one.version == other.version) == same
    assert len(one.version) == 22


@given(born=st.dates(min_value=date(1900, 1, 1), max_value=date(2100, 1, 1)))
def test_the_fourteenth_birthday_begins_at_the_midnight_of_the_city(born: date) -> None:
    begins = fourteenth_birthday(born, timedelta(hours=8)) + timedelta(hours=8)
    assert (begins.hour, begins.minute) == (0, 0)
    assert begins.year == born.year + 14
    assert (begins.month, begins.day) in {(born.month, born.day), (3, 1)}
