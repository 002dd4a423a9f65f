"""The reader's language, and the shape of a problem."""

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.errors import RateLimited, SuishenError, Unauthenticated, known_errors
from app.kit.http import language_of, problem_bytes, problem_document
from auth.mandates.errors import MandateRefused
from auth.mandates.rules import Why
from auth.registries.errors import RegistryUnavailable


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "zh"),
        ("", "zh"),
        ("en", "en"),
        ("en-GB,en;q=0.8", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en;q=0.3, zh;q=0.7", "zh"),
        ("fr", "zh"),
        ("en;q=x", "zh"),
        ("EN;q=1.0", "en"),
        ("english", "zh"),
    ],
)
def test_language_follows_the_preference(header: str | None, language: str) -> None:
    assert language_of(header) == language


@given(st.text(max_size=80))
def test_any_header_reads_as_one_of_two_languages(header: str) -> None:
    assert language_of(header) in {"zh", "en"}


def test_problem_has_the_members_of_the_rfc() -> None:
    document = problem_document(RateLimited(limit=5), "en")
    assert document["type"] == "/problems/rate-limited"
    assert document["status"] == 429
    assert document["title"] == "Too many requests"
    assert document["limit"] == 5


def test_problem_bytes_carry_retry_after_and_scheme() -> None:
    status, headers, body = problem_bytes(RateLimited(retry_after=7), "en")
    assert status == 429
    assert (b"retry-after", b"7") in headers
    assert (b"content-length", str(len(body)).encode()) in headers
    _, headers, _ = problem_bytes(Unauthenticated())
    assert (b"www-authenticate", b"Bearer") in headers
    assert (b"content-language", b"zh-CN") in headers


MADE_OF: dict[str, Callable[[], SuishenError]] = {
    "registry-unavailable": lambda: RegistryUnavailable("population", "too_slow"),
    "mandate-refused": lambda: MandateRefused(Why.ENDED),
}


@pytest.mark.parametrize("slug", sorted(known_errors()))
def test_every_error_says_what_and_what_to_do_in_both_languages(slug: str) -> None:
    error = known_errors()[slug]
    for language in ("zh", "en"):
        assert error.title.in_language(language)
        assert error.remedy.in_language(language)
    assert 400 <= error.status < 600
    made = MADE_OF[slug]() if slug in MADE_OF else error()
    assert msgspec.json.encode(problem_document(made, "zh"))
