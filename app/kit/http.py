"""How errors leave over HTTP: RFC 9457 problem documents, in the reader's language, for Litestar and for bare ASGI."""

from http import HTTPStatus
from typing import Annotated, Any, TypeAlias, TypeVar
from uuid import UUID

import msgspec
from litestar import Request, Response
from litestar.di import NamedDependency
from litestar.params import QueryParameter, SkipValidation

from app.kit.errors import SuishenError
from app.kit.metrics import REFUSALS
from app.kit.structs import Model, Text

PROBLEM_JSON = "application/problem+json"

T = TypeVar("T")

Injected: TypeAlias = NamedDependency[SkipValidation[T]]
"""How a handler names what it is given by the house instead of by the request: `connection: Injected[Connection]`."""

After: TypeAlias = Annotated[UUID | None, QueryParameter(description="The `next` of the page before")]
Limit: TypeAlias = Annotated[int, QueryParameter(ge=1, le=100, description="How many at most")]


class Problem(Model):
    """A problem document (RFC 9457), as the API reference describes it. `type` opens a page that says what to do."""

    type: str
    title: str
    status: int
    detail: str
    remedy: str


def language_of(accept_language: str | None) -> str:
    """Which of our two languages the header prefers (RFC 9110, section 12.5.4): "en", or "zh" when it says nothing."""
    weights = {"zh": 0.0, "en": 0.0}
    for part in (accept_language or "").split(","):
        tag, _, parameter = part.strip().partition(";")
        language = tag.strip().lower().partition("-")[0]
        if language in weights:
            weights[language] = max(weights[language], _quality(parameter))
    return "en" if weights["en"] > weights["zh"] else "zh"


def _quality(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return min(max(float(value), 0.0), 1.0)
    except ValueError:
        return 0.0


def problem_document(error: SuishenError, language: str, *, instance: str | None = None) -> dict[str, Any]:
    """The members of RFC 9457, section 3.1, with `remedy` and the error's own extensions."""
    detail = error.detail or error.remedy
    document: dict[str, Any] = {
        "type": f"/problems/{error.slug}",
        "title": error.title.in_language(language),
        "status": error.status,
        "detail": detail.in_language(language),
        "remedy": error.remedy.in_language(language),
    }
    if instance is not None:
        document["instance"] = instance
    return document | {
        name: value.in_language(language) if isinstance(value, Text) else value
        for name, value in error.extensions.items()
    }


def problem_headers(error: SuishenError, language: str) -> dict[str, str]:
    """The headers that go with the document."""
    headers = {"Content-Language": "en" if language == "en" else "zh-CN", "Cache-Control": "no-store"}
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if error.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = error.challenge
    return headers


def refuse(error: SuishenError, request: Request[Any, Any, Any]) -> Response[Any]:
    """The answer to a refusal that must be remembered.

    A handler *returns* it, so that the transaction commits; a raised error would roll the memory back.
    """
    language = language_of(request.headers.get("accept-language"))
    REFUSALS.add(error.slug)
    return Response(
        content=problem_document(error, language),
        status_code=error.status,
        headers=problem_headers(error, language),
        media_type=PROBLEM_JSON,
    )


def problem_bytes(
    error: SuishenError, accept_language: str | None = None, *, counted: bool = True
) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Status, raw headers and body, for code that speaks bare ASGI. Not `counted` is one that is sent later."""
    if counted:
        REFUSALS.add(error.slug)
    language = language_of(accept_language)
    body = msgspec.json.encode(problem_document(error, language))
    headers = {
        "Content-Type": PROBLEM_JSON,
        "Content-Length": str(len(body)),
        **problem_headers(error, language),
    }
    return error.status, [(name.lower().encode(), value.encode()) for name, value in headers.items()], body
